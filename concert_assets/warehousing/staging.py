"""Staging: every accepted row of every live delivery, and what the log and the manifests say of them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from concert_assets.catalog.canonical import TABLES
from concert_assets.deliveries.curated import CuratedManifest
from concert_assets.deliveries.log import Delivery, Entry, position_of, settle
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.names import (
    REJECTS_COLUMNS,
    SCHEMA,
    STAGED_COUNTS,
    STAGED_OBJECTS,
    STAGED_POSITION,
    STAGED_REJECTS,
    STAGED_RULES,
    STAGING,
    STAGING_TABLES,
    create_table,
    held,
    staged,
    staged_columns,
)

ManifestOf = Callable[[str], CuratedManifest | None]


@dataclass(frozen=True, slots=True)
class Staged:
    """What staging reflects: the log up to ``position``, and a hash of all that resolve depends on.

    Sightings that follow count for nothing, so that they bring about no publication.
    """

    position: int
    fingerprint: str
    deliveries: tuple[Delivery, ...]
    manifests: dict[str, CuratedManifest]


def needs_curation(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries whose curated rows the warehouse depends on. A retracted one is never read again."""
    return [delivery for delivery in deliveries if delivery.state != "retracted"]


def curated_state(entries: Sequence[Entry], manifest_of: ManifestOf, code_version: str) -> Staged:
    """The longest beginning of the log of which every delivery is curated.

    A delivery that was logged after this run's curation waits for the next run, and all that was logged after it too:
    what is published is always a state that the log went through.
    """
    manifests: dict[str, CuratedManifest] = {}
    position = len(entries)
    while True:
        deliveries = settle(entries[:position])
        missing = []
        for delivery in deliveries:
            content_id = delivery.entry.content_id
            if delivery.state == "retracted":
                continue  # whether it was curated before it was taken back must make no difference
            manifest = manifests.get(content_id) or manifest_of(content_id)
            if manifest is not None:
                manifests[content_id] = manifest
            elif delivery.state == "live":
                missing.append(delivery.sequence)
        if not missing:
            break
        position = min(missing) - 1
    position = position_of(entries[:position])
    digest = hashlib.sha256(f"{code_version}\0{position}".encode())
    for delivery in deliveries:
        manifest = None if delivery.state == "retracted" else manifests.get(delivery.entry.content_id)
        version = manifest.rules_version if manifest else ""
        digest.update(
            f"\0{delivery.sequence}\0{delivery.entry.content_id}\0{delivery.state}\0{delivery.is_released}\0{version}".encode()
        )
    return Staged(position, digest.hexdigest()[:32], tuple(deliveries), manifests)


def stage(session: Session, state: Staged, uri_of: Callable[[str], str]) -> None:
    """Make the staging schema reflect ``state``, all of it or nothing.

    ``uri_of`` tells where the curated object of a key lies.
    """
    with session.transaction():
        session.execute(f"create schema if not exists {SCHEMA}")
        session.execute(f"create schema if not exists {STAGING}")
        live = [d for d in state.deliveries if d.state == "live"]
        live_objects = {item.object_id: d.sequence for d in live for item in d.entry.objects}
        stopped = [d for d in state.deliveries if d.state == "held"]
        for table in TABLES:
            session.stage(staged(table), staged_columns(table), _uris(state, live, table.name, uri_of))
            origin = {"_object_id": "varchar(32)", "_row_number": "bigint"}
            session.stage(held(table), origin, _uris(state, stopped, table.name, uri_of))
        session.stage(STAGED_REJECTS, REJECTS_COLUMNS, _uris(state, [*live, *stopped], "", uri_of))
        rows: dict[str, list[Sequence[Any]]] = {
            STAGED_OBJECTS: [
                row for delivery in state.deliveries for row in _object_rows(state, delivery, live_objects)
            ],
            STAGED_COUNTS: [row for delivery in state.deliveries for row in _count_rows(state, delivery)],
            STAGED_RULES: [
                (delivery.sequence, count.table, count.rule, count.column, count.effect, count.rows)
                for delivery in live
                for count in state.manifests[delivery.entry.content_id].rule_counts
            ],
            STAGED_POSITION: [(state.position, state.fingerprint)],
        }
        for name, columns in STAGING_TABLES.items():
            session.execute(f"drop table if exists {name}")
            session.execute(create_table(name, columns))
            session.insert_rows(name, list(columns), rows[name])


