"""CSV: text kept as it came, every row accounted for, headers that cannot be trusted refused."""

import csv
import gzip
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets.sources.model import UnreadableObject
from concert_assets_tests.sources_reading import read_bytes, refusal

HEADER = "artist_id,name,genre,extra\n"
FIELD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def rows_of(text: str, **limits: int) -> list[tuple[str | None, ...]]:
    found = read_bytes((HEADER + text).encode(), "csv", "artists", **limits)
    return [(row["artist_id"], row["name"], row["primary_genre"]) for row in found.rows("artists")]


@settings(deadline=None)
@given(
    st.lists(st.tuples(FIELD, FIELD, FIELD, FIELD)),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL]),
    st.tuples(st.sampled_from(",;\t|"), st.sampled_from("\"'"), st.booleans()),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    st.permutations(["ARTIST_ID", " name ", "Genre", "extra\nline"]),
    st.integers(1, 9),
    st.booleans(),
)
def test_text_comes_back_as_it_was_whatever_the_dialect_and_encoding(
    rows: list[tuple[str, ...]],
    line_end: str,
    quoting: Any,
    dialect: tuple[str, str, bool],
    encoding: str,
    header: list[str],
    batch_rows: int,
    is_packed: bool,
) -> None:
    delimiter, quote, is_doubled = dialect
    # A row that shows the dialect: where none does, nobody could tell it.
    rows = [(f"7{delimiter}", f"a {quote}quoted{quote} word", "x", "y"), *rows]
    if not is_doubled:  # before these, an escape has a meaning that is not known: they are for another test
        rows = [tuple(field.replace("\\", "/") for field in row) for row in rows]
    if quoting == csv.QUOTE_MINIMAL:  # Python then quotes line ends only of the kind that it writes
        line_end = "\r\n"
    out = io.StringIO()
    writer = csv.writer(
        out,
        lineterminator=line_end,
        quoting=quoting,
        delimiter=delimiter,
        quotechar=quote,
        doublequote=is_doubled,
        escapechar=None if is_doubled else "\\",
    )
    order = [["ARTIST_ID", " name ", "Genre", "extra\nline"].index(name) for name in header]
    writer.writerow(header)
    writer.writerows([row[place] for place in order] for row in rows)
    data = out.getvalue().encode(encoding)
    # A block just longer than the longest row, so that rows lie across blocks.
    found = read_bytes(
        gzip.compress(data, mtime=0) if is_packed else data, "csv", "artists", max_line_bytes=512, batch_rows=batch_rows
    )
    got = [(row["artist_id"], row["name"], row["primary_genre"]) for row in found.rows("artists")]
    assert got == [tuple(field or None for field in row[:3]) for row in rows]
    assert found.errors("artists") == {}
    assert found.notes.unknown_columns == {"artists": ["extra\nline"]}
    assert len(found.notes.remarks) == encoding.startswith("utf-16") + (dialect != (",", '"', True))


@pytest.mark.parametrize(
    ("text", "names", "remark"),
    [
        ("id;name\n1;A, B\n2;'C'\n", ["A, B", "'C'"], "semicolon as delimiter"),
        ("id\tname\n1\t'Til Tuesday\n2\t'Heroes'\n", ["'Til Tuesday", "'Heroes'"], "tab as delimiter"),
        ("'id'|'name'\n1|'A|B'\n", ["A|B"], "pipe as delimiter, ' as quote"),
        ("id,name\n1,'it''s'\n2,'a,b'\n", ["it's", "a,b"], "' as quote"),
        ("id,name\n1,'a,b'\n2,\"x,y\"\n", [None, "x,y"], ""),
        ('id,name\n1,"say \\"hi\\""\n2,a\\,b\n3,"\\\\"\n', ['say "hi"', "a,b", "\\"], "backslash as escape"),
        ('id,name\n1,"C:\\"\n2,"a\\",\n3,D:\\new\n', ["C:\\", None, "D:\\new"], ""),
        ('id,name\n1,"a,b\n', [None], ""),
        ("id,name\n1,a;b;c;d;e\n2,f|g|h|i\n", ["a;b;c;d;e", "f|g|h|i"], ""),
    ],
)
def test_dialects_that_could_be_mistaken(text: str, names: list[str | None], remark: str) -> None:
    found = read_bytes(text.encode(), "csv", "artists")
    assert [row["name"] for row in found.rows("artists")] == names
    assert found.notes.remarks == ([f"read with {remark}, as its beginning suggests"] if remark else [])


