"""The files of AWS's TICKIT sample database: which of them a file is, alone or within a zip, and its fields."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from concert_assets.sources.events import Fault, lines_of
from concert_assets.sources.jsonl import blocks
from concert_assets.sources.model import Limits, RawObject, UnreadableObject
from concert_assets.sources.streams import TextStream, one_line

ZIP = b"PK\x03\x04"
_NUMBER, _ANY = r"\d{1,18}", r".*"
_AMOUNT, _TIME = r"-?\d+(\.\d+)?", r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4} \d{1,2}:\d\d(:\d\d)?(\.\d+)?"


@dataclass(frozen=True, slots=True)
class Kind:
    """A file of the set: its name as published, what of a name tells it, and what its fields look like."""

    published: str
    in_name: str
    delimiter: str
    fields: tuple[str, ...]


# Columns as in the Amazon Redshift Database Developer Guide, "Sample database".
KINDS = {
    "venue": Kind("venue_pipe.txt", "venue", "|", (_NUMBER, _ANY, _ANY, r"[A-Z]{2}|\\N|", rf"{_AMOUNT}|\\N|")),
    "category": Kind("category_pipe.txt", "categor", "|", (_NUMBER, _ANY, _ANY, _ANY)),
    "date": Kind("date2008_pipe.txt", "date", "|", (_NUMBER, r"\d{4}-\d\d-\d\d", *[_ANY] * 6)),
    "event": Kind("allevents_pipe.txt", "event", "|", (*[_NUMBER] * 4, _ANY, rf"{_TIME}|\\N|")),
    "listing": Kind("listings_pipe.txt", "listing", "|", (*[_NUMBER] * 5, _AMOUNT, _AMOUNT, _TIME)),
    "sales": Kind("sales_tab.txt", "sale", "\t", (*[_NUMBER] * 7, _AMOUNT, _AMOUNT, _TIME)),
    "users": Kind("allusers_pipe.txt", "user", "|", (_NUMBER, *[_ANY] * 17)),
}
# Without these there are no concerts or no sales; nothing is taken over of the others.
NEEDED = ("venue", "category", "date", "event", "sales")
# How many lines are looked at for one that tells the kind.
_TELLING_LINES = 100
_MAX_MEMBERS = 1_000
# What a damaged zip makes the standard library raise.
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OverflowError, ValueError)
_NO_DATA = re.compile(r"(^|/)(__MACOSX/|\.)")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the set, within the object that brought it."""

    obj: RawObject
    name: str
    kind: str
    delimiter: str
    _text: "_Text"

    @property
    def width(self) -> int:
        """How many fields a line has."""
        return len(KINDS[self.kind].fields)

    def lines(self) -> Iterator[str]:
        """Its lines, but for blank ones; UnreadableObject, which names the file, where they cannot all be read."""
        return self._text.lines()

    def fields(self, line: str) -> list[str | None]:
        """The fields of a line, null where they are empty or ``\\N``; Fault where there are more or fewer than stated.

        Quotes mean nothing and a delimiter cannot be part of a field, as COPY reads it without further options.
        """
        parts = line.split(self.delimiter)
        if len(parts) != self.width:
            raise Fault(f"{self.name} has {self.width} fields a line, this one {len(parts)}", "malformed_csv")
        return [None if (part := raw.strip()) in ("", "\\N") else part for raw in parts]


def files_of(objects: Sequence[tuple[RawObject, BinaryIO]], limits: Limits) -> dict[str, list[File]]:
    """The files that the objects bring, by kind; UnreadableObject naming what is unknown, damaged or missing."""
    found: dict[str, list[File]] = {}
    for obj, stream in objects:
        for text in _texts(obj, stream, limits):
            kind, delimiter = text.kind()
            found.setdefault(kind, []).append(File(obj, text.name, kind, delimiter, text))
    missing = [f"{kind} ({KINDS[kind].published})" for kind in NEEDED if kind not in found]
    if missing:
        raise UnreadableObject(
            f"of the TICKIT files, which are delivered together, there is no {' and no '.join(missing)}"
        )
    return found


def kind_of(name: str, lines: Iterator[str]) -> tuple[str, str] | None:
    """Kind and delimiter of a file by the first line that looks like one of the set, else by its name."""
    for _, line in zip(range(_TELLING_LINES), lines, strict=False):
        for delimiter in "|\t":
            parts = line.split(delimiter)
            for kind, told in KINDS.items():
                if len(parts) == len(told.fields) and all(map(re.fullmatch, told.fields, parts)):
                    return kind, delimiter
    base = name.rsplit("/", 1)[-1].casefold()
    return next(((kind, told.delimiter) for kind, told in KINDS.items() if told.in_name in base), None)


def _texts(obj: RawObject, stream: BinaryIO, limits: Limits) -> "Iterator[_Text]":
    is_zip = stream.read(len(ZIP)) == ZIP
    stream.seek(0)
    if not is_zip:
        yield _Text(obj.name, stream, limits)
        return
    try:
        archive = zipfile.ZipFile(stream)
    except (*_DAMAGED, OSError) as error:
        raise UnreadableObject(f"{obj.name}: the zip is damaged or truncated: {one_line(error)}") from error
    members = [item for item in archive.infolist() if not item.is_dir() and not _NO_DATA.search(item.filename)]
    unpacked, packed = sum(item.file_size for item in members), sum(item.compress_size for item in members)
    if len(members) > _MAX_MEMBERS:
        raise UnreadableObject(f"{obj.name}: the zip holds {len(members):,} files; the TICKIT set has {len(KINDS)}")
    # A member is never read beyond the size that the zip states of it.
    if unpacked > min(limits.max_decompressed_bytes, max(limits.ratio_free_bytes, limits.max_ratio * packed)):
        raise UnreadableObject(f"{obj.name}: the zip's {packed:,} bytes decompress to {unpacked:,}")
    for item in members:
        if item.flag_bits & 1:
            raise UnreadableObject(f"{obj.name}: {item.filename} is encrypted")
        yield _Text(item.filename.rsplit("/", 1)[-1], (archive, item), limits)


class _Text:
    """The text of a file, to be read more than once."""

    def __init__(self, name: str, source: BinaryIO | tuple[zipfile.ZipFile, zipfile.ZipInfo], limits: Limits) -> None:
        self.name = name
        self._source = source
        self._limits = limits

    def lines(self) -> Iterator[str]:
        try:
            if not isinstance(self._source, tuple):
                yield from lines_of(blocks(TextStream(self._source, self._limits), self._limits))
                return
            archive, item = self._source
            with archive.open(item) as member:
                yield from lines_of(blocks(TextStream(member, self._limits), self._limits))  # type: ignore[arg-type]
        except UnreadableObject as error:
            raise UnreadableObject(f"{self.name}: {error}") from error
        except _DAMAGED as error:
            raise UnreadableObject(f"{self.name}: it cannot be unpacked: {one_line(error)}") from error

    def kind(self) -> tuple[str, str]:
        found = kind_of(self.name, self.lines())
        if found is None:
            expected = ", ".join(told.published for told in KINDS.values())
            raise UnreadableObject(f"{self.name} is none of the TICKIT files {expected}")
        return found
