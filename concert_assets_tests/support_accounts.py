"""Recounts what became of every row, from raw bytes, outcomes and published tables, apart from the code under test."""

import gzip
import json
from collections import Counter, defaultdict
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from concert_assets.deliveries.log import DeliveryLog
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.s3.folder import FolderObjectStore

CANONICAL = ("artists", "venues", "concerts", "ticket_prices", "ticket_sales", "identity_aliases")
OUTCOMES = ("rejected", "duplicate", "superseded", "pending", "held")
Counts = dict[tuple[str, str], int]


def raw_rows(store: FolderObjectStore, bucket: str, key: str, kind: str) -> list[dict[str, Any]]:
    """The rows of a raw object, read by other means than the platform's; a line that is no JSON object has no columns."""
    path = store.path(bucket, key)
    if kind == "parquet":
        return list(pq.read_table(path).to_pylist())
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if kind == "csv":
        import io

        return list(
            pa_csv.read_csv(io.BytesIO(data), parse_options=pa_csv.ParseOptions(newlines_in_values=True)).to_pylist()
        )
    rows = []
    for line in data.decode().splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            rows.append({})
    return rows


def raw_counts(store: FolderObjectStore, bucket: str, key: str, kind: str, table: str) -> Counter[str]:
    """Rows that an object brings, by table."""
    rows = raw_rows(store, bucket, key, kind)
    counts = Counter({table: len(rows)})
    for row in rows if table == "concerts" else ():
        prices = row.get("ticket_prices")
        if isinstance(prices, str):
            prices = json.loads(prices) if prices else None
        if prices:
            counts["ticket_prices"] += len(prices)
    return counts


def recount(session: Session, log: DeliveryLog) -> dict[tuple[int, str, str], Counter[str]]:
    """Rows in and rows of each outcome by delivery number, object key and table; fails where they do not add up.

    The ledger must tell the same. Deliveries that were replaced or retracted must have left no row behind.
    """
    published: dict[tuple[str, str], int] = {}
    for table in CANONICAL:
        for object_id, rows in session.query(f"select _object_id, count(*) from concert_dw.{table} group by 1"):
            published[object_id, table] = rows
    others: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    seen = set()
    for object_id, table, row_number, outcome in session.query(
        "select object_id, table_name, row_number, outcome from concert_dw.row_outcomes"
    ):
        assert (object_id, table, row_number) not in seen, "a row has one outcome"
        assert outcome in OUTCOMES
        seen.add((object_id, table, row_number))
        others[object_id, table][outcome] += 1
    ledger = {
        (sequence, key, table): Counter(dict(zip(("in", "published", *OUTCOMES), counts, strict=True)))
        for sequence, key, table, *counts in session.query(
            "select sequence, object_key, table_name, rows_in, rows_published, rows_rejected, rows_duplicate, "
            "rows_superseded, rows_pending, rows_held from concert_dw.load_ledger where state in ('live', 'held')"
        )
    }
    told: dict[tuple[int, str, str], Counter[str]] = {}
    present = set()
    deliveries = log.deliveries()
    live = {item.object_id for delivery in deliveries if delivery.state == "live" for item in delivery.entry.objects}
    for delivery in deliveries:
        if delivery.state not in ("live", "held"):
            continue
        for item in delivery.entry.objects:
            if delivery.state == "held" and item.object_id in live:
                continue  # it is counted in the delivery of the name through which it is live
            for table, rows in raw_counts(log.store, log.bucket, item.key, item.format, item.table).items():  # type: ignore[arg-type]
                place = (item.object_id, table)
                present.add(place)
                counts = Counter({"in": rows, "published": published.get(place, 0), **others[place]})
                assert rows == sum(counts.values()) - rows, (item.key, table, counts)
                assert delivery.state == "live" or rows == counts["held"] + counts["rejected"], (
                    item.key,
                    table,
                    counts,
                )
                told[delivery.sequence, item.key, table] = +counts
    assert {place: +counts for place, counts in ledger.items() if counts["in"]} == {
        place: counts for place, counts in told.items() if counts["in"]
    }
    assert set(published) | {place for place, counts in others.items() if counts} <= present
    return told