@pytest.mark.parametrize("at", [0, 1, 99, 100, 101])
def test_escape_that_means_nothing_known_is_refused(at: int) -> None:
    for text in ("\\N", "a\\nb", "\\\\\\t"):
        rows = '1,"say \\"hi\\""\n2,"' + "x" * at + "\\\\" + f'"\n3,{text}\n'
        found = refusal(f"id,name\n{rows}".encode(), "csv", "artists", max_line_bytes=128)
        assert found.startswith("a backslash stands before ")


def test_columns_of_our_own_export_are_passed_over() -> None:
    found = read_bytes(b"_rule,id,name,_reason,_Rule,x\na,1,A,b,c,d\n", "csv", "artists")
    assert found.values("artists") == [{"artist_id": "1", "name": "A"}]
    assert found.notes.unknown_columns == {"artists": ["x"]}


def test_empty_fields_are_null_and_blank_lines_nothing() -> None:
    assert rows_of('1,,"",\n\n ,x,NULL,\r\n,,,\n') == [("1", None, None), (" ", "x", "NULL"), (None, None, None)]


def test_numbers_and_tokens_keep_their_text() -> None:
    assert rows_of("0012,1e5,NaN,\n-0,1.50,true,\n") == [("0012", "1e5", "NaN"), ("-0", "1.50", "true")]


def test_rows_with_another_number_of_fields_keep_their_place() -> None:
    for limits in ({}, {"max_line_bytes": 40}, {"batch_rows": 2}):
        found = read_bytes(
            (HEADER + 'a\n1,A,,\n\nb,"x\ny"\n2,B,,\n3,C,,\n1,2,3,4,5\nc\n').encode(), "csv", "artists", **limits
        )
        assert [row["artist_id"] for row in found.rows("artists")] == [None, "1", None, "2", "3", None, None]
        assert found.errors("artists") == {
            1: "malformed_csv: 1 fields where the header has 4",
            3: "malformed_csv: 2 fields where the header has 4",
            6: "malformed_csv: 5 fields where the header has 4",
            7: "malformed_csv: 1 fields where the header has 4",
        }
        assert found.rows("artists")[2]["_row_text"] == 'b,"x\ny"'


@pytest.mark.parametrize("end", ['2,"B,,\n', '2,B,,"x', '2,"B', '"'])
def test_quote_never_closed_is_a_malformed_row_not_a_value(end: str) -> None:
    for max_line_bytes in range(64, 96):
        good = "".join(f"{i},{'A' * (i % 5)},,\n" for i in range(20))
        found = read_bytes((HEADER + good + end).encode(), "csv", "artists", max_line_bytes=max_line_bytes)
        assert [row["artist_id"] for row in found.rows("artists")] == [*map(str, range(20)), None]
        assert found.errors("artists") == {21: "malformed_csv: a quoted field is never closed"}


@given(st.lists(st.sampled_from(['"', ",", "\n", "\r", "a", " ", '""', ",,,", "é"]), max_size=40).map("".join))
def test_any_text_is_read_or_refused_and_blocks_make_no_difference(soup: str) -> None:
    outcomes = []
    for limits in ({}, {"max_line_bytes": 128, "batch_rows": 1}):
        try:
            outcomes.append(read_bytes((HEADER + soup).encode(), "csv", "artists", **limits).tables)
        except UnreadableObject as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


