"""An upload that goes on while its bytes are still being written, and is undone where they do not come to their end.

Waiting for the last byte first, in a temporary file, makes a large object take a third longer.
"""

import io
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

_BLOCK_BYTES = 1 << 20
_BLOCKS = 16  # that wait at most between who writes and who sends
_LOOK_SECONDS = 0.5


class _Abandoned(Exception):
    """Who writes has failed, so that what was sent of it must not become an object."""


class _Sent(io.RawIOBase):
    """The end that is written to; small writes are handed on together, large ones as they are."""

    def __init__(self, blocks: "queue.Queue[list[bytes] | None]", sender: threading.Thread) -> None:
        super().__init__()
        self._blocks = blocks
        self._sender = sender
        self._size_bytes = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size_bytes

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        piece = bytes(data)
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        self._size_bytes += len(piece)
        if self._waiting_bytes >= _BLOCK_BYTES:
            self._hand_on()
        return len(piece)

    def _hand_on(self) -> None:
        self._put(self._waiting)
        self._waiting, self._waiting_bytes = [], 0

    def end(self, *, is_whole: bool) -> None:
        """No more is to come."""
        if is_whole:
            self._hand_on()
        self._put(None)

    def _put(self, block: list[bytes] | None) -> None:
        # Where the upload has failed already nobody takes it, and its error is raised at the end.
        while self._sender.is_alive():
            try:
                self._blocks.put(block, timeout=_LOOK_SECONDS)
                return
            except queue.Full:
                continue


class _Received:
    """The end that is read from, by the upload, in parts of the size that it asks for."""

    def __init__(self, blocks: "queue.Queue[list[bytes] | None]") -> None:
        self._blocks = blocks
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        self._is_ended = False
        self.is_abandoned = False

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end alone; all that are left where the number is below 0."""
        while (size < 0 or self._rest_bytes < size) and not self._is_ended:
            block = self._blocks.get()
            self._is_ended = block is None
            self._rest += block or ()
            self._rest_bytes += sum(map(len, block or ()))
        if self.is_abandoned:
            raise _Abandoned
        whole = b"".join(self._rest)
        given = whole if size < 0 or len(whole) <= size else whole[:size]
        self._rest = [whole[size:]] if len(given) < len(whole) else []
        self._rest_bytes = len(whole) - len(given)
        return given


@contextmanager
def uploading(upload: Callable[[BinaryIO], None]) -> Iterator[BinaryIO]:
    """A stream whose bytes ``upload`` reads in a thread, from a stream of its own that does not seek.

    The upload sees the end of the bytes when the context ends without an error, and an exception of the stream where it
    ends with one. What it raises itself is raised at the end of the context.
    """
    blocks: queue.Queue[list[bytes] | None] = queue.Queue(_BLOCKS)
    received = _Received(blocks)
    failed: list[BaseException] = []

    def send() -> None:
        try:
            upload(cast(BinaryIO, received))
        except BaseException as error:  # it is raised where the bytes come from
            failed.append(error)

    sender = threading.Thread(target=send, name="upload", daemon=True)
    sender.start()
    sent = _Sent(blocks, sender)
    try:
        yield cast(BinaryIO, sent)
    except BaseException:
        received.is_abandoned = True
        sent.end(is_whole=False)
        sender.join()
        raise
    sent.end(is_whole=True)
    sender.join()
    if failed:
        raise failed[0]
