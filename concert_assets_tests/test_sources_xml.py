"""XML: records as rows, hostile documents refused before they can do harm."""

import io
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets_tests.sources_reading import read_bytes, refusal

ARTIST = "<artist><artist_id>1</artist_id><name>A</name></artist>"
# What XML 1.0 can hold; a carriage return is a line feed there unless written as a reference.
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r"),
    max_size=12,
)


def written(text: str) -> str:
    return escape(text, {"\r": "&#13;"})


@settings(deadline=None)
@given(
    st.lists(st.tuples(TEXT, TEXT, TEXT, st.booleans()), max_size=8),
    st.integers(1, 5),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([100, 1 << 20]),
)
def test_text_comes_back_as_it_was(
    rows: list[tuple[str, str, str, bool]], batch_rows: int, encoding: str, piece: int
) -> None:
    out = io.StringIO()
    out.write("<?xml version='1.0'?>\n<!-- a list --><a:artists xmlns:a='urn:x'>\n")
    for identifier, name, genre, as_attributes in rows:
        if as_attributes:
            attributes = f"id={quoteattr(identifier, {chr(13): '&#13;'})} Name={quoteattr(name, {chr(13): '&#13;'})}"
            out.write(f"<artist {attributes} genre={quoteattr(genre, {chr(13): '&#13;'})} />\n")
        else:
            out.write(f"  <a:artist><a:ID>{written(identifier)}</a:ID><name>{written(name)}</name>")
            out.write(f"<genre>{written(genre)}</genre></a:artist >")
    out.write("</a:artists>\n<?done?>")
    data = out.getvalue().encode(encoding)
    longest = 400
    found = read_bytes(data, "xml", "artists", batch_rows=batch_rows, max_line_bytes=max(piece, longest))
    assert [(row["artist_id"], row["name"], row["primary_genre"]) for row in found.rows("artists")] == [
        tuple(field or None for field in row[:3]) for row in rows
    ]
    assert found.errors("artists") == {}
    assert found.notes.remarks == (["read as UTF-16, by its byte order mark"] if encoding == "utf-16" else [])
    assert max(found.batch_sizes, default=0) <= batch_rows


def test_records_wherever_pieces_end() -> None:
    records = [f"<artist><id>{i}</id><name>{'&lt;' * (i % 7)}{'é' * (i % 5)}</name></artist>" for i in range(40)]
    data = ("<artists>" + "\n".join(records) + "</artists>").encode()
    longest = max(len(record.encode()) for record in records)
    for size in range(longest, longest + 90):
        found = read_bytes(data, "xml", "artists", max_line_bytes=size)
        assert [row["artist_id"] for row in found.rows("artists")] == [str(i) for i in range(40)]
    assert "longer than" in refusal(data, "xml", "artists", max_line_bytes=longest - 1)


def values(table: str, document: str) -> list[dict[str, Any]]:
    found = read_bytes(document.encode(), "xml", table)
    assert found.errors(table) == {}
    return found.values(table)


def test_nested_location_lists_price_map_and_wrapper() -> None:
    document = "<r><v id='1' name='H'><location city='Bonn'><State>NW</State></location><location.country>DE</location.country></v></r>"
    assert values("venues", document) == [
        {"venue_id": "1", "name": "H", "city": "Bonn", "state": "NW", "country": "DE"}
    ]
    document = (
        "<response><Artists><x id='1' name='A'><genres><genre>jazz</genre></genres><members>B</members><members>C</members></x>"
        "<x id='2' name='D'><genres>jazz;soul</genres><members><m>E</m><m/></members></x></Artists></response>"
    )
    assert values("artists", document) == [
        {"artist_id": "1", "name": "A", "genres": '["jazz"]', "members": '["B","C"]'},
        {"artist_id": "2", "name": "D", "genres": "jazz;soul", "members": '["E",null]'},
    ]
    concert = "<id>c1</id><artist_id>a</artist_id><venue_id>v</venue_id><date>2025</date><status>x</status>"
    prices = "<ticket_prices><vip>10.50</vip><general/></ticket_prices>"
    found = read_bytes(f"<concerts><concert>{concert}{prices}</concert></concerts>".encode(), "xml", "concerts")
    assert [(row["ticket_tier"], row["face_value"]) for row in found.rows("ticket_prices")] == [
        ("vip", "10.50"),
        ("general", None),
    ]


