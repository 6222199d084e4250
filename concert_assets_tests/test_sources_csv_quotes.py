"""CSV with quotes where none may stand: no value is altered and no row swallowed, as Python's strict reading shows."""

import csv
import gzip
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from concert_assets.sources.dialects import Dialect
from concert_assets.sources.model import UnreadableObject
from concert_assets.sources.quotes import Marks, StrictQuotes
from concert_assets_tests.sources_reading import read_bytes, refusal

COLUMNS = ["artist_id", "name", "primary_genre", "updated_at"]
HEADER = ",".join(COLUMNS) + "\n"
PIECES = [
    '"',
    '"',
    ",",
    "\n",
    "\r",
    "\r\n",
    "a",
    " ",
    '""',
    ",,,",
    "é",
    "1,Ann,x,y\n",
    '2,"Bob, B.",',
    '"C ""d""",,,\n',
]


def check(header: str, body: str, remark: str, max_line_bytes: int) -> None:
    """Read the text and hold what comes of it against Python's strict reading, line by line."""
    data = (header + body).encode()
    lines = list(io.StringIO(body, newline=""))
    try:
        found = read_bytes(data, "csv", "artists", max_line_bytes=max_line_bytes)
    except UnreadableObject as error:
        if "see line" not in str(error):
            raise
        with pytest.raises(csv.Error):
            list(strict(lines, remark))
        return
    assert "".join(found.notes.remarks) == remark
    at = 0
    for row in found.rows("artists"):
        while not lines[at].strip("\r\n"):
            at += 1
        error = row["_row_error"] or ""
        reader = strict(lines[at:], remark)
        if error and " fields where the header has " not in error:
            assert row["_row_text"] == lines[at].rstrip("\r\n")
            with pytest.raises(csv.Error):
                next(reader)
            at += 1
            continue
        fields = next(reader)
        at += reader.line_num
        if error:
            assert len(fields) != len(COLUMNS)
        else:
            assert [row[name] for name in COLUMNS] == [field or None for field in fields]
    assert not "".join(lines[at:]).strip("\r\n")


def strict(lines: list[str], remark: str) -> "csv._reader":
    return csv.reader(
        lines,
        delimiter=";" if "semicolon" in remark else ",",
        quotechar="'" if "' as quote" in remark else '"',
        escapechar="\\" if "backslash" in remark else None,
        strict=True,
    )


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.integers(200, 260))
def test_what_is_read_without_a_fault_is_what_a_strict_reader_reads(soup: str, max_line_bytes: int) -> None:
    check(HEADER, soup, "", max_line_bytes)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from([*PIECES, '\\"', "\\,", "\\\\", '\\""']), max_size=30).map("".join), st.integers(600, 700)
)
def test_so_it_is_with_other_quotes_and_an_escape(soup: str, max_line_bytes: int) -> None:
    # Rows enough to show the dialect, whatever comes after them.
    shown = "7,'say \\'it\\'',',',\n" * 20
    check(
        "'artist_id',name,primary_genre,updated_at\n",
        shown + soup.replace('"', "'"),
        "read with ' as quote, backslash as escape, as its beginning suggests",
        max_line_bytes,
    )


# At these Python 3.11.4 lost its place in a possessive group, and the reader never came to the end.
@example(',\n""1,Ann,x,y\n', [], "")
@example(',\n""1,Ann,x,y\n', [2], "\\")
@given(
    st.lists(st.sampled_from([*PIECES, "\\", "x" * 9]), max_size=30).map("".join),
    st.lists(st.integers(0, 60), max_size=9),
    st.sampled_from(["", "\\"]),
)
def test_marks_stand_in_the_same_places_however_the_text_is_cut(soup: str, cuts: list[int], escape: str) -> None:
    data = soup.encode()
    dialect = Dialect(escape=escape)
    outcomes = []
    for places in ([], sorted(cuts), range(len(data))):
        quotes = StrictQuotes(dialect, Marks(dialect, 4), 0)
        parts = [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
        outcomes.append(b"".join([*map(quotes.passed, parts), quotes.end()]))
    assert outcomes[0] == outcomes[1] == outcomes[2]


LONG = '"' + "a" * 400_000 + '"'


@pytest.mark.parametrize(
    ("body", "line", "lines"),
    [
        ('1,Ann,10,\n2,"Bob,20,\n3,Cid,30,\n4,Dee,40,\n5,"Eve,50,\n6,Fay,60,', 3, 4),
        ('2,"Bob,20,\n3,"Cid",30,\n', 2, 2),
        ('1,"a,,\n' + "x,y,z,\n" * 997, 2, 998),
        ('1,"a""b\r\n",,\r\n2,,,"""b""\r\n3,,,""\r\n4', 4, 3),
        (f'1,{LONG},,\n2,"b,,\n3,{LONG},,\n4,"d"e,,\n', 3, 2),
        (f'1,{LONG},,\n2,"b""{LONG[1:-1]},,\n3,,,\n', 3, 2),
    ],
)
def test_quote_that_makes_one_row_of_several_lines_refuses_the_object(body: str, line: int, lines: int) -> None:
    reason = refusal((HEADER + body).encode(), "csv", "artists")
    assert reason.endswith(f", which makes one row of {lines} lines: see line {line}")


def test_line_of_the_quote_counts_blank_lines_and_those_within_quotes() -> None:
    text = '\n\r\n"artist_id",name,"extra\nline"\n1,"a\r\nb",\n\n2,"b,\n3,c,\n'
    for data in (text.encode(), text.encode("utf-16"), gzip.compress(text.encode(), mtime=0)):
        assert refusal(data, "csv", "artists").endswith("one row of 2 lines: see line 8")


def test_quote_never_closed_is_refused_with_its_line_however_much_follows() -> None:
    reason = refusal((HEADER + '1,"a\n' + "x,y,z,\n" * 5_000).encode(), "csv", "artists", max_line_bytes=1_000)
    assert reason == "a row is longer than 1,000 bytes, for a quoted field is not closed: see line 2"


@pytest.mark.parametrize("row", ['1,"Weird Al" Yankovic,10,', '1,"a"b,"c"d,e', '1,"Ann, the "x",', '1,"a" ,,', '1,,,"'])
def test_wrong_quote_on_one_line_makes_that_line_a_malformed_row(row: str) -> None:
    found = read_bytes((HEADER + f"0,a,,\n{row}\n").encode(), "csv", "artists")
    is_open = row.endswith('"')
    reason = "a quoted field is never closed" if is_open else "text follows a closing quote"
    assert found.errors("artists") == {2: f"malformed_csv: {reason}"}
    assert found.rows("artists")[1]["_row_text"] == row


def test_quotes_in_a_field_without_quotes_are_text() -> None:
    found = read_bytes((HEADER + '1,5" pipe,6"",7 ""x""\n2, "b",,\n').encode(), "csv", "artists")
    assert [row["name"] for row in found.rows("artists")] == ['5" pipe', ' "b"']
    assert found.rows("artists")[0]["primary_genre"] == '6""'
    assert found.errors("artists") == {}
