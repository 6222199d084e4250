"""JSON lines: text kept as it came, every line accounted for, hostile objects refused with a reason."""

import gzip
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concert_assets.sources.model import UnreadableObject
from concert_assets_tests.sources_reading import read_bytes, refusal

SALE = {
    "sale_id": "s1",
    "concert_id": "c1",
    "quantity": 2,
    "unit_price": 10,
    "total_price": 20,
    "purchase_timestamp": "2025-01-02T03:04:05Z",
    "sale_status": "completed",
}
CONCERT = '"concert_id":"c1","artist_id":"a1","venue_id":"v1","event_date":"2025","status":"scheduled"'
# Beyond NUL and lone surrogates, any character may stand in a text.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
# Read line by line, never a block at once: the reference for the quick way.
EXACT = {"max_nesting": 3}


def sale(**changes: object) -> bytes:
    return json.dumps(SALE | changes).encode()


def test_numbers_keep_their_text() -> None:
    line = (
        sale()
        .replace(b'"unit_price": 10', b'"unit_price": 1.50')
        .replace(b'"total_price": 20', b'"total_price": -1E+400')
    )
    line = line.replace(b'"quantity": 2', b'"quantity": ' + b"9" * 5_000)
    (row,) = read_bytes(line, "jsonl", "ticket_sales").rows("ticket_sales")
    assert (row["unit_price"], row["total_price"], row["quantity"]) == ("1.50", "-1E+400", "9" * 5_000)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("12.500", "12.50"),
        ('"12.500"', "12.500"),
        ("-2.250", "-2.25"),
        ("12.345", "12.345"),
        ("1234.500", "1234.500"),
        ("0.500", "0.500"),
        ("12.5000", "12.5000"),
        ("12.500 ", "12.50"),
    ],
)
@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_a_number_of_three_places_is_no_thousand(given: str, text: str, kind: str) -> None:
    """As a text 12.500 may be twelve thousand and more; a JSON number is not, and says so. An id stays as it is."""
    line = sale().replace(b'": ', b'":').replace(b'"unit_price":10', b'"unit_price":' + given.encode())
    line = line.replace(b'"s1"', b"1.500").replace(b'"quantity":2', b'"quantity":2.000')
    data = line.replace(b", ", b",") if kind == "jsonl" else b"[" + line.replace(b", ", b",") + b"]"
    (row,) = read_bytes(data, kind, "ticket_sales").rows("ticket_sales")
    assert (row["sale_id"], row["unit_price"], row["quantity"]) == ("1.500", text, "2.00")
    prices = f'{{{CONCERT},"ticket_prices":{{"vip":{given}}}}}'.encode()
    (price,) = read_bytes(prices if kind == "jsonl" else b"[" + prices + b"]", kind, "concerts").rows("ticket_prices")
    assert price["face_value"] == text


def test_other_values_as_text() -> None:
    line = b'{"artist_id":1,"name":true,"genres":[1.50,"\\u00e9",{"a":null}],"members":[],"spotify_id":null,"popularity":NaN}'
    (values,) = read_bytes(line, "jsonl", "artists").values("artists")
    assert values == {
        "artist_id": "1",
        "name": "true",
        "genres": '[1.50,"é",{"a":null}]',
        "members": "[]",
        "popularity_score": "NaN",
    }


def test_names_in_any_case_by_alias_and_nested() -> None:
    line = b'{" ID ":"v1","Venue_Name":"Hall","LOCATION":{"City":"Bonn","floor":1},"lat":1.0,"colour":"red"}'
    found = read_bytes(line, "jsonl", "venues")
    assert found.values("venues") == [{"venue_id": "v1", "name": "Hall", "city": "Bonn", "latitude": "1.0"}]
    assert found.notes.unknown_columns == {"venues": ["colour", "LOCATION.floor"]}


def test_canonical_name_goes_before_alias_row_by_row() -> None:
    lines = b'{"id":"x","venue_id":"v1","name":"A"}\n{"id":"v2","name":"B"}\n'
    assert [row["venue_id"] for row in read_bytes(lines, "jsonl", "venues").rows("venues")] == ["v1", "v2"]