def test_faulty_records_keep_their_place_and_text() -> None:
    faulty = [
        "<artist><id>1</id><name>The <b>Wolves</b></name></artist>",
        "<artist><id>1</id><id>2</id><name>A</name></artist>",
        "<artist id='1'><ID>2</ID><name>A</name></artist>",
        "<artist>1</artist>",
        "<artist/>",
    ]
    found = read_bytes(f"<artists>{ARTIST}{''.join(faulty)}{ARTIST}</artists>".encode(), "xml", "artists")
    assert [row["artist_id"] for row in found.rows("artists")] == ["1", None, None, None, None, None, "1"]
    assert [row["_row_text"] for row in found.rows("artists")][1:-1] == faulty
    assert {number: error.split(":")[0] for number, error in found.errors("artists").items()} == {
        2: "malformed_xml",
        3: "column_given_twice",
        4: "column_given_twice",
        5: "malformed_xml",
        6: "malformed_xml",
    }


def test_unknown_elements_and_attributes_are_noted() -> None:
    document = (
        "<r><a><id>1</id><name lang='en' xml:space='preserve'>A</name><colour>red</colour><_rule>x</_rule></a></r>"
    )
    found = read_bytes(document.encode(), "xml", "artists")
    assert found.values("artists") == [{"artist_id": "1", "name": "A"}]
    assert found.notes.unknown_columns == {"artists": ["name.lang", "colour"]}


@pytest.mark.parametrize(
    ("head", "encoding", "remark"),
    [
        ('<?xml version="1.0" encoding="UTF-8"?>', "utf-8", None),
        ('<?xml version="1.0" encoding="us-ascii"?>', "utf-8", None),
        ("<?xml version='1.0' encoding='ISO-8859-1' ?>", "latin-1", "read as Windows-1252, for it declares"),
        ('<?xml version="1.0" encoding="windows-1252"?>', "cp1252", "read as Windows-1252, for it declares"),
        ('<?xml version="1.0" encoding="UTF-8"?>', "latin-1", "read as Windows-1252, for the object is not UTF-8"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16", "read as UTF-16, by its byte order mark"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16-be", "read as UTF-16, by its NUL bytes"),
    ],
)
def test_encodings(head: str, encoding: str, remark: str | None) -> None:
    data = f"{head}<r><a><id>1</id><name>Beyoncé</name></a></r>".encode(encoding)
    found = read_bytes(data, "xml", "artists")
    assert found.values("artists") == [{"artist_id": "1", "name": "Beyoncé"}]
    assert len(found.notes.remarks) == (remark is not None)
    assert all(remark and text.startswith(remark) for text in found.notes.remarks)


BOMB = "".join(f"<!ENTITY e{i} '{f'&e{i - 1};' * 10 if i else 'lol'}'>" for i in range(10))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (f"<!DOCTYPE r [{BOMB}]><r><a><id>&e9;</id></a></r>", "document type declaration"),
        (
            "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r><a><id>&x;</id></a></r>",
            "document type declaration",
        ),
        ("<!DOCTYPE r SYSTEM 'http://example.com/r.dtd'><r/>", "document type declaration"),
        ("<r><a><id>&x;</id></a></r>", "undefined entity"),
        ("<r>" + "<a>" * 10_000, "nested deeper than 64 levels"),
        ("<r><a><id>1</id></a>", "no well-formed XML"),
        ("<r><a></r>", "mismatched tag"),
        ("<r/><r/>", "no well-formed XML"),
        ("", "empty"),
        ("no xml", "no well-formed XML"),
        ("<r><a><id>1</id><name>&#0;</name></a></r>", "no well-formed XML"),
        (f"<r>{ARTIST}stray{ARTIST}</r>", "text stands outside of any record: 'stray'"),
        ("<r><a><id>1</id></a></r>", "artists: required column name is missing; columns are id"),
        ("<?xml version='1.0' encoding='Shift_JIS'?><r/>", "declares its encoding as 'Shift_JIS'"),
        ("<?xml version='1.0' encoding='rot13'?><r/>", "declares its encoding as 'rot13'"),
    ],
)
def test_documents_refused_as_a_whole(document: str, reason: str) -> None:
    assert reason in refusal(document.encode(), "xml", "artists")


def test_list_without_records_is_an_object_without_rows() -> None:
    assert read_bytes(b"<artists/>", "xml", "artists").tables == {}


@pytest.mark.parametrize("open_end", ["<a><id>", "<a id='", "<a><!-- ", "<a " + "x='1' " * 9, "<a><id>1</id>" * 99])
def test_whatever_goes_on_without_end_is_refused_under_a_cap(open_end: str) -> None:
    document = f"<r>{ARTIST}{open_end}".encode() + b"z" * 5_000
    assert "longer than 1,000 bytes" in refusal(document, "xml", "artists", max_line_bytes=1_000, max_nesting=200)
