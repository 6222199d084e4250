"""A stream that counts and hashes what passes through it."""

import hashlib
from typing import BinaryIO


class HashingWriter:
    """Writes on to another stream; ``sha256`` and ``size_bytes`` tell what was written so far."""

    def __init__(self, stream: BinaryIO) -> None:
        """``stream`` stays the caller's to close."""
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        """Write all of ``data`` and return its length in bytes."""
        view = memoryview(data)
        self._stream.write(view)
        self._digest.update(view)
        self.size_bytes += view.nbytes
        return view.nbytes

    def flush(self) -> None:
        """Flush the stream beneath."""
        self._stream.flush()

    @property
    def sha256(self) -> str:
        """The hexadecimal hash of all that was written."""
        return self._digest.hexdigest()
