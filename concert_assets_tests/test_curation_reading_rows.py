"""What reading means beyond one text: words that depend on another column, reasons, normal forms, names of columns, clocks."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets.catalog.canonical import ARTISTS, BY_NAME, TABLES
from concert_assets.catalog.model import Column, Table
from concert_assets.glue_jobs.judging import judge
from concert_assets.glue_jobs.normal_form import normalised
from concert_assets.glue_jobs.outputs import Tally
from concert_assets.glue_jobs.reading import folded
from concert_assets.sources.model import PRICE_MAP, raw_schema
from concert_assets_tests.support_core import ARTIST, CLEAN, SALE, VENUE, Core
from concert_assets_tests.test_curation_reading import ENGINE, SOUND_SALE, judged, values

WORDED = [(table, column) for table in TABLES for column in table.columns if column.synonyms]


@pytest.mark.parametrize(
    ("state", "country", "read"),
    [
        ("California", None, "CA"),
        ("california", "US", "CA"),
        ("NEW  YORK", "usa", "NY"),
        ("ny", "United States", "NY"),
        ("D.C.", " U.S. ", "DC"),
        ("Georgia", "GE", "Georgia"),
        ("Western Australia", "AU", "Western Australia"),
        ("wa", "Australia", "wa"),
        ("ON", "CA", "ON"),
        ("Noord-Holland", None, "Noord-Holland"),
        ("WA", "Atlantis", "WA"),
    ],
)
def test_a_state_is_abbreviated_where_the_country_is_the_united_states_or_not_given(
    state: str, country: str | None, read: str
) -> None:
    (row,) = judged("venues", [VENUE | {"capacity": "1", "state": state, "country": country}])
    assert row["state"] == read


@pytest.mark.parametrize(("table", "column"), WORDED, ids=lambda item: item.name)
def test_no_word_stands_for_two_values(table: Table, column: Column) -> None:
    words = Counter(word for value, others in column.synonyms for word in {folded(value), *map(folded, others)})
    assert [word for word, times in words.items() if times > 1] == []
    if column.values:
        assert {value for value, _ in column.synonyms} <= set(column.values)


@pytest.mark.parametrize(("table", "column"), WORDED, ids=lambda item: item.name)
def test_every_declared_word_is_read_in_any_case(table: Table, column: Column) -> None:
    words = [(value, word) for value, others in column.synonyms for word in (value, *others)]
    spelled = [text for _, word in words for text in (word, word.upper(), f" {word.title()} ", word.replace(" ", "-"))]
    assert values(table.name, column.name, list(spelled)) == [value for value, _ in words for _ in range(4)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_name_of_a_column_is_ambiguous_within_its_table(table: Table) -> None:
    """A name may stand once: as a column's own, or as one of the others that a column may have."""
    names = Counter(name for column in table.columns for name in (column.name, *column.aliases))
    names[PRICE_MAP] += table.name == "concerts"
    assert [name for name, times in names.items() if times > 1] == []
    assert [name for name in names if name != name.strip().casefold()] == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("€12.50", "€"),
        ("12.50 EUR", "EUR"),
        ("gbp 5", "gbp"),
        ("C$5", "C$"),
        ("£5", "£"),
        ("call us", None),
        ("$x", None),
    ],
)
def test_another_currency_is_refused_by_its_name(text: str, named: str | None) -> None:
    (row,) = judged("ticket_sales", [SOUND_SALE | {"unit_price": text}])
    assert (row["_rule"], row["_value"]) == ("unit_price_readable", text)
    if named is None:
        assert row["_reason"] == "unit_price must be readable as decimal(10,2)"
    else:
        assert row["_reason"] == f"unit_price must be in USD; no rate of {named} is known"


@pytest.mark.parametrize(
    ("column", "text", "told"),
    [
        ("unit_price", "12.500", True),
        ("unit_price", "$ 1.000", True),
        ("unit_price", "(1.000)", True),
        ("quantity", "1.000", True),
        ("unit_price", "12.5001", False),
        ("unit_price", "1234.567", False),
        ("quantity", "1.5", False),
    ],
)
def test_a_number_that_may_be_thousands_is_refused_with_a_word_on_how_to_write_it(
    column: str, text: str, told: bool
) -> None:
    (row,) = judged("ticket_sales", [SOUND_SALE | {column: text}])
    assert (row["_rule"], row["_value"]) == (f"{column}_readable", text)
    reason = f"{column} may have three decimals or be thousands: write it as 12.5 or as 12500"
    assert (row["_reason"] == reason) == told


@pytest.mark.parametrize("text", ["9999999999999", "$9,999,999,999,999.00", "1 000 000 000 000", "-1,000,000,000,000"])
def test_an_optional_number_too_large_for_its_type_is_out_of_range_and_not_emptied(text: str) -> None:
    (row,) = judged("concerts", [{"concert_id": "c", "artist_id": "a", "venue_id": "v", "event_date": "2024-05-01",
                                  "status": "completed", "revenue": text}])  # fmt: skip
    assert (row["_rule"], row["_value"]) == ("revenue_range", text)


