"""Delivered bytes as guarded text: decompressed under a cap, and in UTF-8 whatever encoding they came in."""

import io
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from concert_assets.sources.encodings import (
    HEAD_BYTES,
    SPOKEN,
    Found,
    IntoUtf8,
    NotInEncoding,
    check_windows_1252,
    declared_encoding,
    encoding_of,
)
from concert_assets.sources.model import Limits, Notes, UnreadableObject

BLOCK_BYTES = 4 << 20
# What is only looked at is read in blocks that fit a processor's cache.
_LOOKED_BYTES = 256 << 10
# What was decompressed to be looked through is kept up to this size, so that it need not be decompressed again.
KEPT_BYTES = 64 << 20

# Compressions are known by their first bytes, never by the object's name.
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_LONGEST_MAGIC = 4


def size_of(stream: BinaryIO) -> int:
    """Bytes in the stream, which is left at its start; UnreadableObject where there are none."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size == 0:
        raise UnreadableObject("the object is empty (0 bytes)")
    return size


def beginning(stream: BinaryIO, size: int) -> bytes:
    """The first ``size`` bytes, decompressed; as many as can be had where the stream breaks off or is damaged.

    The stream is left at its start.
    """
    source, _ = _opened(stream)
    found = b""
    try:
        while len(found) < size and (data := source.read(64)):
            found += data
    except (OSError, pa.ArrowException):
        return found
    finally:
        stream.seek(0)
    return found[:size]


class TextStream(io.RawIOBase):
    """The object's text as UTF-8 bytes, without a byte order mark and without NUL.

    What is compressed, or of an encoding that its first bytes do not settle, is looked through to its end before the
    first byte is handed out: so damage and bombs cost no more than their decompression, and one encoding holds for
    all of it.
    """

    def __init__(
        self,
        stream: BinaryIO,
        limits: Limits,
        notes: Notes | None = None,
        *,
        declared: str = "",
        may_be_windows_1252: bool = False,
    ) -> None:
        """Begin at the start of the stream, which is left open.

        Without ``notes``, in which an encoding other than UTF-8 is remarked, no other is read. ``declared`` is the
        encoding that the text says it is in. Raises UnreadableObject where there is nothing to read or the bytes break
        a promise or a limit, and so does ``read``.
        """
        super().__init__()
        self._source = _Unpacked(stream, limits)
        head = self._source.read(HEAD_BYTES)
        if not head:
            raise UnreadableObject(f"the object is empty once decompressed ({self._source.compression})")
        found = encoding_of(head)
        if declared and found.codec == "utf-8":
            found = declared_encoding(declared)
        may_be_windows_1252 = may_be_windows_1252 and found.codec == "utf-8"
        if notes is None and found.codec != "utf-8":
            raise UnreadableObject(f"the object is {SPOKEN[found.codec]}; UTF-8 is expected")
        if self._source.compression or may_be_windows_1252:
            try:
                self._look_through(found)
            except NotInEncoding as error:
                if not may_be_windows_1252:
                    raise
                check_windows_1252(self._source.blocks())
                found = Found("cp1252", f"for {error}")
        if notes is not None and found.how:
            notes.remarks.append(f"read as {SPOKEN[found.codec]}, {found.how}")
        self._source.rewind()
        self._text = IntoUtf8(found.codec)
        self._held = b""
        self._is_over = False

    def readable(self) -> bool:
        """True: this is an input stream."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Exactly ``size`` bytes (a block where it is negative), fewer only at the end, none after it."""
        size = BLOCK_BYTES if size < 0 else size
        parts, count = [self._held] if self._held else [], len(self._held)
        while count < size and not self._is_over:
            data = self._source.read(max(64, size - count))  # so that a byte order mark comes whole
            self._is_over = not data
            if changed := self._text.change(data):
                parts.append(changed)
                count += len(changed)
        found = parts[0] if len(parts) == 1 else b"".join(parts)
        self._held = found[size:]
        return found[:size]

    def _look_through(self, found: Found) -> None:
        text = IntoUtf8(found.codec)
        for block in self._source.blocks():
            text.change(block)
        text.change(b"")


class _Unpacked:
    """The object's bytes, decompressed, within the limits."""

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._size = size_of(stream)
        self._limits = limits
        self._kept: list[bytes] | None = None
        self._is_kept_whole = False
        self.rewind()

    def rewind(self) -> None:
        """Begin again."""
        self._read = 0
        if self._kept is not None and self._is_kept_whole:
            self._source: Any = _Kept(self._kept)
            return
        self._source, self.compression = _opened(self._stream)
        self._kept = [] if self.compression else None

    def blocks(self) -> Iterator[bytes]:
        """All bytes from the start, in blocks."""
        self.rewind()
        while data := self.read(BLOCK_BYTES if self.compression else _LOOKED_BYTES):
            yield data

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, none at the end."""
        try:
            data: bytes = self._source.read(size)
        except (OSError, pa.ArrowException) as error:
            if self.compression is None:
                raise
            raise UnreadableObject(f"the {self.compression} data is damaged or truncated: {one_line(error)}") from error
        self._read += len(data)
        if self.compression is not None:
            self._check_amount()
            self._keep(data)
        return data

    def _keep(self, data: bytes) -> None:
        if self._kept is None or self._is_kept_whole:
            return
        if not data:
            self._is_kept_whole = True
        elif self._read <= KEPT_BYTES:
            self._kept.append(data)
        else:
            self._kept = None

    def _check_amount(self) -> None:
        limits = self._limits
        if self._read > limits.max_decompressed_bytes:
            raise UnreadableObject(f"the object decompresses to more than {limits.max_decompressed_bytes:,} bytes")
        if self._read > max(limits.ratio_free_bytes, limits.max_ratio * self._size):
            raise UnreadableObject(
                f"the object decompresses to more than {limits.max_ratio} times its {self._size:,} bytes"
            )


class _Kept:
    """Blocks read once more."""

    def __init__(self, blocks: list[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, none at the end."""
        block = self._rest or next(self._blocks, b"")
        self._rest = block[size:]
        return block[:size]


class _KeptOpen(io.RawIOBase):
    """A stream that Arrow may close without closing ours."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        """True: this is an input stream."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes."""
        return self._stream.read(size)


def _opened(stream: BinaryIO) -> tuple[Any, str | None]:
    """The stream from its start, decompressed where its first bytes tell a compression, and the name of that."""
    stream.seek(0)
    magic = stream.read(_LONGEST_MAGIC)
    stream.seek(0)
    compression = next((name for mark, name in _COMPRESSIONS.items() if magic.startswith(mark)), None)
    if compression is None:
        return stream, None
    return pa.CompressedInputStream(pa.PythonFile(_KeptOpen(stream), mode="r"), compression), compression


def one_line(error: Exception) -> str:
    """The error's message on one line, cut where it is long."""
    return " ".join(str(error).split())[:300]
