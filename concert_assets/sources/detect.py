"""A guess at the format of a file from its name and first bytes, for files that come without a word about them."""

import zlib

from concert_assets.sources.streams import COMPRESSIONS, UTF8_BOM

# Bytes that a caller should hand to ``guess_format``; enough to see past the first brace of a compressed document.
HEAD_BYTES = 4_096
_PARQUET = b"PAR1"
_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def guess_format(name: str, head: bytes) -> str | None:
    """The format of a file by its name and its first ``HEAD_BYTES``; None where neither tells.

    What the bytes say goes before what the name says, since names are given by hand. Only the beginning is looked at:
    the reader may still refuse the file.
    """
    if head.startswith(_PARQUET):
        return "parquet"
    text = _unpacked(head).removeprefix(UTF8_BOM).lstrip()
    if text.startswith(b"{"):
        # A document of the archive opens with its programs; one object that ends with its line is a JSON line.
        inside = text[1:].lstrip()
        return "nyphil" if inside.startswith(b'"programs"') else "jsonl"
    plain = name.casefold().removesuffix(".gz")
    ending = next((ending for ending in _ENDINGS if plain.endswith(ending)), None)
    return None if ending is None else _ENDINGS[ending]


def _unpacked(head: bytes) -> bytes:
    """The beginning of what the bytes hold; as they are where they cannot be unpacked."""
    if COMPRESSIONS.get(head[:2]) != "gzip":
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return head
