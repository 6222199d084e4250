"""The guess at a file's format."""

import gzip
import json

import pytest

from concert_assets.sources.detect import guess_format


@pytest.mark.parametrize(
    ("name", "head", "format"),
    [
        ("sales.jsonl", b'{"sale_id":', "jsonl"),
        ("sales.jsonl.gz", gzip.compress(b'{"sale_id":'), "jsonl"),
        ("sales.NDJSON", b"", "jsonl"),
        ("sales", b'\xef\xbb\xbf {"sale_id":', "jsonl"),
        ("sales.csv", b"PAR1", "parquet"),
        ("Sales.CSV.gz", gzip.compress(b"sale_id,quantity"), "csv"),
        ("sales.csv", b"", "csv"),
        ("sales.pq", b"", "parquet"),
        ("1842.json", b'{\n  "programs": [', "nyphil"),
        ("1842.json", gzip.compress(b'{"programs": ['), "nyphil"),
        ("sales.xlsx", b"PK\x03\x04", None),
        ("sales", b"sale_id,quantity", None),
        ("sales.gz", b"\x1f\x8b\xff\xff", None),
    ],
)
def test_guess(name: str, head: bytes, format: str | None) -> None:
    assert guess_format(name, head) == format


def test_head_of_a_long_compressed_file_is_enough() -> None:
    packed = gzip.compress(b"".join(json.dumps({"id": i * i}).encode() + b"\n" for i in range(50_000)))
    assert guess_format("x", packed[:4_096]) == "jsonl"
