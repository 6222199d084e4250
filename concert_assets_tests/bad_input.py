"""The corpus of bad input: files as people and programs break them, and what must become of each row of them.

Each case brings rows with keys of its own, so that all of them can be dropped into one home at once.
"""

import gzip
import io
import json
import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from concert_assets_tests.support_core import CONCERT, SALE


@dataclass(frozen=True)
class Case:
    """A file and what must become of it: rows in, published keys, rules of the rejected rows; or why it is refused."""

    name: str
    data: bytes
    table: str = "artists"
    rows_in: int = 0
    published: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)  # rows of other outcomes
    refused: str | None = None  # part of the reason for which the whole object is refused, None where it is not
    note: str = ""  # part of what the ledger notes of it

    @property
    def key(self) -> str:
        """The name of the delivery that the file makes."""
        return f"{self.table}/{self.name}"


def name_of(key: str) -> str:
    """A name that is like no other."""
    letters = random.Random(key)
    return " ".join(
        "".join(letters.choices("bcdfghjklmnprstvwz", k=1) + letters.choices("aeiou", k=1)).title() * 3
        for _ in range(3)
    )


def artist(key: str, **values: Any) -> dict[str, Any]:
    """An artist's row."""
    return {"artist_id": key, "name": name_of(key), **values}


