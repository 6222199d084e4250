"""Drives the core without Dagster: deliver rows, curate, stage, judge, publish, and look at what is published."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from concert_assets.catalog.canonical import TABLES
from concert_assets.deliveries.curated import CuratedManifest, read_manifest
from concert_assets.deliveries.log import DeliveredObject, Delivery, DeliveryLog, Entry, object_id
from concert_assets.glue_jobs.curation import curate_delivery
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.warehousing.audit import Verdict
from concert_assets.warehousing.publish import Publication, judge, publish
from concert_assets.warehousing.staging import curated_state, stage

RAW, PROCESSED, RULES = "raw", "processed", "rules-1"
Row = Mapping[str, Any]
PUBLISHED = (*(table.name for table in TABLES), "row_outcomes", "load_ledger", "identity_map")


def as_jsonl(rows: Iterable[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


class Core:
    """A home driven by hand. ``home`` may be shared by several of these, as it is by processes."""

    def __init__(self, home: Path, engine: DuckDBEngine | None = None) -> None:
        self.home = home
        self.store = FolderObjectStore(home / "objects")
        self.log = DeliveryLog(self.store, RAW)
        self.engine = engine or DuckDBEngine()
        self.warehouse = DuckDBWarehouse(home, wait_seconds=60)
        self.code_version = "code-1"
        self.rules = RULES

    def put(self, delivery: str, table: str, data: bytes, kind: str = "jsonl", name: str = "") -> DeliveredObject:
        """Store bytes as an object of a delivery that is yet to be logged."""
        sha256 = hashlib.sha256(data).hexdigest()
        name = name or f"{table}.{kind}"
        key = f"deliveries/{delivery}/{sha256[:16]}/{name}"
        self.store.write(RAW, key, data)
        return DeliveredObject(object_id(delivery, name, sha256), key, table, kind, len(data), sha256)

    def deliver(self, delivery: str, **tables: Iterable[Row] | bytes) -> Entry:
        """Deliver rows, or bytes as they are, by table."""
        objects = [
            self.put(delivery, table, rows if isinstance(rows, bytes) else as_jsonl(rows))
            for table, rows in tables.items()
        ]
        return self.log.deliver(delivery, objects, source="test")[0]

    def manifest(self, content_id: str) -> CuratedManifest | None:
        return read_manifest(self.store, PROCESSED, content_id, self.rules)

    def curate(self, *sequences: int) -> None:
        """Curate what is not curated yet, only the deliveries of these numbers where some are given."""
        for delivery in self.log.deliveries():
            is_asked = not sequences or delivery.sequence in sequences
            if is_asked and delivery.state != "retracted" and self.manifest(delivery.entry.content_id) is None:
                self.curate_one(delivery.entry)

    def curate_one(self, entry: Entry) -> CuratedManifest:
        return curate_delivery(self.engine, self.store, RAW, PROCESSED, entry.content_id, self.rules, entry.objects)

    def stage(self, session: Session, entries: Sequence[Entry] | None = None) -> None:
        state = curated_state(self.log.entries() if entries is None else entries, self.manifest, self.code_version)
        stage(session, state, lambda key: self.store.uri(PROCESSED, key))

    def process(self, run_id: str = "run", *, must_pass: bool = True) -> tuple[Verdict, Publication | None]:
        """What a run does from the log on: curate, stage, judge, hold what is at fault, publish what passes."""
        self.curate()
        with self.warehouse.session() as session:
            self.stage(session)
            verdict = judge(session, run_id)
            made = publish(session, run_id) if verdict.is_passed else None
        for delivery in self.log.deliveries():
            reason = verdict.holds.get(delivery.sequence)
            if reason is not None and delivery.state == "live" and not delivery.is_released:
                self.log.judge(delivery, "hold", reason)
        assert verdict.is_passed or not must_pass, verdict.blocking
        return verdict, made

    def settle(self) -> None:
        """Process until the audit passes: each failure holds a delivery and the next run goes on without it."""
        while not self.process(must_pass=False)[0].is_passed:
            pass

    def delivery(self, name: str) -> Delivery:
        """The newest of that name, whatever its state."""
        return [item for item in self.log.deliveries() if item.name == name][-1]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.warehouse.session() as session:
            return session.query(sql)

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Rows of a published table, sorted."""
        return sorted(self.query(f"select {', '.join(columns)} from concert_dw.{table}"), key=repr)

    def keys(self, table: str) -> list[Any]:
        """The first column of each published row, sorted."""
        return [row[0] for row in self.query(f"select {_key(table)} from concert_dw.{table} order by 1")]

    def outcomes(self, table: str) -> dict[tuple[str, int], tuple[str, str]]:
        """Outcome and rule of the rows that are not published, by delivery and row number."""
        return {
            (delivery, row): (outcome, rule)
            for delivery, row, outcome, rule in self.query(
                "select l.delivery, x.row_number, x.outcome, x.rule from concert_dw.row_outcomes as x inner join "
                "concert_dw.load_ledger as l on l.object_id = x.object_id and l.table_name = x.table_name "
                f"and l.state in ('live', 'held') where x.table_name = '{table}'"
            )
        }


def _key(table: str) -> str:
    return next(item.key[0] for item in TABLES if item.name == table)


def table_hashes(session: Session, tables: Sequence[str] = PUBLISHED) -> dict[str, str]:
    """A hash of the rows of each published table, whatever their order."""
    hashes = {}
    for table in tables:
        rows = sorted(repr(row) for row in session.query(f"select * from concert_dw.{table}"))
        hashes[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return hashes


def published_hashes(core: Core, tables: Sequence[str] = PUBLISHED) -> dict[str, str]:
    with core.warehouse.session() as session:
        return table_hashes(session, tables)


ARTIST = {"artist_id": "a1", "name": "Ada", "popularity_score": 50}
VENUE = {"venue_id": "v1", "name": "Hall", "venue_type": "hall", "capacity": 10, "timezone": "America/New_York"}
CONCERT = {
    "concert_id": "c1",
    "artist_id": "a1",
    "venue_id": "v1",
    "event_date": "2024-05-01T20:00:00Z",
    "on_sale_date": "2024-02-01",
    "status": "completed",
    "tickets_sold": 8,
    "total_attendance": 7,
    "revenue": "88.00",
    "ticket_prices": {"general": 11},
}
SALE = {
    "sale_id": "s1",
    "concert_id": "c1",
    "customer_id": "u1",
    "ticket_tier": "general",
    "quantity": 2,
    "unit_price": "11.00",
    "total_price": "22.00",
    "purchase_timestamp": "2024-04-01T12:00:00Z",
    "sale_status": "completed",
}
CLEAN = {"artists": [ARTIST], "venues": [VENUE], "concerts": [CONCERT], "ticket_sales": [SALE]}


def another(artist_id: str, **changes: Any) -> dict[str, Any]:
    """An artist of that id, with a name of its own: it is not merged with any other."""
    return ARTIST | {"artist_id": artist_id, "name": f"Artist {artist_id}"} | changes


def artists(good: int, bad: int, prefix: str = "x") -> list[dict[str, Any]]:
    """Artists as they should be, then artists whose score no rule lets pass."""
    rows = [another(f"{prefix}{number}") for number in range(good)]
    return rows + [another(f"{prefix}-bad{number}", popularity_score=101) for number in range(bad)]


def broken(verdict: Verdict) -> set[tuple[str, str]]:
    """The rules that block, by table."""
    return {(result.table, result.rule) for result in verdict.blocking}
