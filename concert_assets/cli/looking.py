"""Where a customer stands in what was delivered: rows, text that was not taken apart, what is left of lost objects."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.cli.traces import curated_holds, object_mentions
from concert_assets.deliveries.curated import CURATED_PREFIX
from concert_assets.deliveries.erasure import Person
from concert_assets.deliveries.log import RAW_ROWS, DeliveredObject, DeliveryLog, Entry, settle
from concert_assets.deployment import Deployment
from concert_assets.glue_jobs.raw_objects import ObjectAltered, raw_rows, units
from concert_assets.resources.s3.protocol import ObjectNotFound
from concert_assets.sources.model import Notes, UnreadableObject


@dataclass
class Found:
    """What holds the person: objects by what is read at once, and deliveries whose objects cannot be read any more.

    Of these, ``gone`` are retracted and need nothing but to be deleted; ``lost`` are not, and stop everything. Some
    hits are of files that cannot be unpacked to look; ``is_sure`` says that not all are. ``alike`` are the keys of
    objects that hold text, not taken apart, in which stands an id that cannot be told from other words and numbers.
    """

    units: list[list[DeliveredObject]] = field(default_factory=list)
    deliveries: set[str] = field(default_factory=set)
    rows: int = 0
    lost: list[Entry] = field(default_factory=list)
    gone: list[Entry] = field(default_factory=list)
    is_sure: bool = False
    alike: set[str] = field(default_factory=set)


def look(deployment: Deployment, log: DeliveryLog, person: Person, seen: dict[tuple[str, ...], int]) -> Found:
    """The objects that hold the person, of deliveries of whatever state and of sightings.

    ``seen`` tells up to which entry the objects of a place were looked at before: a later one may name it anew.
    """
    found = Found()
    entries = log.entries()
    retracted = {item.sequence for item in settle(entries) if item.state == "retracted"}
    for entry in entries:
        if entry.kind not in ("delivery", "sighting"):
            continue
        for unit in units(entry.objects):
            place = tuple(part for item in unit for part in (item.key, item.table, item.format))
            if seen.get(place, 0) >= entry.sequence:
                continue
            try:
                rows, is_sure = _rows_of(log, unit, person, found.alike)
            except (ObjectNotFound, ObjectAltered):
                # The copy of a sighting is needed by nothing: its delivery is looked at by itself.
                if entry.kind == "delivery" and _is_there(deployment, log, entry, unit, person, found.alike):
                    (found.gone if entry.sequence in retracted else found.lost).append(entry)
                    found.is_sure = True
                continue
            seen[place] = entries[-1].sequence
            if rows is not None:
                found.units.append(unit)
                found.deliveries.add(entry.delivery)
                found.rows += rows
                found.is_sure |= is_sure
    return found


def _rows_of(
    log: DeliveryLog, unit: Sequence[DeliveredObject], person: Person, alike: set[str]
) -> tuple[int | None, bool]:
    """How many rows hold the person, None where nothing does that could be rewritten, and whether that is sure.

    What was not taken over into rows is looked through too. There a distinctive id alone counts; of any other, the keys
    of the objects are added to ``alike``.
    """
    notes = {item.object_id: Notes() for item in unit}
    rows = 0
    try:
        for table, batch in raw_rows(log.store, log.bucket, unit, notes):
            rows += person.erased(BY_NAME[table], batch)[1]
            if not person.is_distinctive and person.is_in_text_of(batch):
                alike |= {item.key for item in unit}
        has_more = any(note.unknown_columns for note in notes.values())
    except UnreadableObject:
        has_more = True
    mentions = [item for item in unit if has_more and _mentions(log, item, person) is not False]
    if not person.is_distinctive:
        alike |= {item.key for item in mentions}
        return rows or None, rows > 0
    is_sure = rows > 0 or any(_mentions(log, item, person) for item in mentions)
    return (rows if rows or mentions else None), is_sure


def _mentions(log: DeliveryLog, item: DeliveredObject, person: Person) -> bool | None:
    if item.format == RAW_ROWS:
        return False  # nothing but rows is left of it
    try:
        with log.store.fetch(log.bucket, item.key) as path:
            return object_mentions(path, person)
    except ObjectNotFound:
        return False


def _is_there(
    deployment: Deployment,
    log: DeliveryLog,
    entry: Entry,
    unit: Sequence[DeliveredObject],
    person: Person,
    alike: set[str],
) -> bool:
    """Whether what is left of a delivery whose raw objects are gone or altered holds the person."""
    for info in log.store.list(deployment.processed_bucket, f"{CURATED_PREFIX}{entry.content_id}/"):
        with log.store.fetch(deployment.processed_bucket, info.key) as path:
            if curated_holds(path, person) or (person.is_distinctive and object_mentions(path, person) is not False):
                return True
    mentions = {item.key for item in unit if _mentions(log, item, person) is not False}
    if person.is_distinctive:
        return bool(mentions)
    alike |= mentions
    return False