def lines(*rows: Mapping[str, Any] | str) -> bytes:
    """JSON lines; a row that is text stands as it is."""
    return "".join(
        (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows
    ).encode()


def csv(*rows: str, header: str = "artist_id,name", end: str = "\n") -> str:
    """CSV text."""
    return end.join([header, *rows]) + end


def line_of(key: str, delimiter: str = ",") -> str:
    """A CSV line with an artist's key and name."""
    return f"{key}{delimiter}{name_of(key)}"


def parquet(rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> bytes:
    """A Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
    return sink.getvalue()


def sale(key: str, **values: Any) -> dict[str, Any]:
    """An order's row."""
    return SALE | {"sale_id": key, "concert_id": "base-c", "quantity": 1, "total_price": "11.00", **values}


def concert(key: str, **values: Any) -> dict[str, Any]:
    """A concert's row, without counts and prices."""
    row = CONCERT | {"concert_id": key, "artist_id": "base-a", "venue_id": "base-v", **values}
    return {
        name: value
        for name, value in row.items()
        if name not in {"ticket_prices", "tickets_sold", "total_attendance", "revenue"} or name in values
    }


def sales_with(name: str, column: str, value: Any, rule: str) -> Case:
    """A file of one order that is as it should be and one that is not."""
    bad = {key: text for key, text in sale(f"{name}-bad").items() if key != column}
    return Case(
        f"{name}.jsonl",
        lines(sale(f"{name}-good"), json.dumps(bad)[:-1] + f', "{column}": {value}}}'),
        "ticket_sales",
        2,
        (f"{name}-good",),
        (rule,),
    )


WHOLE = parquet([artist(f"whole-{n}") for n in range(200)])
GZIPPED = gzip.compress(csv(*(line_of(f"gz-{n}") for n in range(400))).encode(), mtime=0)
UTF16 = csv(line_of("utf16-1"), "utf16-2,Ünïcödé Quartet").encode("utf-16")

DAMAGED = [
    Case("truncated.parquet", WHOLE[: len(WHOLE) // 2], refused="Parquet"),
    Case("footless.parquet", WHOLE[:-6], refused="Parquet"),
    Case("flipped.parquet", WHOLE[:300] + bytes(40) + WHOLE[340:], refused=""),
    Case("truncated.csv.gz", GZIPPED[: len(GZIPPED) // 2], refused="truncated"),
    Case("checksum.csv.gz", GZIPPED[:-8] + bytes(8), refused="damaged"),
    Case("empty.csv", b"", refused="empty"),
    Case("empty.jsonl", b"", refused="empty"),
    Case("empty.parquet", b"", refused="empty"),
    Case("nothing.csv.gz", gzip.compress(b"", mtime=0), refused="empty"),
    Case("mark.csv", b"\xef\xbb\xbf", refused=""),
    Case("blank.jsonl", b"\n\n  \n", refused=""),
    Case("header.csv", csv().encode()),
    Case("rowless.parquet", parquet([], pa.schema([("artist_id", pa.string()), ("name", pa.string())]))),
    Case("nul.csv", csv("nul-1,A\0B").encode(), refused="NUL"),
    Case("random.csv", bytes(random.Random(1).randbytes(4_000)), refused=""),
    Case("picture.csv", b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(2_000), refused=""),
    Case("archive.zip", b"PK\x03\x04" + bytes(100), refused="format"),
    Case("bomb.csv.gz", gzip.compress(b"artist_id,name\n" + b"a,b\n" * 40_000_000, 9, mtime=0), refused="decompresses"),
    Case("bomb.jsonl.gz", gzip.compress(b" " * 120_000_000, 9, mtime=0), refused="decompresses"),
    Case("line.jsonl", lines(artist("line-1")) + b'{"artist_id": "line-2", "name": "' + b"x" * (40 << 20) + b'"}\n', refused="line"),
    Case("line.csv", csv("line-3," + "x" * (40 << 20)).encode(), refused=""),
    Case("list-cut.json", json.dumps([artist("cut-1"), artist("cut-2")]).encode()[:-20], refused=""),
    Case("two-documents.json", b"[]\n[]\n", refused="follows"),
    Case("text.json", b'"only a text"', refused=""),
    Case("entities.xml", b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><l><artist><artist_id>&b;</artist_id><name>x</name></artist></l>', refused="document type"),
    Case("outside.xml", b'<?xml version="1.0"?><!DOCTYPE l SYSTEM "file:///etc/passwd"><l/>', refused="document type"),
    Case("cut.xml", b"<artists><artist><artist_id>x1</artist_id><name>n</name></artist>", refused="XML"),
    Case("deep.xml", b"<a>" * 20_000 + b"</a>" * 20_000, refused=""),
    Case("page.xml", b"<!DOCTYPE html><html><body>Not found</body></html>", refused="document type"),
]  # fmt: skip

SHAPES = [
    Case("wider.csv", csv(line_of("wide-1"), line_of("wide-2") + ",more", line_of("wide-3")).encode(), rows_in=3, published=("wide-1", "wide-3"), rejected=("malformed_csv",)),
    Case("narrower.csv", csv(line_of("narrow-1"), "narrow-2", line_of("narrow-3")).encode(), rows_in=3, published=("narrow-1", "narrow-3"), rejected=("malformed_csv",)),
    Case("twice.csv", csv("t-1,a,b", header="artist_id,name,Name").encode(), refused="twice"),
    Case("renamed.csv", csv(line_of("r-1"), header="artist_id,moniker").encode(), refused="name"),
    Case("renamed.parquet", parquet([{"artist": "r-2", "name": "x"}]), refused="artist_id"),
    Case("headless.csv", (line_of("h-1") + "\n" + line_of("h-2") + "\n").encode(), refused="artist_id"),
    Case("unknown.csv", csv(line_of("unknown-1") + ",blue", header="artist_id,name,favourite_colour").encode(), rows_in=1, published=("unknown-1",), note="favourite_colour"),
    Case("many-unknown.csv", csv(line_of("many-1") + ",x" * 3_000, header="artist_id,name" + "".join(f",c{n}" for n in range(3_000))).encode(), rows_in=1, published=("many-1",), note="unknown columns"),
    Case("numbers.parquet", parquet([{"artist_id": 9_001, "name": name_of("n")}]), rows_in=1, published=("9001",)),
    Case("lists.parquet", parquet([{"artist_id": "lists-1", "name": name_of("lists-1"), "genres": ["rock", "a;b"], "members": []}]), rows_in=1, published=("lists-1",)),
    Case("struct.parquet", parquet([{"artist_id": {"a": 1}, "name": name_of("struct")}]), rows_in=1, published=('{"a":1}',)),
    Case("given-twice.jsonl", lines(artist("twice-1"), '{"artist_id": "twice-2", "name": "a", "name": "b"}'), rows_in=2, published=("twice-1",), rejected=("column_given_twice",)),
    Case("cut.jsonl", lines(artist("last-1"), artist("last-2"))[:-9], rows_in=2, published=("last-1",), rejected=("malformed_json",)),
    Case("no-objects.jsonl", lines(artist("kinds-1"), "[1, 2]", "null", '"text"', "7", "{}"), rows_in=6, published=("kinds-1",), rejected=("artist_id_required", *["malformed_json"] * 4)),
    Case("deep.jsonl", lines(artist("deep-1"), '{"artist_id": "deep-2", "name": ' + "[" * 10_000 + "]" * 10_000 + "}"), rows_in=2, published=("deep-1",), rejected=("malformed_json",)),
    Case("deep.json", b'[{"artist_id": "deep-3", "name": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}]", rows_in=1, rejected=("malformed_json",)),
    Case("surrogate.jsonl", lines(artist("half-1"), '{"artist_id": "half-2", "name": "\\ud83d"}', '{"artist_id": "half-3", "name": "a\\u0000b"}'), rows_in=3, published=("half-1",), rejected=("forbidden_character", "forbidden_character")),
    Case("open-quote.csv", csv(line_of("open-1"), 'open-2,"never closed').encode(), rows_in=2, published=("open-1",), rejected=("malformed_csv",)),
    Case("again.jsonl", lines(artist("again-1"), artist("again-1"), artist("again-1", primary_genre="rock")), rows_in=3, published=("again-1",), others={"superseded": 2}),
    Case("across-1.jsonl", lines(artist("across")), rows_in=1, others={"duplicate": 1}),
    Case("across-2.jsonl", lines(artist("across")), rows_in=1, published=("across",)),
    Case("long.jsonl", lines(artist("long-1"), artist("long-2") | {"name": "ж" * 300}, artist("long-3" + "x" * 70)), rows_in=3, published=("long-1",), rejected=("artist_id_length", "name_length")),
    Case("blank-keys.csv", csv("  ,x", ",y", "\u00a0,z", line_of("blank-1")).encode(), rows_in=4, published=("blank-1",), rejected=("artist_id_required",) * 3),
    Case("prices.jsonl", lines(concert("prices-1") | {"ticket_prices": "{not json"}, concert("prices-2")), "concerts", rows_in=2, published=("prices-1", "prices-2")),
]  # fmt: skip

SPELLINGS = [
    Case("utf16.csv", UTF16, rows_in=2, published=("utf16-1", "utf16-2"), note="UTF-16"),
    Case("latin.csv", csv(line_of("latin-1"), "latin-2,Café Tacuba Größe").encode("latin-1"), rows_in=2, published=("latin-1", "latin-2"), note="1252"),
    Case("marked.csv", b"\xef\xbb\xbf" + csv(line_of("marked-1")).encode(), rows_in=1, published=("marked-1",)),
    Case("semicolon.csv", csv(line_of("semi-1", ";"), header="Artist_ID;NAME").encode(), rows_in=1, published=("semi-1",)),
    Case("tab.tsv", csv(line_of("tab-1", "\t"), header="artist_id\tname").encode(), rows_in=1, published=("tab-1",)),
    Case("pipe.csv", csv(line_of("pipe-1", "|"), header="artist_id|name").encode(), rows_in=1, published=("pipe-1",)),
    Case("order.csv", csv(f"{name_of('order-1')},order-1", header=" Name , ARTIST_ID ").encode(), rows_in=1, published=("order-1",)),
    Case("newlines.csv", csv('newline-1,"Two\nLines of ""Quoted"" Sound"').encode(), rows_in=1, published=("newline-1",)),
    Case("windows.csv", csv(line_of("crlf-1"), line_of("crlf-2"), end="\r\n").encode(), rows_in=2, published=("crlf-1", "crlf-2")),
    Case("unended.csv", csv(line_of("unended-1")).rstrip("\n").encode(), rows_in=1, published=("unended-1",)),
    Case("list.json", json.dumps([artist("list-1"), artist("list-2")]).encode(), rows_in=2, published=("list-1", "list-2")),
    Case("wrapped.json", json.dumps({"data": [artist("wrapped-1")], "page": 1}, indent=1).encode(), rows_in=1, published=("wrapped-1",)),
    Case("nothing.json", b"[]"),
    Case("list.xml", f"<artists><artist><artist_id>xml-1</artist_id><name>{name_of('xml-1')}</name></artist></artists>".encode(), rows_in=1, published=("xml-1",)),
    Case("zstd.csv.zst", pa.compress(csv(line_of("zstd-1")).encode(), "zstd", asbytes=True), rows_in=1, published=("zstd-1",)),
    Case("zlib.csv", zlib.compress(csv(line_of("zlib-1")).encode()), refused=""),
    Case("sql.csv", csv(f"'; drop table concert_dw.artists; --,{name_of('sql')}").encode(), rows_in=1, published=("'; drop table concert_dw.artists; --",)),
    Case("x'); drop table artists; --.jsonl", lines(artist("file-1")), rows_in=1, published=("file-1",)),
    Case("a#1.jsonl", lines(artist("file-2")), rows_in=1, published=("file-2",)),
    Case("50%2f🎸 tour.jsonl", lines(artist("file-3")), rows_in=1, published=("file-3",)),
    Case("caf\u00e9.jsonl", lines(artist("file-4")), rows_in=1, published=("file-4",)),
    Case("cafe\u0301.jsonl", lines(artist("file-5")), rows_in=1, published=("file-5",)),
    Case("normal.jsonl", lines(artist("e\u0301"), artist("\u00e9", primary_genre="folk")), rows_in=2, published=("\u00e9",), others={"superseded": 1}),
]  # fmt: skip

VALUES = [
    sales_with("price-nan", "unit_price", "NaN", "unit_price_readable"),
    sales_with("price-infinity", "unit_price", "-Infinity", "unit_price_readable"),
    sales_with("price-huge", "unit_price", "1e308", "unit_price_readable"),
    sales_with("price-text", "unit_price", '"twelve"', "unit_price_readable"),
    sales_with("price-negative", "unit_price", "-11", "unit_price_range"),
    sales_with("quantity-huge", "quantity", "18446744073709551617", "quantity_readable"),
    sales_with("quantity-negative", "quantity", "-1", "quantity_range"),
    sales_with("quantity-zero", "quantity", "0", "quantity_range"),
    sales_with("quantity-part", "quantity", "1.5", "quantity_readable"),
    sales_with("total-wrong", "total_price", "12", "total_price_arithmetic"),
    sales_with("bought-never", "purchase_timestamp", '"2025-02-30T10:00:00Z"', "purchase_timestamp_readable"),
    sales_with("bought-late", "purchase_timestamp", '"9999-12-31T23:59:59Z"', "purchase_before_show"),
    sales_with("status-odd", "sale_status", '"stolen"', "sale_status_allowed"),
    Case("dates.jsonl", lines(artist("date-1", formation_date="0001-01-01"), artist("date-2", formation_date="9999-12-31"), artist("date-3", formation_date="2025-02-30")), rows_in=3, published=("date-1", "date-2", "date-3")),
    Case("gap.jsonl", lines(concert("gap-1", event_date="2024-03-10T02:30:00"), concert("gap-2", event_date="2024-11-03T01:30:00")), "concerts", rows_in=2, published=("gap-1", "gap-2")),
    Case("never.jsonl", lines(concert("never-1", event_date="2025-02-30"), concert("never-2")), "concerts", rows_in=2, published=("never-2",), rejected=("event_date_readable",)),
    Case("score.jsonl", lines(artist("score-1", popularity_score=float("nan")), artist("score-2", popularity_score=1e308), artist("score-3", popularity_score=101)), rows_in=3, published=("score-1", "score-2"), rejected=("popularity_score_range",)),
    Case("early.jsonl", lines(sale("early-1", purchase_timestamp="0001-01-01T00:00:00Z")), "ticket_sales", rows_in=1, published=("early-1",)),
    Case("orphan.jsonl", lines(sale("orphan-1", concert_id="nowhere")), "ticket_sales", rows_in=1, others={"pending": 1}),
    Case("singers.jsonl", lines(artist("nobody")), "singers", refused="table 'singers' is unknown"),
]  # fmt: skip

CASES = [*DAMAGED, *SHAPES, *SPELLINGS, *VALUES]