def staged_position(session: Session) -> tuple[int, str] | None:
    """The position and fingerprint that staging reflects; None where nothing was staged yet."""
    if not session.table_exists(STAGED_POSITION):
        return None
    ((position, fingerprint),) = session.query(f"select position, fingerprint from {STAGED_POSITION}")
    return position, fingerprint


def _uris(state: Staged, deliveries: Sequence[Delivery], table: str, uri_of: Callable[[str], str]) -> list[str]:
    found = []
    for delivery in deliveries:
        manifest = state.manifests.get(delivery.entry.content_id)
        if manifest is not None:  # a delivery may be held because it cannot be curated
            files = manifest.accepted(table) if table else manifest.rejects()
            found += [uri_of(item.key) for item in files]
    return found


def _count_rows(state: Staged, delivery: Delivery) -> list[Sequence[Any]]:
    """What curation counted of each object and table, beside what the deliverer had stated."""
    manifest = state.manifests.get(delivery.entry.content_id)
    if delivery.state == "retracted" or manifest is None:
        return [
            (item.object_id, delivery.sequence, table, rows, 0, rows)
            for item in delivery.entry.objects
            for table, rows in sorted((item.rows or {}).items())
            if delivery.state == "retracted"
        ]
    told = [(item.object_id, item.rows or {}) for item in delivery.entry.objects]
    stated = {(object_id, table): rows for object_id, by_table in told for table, rows in by_table.items()}
    refused = {note.object_id for note in manifest.notes if note.refused}
    counted = {(count.object_id, count.table): (count.rows_in, count.rejected) for count in manifest.counts}
    expected = {key for key in stated if key[0] not in refused}
    return [
        (object_id, delivery.sequence, table, *counted.get((object_id, table), (0, 0)), stated.get((object_id, table)))
        for object_id, table in sorted({*counted, *expected})
    ]


def _object_rows(state: Staged, delivery: Delivery, live_objects: Mapping[str, int]) -> list[Sequence[Any]]:
    manifest = None if delivery.state == "retracted" else state.manifests.get(delivery.entry.content_id)
    notes = {note.object_id: note for note in manifest.notes} if manifest else {}
    delivered_at = datetime.fromisoformat(delivery.entry.recorded_at).replace(tzinfo=None)
    # A generated world has a today of its own. Two days more than a real one leave room for every time zone.
    as_of = (delivery.entry.settings or {}).get("as_of")
    data_end = datetime.fromisoformat(as_of) if as_of else delivered_at + timedelta(days=2)
    rows: list[Sequence[Any]] = []
    for item in delivery.entry.objects:
        note = notes.get(item.object_id)
        texts = [delivery.reason]
        state_of_object = delivery.state
        if note is not None:
            texts += [
                note.refused,
                f"unknown columns: {', '.join(note.unknown_columns)}" if note.unknown_columns else "",
                *note.remarks,
            ]
        if note is not None and note.refused and delivery.state == "live":
            state_of_object = "refused"  # type: ignore[assignment]
        elif delivery.state == "held" and item.object_id in live_objects:
            # The same bytes stand in an earlier delivery of the name, and there their rows are live.
            state_of_object = "replaced"
            texts.append(f"the same object is live through delivery number {live_objects[item.object_id]}")
        rows.append(
            (
                item.object_id,
                delivery.name,
                delivery.sequence,
                state_of_object,
                delivery.is_released,
                item.table,
                item.key,
                item.version,
                item.sha256,
                item.size_bytes,
                delivered_at,
                data_end,
                "; ".join(text for text in texts if text)[:4000],
            )
        )
    return rows
