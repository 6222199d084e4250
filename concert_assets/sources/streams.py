"""Delivered bytes as a guarded stream: decompression under a cap, and the refusal of what is no UTF-8 text."""

import codecs
import io
import os
from typing import BinaryIO

import pyarrow as pa

from concert_assets.sources.model import Limits, UnreadableObject

BLOCK_BYTES = 4 << 20

# Compressions are known by their first bytes, never by the object's name.
COMPRESSIONS = {b"\x1f\x8b": "gzip"}
UTF8_BOM = codecs.BOM_UTF8
UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def size_of(stream: BinaryIO) -> int:
    """Bytes in the stream, which is left at its start; UnreadableObject where there are none."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size == 0:
        raise UnreadableObject("the object is empty (0 bytes)")
    return size


class TextStream(io.RawIOBase):
    """The object's bytes, decompressed, without a byte order mark, known to be UTF-8 without NUL.

    Raises UnreadableObject from ``read`` as soon as the bytes break that promise or a limit, and from the constructor
    where there is nothing to read.
    """

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        """Begin at the start of the stream, which is left open."""
        super().__init__()
        self._size = size_of(stream)
        self._limits = limits
        magic = stream.read(2)
        stream.seek(0)
        self._compression = COMPRESSIONS.get(magic)
        self._source: pa.NativeFile = pa.PythonFile(stream, mode="r")
        if self._compression is not None:
            self._source = pa.CompressedInputStream(self._source, self._compression)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._read = 0
        self._held = self._guarded(64)
        if not self._held:
            raise UnreadableObject(f"the object is empty once decompressed ({self._compression})")
        if self._held.startswith(UTF16_BOMS):
            raise UnreadableObject("the object is UTF-16; UTF-8 is expected")
        self._held = self._held.removeprefix(UTF8_BOM)

    def readable(self) -> bool:
        """True: this is an input stream."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes (a block where it is negative), none at the end."""
        size = BLOCK_BYTES if size < 0 else size
        if self._held:
            head, self._held = self._held[:size], self._held[size:]
            return head + self._guarded(size - len(head)) if size > len(head) else head
        return self._guarded(size)

    def _guarded(self, size: int) -> bytes:
        try:
            data: bytes = self._source.read(size)
        except (OSError, pa.ArrowException) as error:
            raise UnreadableObject(
                f"the {self._compression} data is damaged or truncated: {one_line(error)}"
            ) from error
        self._check_amount(len(data))
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            if self._read <= len(data) and data.startswith(UTF16_BOMS):
                raise UnreadableObject("the object is UTF-16; UTF-8 is expected") from error
            place = self._read - len(data) + error.start
            raise UnreadableObject(f"the object is not UTF-8 text: {error.reason} near byte {place:,}") from error
        if b"\0" in data:
            place = self._read - len(data) + data.index(b"\0")
            raise UnreadableObject(f"the object holds a NUL byte, at byte {place:,}; text holds none")
        return data

    def _check_amount(self, count: int) -> None:
        self._read += count
        limits = self._limits
        if self._compression is None:
            return
        if self._read > limits.max_decompressed_bytes:
            raise UnreadableObject(f"the object decompresses to more than {limits.max_decompressed_bytes:,} bytes")
        if self._read > max(limits.ratio_free_bytes, limits.max_ratio * self._size):
            raise UnreadableObject(
                f"the object decompresses to more than {limits.max_ratio} times its {self._size:,} bytes"
            )


def one_line(error: Exception) -> str:
    """The error's message on one line, cut where it is long."""
    return " ".join(str(error).split())[:300]
