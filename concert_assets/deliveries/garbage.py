"""Objects that nothing refers to: copies that no entry of the log names, curated objects that no manifest in use names.

Only what has been so for a while is garbage, for a process that writes at this moment names its objects last.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from concert_assets.deliveries.curated import (
    CURATED_PREFIX,
    CuratedManifest,
    CuratedObjectDamaged,
    curated_prefix,
    read_manifest,
)
from concert_assets.deliveries.erasure import named_keys
from concert_assets.deliveries.log import DELIVERY_PREFIX, Entry, settle
from concert_assets.resources.s3.protocol import ObjectInfo, ObjectNotFound, ObjectStore

_MANIFEST = "manifest.json"
_UNNAMED = "no entry of the log names it"
_UNNEEDED = "no delivery needs it"


@dataclass(frozen=True, slots=True)
class Garbage:
    """One object that may go, and why."""

    bucket: str
    info: ObjectInfo
    reason: str


def raw_garbage(
    store: ObjectStore, bucket: str, entries: Callable[[], Sequence[Entry]], before: float
) -> Iterator[Garbage]:
    """Copies of delivered files that no entry of the log names, unchanged since ``before`` (seconds since 1970)."""
    infos = list(store.list(bucket, DELIVERY_PREFIX))
    named = named_keys(entries())  # read after the listing, so that it names all that was complete then
    for info in infos:
        if info.key not in named and info.changed_at < before:
            yield Garbage(bucket, info, _UNNAMED)


def curated_garbage(
    store: ObjectStore,
    bucket: str,
    entries: Sequence[Entry],
    rules_version: str,
    before: float,
    *,
    is_caught_up: bool,
) -> Iterator[Garbage]:
    """Curated objects that no manifest in use names, unchanged since ``before`` (seconds since 1970).

    What a manifest names goes only where the warehouse has caught up with log and rules, so that nothing staged refers
    to it: manifests of deliveries retracted before ``before``, or that the log does not know, and those under other
    rules where there is one under ``rules_version`` since then. A manifest comes before the objects that it names, so
    that it is never trusted without them.
    """
    by_place: dict[tuple[str, str], list[ObjectInfo]] = defaultdict(list)
    for info in store.list(bucket, CURATED_PREFIX):
        content_id, _, rest = info.key.removeprefix(CURATED_PREFIX).partition("/")
        by_place[content_id, rest.partition("/")[0]].append(info)
    needed = _needed(entries, before)
    for (content_id, rules), infos in by_place.items():
        manifest = next((info for info in infos if info.key == curated_prefix(content_id, rules) + _MANIFEST), None)
        reason = ""
        if is_caught_up and manifest is not None and manifest.changed_at < before:
            if content_id not in needed:
                reason = _UNNEEDED
            elif rules != rules_version and _is_curated(store, bucket, content_id, rules_version, before):
                reason = "it is curated anew under other rules"
        named = set() if manifest is None or reason else _named(store, bucket, manifest)
        if named is None:
            continue  # a manifest that cannot be read is for rebuild to look at
        for info in sorted(infos, key=lambda info: info is not manifest):
            if info.changed_at < before and (reason or info.key not in {*named, manifest and manifest.key}):
                yield Garbage(bucket, info, reason or "no manifest names it")


def drop(store: ObjectStore, garbage: Garbage, entries: Callable[[], Sequence[Entry]], before: float) -> bool:
    """Delete it unless it was written anew, or came into use, since it was listed; whether it was deleted."""
    key = garbage.info.key
    if garbage.reason == _UNNAMED and key in named_keys(entries()):
        return False
    if garbage.reason == _UNNEEDED and key.split("/")[1] in _needed(entries(), before):
        return False
    info = store.head(garbage.bucket, key)
    if info is None or info.version != garbage.info.version:
        return False
    store.delete(garbage.bucket, key)
    return True


def _needed(entries: Sequence[Entry], before: float) -> set[str]:
    """What the warehouse is made of, and was before ``before``: a run that began then may still be at it."""
    settled = [
        entry
        for entry in entries
        if entry.kind != "retraction" or datetime.fromisoformat(entry.recorded_at).timestamp() < before
    ]
    return {delivery.entry.content_id for delivery in settle(settled) if delivery.state != "retracted"}


def _is_curated(store: ObjectStore, bucket: str, content_id: str, rules_version: str, before: float) -> bool:
    info = store.head(bucket, curated_prefix(content_id, rules_version) + _MANIFEST)
    if info is None or info.changed_at >= before:
        return False
    with suppress(CuratedObjectDamaged):
        return read_manifest(store, bucket, content_id, rules_version) is not None
    return False


def _named(store: ObjectStore, bucket: str, manifest: ObjectInfo) -> set[str] | None:
    """The keys that a manifest names; None where it cannot be read."""
    try:
        return {item.key for item in CuratedManifest.from_json(store.read(bucket, manifest.key)).files}
    except (ObjectNotFound, ValueError, KeyError, TypeError):
        return None
