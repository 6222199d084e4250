"""Curates one delivery: reads its objects, applies the row rules chunk by chunk, writes accepted and refused rows.

Row rules look at one row only, so chunks of any size give the same result and memory stays flat.
"""

import hashlib
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from concert_assets.catalog.canonical import BY_NAME, TABLES
from concert_assets.catalog.model import Table
from concert_assets.deliveries.curated import CuratedManifest, ObjectNote, curated_prefix, write_manifest
from concert_assets.deliveries.log import DeliveredObject
from concert_assets.glue_jobs.outputs import REJECTS_SCHEMA, Outputs, Tally, accepted_schema
from concert_assets.glue_jobs.statement import curation_statement, output_columns, text_of
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets.sources.model import Notes, RawObject, UnreadableObject
from concert_assets.sources.read import GROUPED, read, read_together

CHUNK_ROWS = 250_000
Progress = Callable[[str, int], None]


class Engine(Protocol):
    """What curation asks of an engine."""

    def run(self, statement: str, relations: dict[str, pa.Table]) -> pa.Table:
        """The rows that a Spark SQL statement yields over Arrow tables."""
        ...


class ObjectAltered(Exception):
    """A raw object is not what was delivered: gone, or of other bytes than the log says."""


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

    An object that cannot be read to its end is refused as a whole, with the reason in the manifest; the others go on.
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
                for table, chunk in _chunks(store, raw_bucket, readable, notes):
                    _curate_chunk(engine, table, chunk, outputs, tally)
                    if progress is not None:
                        progress(table.name, chunk.num_rows)
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


def _curate_chunk(engine: Engine, table: Table, chunk: pa.Table, outputs: Outputs, tally: Tally) -> None:
    judged = engine.run(curation_statement(table), {f"raw_{table.name}": chunk})
    is_accepted = pc.is_null(judged["_rule"])
    accepted = judged.filter(is_accepted).select(output_columns(table))
    outputs.write("accepted", table.name, accepted.cast(accepted_schema(table)))
    refused = judged.filter(pc.invert(is_accepted))
    if refused.num_rows:
        outputs.write("rejects", "", _rejects(table, refused))
    tally.add(table, judged)


def _rejects(table: Table, refused: pa.Table) -> pa.Table:
    """Refused rows as evidence: the rule, what it found, and the row as it came."""
    texts = {column.name: text_of(column) for column in table.columns}
    kept = refused.select(["_row_text", *texts.values()]).to_pylist()
    rows = [
        json.dumps(
            {name: row[text] for name, text in texts.items() if row[text] is not None}
            if row["_row_text"] is None
            else {"_row_text": row["_row_text"]},
            ensure_ascii=False,
        )
        for row in kept
    ]
    return pa.table(
        [
            refused["_object_id"],
            refused["_row_number"],
            pa.array([table.name] * refused.num_rows, pa.string()),
            refused["_rule"],
            refused["_column"],
            refused["_value"],
            refused["_reason"],
            pa.array(rows, pa.string()),
        ],
        schema=REJECTS_SCHEMA,
    )


def _verify(item: DeliveredObject, stream: BinaryIO) -> None:
    """Raise ObjectAltered where the bytes are not those that were delivered, and go back to their beginning."""
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    if digest.hexdigest() != item.sha256:
        raise ObjectAltered(f"raw object {item.key} is not what was delivered; restore it, or deliver it again")
    stream.seek(0)


def _units(objects: Sequence[DeliveredObject]) -> list[list[DeliveredObject]]:
    """The objects by what is read at once: those of a grouped format together, every other one by itself."""
    units: dict[str | int, list[DeliveredObject]] = {}
    for position, item in enumerate(objects):
        units.setdefault(item.format if item.format in GROUPED else position, []).append(item)
    return list(units.values())


def _rows(
    store: ObjectStore, bucket: str, unit: Sequence[DeliveredObject], notes: Mapping[str, Notes]
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The raw batches of objects that are read at once, whose bytes are verified first."""
    with ExitStack() as stack:
        opened = []
        for item in unit:
            stream = stack.enter_context(stack.enter_context(store.fetch(bucket, item.key)).open("rb"))
            _verify(item, stream)
            raw = RawObject(item.object_id, item.table or None, item.format, item.key.rsplit("/", 1)[-1])
            opened.append((raw, stream))
        if unit[0].format in GROUPED:
            yield from read_together(opened, notes)
        else:
            yield from read(*opened[0], notes=notes[unit[0].object_id])


def _chunks(
    store: ObjectStore, bucket: str, objects: Sequence[DeliveredObject], notes: dict[str, ObjectNote]
) -> Iterator[tuple[Table, pa.Table]]:
    """Raw rows by table, in chunks that are large enough to be worth a statement and small enough for memory.

    Raises _LateRefusal where rows of an object that proves unreadable were already yielded.
    """
    waiting: dict[str, list[pa.RecordBatch]] = defaultdict(list)
    waiting_rows: Counter[str] = Counter()
    for unit in _units(objects):
        found = {item.object_id: Notes() for item in unit}
        is_begun = False
        before = {name: len(batches) for name, batches in waiting.items()}
        try:
            for name, batch in _rows(store, bucket, unit, found):
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
