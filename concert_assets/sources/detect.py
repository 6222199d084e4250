"""A guess at the format of a file from its name and first bytes, for files that come without a word about them."""

import io
import json
import re

from concert_assets.sources.encodings import UTF8_BOM, encoding_of
from concert_assets.sources.json_document import WRAPPERS
from concert_assets.sources.model import UnreadableObject
from concert_assets.sources.streams import beginning
from concert_assets.sources.tickit_files import KINDS, ZIP

# Bytes that a caller should hand to ``guess_format``: enough to hold the first block of zstd, which is all or nothing.
HEAD_BYTES = 132 << 10
_UNPACKED_BYTES = 16 << 10
_PARQUET = b"PAR1"
_ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".psv": "csv",
    ".tab": "csv",
    ".xml": "xml",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_WRAPPED = re.compile(rf'"(?:{"|".join(WRAPPERS)})"\s*:\s*\[', re.IGNORECASE)
# A page of the Discovery API, or an event of it by itself; an event of MusicBrainz. Their fields come in any order.
_ARCHIVES = (
    ("ticketmaster", (re.compile(r'"_embedded"\s*:\s*\{\s*"events"\s*:'),)),
    ("ticketmaster", (re.compile(r'"type"\s*:\s*"event"'), re.compile(r'"locale"\s*:|"_embedded"\s*:'))),
    ("musicbrainz", (re.compile(r'"life-span"\s*:'), re.compile(r'"(setlist|cancelled)"\s*:'))),
)
_TICKIT = tuple(kind.published for kind in KINDS.values())


def guess_format(name: str, head: bytes) -> str | None:
    """The format of a file by its name and its first ``HEAD_BYTES``; None where neither tells.

    What the bytes say goes before what the name says, since names are given by hand. Only the beginning is looked at:
    the reader may still refuse the file.
    """
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith(ZIP):
        return "tickit" if any(published.encode() in head for published in _TICKIT) else None
    text = _text(head)
    if text.startswith("<"):
        return "xml"
    if text.startswith(("{", "[")):
        for archive, marks in _ARCHIVES:
            if all(mark.search(text) for mark in marks):
                return archive
    if text.startswith("["):
        return "json"
    plain = re.sub(r"\.(gz|zst|zstd)$", "", name.casefold())
    if plain.endswith(_TICKIT):
        return "tickit"
    ending = next((ending for ending in _ENDINGS if plain.endswith(ending)), None)
    named = None if ending is None else _ENDINGS[ending]
    return _of_object(text, named) if text.startswith("{") else named


def _of_object(text: str, named: str | None) -> str:
    """What begins with an object: an archive's document, one document for all rows, or an object a line."""
    # A document of the archive opens with its programs.
    if text[1:].lstrip().startswith('"programs"'):
        return "nyphil"
    line, line_end, rest = text.partition("\n")
    is_whole = True
    try:
        json.loads(line)
    except RecursionError:
        is_whole = False
    except json.JSONDecodeError:
        is_whole = False
        if line_end and rest.strip() and named != "jsonl":
            return "json"  # the object goes on beyond its line
    if named == "jsonl" or rest.lstrip().startswith("{"):
        return "jsonl"
    return "json" if _WRAPPED.search(line) or (named == "json" and not is_whole) else "jsonl"


def _text(head: bytes) -> str:
    """The beginning of the text that the bytes hold, without mark and space before it."""
    unpacked = beginning(io.BytesIO(head), _UNPACKED_BYTES)
    try:
        codec = encoding_of(unpacked).codec
    except UnreadableObject:
        return ""
    return unpacked.removeprefix(UTF8_BOM).decode(codec, "ignore").lstrip("\ufeff \t\r\n")
