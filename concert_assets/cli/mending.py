"""Files of rows that are not published, for a person to mend and to deliver again.

A file a table, CSV in UTF-8 with the canonical columns as the values came, and beside them columns that begin with an
underscore, which say where the row came from and what was wrong. Nothing is added to a value, also not to one that a
spreadsheet would take for a formula: what is delivered again is what stands in the file. The byte order mark lets
spreadsheets know the encoding.
"""

import csv
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.outcomes import Outcome
from concert_assets.cli.runs import delivery_log, shown
from concert_assets.deliveries.log import DeliveredObject, DeliveryLog
from concert_assets.deployment import Deployment
from concert_assets.glue_jobs.raw_objects import ObjectAltered, raw_rows, units
from concert_assets.resources.s3.protocol import ObjectNotFound
from concert_assets.sources.model import OBJECT_ID, ROW_NUMBER, ROW_TEXT, Notes, UnreadableObject

_BESIDE = ("_delivery", "_object", "_row", "_rule", "_column", "_value", "_reason")
_TEXT = "_text"
Row = Mapping[str, str | None]


def export(deployment: Deployment, outcomes: Sequence[Outcome], folder: Path) -> int:
    """Write the rows into files in ``folder``, one a table, and say how to deliver them; 1 where a row cannot be had.

    Rows that could not be taken apart stand in files of their own, with their text beside empty columns. What a later
    delivery has mended already is left out. A file's name is that of its set of rows: delivered again, mended files of
    different rows do not replace one another, and those of the same rows do.
    """
    if folder.exists() and not folder.is_dir():
        raise WrongOption(f"--export: {str(folder)!r} is a file; expected a folder")
    open_rows = [item for item in outcomes if not item.is_mended]
    if len(open_rows) < len(outcomes):
        print(f"left out {len(outcomes) - len(open_rows):,} rows that a later delivery has mended")
    if not open_rows:
        print("there is nothing to export")
        return 0
    rows, lost = _as_they_came(delivery_log(deployment), open_rows)
    files: dict[tuple[str, bool], list[Outcome]] = defaultdict(list)
    for item in open_rows:
        if item in rows:
            files[item.table, ROW_TEXT in rows[item]].append(item)
    paths = {key: folder / _name(*key, items) for key, items in files.items()}
    there = [path for path in paths.values() if path.exists()]
    if there:
        raise CommandFailed(f"{there[0]} is there already, and may hold what was mended; move it or export elsewhere")
    folder.mkdir(parents=True, exist_ok=True)
    for (table, is_malformed), items in files.items():
        path = paths[table, is_malformed]
        _write(path, table, is_malformed, [(item, rows[item]) for item in items])
        what = f"rows that could not be taken apart; fill in the columns from {_TEXT}" if is_malformed else "rows"
        print(f"{shown(path.absolute())}: {len(items):,} {what}")
    if files:
        print("mend them and deliver them again: concert-assets ingest --table TABLE FILE")
    for reason, count in lost.items():
        print(f"{count:,} rows cannot be exported: {reason}", file=sys.stderr)
    return 1 if lost else 0


def _name(table: str, is_malformed: bool, items: Sequence[Outcome]) -> str:
    digest = hashlib.sha256()
    for place in sorted((item.object_id, item.row) for item in items):
        digest.update(f"{place}\0".encode())
    return f"{table}-{'malformed' if is_malformed else items[0].outcome}-{digest.hexdigest()[:8]}.csv"


def _write(path: Path, table: str, is_malformed: bool, rows: Iterable[tuple[Outcome, Row]]) -> None:
    columns = BY_NAME[table].column_names
    with path.open("x", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow((*columns, *_BESIDE, *([_TEXT] if is_malformed else [])))
        for item, row in rows:
            beside = (item.delivery, item.object_id, item.row, item.rule, item.column, item.value, item.reason)
            text = [row[ROW_TEXT]] if is_malformed else []
            writer.writerow((*(row.get(name) for name in columns), *beside, *text))


def _as_they_came(log: DeliveryLog, outcomes: Sequence[Outcome]) -> tuple[dict[Outcome, Row], dict[str, int]]:
    """The rows, and how many cannot be had for which reason.

    What curation refused it kept; other rows are read again from the raw objects, for staging holds them as values.
    """
    rows: dict[Outcome, Row] = {}
    wanted: dict[str, dict[tuple[str, int], Outcome]] = defaultdict(dict)
    for item in outcomes:
        if item.row_json is not None:
            rows[item] = json.loads(item.row_json)
        else:
            wanted[item.object_id][item.table, item.row] = item
    lost: dict[str, int] = {}
    judged = [delivery for delivery in log.deliveries() if delivery.state in ("live", "held")]
    for delivery in judged:
        for unit in units(delivery.entry.objects):
            of_unit = {
                (item.object_id, *place): outcome
                for item in unit
                for place, outcome in wanted.pop(item.object_id, {}).items()
            }
            if of_unit:
                try:
                    rows |= _read_again(log, unit, of_unit)
                except (ObjectNotFound, ObjectAltered, UnreadableObject) as error:
                    lost[f"raw object {unit[0].key}: {error}"] = len(of_unit)
    return rows, lost


def _read_again(
    log: DeliveryLog, unit: Sequence[DeliveredObject], wanted: Mapping[tuple[str, str, int], Outcome]
) -> dict[Outcome, Row]:
    """The rows of objects that are read at once, by object, table and number."""
    numbers = pa.array(sorted({number for _, _, number in wanted}), pa.int64())
    found: dict[Outcome, Row] = {}
    for table, batch in raw_rows(log.store, log.bucket, unit, {item.object_id: Notes() for item in unit}):
        for row in batch.filter(pc.is_in(batch[ROW_NUMBER], value_set=numbers)).to_pylist():
            outcome = wanted.get((row[OBJECT_ID], table, row[ROW_NUMBER]))
            if outcome is not None:
                found[outcome] = {name: row[name] for name in BY_NAME[table].column_names}
    return found
