"""Plain rows: what the short statement accepts is what the full one accepts, and nothing that it refuses."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets.catalog.canonical import TABLES, TICKET_SALES
from concert_assets.glue_jobs import judging
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.glue_jobs.judging import judge
from concert_assets.glue_jobs.outputs import Tally
from concert_assets.glue_jobs.plain import plain_rows
from concert_assets.sources.model import raw_schema

ENGINE = DuckDBEngine()
PLAIN: dict[str, str | None] = {
    "sale_id": "S1",
    "concert_id": "C1",
    "customer_id": "U1",
    "ticket_tier": "early_bird",
    "quantity": "2",
    "unit_price": "11.00",
    "total_price": "22.00",
    "purchase_timestamp": "2024-04-01T12:00:00Z",
    "payment_method": "card",
    "sale_status": "completed",
    "refunded_at": None,
    "updated_at": "2024-04-01 12:00:00",
}
SPACES = [" ", "\t", "\n", "\r", "\x0b", "\x00", "\u00a0", "\u2003", "\ufeff"]
WORDS = ["", "x", "é", "e\u0301", "K\u00f6ln", "🎫", "early bird", "EARLY_BIRD", "completed", "null", "NaN", "-", "١٢"]
NUMBERS = ["0", "1", "20", "21", "007", "+2", "-2", "2.0", "1e1", "1,000", "999999999", "1234567890", "99999999999999"]
MONEY = [".50", "1.", "1.5", "01.50", "11.00", "22.000", "$11.00", "(3.00)", "1.2.3", "12345678.90", "100000.01", "1234567890123456.78"]  # fmt: skip
TIMES = [
    "2024-04-01T12:00:00Z", "2024-04-01 12:00:00Z", "2024-04-01T12:00:00", "2024-04-01 12:00:00", "2024-04-01",
    "2024-02-30T12:00:00Z", "2024-02-29T23:59:59Z", "2024-04-01T24:00:00Z", "2024-04-01T23:60:00Z",
    "2024-04-01T23:00:60Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "2024-13-01T00:00:00Z", "2024-00-10T00:00:00Z", "2024-01-00T00:00:00Z", "2024-1-01T000:00:00Z",
    "2024-04-01T12:00:00z", "2024-04-01t12:00:00Z", "2024-04-01T12:00:00+02:00", "2024-04-01T12:00:00.5Z",
    "2024-04-01T12:00:0 Z", "20240401T12:00:00ZZZ", "2024-04-01_12:00:00Z", "1711972800", "1999-12-31T23:59:59",
    "3000-01-01T00:00:00Z", "2024-04-01T29:00:00Z", "1000-01-01T00:00:00Z", "2O24-04-01T12:00:00Z",
]  # fmt: skip
VALUES = st.one_of(st.none(), st.sampled_from(WORDS + NUMBERS + MONEY + TIMES), st.text(max_size=20))
SPACED = st.tuples(st.sampled_from(["", *SPACES]), VALUES, st.sampled_from(["", *SPACES])).map(
    lambda parts: None if parts[1] is None else "".join(parts)  # type: ignore[arg-type]
)
ROWS = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(PLAIN, VALUES | SPACED)).map(lambda changed: PLAIN | changed),
    min_size=1,
    max_size=80,
)


def chunk(rows: list[dict[str, str | None]], cuts: int = 1) -> pa.Table:
    """Raw rows in batches that are slices, as a reader may yield them."""
    numbered = [row | {"_object_id": "o", "_row_number": number} for number, row in enumerate(rows, 1)]
    batch = pa.RecordBatch.from_pylist(numbered, schema=raw_schema(TICKET_SALES))
    size = -(-len(rows) // cuts)
    return pa.Table.from_batches([batch.slice(at, size) for at in range(0, len(rows), size)])


def judged(raw: pa.Table, tally: Tally) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    found = list(judge(ENGINE, [(TICKET_SALES, raw)], tally))
    return [row for _, rows, _ in found for row in rows.to_pylist()], [
        row for _, _, rows in found for row in rows.to_pylist()
    ]


def outcome(raw: pa.Table) -> tuple[list[str], list[str], Any]:
    tally = Tally()
    accepted, rejects = judged(raw, tally)
    counts = (list(tally.table_counts()), list(tally.rule_counts()))
    return sorted(map(repr, accepted)), sorted(map(repr, rejects)), counts


@settings(max_examples=10, deadline=None)
@given(rows=ROWS, cuts=st.integers(1, 3))
def test_the_short_way_ends_where_the_long_one_does(rows: list[dict[str, str | None]], cuts: int) -> None:
    raw = chunk(rows, cuts)
    short = outcome(raw)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(judging, "plain_rows", lambda *_: None)
        long = outcome(raw)
    assert short == long
    assert len(short[0]) + len(short[1]) == len(rows)


@pytest.mark.parametrize("column", PLAIN)
def test_each_hostile_value_in_each_column_ends_alike(column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = [*WORDS, *NUMBERS, *MONEY, *TIMES]
    values += [before + "x" + after for before in SPACES for after in ("", *SPACES)]
    raw = chunk([PLAIN | {column: value} for value in values], 7)
    short = outcome(raw)
    monkeypatch.setattr(judging, "plain_rows", lambda *_: None)
    assert short == outcome(raw)


def test_most_rows_take_the_short_way() -> None:
    """Else all of the above would hold of a short way that is never taken."""
    refunded = PLAIN | {"sale_status": "refunded", "refunded_at": "2024-05-01T00:00:00Z"}
    sparse = PLAIN | dict.fromkeys(("customer_id", "ticket_tier", "payment_method", "updated_at"))
    padded = PLAIN | {"sale_id": " S1"}
    found = plain_rows(TICKET_SALES, chunk([PLAIN, refunded, sparse, padded]))
    assert found is not None
    assert found.tolist() == [True, True, True, False]


def test_a_plain_row_that_breaks_a_rule_is_refused_with_its_reason() -> None:
    accepted, rejects, _ = outcome(chunk([PLAIN, PLAIN | {"quantity": "21"}, PLAIN | {"total_price": "23.00"}]))
    assert len(accepted) == 1
    assert ["'quantity_range'" in rejects[0], "'total_price_arithmetic'" in rejects[1]] == [True, True]


def test_a_refused_row_is_kept_as_itself_whatever_the_threads_do() -> None:
    """Batches are judged side by side and come back in any order."""
    rows = [PLAIN | {"sale_id": f"S{n}"} | ({"quantity": "none"} if n % 97 == 0 else {}) for n in range(1, 30_001)]
    _, rejects = judged(chunk(rows, 6), Tally())
    told = {row["row_number"]: json.loads(row["row_json"])["sale_id"] for row in rejects}
    assert told == {number: f"S{number}" for number in range(97, 30_001, 97)}


def test_what_is_left_of_many_chunks_is_judged_together_and_is_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MOST_LEFT_ROWS", 5)
    rows = [PLAIN | {"sale_id": f"S{n}"} | ({"quantity": "2 "} if n % 2 else {}) for n in range(40)]
    tally = Tally()
    raw = chunk(rows, 1)
    parts = [(TICKET_SALES, raw.slice(at, 4)) for at in range(0, 40, 4)]
    accepted = [row["sale_id"] for _, rows, _ in judge(ENGINE, parts, tally) for row in rows.to_pylist()]
    assert sorted(accepted) == sorted(row["sale_id"] for row in rows)
    assert [count.accepted for count in tally.table_counts()] == [40]


def test_only_the_large_table_has_a_short_way() -> None:
    with_one = [table.name for table in TABLES if plain_rows(table, raw_schema(table).empty_table()) is not None]
    assert with_one == ["ticket_sales"]
