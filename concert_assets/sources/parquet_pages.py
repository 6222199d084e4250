"""What the pages of a Parquet file will really take in memory, by their own headers, before any is decompressed.

The footer may claim anything; a reader allocates what the header before each page says, and a page that unpacks to
another size is refused by it. Headers are Thrift structs in the compact protocol: see the ``PageHeader`` of
parquet.thrift in the Apache Parquet format and the specification of the protocol in Apache Thrift.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow.parquet as pq

from concert_assets.sources.model import Limits, UnreadableObject

# Fields of a page header.
_TYPE, _UNPACKED_SIZE, _PACKED_SIZE = 1, 2, 3
_DICTIONARY_PAGE = 2
# Compact types of a fixed size in bytes, false and true holding none when they are fields; and of whole numbers.
_FIXED = {1: 0, 2: 0, 3: 1, 7: 8}
_WHOLE = (4, 5, 6)
_BINARY, _LIST, _SET, _MAP, _STRUCT = 8, 9, 10, 11, 12
_FIRST_READ = 1 << 10
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Pages:
    """Bytes to which all pages unpack, headers included, and the dotted paths of the columns that have dictionaries."""

    size_bytes: int
    with_dictionary: frozenset[str]


def check_pages(stream: BinaryIO, metadata: pq.FileMetaData, columns: Collection[str], limits: Limits) -> Pages:
    """What all pages of these columns hold.

    ``columns`` are names of top-level fields. Raises UnreadableObject where that is more than is allowed, or where a
    page does not fit ``max_document_bytes``, for it is held whole.
    """
    total = 0
    with_dictionary = set()
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for number in range(row_group.num_columns):
            chunk = row_group.column(number)
            if chunk.num_values == 0 or not any(
                chunk.path_in_schema == name or chunk.path_in_schema.startswith(f"{name}.") for name in columns
            ):
                continue
            place = chunk.data_page_offset
            if chunk.dictionary_page_offset is not None:
                place = min(place, chunk.dictionary_page_offset)
            end = place + chunk.total_compressed_size
            while place < end:
                length, kind, unpacked, packed = _header(stream, place, limits.max_line_bytes)
                if kind == _DICTIONARY_PAGE:
                    with_dictionary.add(chunk.path_in_schema)
                total += length + unpacked
                if unpacked > limits.max_document_bytes:
                    raise UnreadableObject(
                        f"a page of the object unpacks to more than {limits.max_document_bytes:,} bytes"
                    )
                if total > limits.max_decompressed_bytes:
                    raise UnreadableObject(
                        f"the object decompresses to more than {limits.max_decompressed_bytes:,} bytes"
                    )
                place += length + packed
    return Pages(total, frozenset(with_dictionary))


def _header(stream: BinaryIO, place: int, cap: int) -> tuple[int, int, int, int]:
    """Length of the page header at a place of the stream, and what it states: type and sizes, unpacked and packed."""
    size = _FIRST_READ
    while True:
        stream.seek(place)
        data = stream.read(size)
        try:
            header = _Compact(data)
            fields = header.struct()
            kind, unpacked, packed = fields[_TYPE], fields[_UNPACKED_SIZE], fields[_PACKED_SIZE]
        except IndexError:
            if len(data) == size and size < cap:
                size *= 16  # bounds of values stand in headers too
                continue
            raise UnreadableObject(f"the Parquet file is damaged: a page header at byte {place:,} breaks off") from None
        except (KeyError, ValueError) as error:
            raise UnreadableObject(f"the Parquet file is damaged: no page header at byte {place:,} ({error})") from None
        if unpacked < 0 or packed < 0:
            raise UnreadableObject(f"the Parquet file is damaged: a page at byte {place:,} has a negative size")
        return header.at, kind, unpacked, packed


class _Compact:
    """A reader of the compact protocol, which raises IndexError where the data break off and ValueError for others."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, depth: int = 0) -> dict[int, int]:
        """Pass over a struct and return its whole numbers by field."""
        if depth > _DEEPEST:
            raise ValueError("it is nested too deep")
        numbers: dict[int, int] = {}
        field = 0
        while kind := self._byte():
            step, kind = kind >> 4, kind & 15
            field = field + step if step else self._number()
            if kind in _WHOLE:
                numbers[field] = self._number()
            else:
                self._pass(kind, depth)
        return numbers

    def _pass(self, kind: int, depth: int) -> None:
        if kind in _FIXED:
            self._skip(_FIXED[kind])
        elif kind in _WHOLE:
            self._unsigned()
        elif kind == _BINARY:
            self._skip(self._unsigned())
        elif kind == _STRUCT:
            self.struct(depth + 1)
        elif kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._unsigned()
            for _ in range(count):
                self._item(head & 15, depth)
        elif kind == _MAP:
            count = self._unsigned()
            kinds = self._byte() if count else 0
            for _ in range(count):
                self._item(kinds >> 4, depth)
                self._item(kinds & 15, depth)
        else:
            raise ValueError(f"type {kind} is unknown")

    def _item(self, kind: int, depth: int) -> None:
        """Pass over an item of a collection, of which none is empty: so the data bound their number."""
        if kind in (1, 2):
            self._skip(1)
        else:
            self._pass(kind, depth + 1)

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError

    def _unsigned(self) -> int:
        found = shift = 0
        while (byte := self._byte()) & 128:
            found |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number does not end")
        return found | byte << shift

    def _number(self) -> int:
        """A signed number in zigzag form."""
        found = self._unsigned()
        return found >> 1 ^ -(found & 1)