def test_header_alone_is_an_object_without_rows() -> None:
    for header in (HEADER, HEADER.rstrip(), "\r\n" + HEADER):
        assert read_bytes(header.encode(), "csv", "artists").tables == {}


def test_nested_alias_flat_and_price_map_as_text() -> None:
    text = "id,name,Location.City\nv1,Hall,Bonn\n"
    assert read_bytes(text.encode(), "csv", "venues").values("venues") == [
        {"venue_id": "v1", "name": "Hall", "city": "Bonn"}
    ]
    text = 'id,artist_id,venue_id,date,status,ticket_prices\nc1,a,v,2025,x,"{""vip"":10.50}"\nbad\nc2,a,v,2025,x,\nc3,a,v,2025,x,{\n'
    found = read_bytes(text.encode(), "csv", "concerts")
    assert [row["concert_id"] for row in found.rows("concerts")] == ["c1", None, "c2", "c3"]
    assert found.values("ticket_prices") == [{"concert_id": "c1", "ticket_tier": "vip", "face_value": "10.50"}, {}]
    assert found.errors("ticket_prices")[2].startswith("malformed_map: ticket_prices of concert c3: ")


def test_alias_beside_its_canonical_name_is_an_unknown_column() -> None:
    found = read_bytes(b"id,venue_id,name,\n7,v1,Hall,\n", "csv", "venues")
    assert found.values("venues") == [{"venue_id": "v1", "name": "Hall"}]
    assert found.notes.unknown_columns == {"venues": ["id", "(unnamed, column 4)"]}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the object is empty (0 bytes)"),
        (b"\n\r\n", "there is no header"),
        (b"artist_id,name,Name \n", "artists: column 'Name' stands twice in the header"),
        (b"artist_id,genre\n1,x\n", "artists: required column name is missing; columns are artist_id, genre"),
        (b"genre\n", "artists: required columns artist_id, name are missing; columns are genre"),
        (b'artist_id,"name\n1,2\n', "a quote that is never closed"),
        (b"artist_id,name\n1,\x8d\n", "neither UTF-8 nor Windows-1252, which has no character 8d"),
        (b"artist_id,name\n1,a\0b\n", "NUL byte"),
        ("artist_id,name\n1,2\n".encode("utf-16")[:-1], "the object is not UTF-16 text: truncated data near byte"),
        ("artist_id,name\n1,2\n".encode("utf-32"), "UTF-32"),
        (gzip.compress(b"artist_id,name\n1,2\n", mtime=0)[:-3], "damaged or truncated"),
    ],
)
def test_objects_refused_as_a_whole(data: bytes, reason: str) -> None:
    assert reason in refusal(data, "csv", "artists")


def test_long_rows_and_endless_malformed_rows_are_refused_under_a_cap() -> None:
    long_row = ("artist_id,name\n1," + "x" * 900 + "\n").encode()
    assert refusal(long_row, "csv", "artists", max_line_bytes=300) == "a row is longer than 300 bytes"
    assert "header is longer than 300 bytes" in refusal(b'"' + long_row, "csv", "artists", max_line_bytes=300)
    bad = b"artist_id,name\n" + b"x\n" * 50
    assert "more than 20 rows on end" in refusal(bad, "csv", "artists", max_pending_errors=20)
    assert len(read_bytes(bad, "csv", "artists").errors("artists")) == 50


def test_row_ends_that_fall_on_block_ends_lose_nothing() -> None:
    rows = [f'"{i}","{"n" * (i % 7)}","","{"x" * (i % 11)}"\r\n' for i in range(60)]
    for max_line_bytes in range(48, 90):
        found = read_bytes((HEADER + "".join(rows)).encode(), "csv", "artists", max_line_bytes=max_line_bytes)
        assert [row["artist_id"] for row in found.rows("artists")] == [str(i) for i in range(60)]
