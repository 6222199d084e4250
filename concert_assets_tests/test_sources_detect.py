"""The guess at a file's format."""

import gzip
import json

import pyarrow as pa
import pytest

from concert_assets.sources.detect import HEAD_BYTES, guess_format
from concert_assets_tests.sources_tickit import zipped


@pytest.mark.parametrize(
    ("name", "head", "format"),
    [
        ("sales.jsonl", b'{"sale_id":', "jsonl"),
        ("sales.jsonl.gz", gzip.compress(b'{"sale_id":', mtime=0), "jsonl"),
        ("sales.NDJSON", b"", "jsonl"),
        ("sales", b'\xef\xbb\xbf {"sale_id":', "jsonl"),
        ("sales.csv", b"PAR1", "parquet"),
        ("Sales.CSV.gz", gzip.compress(b"sale_id,quantity", mtime=0), "csv"),
        ("sales.csv", b"", "csv"),
        ("sales.pq", b"", "parquet"),
        ("1842.json", b'{\n  "programs": [', "nyphil"),
        ("1842.json", gzip.compress(b'{"programs": [', mtime=0), "nyphil"),
        ("sales.json", b' [{"sale_id":', "json"),
        ("sales.jsonl", b"[\n", "json"),
        ("sales.json", b'{"sale_id":1}\n{"sale_id":2}', "jsonl"),
        ("sales.json", b'{"sale_id":1}', "jsonl"),
        ("sales.json", b'{\n  "sale_id": 1\n}', "json"),
        ("sales", b'{"next": null, "data": [{"sale_id":', "json"),
        ("sales", b'{"next": null, "data": [{"sale_id":1}]}', "json"),
        ("sales.jsonl", b'{"sale_id":1, "items": [1]}', "jsonl"),
        ("sales.jsonl", b'{"sale_id":\n{"sale_id":2}', "jsonl"),
        ("sales.json", b'{"meta": {"a": [' + b"1," * 20_000, "json"),
        ("sales", '[{"sale_id":1}]'.encode("utf-16"), "json"),
        ("sales", '{"sale_id":1}\n{"sale_id":2}'.encode("utf-16-le"), "jsonl"),
        ("sales.csv.zst", b"", "csv"),
        ("sales.TSV", b"", "csv"),
        ("sales", b'<?xml version="1.0"?><sales/>', "xml"),
        ("sales.xml", b"", "xml"),
        ("sales.xlsx", b"PK\x03\x04", None),
        ("page.json", b'{\n "_links": {}, "_embedded": {"events": [', "ticketmaster"),
        ("pages.json", b'[{"_embedded": {"events": [{"', "ticketmaster"),
        ("page.jsonl", gzip.compress(b'{"name": "x", "type": "event", "locale": "en-us"', mtime=0), "ticketmaster"),
        ("sales.jsonl", b'{"type": "event", "id": 1}', "jsonl"),
        ("event", b'{"setlist": "", "id": "x", "life-span": {"begin"', "musicbrainz"),
        ("artist", b'{"id": "x", "life-span": {"begin": "1990"}}', "jsonl"),
        ("tickit/Venue_Pipe.txt", b"1|Hall", "tickit"),
        ("sales_tab.txt.gz", gzip.compress(b"1\t1", mtime=0), "tickit"),
        ("x.zip", zipped({"venue_pipe.txt": ""}), "tickit"),
        ("x.zip", zipped({"venues.csv": ""}), None),
        ("sales", b"sale_id,quantity", None),
        ("sales.gz", b"\x1f\x8b\xff\xff", None),
    ],
)
def test_guess(name: str, head: bytes, format: str | None) -> None:
    assert guess_format(name, head) == format


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_head_of_a_long_compressed_file_is_enough(compression: str) -> None:
    lines = b"".join(json.dumps({"id": i * i, "name": f"{i**5:x}"}).encode() + b"\n" for i in range(100_000))
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, compression) as packing:
        packing.write(lines)
    packed = sink.getvalue().to_pybytes()
    assert len(packed) > HEAD_BYTES
    assert guess_format("x", packed[:HEAD_BYTES]) == "jsonl"