# Many texts an example, for a statement costs more than its rows.
LISTED = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30) | st.from_regex(
    r'[\["{][\["\\,;| a0-9.eE\]}ntru-]{0,20}["\]}]?', fullmatch=True
)


@settings(max_examples=8, deadline=None)
@given(texts=st.lists(LISTED, min_size=50, max_size=100))
def test_every_list_that_is_read_is_json(texts: list[str]) -> None:
    for text, value in zip(texts, values("artists", "genres", list(texts)), strict=True):
        if value is None:
            continue
        elements = json.loads(value)
        assert isinstance(elements, list)
        if not text.strip("\ufeff").lstrip().startswith("["):
            assert all(isinstance(element, str) and element == element.strip(" ") != "" for element in elements)


@given(elements=st.lists(st.text(st.characters(categories=("L", "N", "P")), min_size=1).filter(
    lambda text: not set(text) & set(";|") and text[0] not in "[{"), min_size=2, max_size=5))  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_a_delimited_list_has_the_elements_that_were_joined(elements: list[str]) -> None:
    found = values("artists", "members", ["; ".join(elements), "|".join(elements)])
    assert [json.loads(text) for text in found] == [elements, elements]


NFD, NFC = "Sigur Ro\u0301s", "Sigur R\u00f3s"


def test_texts_are_put_into_normal_form_c_and_refused_rows_stay_as_they_came() -> None:
    rows = [{"artist_id": f" {NFD} ", "name": NFD}, {"artist_id": NFD, "name": " ", "primary_genre": f"\u00a0{NFD}"}]
    numbered = [row | {"_object_id": "o", "_row_number": number} for number, row in enumerate(rows, start=1)]
    chunk = pa.Table.from_pylist(numbered, schema=raw_schema(ARTISTS))
    ((_, accepted, rejects),) = judge(ENGINE, [(ARTISTS, chunk)], Tally())
    assert accepted.select(["artist_id", "name"]).to_pylist() == [{"artist_id": NFC, "name": NFC}]
    (row,) = rejects.to_pylist()
    assert (row["rule"], json.loads(row["row_json"])) == ("name_required", rows[1])


def test_rows_of_ascii_are_not_made_anew() -> None:
    chunk = pa.Table.from_pylist([{"name": "Ada"}, {"name": None}], schema=raw_schema(ARTISTS))
    assert normalised(ARTISTS, chunk) is chunk
    nothing = raw_schema(ARTISTS).empty_table()
    assert normalised(ARTISTS, nothing) is nothing


def test_unknown_words_of_optional_columns_are_emptied_and_counted() -> None:
    rows: list[dict[str, Any]] = [
        SOUND_SALE | {"sale_id": f"s{number}", "ticket_tier": tier, "_object_id": "o", "_row_number": number}
        for number, tier in enumerate(["VIP", "lawn", "balcony", None], start=1)
    ]
    tally = Tally()
    sales = BY_NAME["ticket_sales"]
    chunk = pa.Table.from_pylist(rows, schema=raw_schema(sales))
    judged_parts = list(judge(ENGINE, [(sales, chunk)], tally))
    accepted = pa.concat_tables(part for _, part, _ in judged_parts)
    assert sum(rejects.num_rows for _, _, rejects in judged_parts) == 0
    tiers = {row["sale_id"]: row["ticket_tier"] for row in accepted.to_pylist()}
    assert tiers == {"s1": "vip", "s2": None, "s3": None, "s4": None}
    (count,) = tally.rule_counts()
    assert (count.rule, count.effect, count.rows) == ("ticket_tier_readable", "emptied", 2)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2024-03-10 01:59:59", "2024-03-10 06:59:59"),
        ("2024-03-10 02:30:00", "2024-03-10 07:30:00"),  # left out when clocks go forward: told by the offset before
        ("2024-03-10 03:30:00", "2024-03-10 07:30:00"),
        ("2024-11-03 00:59:59", "2024-11-03 04:59:59"),
        ("2024-11-03 01:30:00", "2024-11-03 06:30:00"),  # comes twice when clocks go back: the second, standard time
        ("2024-11-03 02:00:00", "2024-11-03 07:00:00"),
    ],
)
def test_local_times_where_the_clock_is_changed(tmp_path: Path, local: str, utc: str) -> None:
    core = Core(tmp_path, ENGINE)
    (concert,) = CLEAN["concerts"]
    concert = concert | {"event_date": "2025-02-01 20:00:00"}
    sale = SALE | {"purchase_timestamp": local}
    venue = VENUE | {"timezone": "America/New_York"}
    core.deliver("d", artists=[ARTIST], venues=[venue], concerts=[concert], ticket_sales=[sale])
    core.process()
    assert [str(at) for (at,) in core.query("select purchase_timestamp from concert_dw.ticket_sales")] == [utc]
