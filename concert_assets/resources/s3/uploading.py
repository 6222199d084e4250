"""An upload that goes on while its bytes are still being written, and is undone where they do not come to their end.

Waiting for the last byte first, in a temporary file, makes a large object take a third longer. boto3's transfer of a
stream takes one more thread and copy; here the parts are sent as they become full.
"""

import io
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from concert_assets.resources.s3.failures import code_of

# Metadata by which an object is known again as one of ours where the answer to what made it was lost.
CREATION = "creation"
PART_BYTES = 16 << 20
_AT_ONCE = 4  # parts on their way
# S3 checks each part, and then the whole without reading it again.
_CHECKSUM = {"ChecksumAlgorithm": "CRC32"}


class _Upload(io.RawIOBase):
    """The end that is written to. What fails on the way to S3 is raised by a later write or at the end."""

    def __init__(self, client: Any, place: Mapping[str, str], encryption: Mapping[str, str]) -> None:
        super().__init__()
        self._client = client
        self._place = place
        self._encryption = encryption
        self._pool = ThreadPoolExecutor(_AT_ONCE, "upload")
        self._parts: list[Future[dict[str, Any]]] = []
        self._upload_id = ""
        self._mark = secrets.token_hex(16)
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
        if self._waiting_bytes >= PART_BYTES:
            self._send()
        return len(piece)

    def _taken(self) -> bytes:
        whole = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        return whole

    def _send(self) -> None:
        if not self._upload_id:
            begun = self._client.create_multipart_upload(
                **self._place, Metadata={CREATION: self._mark}, **self._encryption, **_CHECKSUM
            )
            self._upload_id = begun["UploadId"]
        if len(self._parts) >= _AT_ONCE:
            self._parts[-_AT_ONCE].result()
        self._parts.append(self._pool.submit(self._part, len(self._parts) + 1, self._taken()))

    def _part(self, number: int, data: bytes) -> dict[str, Any]:
        # As a stream it waits for S3's leave, so that a refusal is heard and does not meet a request half sent.
        answer = self._client.upload_part(
            **self._place, UploadId=self._upload_id, PartNumber=number, Body=io.BytesIO(data), **_CHECKSUM
        )
        told = {name: answer[name] for name in ("ETag", "ChecksumCRC32") if name in answer}
        return {"PartNumber": number, **told}

    def finish(self) -> None:
        """Make the object: at once where it is no larger than a part."""
        if not self._upload_id:
            self._client.put_object(**self._place, Body=io.BytesIO(self._taken()), **self._encryption)
            return
        if self._waiting:
            self._send()
        parts = [part.result() for part in self._parts]
        try:
            self._client.complete_multipart_upload(
                **self._place, UploadId=self._upload_id, MultipartUpload={"Parts": parts}
            )
        except ClientError as error:
            # An attempt whose answer was lost on the way may have completed it; then the repetition finds no upload.
            if code_of(error) != "NoSuchUpload" or not self._is_there():
                raise

    def _is_there(self) -> bool:
        """Whether the object is what this upload has made."""
        with suppress(ClientError):
            return bool(self._client.head_object(**self._place)["Metadata"].get(CREATION) == self._mark)
        return False

    def undo(self) -> None:
        """Abort, once nothing is on its way any more: a part that came later would stay."""
        self._pool.shutdown(cancel_futures=True)
        if self._upload_id:
            # Where S3 does not answer, a lifecycle rule removes the parts; what came before is what is to be told.
            with suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(**self._place, UploadId=self._upload_id)

    def end(self) -> None:
        """Let the threads go."""
        self._pool.shutdown()


@contextmanager
def uploading(client: Any, place: Mapping[str, str], encryption: Mapping[str, str]) -> Iterator[BinaryIO]:
    """A stream whose bytes become the object when the context ends without an error; ``client`` is one of S3.

    ``place`` is bucket and key, ``encryption`` what S3 is asked for of that kind.
    """
    upload = _Upload(client, place, encryption)
    try:
        yield cast(BinaryIO, upload)
        upload.finish()
    except BaseException:
        upload.undo()
        raise
    finally:
        upload.end()
