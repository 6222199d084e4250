"""How curation reads each type: hostile texts, each with the one value it may become or none at all."""

from datetime import UTC as UTC_ZONE
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets.catalog.canonical import BY_NAME, LOCAL_TIMESTAMPS
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.glue_jobs.statement import curation_statement
from concert_assets.sources.model import raw_schema
from concert_assets_tests.support_spellings import INSTANTS, NO_INSTANTS, READINGS, SCORES

ENGINE = DuckDBEngine()


def judged(table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the statement makes of rows given as texts by column."""
    schema = raw_schema(BY_NAME[table])
    origin = [{"_object_id": "o", "_row_number": number} for number, _ in enumerate(rows, start=1)]
    chunk = pa.Table.from_pylist([own | row for own, row in zip(origin, rows, strict=True)], schema=schema)
    return ENGINE.run(curation_statement(BY_NAME[table]), {f"raw_{table}": chunk}).to_pylist()


def values(table: str, column: str, texts: list[str | None]) -> list[Any]:
    return [row[column] for row in judged(table, [{column: text} for text in texts])]


@pytest.mark.parametrize(
    ("table", "column", "readings"),
    READINGS,
)
def test_a_text_is_read_as_one_value_or_none(table: str, column: str, readings: dict[str, Any]) -> None:
    found = dict(zip(readings, values(table, column, list(readings)), strict=True))
    assert found == readings
    assert [type(value) for value in found.values()] == [type(value) for value in readings.values()]


def test_a_score_has_two_decimals_and_three_places_before() -> None:
    found = values("artists", "popularity_score", list(SCORES))
    assert found == [None if text is None else Decimal(text) for text in SCORES.values()]


@pytest.mark.parametrize(
    ("table", "column"),
    [("concerts", "event_date"), ("ticket_sales", "purchase_timestamp"), ("ticket_sales", "refunded_at")],
)
def test_an_instant_is_read_with_the_basis_it_is_told_in(table: str, column: str) -> None:
    rows = judged(table, [{column: text} for text in INSTANTS])
    found = {text: (row[column], row[f"{column}_basis"]) for text, row in zip(INSTANTS, rows, strict=True)}
    assert found == INSTANTS
    assert values(table, column, list(NO_INSTANTS)) == [None] * len(NO_INSTANTS)


def test_every_column_that_may_be_local_has_its_basis() -> None:
    for table in BY_NAME.values():
        (row,) = judged(table.name, [{}])
        named = {name for name in row if name.endswith("_basis")}
        assert named == {f"{column.name}_basis" for column in table.columns if column.name in LOCAL_TIMESTAMPS}


# Many texts an example, for a statement costs more than its rows.
HOSTILE = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=24) | st.from_regex(
    r"[0-9+\-.:TZe ]{1,22}", fullmatch=True
)


@settings(max_examples=6, deadline=None)
@given(texts=st.lists(HOSTILE, min_size=30, max_size=60))
def test_no_text_breaks_the_statement(texts: list[str]) -> None:
    """Whatever stands in a column, each row comes back as one row, in order, and its values are Python's."""
    for table in BY_NAME.values():
        found = judged(table.name, [dict.fromkeys(table.column_names, text) for text in texts])
        assert [row["_row_number"] for row in found] == list(range(1, len(texts) + 1))


@settings(max_examples=6, deadline=None)
@given(
    cases=st.lists(
        st.tuples(st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)), st.integers(-12 * 60, 14 * 60)),
        min_size=30,
        max_size=60,
    )
)
def test_an_offset_is_taken_off(cases: list[tuple[datetime, int]]) -> None:
    aware = [instant.replace(tzinfo=timezone(timedelta(minutes=minutes))) for instant, minutes in cases]
    texts: list[str | None] = [instant.isoformat(timespec="microseconds") for instant in aware]
    assert values("concerts", "event_date", texts) == [item.astimezone(UTC_ZONE).replace(tzinfo=None) for item in aware]


SOUND_SALE = {
    "sale_id": "s", "concert_id": "c", "ticket_tier": "vip", "quantity": "2", "unit_price": "10", "total_price": "20",
    "purchase_timestamp": "2024-05-01T20:00:00Z", "sale_status": "refunded", "refunded_at": "2024-05-02",
}  # fmt: skip
SOUND_CONCERT = {
    "concert_id": "c", "artist_id": "a", "venue_id": "v", "event_date": "2024-05-01T20:00:00Z", "status": "completed",
    "tickets_sold": "10", "total_attendance": "10", "revenue": "1", "on_sale_date": "2024-05-01",
}  # fmt: skip
# What is changed of a sound row, and then: the rule, the column and the value as evidence.
FIRST_BROKEN: list[tuple[str, dict[str, str | None], tuple[str, str, str | None] | None]] = [
    ("ticket_sales", {}, None),
    ("ticket_sales", {"customer_id": None, "ticket_tier": None, "refunded_at": None}, None),
    ("ticket_sales", {"sale_id": "  "}, ("sale_id_required", "sale_id", None)),
    ("ticket_sales", {"sale_id": None, "quantity": "x"}, ("sale_id_required", "sale_id", None)),
    ("ticket_sales", {"quantity": "x", "unit_price": "y"}, ("quantity_readable", "quantity", "x")),
    ("ticket_sales", {"quantity": "21", "total_price": "5"}, ("quantity_range", "quantity", "21")),
    ("ticket_sales", {"quantity": None, "unit_price": "0"}, ("quantity_required", "quantity", None)),
    ("ticket_sales", {"unit_price": "0", "total_price": "0"}, ("unit_price_range", "unit_price", "0")),
    ("ticket_sales", {"total_price": "20.01"}, ("total_price_arithmetic", "total_price", "20.01")),
    ("ticket_sales", {"ticket_tier": "LAWN", "quantity": "0"}, ("quantity_range", "quantity", "0")),
    ("ticket_sales", {"ticket_tier": "LAWN"}, None),  # emptied
    ("ticket_sales", {"sale_status": "void"}, ("sale_status_allowed", "sale_status", "void")),
    ("ticket_sales", {"sale_status": ""}, ("sale_status_required", "sale_status", None)),
    ("ticket_sales", {"refunded_at": "2024-04-30"}, None),  # resolve judges it, on times in UTC
    ("ticket_sales", {"refunded_at": "soon"}, None),
    ("concerts", {}, None),
    ("concerts", {"event_date": "soon", "status": "x"}, ("event_date_readable", "event_date", "soon")),
    ("concerts", {"total_attendance": "11"}, ("attendance_within_tickets", "total_attendance", "11")),
    ("concerts", {"total_attendance": "11", "tickets_sold": None}, None),
    ("concerts", {"tickets_sold": "-1", "on_sale_date": "2024-05-02"}, ("tickets_sold_range", "tickets_sold", "-1")),
]


@pytest.mark.parametrize(("table", "change", "expected"), FIRST_BROKEN)
def test_the_first_rule_that_a_row_breaks_refuses_it(
    table: str, change: dict[str, str | None], expected: tuple[str, str, str | None] | None
) -> None:
    sound = SOUND_SALE if table == "ticket_sales" else SOUND_CONCERT
    (row,) = judged(table, [sound | change])
    assert (row["_rule"], row["_column"], row["_value"]) == (expected or (None, None, None))
    assert bool(row["_reason"]) == (expected is not None)
