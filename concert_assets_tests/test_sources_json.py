"""JSON documents: read in pieces as if whole, faulty rows in their places, damage refused."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets.sources.model import UnreadableObject
from concert_assets_tests.sources_reading import read_bytes, refusal

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
VALUE = st.none() | TEXT | st.integers() | st.booleans() | st.lists(TEXT, max_size=2)
# Read one by one, never a block at once: the reference for the quick way.
EXACT = {"max_nesting": 3}


def artists(document: str | bytes, **limits: int) -> list[dict[str, Any]]:
    data = document.encode() if isinstance(document, str) else document
    found = read_bytes(data, "json", "artists", **limits)
    assert found.errors("artists") == {}
    return found.values("artists")


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(["artist_id", "name", "genre", "x"]), VALUE), max_size=9),
    st.sampled_from([None, 0, 2]),
    st.sampled_from(
        ["{rows}", '{{"data": {rows}}}', '\n {{"n": {{"a": [1, "]"]}}, "Artists" :{rows}, "x": null}}\r\n']
    ),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]),
    st.booleans(),
    st.integers(150, 400),
)
def test_rows_come_back_as_they_were(
    rows: list[dict[str, Any]], indent: int | None, frame: str, encoding: str, ascii_only: bool, piece: int
) -> None:
    rows = [{"artist_id": "a", "name": "n"}, *rows]
    text = frame.format(rows=json.dumps(rows, ensure_ascii=ascii_only, indent=indent))
    wanted = [tuple(as_text(row.get(name)) for name in ("artist_id", "name", "genre")) for row in rows]
    longest = max(len(json.dumps([row], ensure_ascii=ascii_only, indent=4).encode()) for row in rows)
    for limits in ({}, EXACT, {"max_line_bytes": max(piece, longest), "batch_rows": 4}):
        found = read_bytes(text.encode(encoding), "json", "artists", **limits)
        assert [(r["artist_id"], r["name"], r["primary_genre"]) for r in found.rows("artists")] == wanted
        assert found.errors("artists") == {}


def as_text(value: object) -> str | None:
    if isinstance(value, bool | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return None if value is None else str(value)


TOKENS = ["{", "}", "[", "]", ":", ",", "\n", " ", '"', '"id"', '"name"', '"ID"', "1", "-", '\\"', "tru", '"data"']
ROW = '{"id":1,"name":"a"}'
SOUP = st.lists(st.sampled_from([*TOKENS, ROW, f"{ROW},", f",{ROW}", '{"id":{"x":1},"name":2}']))


@settings(deadline=None)
@given(SOUP.map("".join), st.booleans())
def test_whatever_comes_python_agrees_and_pieces_make_no_difference(soup: str, is_closed: bool) -> None:
    document = f"[{ROW},{soup}" + f",{ROW}]" * is_closed
    outcomes = []
    for limits in ({}, EXACT, {"max_line_bytes": 130, "batch_rows": 2}):
        try:
            outcomes.append(read_bytes(document.encode(), "json", "artists", **limits).tables)
        except UnreadableObject:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1] == outcomes[2]
    try:
        whole = json.loads(document)
    except json.JSONDecodeError:
        assert outcomes[0] is None
    else:
        assert outcomes[0] is not None
        assert len(outcomes[0]["artists"]) == len(whole)


def test_numbers_keep_their_text() -> None:
    document = '[{"id":1.50,"name":-1E+400,"popularity":NaN},{"id":' + "9" * 5_000 + ',"name":0}]'
    assert artists(document) == [
        {"artist_id": "1.50", "name": "-1E+400", "popularity_score": "NaN"},
        {"artist_id": "9" * 5_000, "name": "0"},
    ]


def test_nested_location_and_price_maps() -> None:
    document = b'{"venues":[{"id":"v1","name":"H","location":{"City":"Bonn","floor":1}}]}'
    found = read_bytes(document, "json", "venues")
    assert found.values("venues") == [{"venue_id": "v1", "name": "H", "city": "Bonn"}]
    assert found.notes.unknown_columns == {"venues": ["location.floor"]}
    concert = '"concert_id":"c1","artist_id":"a1","venue_id":"v1","event_date":"2025","status":"x"'
    found = read_bytes(f'[{{{concert},"ticket_prices":{{"vip":1.50}}}}]'.encode(), "json", "concerts")
    assert found.values("ticket_prices") == [{"concert_id": "c1", "ticket_tier": "vip", "face_value": "1.50"}]


@pytest.mark.parametrize("name", ["data", "Items", "records", "results", "rows", "artists"])
def test_members_that_wrap_rows(name: str) -> None:
    document = f'{{"next":{{"data":[7]}},"{name}":[{ROW}],"total":1}}'
    found = read_bytes(document.encode(), "json", "artists")
    assert found.values("artists") == [{"artist_id": "1", "name": "a"}]
    assert found.notes.remarks == [f"of the document, {name!r} was read; not so 2 other members: next, total"]


def test_object_that_wraps_nothing_is_a_row() -> None:
    assert artists(f"\n{ROW}\n") == [{"artist_id": "1", "name": "a"}]
    assert refusal(b'{"payload":[1],"data":7}', "json", "artists") == (
        "artists: required columns artist_id, name are missing; columns are payload, data"
    )


@pytest.mark.parametrize("document", ["[]", " [ ] ", '{"data":[]}', '{"data": [ ], "n": 0}'])
def test_no_rows(document: str) -> None:
    assert read_bytes(document.encode(), "json", "artists").rows("artists") == []


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ('{"id":1,"id":2,"name":"a"}', "column_given_twice"),
        ('{"id":1,"ID":2,"name":"a"}', "column_given_twice"),
        ('{"id":1,"name":{"x":1,"x":2}}', "column_given_twice"),
        ('{"id":"\\u0000","name":"a"}', "forbidden_character"),
        ('{"id":"\\ud800","name":"a"}', "forbidden_character"),
        ("7", "malformed_json"),
        ('"text, [with] {brackets}"', "malformed_json"),
        ("null", "malformed_json"),
        ("[]", "malformed_json"),
        ('{"id":1,"name":' + "[" * 100 + "]" * 100 + "}", "malformed_json"),
        ('{"id":1,"name":' + '[{"\\"]":"["},' * 10_000 + "1" + "]" * 10_000 + "}", "malformed_json"),
    ],
)
def test_rows_that_mean_no_one_thing_keep_their_place(row: str, rule: str) -> None:
    for limits in ({}, {"batch_rows": 1}):
        found = read_bytes(f'{{"data":[{ROW},\n{row} , {ROW}]}}'.encode(), "json", "artists", **limits)
        assert [r["artist_id"] for r in found.rows("artists")] == ["1", None, "1"]
        assert found.errors("artists")[2].startswith(f"{rule}: ")
        assert found.rows("artists")[1]["_row_text"] == row[:4_000]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "the object is empty (0 bytes)"),
        (b" \n", "blank"),
        (b"7", "it begins with '7'"),
        (f"[{ROW},{ROW}".encode(), "] is expected at character 41, came the end, so it may be truncated"),
        (f'[{ROW},{{"id":'.encode(), "may be truncated"),
        (f'[{ROW},{{"id":"x'.encode(), "Unterminated string"),
        (f"[{ROW},]".encode(), "a value is expected at character 22"),
        (f"[{ROW} {ROW}]".encode(), "] is expected"),
        (f"[{ROW},{{'id':1}}] {'x' * 50}".encode(), "Expecting property name"),
        (f"[{ROW}]{ROW}".encode(), "something follows the end of the document at character 22"),
        (f"{ROW}\n{ROW}".encode(), "something follows the end of the document"),
        (f'{{"data":[{ROW}],"rows":[{ROW}]}}'.encode(), "rows come in two members of the document, 'data' and 'rows'"),
        (b"{1:2}", "a name is expected at character 2"),
        (b'{"data" 1}', ": is expected"),
        (b'{"x":1', "} is expected"),
        (b'{"x":1,}', "a name is expected"),
        (b"[" * 10_000, "brackets are left open"),
        (b'[{"id":1}]', "artists: required column name is missing; columns are id"),
        (f"[{ROW}]\0".encode(), "NUL byte"),
        ('[{"id":1,"name":"Beyonc\xe9"}]'.encode("latin-1"), "not UTF-8"),
        (gzip.compress(f"[{ROW}]".encode(), mtime=0)[:-4], "damaged or truncated"),
    ],
)
def test_documents_refused_as_a_whole(document: bytes, reason: str) -> None:
    assert reason in refusal(document, "json", "artists")


@pytest.mark.parametrize(
    "document",
    [
        f"[{ROW}," + '{"id":1,"name":"' + "x" * 5_000,
        f"[{ROW}," + '{"id":1,"name":"' + "x" * 1_000 + '"}]',
        f"[{ROW}," + '{"id":1,"name":"' + "é" * 600 + '"}]',
        f"[{ROW}," + "[" * 50_000,
        f"[{ROW}," + "9" * 5_000,
        '{"x":' + "[1," * 5_000,
    ],
)
def test_rows_and_values_longer_than_the_cap_are_refused(document: str) -> None:
    assert "is longer than 1,000 bytes" in refusal(document.encode(), "json", "artists", max_line_bytes=1_000)


def test_object_without_rows_is_not_held_for_ever() -> None:
    members = ",".join(f'"m{i}":"{"x" * 90}"' for i in range(200))
    document = f'{{{members},"data":[{ROW}]}}'
    assert "no member of the document's first 1,000 bytes" in refusal(
        document.encode(), "json", "artists", max_line_bytes=1_000
    )
