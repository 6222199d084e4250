"""Manifests of curated deliveries in the processed bucket: what curation made of each, and whether it is all there.

A delivery's curated objects lie under a prefix of their own and count only once the manifest beside them exists; the
manifest is created once, so of two jobs that curate the same delivery one wins and the other's objects are ignored.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Literal

from concert_assets.resources.s3.protocol import ObjectExists, ObjectNotFound, ObjectStore

CURATED_PREFIX = "curated/"


class CuratedObjectDamaged(Exception):
    """An object that a manifest names is missing or is not of the size stated there."""


@dataclass(frozen=True, slots=True)
class CuratedFile:
    """One Parquet object: the accepted rows of a table, or the refused rows of all tables."""

    kind: Literal["accepted", "rejects"]
    table: str
    key: str
    rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableCount:
    """What became of the rows that one raw object brings to one table: rows_in = accepted + rejected."""

    object_id: str
    table: str
    rows_in: int
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a row rule refused a row, or emptied an optional value that could not be read."""

    table: str
    rule: str
    column: str
    effect: Literal["refused", "emptied"]
    rows: int


@dataclass(frozen=True, slots=True)
class ObjectNote:
    """What is to be said of a raw object as a whole: why it could not be read, unknown columns, and remarks."""

    object_id: str
    key: str
    refused: str
    unknown_columns: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CuratedManifest:
    """All that curation made of one delivery under one version of the rules."""

    content_id: str
    rules_version: str
    files: tuple[CuratedFile, ...]
    counts: tuple[TableCount, ...]
    rule_counts: tuple[RuleCount, ...]
    notes: tuple[ObjectNote, ...]

    def to_json(self) -> bytes:
        """The manifest as it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @staticmethod
    def from_json(data: bytes) -> "CuratedManifest":
        """The manifest that was stored."""
        fields = json.loads(data)
        return CuratedManifest(
            fields["content_id"],
            fields["rules_version"],
            tuple(CuratedFile(**item) for item in fields["files"]),
            tuple(TableCount(**item) for item in fields["counts"]),
            tuple(RuleCount(**item) for item in fields["rule_counts"]),
            tuple(
                ObjectNote(**item | {name: tuple(item.get(name, ())) for name in ("unknown_columns", "remarks")})
                for item in fields["notes"]
            ),
        )

    def accepted(self, table: str) -> tuple[CuratedFile, ...]:
        """The objects that hold the accepted rows of a table."""
        return tuple(item for item in self.files if item.kind == "accepted" and item.table == table)

    def rejects(self) -> tuple[CuratedFile, ...]:
        """The objects that hold the refused rows."""
        return tuple(item for item in self.files if item.kind == "rejects")


def curated_prefix(content_id: str, rules_version: str) -> str:
    """The prefix below which all objects of one curated delivery lie."""
    return f"{CURATED_PREFIX}{content_id}/{rules_version}/"


def _manifest_key(content_id: str, rules_version: str) -> str:
    return curated_prefix(content_id, rules_version) + "manifest.json"


def write_manifest(store: ObjectStore, bucket: str, manifest: CuratedManifest) -> CuratedManifest:
    """Create the manifest, or return the one of the job that was faster."""
    try:
        store.create(bucket, _manifest_key(manifest.content_id, manifest.rules_version), manifest.to_json())
    except ObjectExists:
        return CuratedManifest.from_json(store.read(bucket, _manifest_key(manifest.content_id, manifest.rules_version)))
    return manifest


def read_manifest(store: ObjectStore, bucket: str, content_id: str, rules_version: str) -> CuratedManifest | None:
    """The manifest of a curated delivery, its objects checked to be there in full; None where there is none.

    Raises CuratedObjectDamaged where an object that it names is missing or has another size.
    """
    try:
        manifest = CuratedManifest.from_json(store.read(bucket, _manifest_key(content_id, rules_version)))
    except ObjectNotFound:
        return None
    for item in manifest.files:
        info = store.head(bucket, item.key)
        if info is None or info.size_bytes != item.size_bytes:
            came = "is missing" if info is None else f"has {info.size_bytes} bytes"
            raise CuratedObjectDamaged(f"curated object {item.key} {came}, its manifest says {item.size_bytes}")
    return manifest


def older_manifest(store: ObjectStore, bucket: str, content_id: str) -> CuratedManifest | None:
    """What curation made of a delivery under other rules, for one whose raw objects are gone; None where nothing is."""
    found = None
    for info in store.list(bucket, f"{CURATED_PREFIX}{content_id}/"):
        prefix, _, name = info.key.rpartition("/")
        if name == "manifest.json":
            with suppress(CuratedObjectDamaged):  # then it is of no use, and another may be
                found = read_manifest(store, bucket, content_id, prefix.rpartition("/")[2]) or found
    return found


def is_intact(store: ObjectStore, bucket: str, manifest: CuratedManifest) -> bool:
    """Whether the bytes of every object are those that the manifest's hashes were taken of."""
    return all(hashlib.sha256(store.read(bucket, item.key)).hexdigest() == item.sha256 for item in manifest.files)


def discard_manifest(store: ObjectStore, bucket: str, content_id: str, rules_version: str) -> None:
    """Forget a curated delivery whose objects are damaged, so that it is curated anew."""
    store.delete(bucket, _manifest_key(content_id, rules_version))
