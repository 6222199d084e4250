"""JSON lines: one JSON object a line. A block is read in one go where that is provably the same as line by line."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from concert_assets.sources.json_values import QUICK_DEPTH, QUICK_SCAN, names_are_unique, needs_exact
from concert_assets.sources.model import Batches, Limits, Notes, RawObject, UnreadableObject
from concert_assets.sources.records import JSON_SPACE, Records
from concert_assets.sources.streams import BLOCK_BYTES, TextStream


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield the rows of a JSON lines object. Blank lines count for nothing.

    A line that is no JSON object is a row with an error. Raises UnreadableObject also after batches were yielded: when
    the stream breaks off, and at the end when a required column was in no row.
    """
    records = Records(obj, limits, notes)
    for block in blocks(TextStream(stream, limits, notes), limits):
        yield from _batches(block, records, limits)
    if records.count == 0:
        raise UnreadableObject("the object holds no rows, only blank lines")
    records.finish()


def _batches(block: str, records: Records, limits: Limits) -> Batches:
    if limits.max_nesting > QUICK_DEPTH:
        rows = quick_rows(block)
        batches = None if rows is None else records.quick(rows)
        if batches is not None:
            yield from batches
            return
    lines = [line for line in block.split("\n") if line.strip(JSON_SPACE)]
    for start in range(0, len(lines), limits.batch_rows):
        yield from records.of_json(lines[start : start + limits.batch_rows])


def blocks(stream: TextStream, limits: Limits) -> Iterator[str]:
    """The text in pieces of whole lines, each without its last line end."""
    size = min(BLOCK_BYTES, limits.max_line_bytes)
    tail = b""
    while data := stream.read(size):
        cut = data.rfind(b"\n")
        if cut < 0:
            tail += data
        else:
            yield (tail + data[:cut]).decode("utf-8")
            tail = data[cut + 1 :]
        if len(tail) > limits.max_line_bytes:
            raise UnreadableObject(f"a line is longer than {limits.max_line_bytes:,} bytes")
    if tail:
        yield tail.decode("utf-8")


def quick_rows(block: str) -> list[dict[str, Any]] | None:
    """The objects of a block, numbers as text, read in one go; None where lines might not be objects one to one.

    Why equal counts prove it: every line starts with ``{``; no string spans lines, since a line end within a string is
    refused; no object spans lines, since after a comma it would need a name where ``{`` stands; no array does, since
    there is none. So each line holds one value or more. Nor is a name given twice: with no blank after a quote and no
    quote within a string, ``":`` occurs at least once for each name, and each name kept was one.
    """
    if not block.startswith("{") or needs_exact(block) or "\t" in block or ("\r" in block and '"\r' in block):
        return None
    count = block.count("\n") + 1
    if block.count("\n{") != count - 1:
        return None
    text = "[" + block.replace("\n", "\n,") + "]"
    try:
        rows, end = QUICK_SCAN(text, 0)
    except (StopIteration, ValueError, RecursionError):
        return None
    if end != len(text) or len(rows) != count or not names_are_unique(block, rows):
        return None
    return list(rows)