def test_malformed_lines_are_rows_in_their_place() -> None:
    good = sale()
    lines = [good, b'{"sale_id":', b"[1]", b"", good + b" x", b"7", good, b"nonsense" * 1_000]
    found = read_bytes(b"\r\n".join(lines), "jsonl", "ticket_sales")
    assert sorted(found.errors("ticket_sales")) == [2, 3, 4, 5, 7]
    assert all(error.startswith("malformed_json: ") for error in found.errors("ticket_sales").values())
    rows = found.rows("ticket_sales")
    assert [row["_row_text"] for row in rows[1:3]] == ['{"sale_id":', "[1]"]
    assert [row["sale_id"] for row in rows] == ["s1", None, None, None, None, "s1", None]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (sale()[:-1] + b',"quantity":3}', "column_given_twice"),
        (sale()[:-1] + b',"quantity" :3}', "column_given_twice"),
        (sale()[:-1] + b',"Quantity":3}', "column_given_twice"),
        (sale(sale_id="a\0b"), "forbidden_character"),
        (sale(sale_id="\ud800"), "forbidden_character"),
        (sale()[:-1] + b',"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "malformed_json"),
        (sale()[:-1] + b',"x":' + b"[" * 100 + b"]" * 100 + b"}", "malformed_json"),
    ],
)
def test_lines_that_mean_no_one_thing(line: bytes, rule: str) -> None:
    found = read_bytes(sale() + b"\n" + line, "jsonl", "ticket_sales")
    assert {number: error.split(":")[0] for number, error in found.errors("ticket_sales").items()} == {2: rule}


def test_absent_and_null_fields_are_null_but_a_required_one_must_come_once() -> None:
    without = json.dumps({name: value for name, value in SALE.items() if name != "quantity"}).encode()
    found = read_bytes(without + b"\n" + sale(quantity=None), "jsonl", "ticket_sales")
    assert [row["quantity"] for row in found.rows("ticket_sales")] == [None, None]
    assert refusal(without, "jsonl", "ticket_sales") == (
        "ticket_sales: required column quantity is missing; columns are "
        "sale_id, concert_id, unit_price, total_price, purchase_timestamp, sale_status"
    )


def test_price_maps_become_rows() -> None:
    maps = [
        '{"vip":10.50,"general":null}',
        "null",
        '"{\\"vip\\": 2.0}"',
        "[1]",
        '{"vip":1,"standing":"x"}',
        '"{"',
        "{}",
    ]
    lines = "\n".join(f'{{{CONCERT},"updated_at":"u{i}","ticket_prices":{text}}}' for i, text in enumerate(maps))
    for limits in ({}, EXACT, {"batch_rows": 2}):
        found = read_bytes(lines.encode(), "jsonl", "concerts", **limits)
        assert len(found.rows("concerts")) == len(maps)
        prices = [
            (r["ticket_tier"], r["face_value"], r["updated_at"], r["_row_text"]) for r in found.rows("ticket_prices")
        ]
        assert prices == [
            ("vip", "10.50", "u0", None),
            ("general", None, "u0", None),
            ("vip", "2.0", "u2", None),
            (None, None, None, "[1]"),
            ("vip", "1", "u4", None),
            ("standing", "x", "u4", None),
            (None, None, None, "{"),
        ]
        assert all(error.startswith("malformed_map: ") for error in found.errors("ticket_prices").values())


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["artist_id", "name", "genre", "x"]), st.none() | TEXT | st.integers()),
        min_size=1,
    )
)
def test_text_comes_back_as_it_was(rows: list[dict[str, object]]) -> None:
    rows = [{"artist_id": "a", "name": "n"}, *rows]
    for ascii_only in (True, False):
        lines = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows).encode()
        found = read_bytes(lines, "jsonl", "artists", batch_rows=7)
        got = [(row["artist_id"], row["name"], row["primary_genre"]) for row in found.rows("artists")]
        assert got == [tuple(as_text(row.get(name)) for name in ("artist_id", "name", "genre")) for row in rows]


def as_text(value: object) -> str | None:
    return None if value is None else str(value)


TOKENS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\n",
    "\n{",
    " ",
    '"',
    '"concert_id"',
    '"x"',
    '"Event_ID"',
    '"ticket_prices"',
    "1",
    '\\"',
    "\\ud800",
]
SOUP = st.lists(st.sampled_from([*TOKENS, f"{{{CONCERT}}}", f'{{{CONCERT},"ticket_prices":{{"vip":1}}}}']), min_size=1)


