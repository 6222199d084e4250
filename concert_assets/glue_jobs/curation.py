"""Curates one delivery: reads its objects, applies the row rules chunk by chunk, writes accepted and refused rows.

Row rules look at one row only, so chunks of any size give the same result and memory stays flat.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pyarrow as pa

from concert_assets.catalog.canonical import BY_NAME, TABLES
from concert_assets.catalog.model import Table
from concert_assets.deliveries.curated import CuratedManifest, ObjectNote, curated_prefix, write_manifest
from concert_assets.deliveries.log import DeliveredObject
from concert_assets.glue_jobs.judging import Engine, judge
from concert_assets.glue_jobs.outputs import Outputs, Tally
from concert_assets.glue_jobs.raw_objects import raw_rows, units
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets.sources.model import Notes, UnreadableObject

CHUNK_ROWS = 250_000
Progress = Callable[[str, int], None]


class _LateRefusal(Exception):
    """An object proved unreadable after some of its rows had been handed on; so did those read together with it."""

    def __init__(self, notes: Sequence[ObjectNote]) -> None:
        super().__init__(notes[0].refused)
        self.notes = notes


def curate_delivery(
    engine: Engine,
    store: ObjectStore,
    raw_bucket: str,
    processed_bucket: str,
    content_id: str,
    rules_version: str,
    objects: Sequence[DeliveredObject],
    progress: Progress | None = None,
) -> CuratedManifest:
    """Curate one delivery and return its manifest, which is written last.

    An object that cannot be read to its end, or whose dates contradict how they would be read, is refused as a whole,
    with the reason in the manifest; the others go on.
    """
    refused: dict[str, ObjectNote] = {}
    while True:
        prefix = f"{curated_prefix(content_id, rules_version)}{uuid.uuid4().hex}/"
        notes = dict(refused)
        tally = Tally()
        try:
            with ExitStack() as stack:
                outputs = Outputs(stack, store, processed_bucket, prefix)
                readable = [item for item in objects if item.object_id not in refused]
                # The writer has ended before the stack closes what it writes to.
                with ThreadPoolExecutor(max_workers=1) as writer:
                    written: Future[None] | None = None
                    chunks = _ahead(_chunks(store, raw_bucket, readable, notes))
                    for table, accepted, rejects in judge(engine, chunks, tally):
                        if written is not None:
                            written.result()
                        written = writer.submit(outputs.write, table, accepted, rejects)
                        if progress is not None:
                            progress(table.name, accepted.num_rows + rejects.num_rows)
                    if written is not None:
                        written.result()
                _refuse_day_first(readable, tally)
                outputs.finish()
            break
        except _LateRefusal as late:
            refused |= {note.object_id: note for note in late.notes}
    for item in objects:
        # An object of no rows still has a line, so that the ledger tells of it.
        if item.table and not (item.object_id in notes and notes[item.object_id].refused):
            tally.expect(item.object_id, item.table)
    return write_manifest(
        store,
        processed_bucket,
        CuratedManifest(
            content_id,
            rules_version,
            tuple(outputs.files),
            tuple(tally.table_counts()),
            tuple(tally.rule_counts()),
            tuple(notes[key] for key in sorted(notes)),
        ),
    )


def _refuse_day_first(objects: Sequence[DeliveredObject], tally: Tally) -> None:
    """Raise _LateRefusal where the dates with slashes of objects are of two minds; only all rows can tell."""
    found = tally.slash_dates.refusals()
    refusals = []
    for unit in units(objects):
        reason = next((found[item.object_id] for item in unit if item.object_id in found), None)
        if reason is not None:
            refusals += [ObjectNote(item.object_id, item.key, reason) for item in unit]
    if refusals:
        raise _LateRefusal(refusals)


def _ahead(chunks: Iterator[tuple[Table, pa.Table]]) -> Iterator[tuple[Table, pa.Table]]:
    """The same chunks, each read in a thread while the one before it is judged."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = reader.submit(next, chunks, None)
            yield chunk


def _chunks(
    store: ObjectStore, bucket: str, objects: Sequence[DeliveredObject], notes: dict[str, ObjectNote]
) -> Iterator[tuple[Table, pa.Table]]:
    """Raw rows by table, in chunks that are large enough to be worth a statement and small enough for memory.

    Raises _LateRefusal where rows of an object that proves unreadable were already yielded.
    """
    waiting: dict[str, list[pa.RecordBatch]] = defaultdict(list)
    waiting_rows: Counter[str] = Counter()
    for unit in units(objects):
        found = {item.object_id: Notes() for item in unit}
        is_begun = False
        before = {name: len(batches) for name, batches in waiting.items()}
        try:
            for name, batch in raw_rows(store, bucket, unit, found):
                waiting[name].append(batch)
                waiting_rows[name] += batch.num_rows
                if waiting_rows[name] >= CHUNK_ROWS:
                    yield BY_NAME[name], pa.Table.from_batches(waiting.pop(name))
                    del waiting_rows[name]
                    is_begun = True
        except UnreadableObject as error:
            refusals = [ObjectNote(item.object_id, item.key, str(error)) for item in unit]
            notes.update((note.object_id, note) for note in refusals)
            if is_begun:
                raise _LateRefusal(refusals) from error
            for name, batches in waiting.items():
                del batches[before.get(name, 0) :]
                waiting_rows[name] = sum(batch.num_rows for batch in batches)
            continue
        for item in unit:
            columns, remarks = found[item.object_id].unknown_columns, tuple(found[item.object_id].remarks)
            unknown = tuple(f"{table}.{name}" for table, names in columns.items() for name in names)
            if unknown or remarks:
                notes[item.object_id] = ObjectNote(item.object_id, item.key, "", unknown, remarks)
    for table in TABLES:
        if waiting.get(table.name):
            yield table, pa.Table.from_batches(waiting.pop(table.name))
