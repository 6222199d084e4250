"""Concerts of a file that nobody delivered: read and judged like a delivery, asked about, and forgotten."""

import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from concert_assets.cli.errors import CommandFailed

if TYPE_CHECKING:
    from concert_assets.learning.model import TrainedModel
    from concert_assets.resources.redshift.protocol import Session

_RAW, _CURATED = "raw", "curated"


def planned_forecasts(
    session: "Session", model: "TrainedModel", as_of: date, name: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """Forecasts of the file's concerts, and one line for each row that has none.

    Rows are read by the readers and rules of deliveries, and set beside the published tables for the features alone.
    CommandFailed where the file cannot be read.
    """
    from concert_assets.catalog.canonical import CONCERTS, TICKET_PRICES
    from concert_assets.cli.forecasts import MODEL, check_day, scheduled_forecasts
    from concert_assets.defs.features import feature_rows_over, undone

    with tempfile.TemporaryDirectory() as folder, undone(session):
        uris, refused = _curated(Path(folder), Path(name))
        for table in (CONCERTS, TICKET_PRICES):
            _stage(session, table, uris[table.name])
        told: list[dict[str, Any]] = []
        known: dict[str, dict[str, Any]] = {}
        for row in session.query(_ASKED):
            found = dict(zip(_TOLD, row, strict=False))
            concert, (artist_id, venue_id, object_id, row_number) = found["concert_id"], row[-4:]
            found["event_date"] = found["event_date"].isoformat()
            missing = [f"artist {artist_id!r}"] if found["artist"] is None else []
            missing += [f"venue {venue_id!r}"] if found["venue"] is None else []
            reason = f"{' and '.join(missing)} not published" if missing else check_day(found, as_of)
            if not reason and found["status"] == "completed":
                reason = "it is completed; a forecast of the past is to be had by --concert"
            if not reason and concert in known:
                reason = "it stands twice in the file"
            if reason:
                refused.append(f"concert {concert!r} has no forecast: {reason}")
                # A row without a forecast is no fact for the others either, and one that stands twice would multiply.
                session.execute(
                    f"delete from {_beside(CONCERTS.name)} where _object_id = :object_id and _row_number = :row_number",
                    {"object_id": object_id, "row_number": row_number},
                )
            else:
                known[concert] = found
        if known:
            relations = {table.name: _beside(table.name) for table in (CONCERTS, TICKET_PRICES)}
            rows = feature_rows_over(session, MODEL, as_of, relations)
            said = scheduled_forecasts(model, rows[rows["concert_id"].isin(list(known))], as_of)
            told = [found | {"forecasts": said[concert]} for concert, found in known.items()]
        return told, refused


_TOLD = ("concert_id", "artist", "venue", "venue_type", "capacity", "event_date", "status", "tickets_sold")
_ASKED = (
    "select c.concert_id, a.name, v.name, v.venue_type, v.capacity, cast(c.event_date as date), c.status,"
    " c.tickets_sold, c.artist_id, c.venue_id, c._object_id, c._row_number from concert_dw.asked__file_concerts as c"
    " left join concert_dw.artists as a on c.artist_id = a.artist_id"
    " left join concert_dw.venues as v on c.venue_id = v.venue_id order by c._row_number"
)


def _beside(table: str) -> str:
    """The published rows of a table with those of the file in the place of their keys."""
    return f"concert_dw.asked__{table}"


def _curated(folder: Path, path: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Objects of accepted rows by table, and a line for each refused row."""
    import hashlib

    import pyarrow.parquet as pq

    from concert_assets.deliveries.log import DeliveredObject
    from concert_assets.glue_jobs.curation import curate_delivery
    from concert_assets.glue_jobs.engine import DuckDBEngine
    from concert_assets.resources.s3.folder import FolderObjectStore
    from concert_assets.sources.detect import HEAD_BYTES, guess_format
    from concert_assets.sources.read import SEVERAL_TABLES

    try:
        data = path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from error
    kind = guess_format(path.name, data[:HEAD_BYTES])
    if kind is None or kind in SEVERAL_TABLES:
        raise CommandFailed(f"{path} is no list of concerts; expected csv, jsonl, json, xml or parquet")
    store = FolderObjectStore(folder)
    store.write(_RAW, path.name, data)
    sha256 = hashlib.sha256(data).hexdigest()
    item = DeliveredObject("asked", path.name, "concerts", kind, len(data), sha256)
    manifest = curate_delivery(DuckDBEngine(), store, _RAW, _CURATED, "asked", "1", [item])
    for note in manifest.notes:
        if note.refused:
            raise CommandFailed(f"{path}: {note.refused}")
        for name in note.unknown_columns:
            print(f"{path}: the column {name!r} is not known, and was not looked at", file=sys.stderr)
    refused = []
    for file in manifest.rejects():
        with store.fetch(_CURATED, file.key) as local:
            for row in pq.read_table(local).to_pylist():
                refused.append(
                    f"{path}: row {row['row_number']}: {row['column_name']} {row['value']!r}: {row['reason']}"
                )
    if not any(count.rows_in for count in manifest.counts if count.table == "concerts"):
        raise CommandFailed(f"{path} holds no concert")
    uris = {
        table: [store.uri(_CURATED, f.key) for f in manifest.accepted(table)] for table in ("concerts", "ticket_prices")
    }
    return uris, refused


def _stage(session: "Session", table: Any, uris: Sequence[str]) -> None:
    """Make the file's rows as they would be published, and a table of them beside what is published."""
    from concert_assets.catalog.canonical import published_columns
    from concert_assets.warehousing.names import staged_columns

    staged, own = f"concert_dw.asked__staged_{table.name}", f"concert_dw.asked__file_{table.name}"
    session.stage(staged, staged_columns(table), uris)
    made = {column.name: f"t.{column.name}" for column in published_columns(table)}
    joins = ""
    if table.name == "concerts":
        made |= {
            "artist_id": "coalesce(ma.canonical_id, t.artist_id)",
            "venue_id": "coalesce(mv.canonical_id, t.venue_id)",
            "event_date": "case when t.event_date_basis = 'local' and v.timezone is not null"
            " then convert_timezone(v.timezone, 'UTC', t.event_date) else t.event_date end",
            "has_event_time": "t.event_date_basis <> 'date'",
            "event_timezone": "v.timezone",
        }
        joins = (
            " left join concert_dw.identity_map as ma on ma.entity = 'artist' and ma.source_id = t.artist_id"
            " left join concert_dw.identity_map as mv on mv.entity = 'venue' and mv.source_id = t.venue_id"
            " left join concert_dw.venues as v on v.venue_id = coalesce(mv.canonical_id, t.venue_id)"
        )
    listed = ", ".join(f"cast({made[c.name]} as {c.type}) as {c.name}" for c in published_columns(table))
    session.execute(f"create table {own} as select {listed} from {staged} as t{joins}")
    columns = ", ".join(f"p.{column.name}" for column in published_columns(table))
    session.execute(
        f"create table {_beside(table.name)} as select {columns} from {table.qualified} as p where not exists"
        f" (select 1 from concert_dw.asked__staged_concerts as f where f.concert_id = p.concert_id)"
        f" union all select {columns} from {own} as p"
    )