@given(SOUP.map("".join))
def test_quick_way_equals_exact_way(soup: str) -> None:
    outcomes = []
    for limits in ({}, EXACT):
        try:
            found = read_bytes(f"{{{CONCERT}}}\n{soup}".encode(), "jsonl", "concerts", **limits)
            outcomes.append((found.tables, sorted(found.notes.unknown_columns.get("concerts", []))))
        except UnreadableObject as error:
            outcomes.append((str(error), []))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    "lines", ['{"a":[{"x":1}\n{"y":2}]}\n{"a":1},{"b":2}', '{"a":1}],[{"b":2}\n{"c":3}', '{"a":"}\n{"}']
)
def test_values_across_lines_are_never_joined(lines: str) -> None:
    found = read_bytes(f"{{{CONCERT}}}\n{lines}".encode(), "jsonl", "concerts")
    assert len(found.rows("concerts")) == 1 + len(lines.split("\n"))
    assert 2 in found.errors("concerts")


@given(st.integers(1, 400), st.integers(1, 9))
def test_lines_are_whole_wherever_blocks_and_batches_end(line_bytes: int, batch_rows: int) -> None:
    lines = [json.dumps({"id": i, "name": string.ascii_letters[: i % 50]}) for i in range(40)]
    longest = max(map(len, lines))
    data = "\n".join(lines).encode()
    if line_bytes < longest:
        line_bytes += longest
    found = read_bytes(data, "jsonl", "artists", max_line_bytes=line_bytes, batch_rows=batch_rows)
    assert [row["artist_id"] for row in found.rows("artists")] == [str(i) for i in range(40)]
    assert max(found.batch_sizes) <= batch_rows


def test_gzip_is_known_by_its_bytes_and_members_follow_one_another() -> None:
    packed = gzip.compress(sale() + b"\n", mtime=0) + gzip.compress(sale(), mtime=0)
    assert len(read_bytes(packed, "jsonl", "ticket_sales").rows("ticket_sales")) == 2


@given(st.integers(3, 10_000))
def test_truncated_gzip_is_refused(cut: int) -> None:
    packed = gzip.compress(b"\n".join(sale(sale_id=f"{i * i}") for i in range(50)), mtime=0)
    assert "damaged or truncated" in refusal(packed[: min(cut, len(packed) - 1)], "jsonl", "ticket_sales")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the object is empty (0 bytes)"),
        (gzip.compress(b"", mtime=0), "the object is empty once decompressed (gzip)"),
        (b" \n\n", "no rows"),
        (b"\xef\xbb\xbf", "no rows"),
        (sale() + b"\n\xff", "not UTF-8"),
        (sale() + b"\n\xc3", "not UTF-8"),
        (sale() + b"\0", "NUL byte"),
        (sale().decode().encode("utf-16")[:-1], "not UTF-16 text: truncated data"),
        (gzip.compress(sale(), mtime=0)[:-4] + b"abcd", "damaged"),
        (gzip.compress(sale(), mtime=0) + b"trailing", "damaged"),
    ],
)
def test_objects_refused_as_a_whole(data: bytes, reason: str) -> None:
    assert reason in refusal(data, "jsonl", "ticket_sales")


def test_byte_order_mark_is_no_part_of_the_text() -> None:
    assert read_bytes(b"\xef\xbb\xbf" + sale(), "jsonl", "ticket_sales").errors("ticket_sales") == {}


def test_long_lines_and_bombs_are_refused_under_a_cap() -> None:
    assert (
        refusal(b'{"a":"' + b"x" * 5_000, "jsonl", "artists", max_line_bytes=1_000)
        == "a line is longer than 1,000 bytes"
    )
    bomb = gzip.compress(b'{"id":1,"name":"x"}\n' * 200_000, mtime=0)
    assert len(read_bytes(bomb, "jsonl", "artists").rows("artists")) == 200_000
    assert "more than 9 times" in refusal(bomb, "jsonl", "artists", max_ratio=9, ratio_free_bytes=1 << 16)
    assert "more than 100,000 bytes" in refusal(bomb, "jsonl", "artists", max_decompressed_bytes=100_000)


def test_unknown_table_and_format_are_refused() -> None:
    assert "tables are artists, venues" in refusal(sale(), "jsonl", "sales")
    assert "formats are jsonl, json, xml, csv" in refusal(sale(), "xlsx", "ticket_sales")
