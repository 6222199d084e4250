"""Object storage in S3: whole objects, created once where asked, every key that S3 accepts.

boto3 rather than obstore, which refuses keys with ``..`` or ``//`` and drops a leading slash. Importing this module
imports boto3, so it is imported where a store is opened.
"""

import random
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, cast

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from concert_assets.resources.s3.failures import code_of, told
from concert_assets.resources.s3.protocol import (
    KeyRefused,
    ObjectChanged,
    ObjectExists,
    ObjectInfo,
    ObjectNotFound,
    StoreUnavailable,
)
from concert_assets.resources.s3.uploading import CREATION, uploading

ATTEMPTS = 5
_BLOCK_BYTES = 1 << 20
_MOST_KEY_BYTES = 1024
_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_EXISTS = {"412", "PreconditionFailed"}
_CONFLICT = {"409", "ConditionalRequestConflict"}


def s3_client(
    *,
    region_name: str | None = None,
    endpoint_url: str | None = None,
    account: str = "",
    connect_seconds: float = 10,
    read_seconds: float = 60,
) -> Any:
    """A boto3 client whose requests end: two deadlines an attempt, at most ``ATTEMPTS`` of them with growing pauses.

    Where ``account`` is not empty, S3 refuses every bucket that another account owns. Credentials come from where boto3
    finds them and appear nowhere in this process's settings. StoreUnavailable where
    these or the settings are such that there can be no client.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
    )
    try:
        client = boto3.client("s3", region_name=region_name, endpoint_url=endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise StoreUnavailable(
            f"S3 cannot be asked: {type(error).__name__}: {' '.join(str(error).split())}; look at CONCERT_REGION, "
            "CONCERT_ENDPOINT_URL, AWS_PROFILE and where else boto3 finds AWS credentials"
        ) from error
    if account:
        client.meta.events.register("provide-client-params.s3", partial(_of_account, account))
    return client


def _of_account(account: str, params: dict[str, Any], **_: Any) -> dict[str, Any]:
    """The parameters of a request, which ask for a bucket of that account; all requests of the store know the word."""
    return {**params, "ExpectedBucketOwner": account}


class S3ObjectStore:
    """An :class:`~concert_assets.resources.s3.protocol.ObjectStore` in buckets of S3, which are there already.

    A version is ETag, size and second of change: what a listing and a look at one object both tell, in buckets with
    versioning and without. An ETag alone would hide bytes that come back after others had taken their place. The second
    may lie before that of objects seen earlier, for a multipart upload bears the time at which it began.
    """

    def __init__(self, client: Any, key: str = "") -> None:
        """``client`` is a boto3 client of S3 and stays the caller's to close.

        Objects are encrypted under the KMS key of that id, alias or ARN, or as their bucket has it where it is empty.
        """
        self.client = client
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}

    def read(self, bucket: str, key: str, version: str = "") -> bytes:
        """All bytes of an object, of that version where one is given."""
        target = BytesIO()
        self._download(bucket, key, version, target)
        return target.getvalue()

    def write(self, bucket: str, key: str, data: bytes) -> ObjectInfo:
        """Write an object whole, in place of what was there."""
        with _errors(bucket, key):
            self.client.put_object(**_place(bucket, key), Body=data, **self._encryption)
        return self._written(bucket, key)

    def create(self, bucket: str, key: str, data: bytes) -> ObjectInfo:
        """Write an object that must not exist yet."""
        mark = secrets.token_hex(16)
        for attempt in range(ATTEMPTS):
            try:
                with _errors(bucket, key):
                    self.client.put_object(
                        **_place(bucket, key),
                        Body=data,
                        IfNoneMatch="*",
                        Metadata={CREATION: mark},
                        **self._encryption,
                    )
                break
            except ClientError as error:
                code = code_of(error)
                if code in _EXISTS:
                    # An attempt whose answer was lost on the way may have created it; then the repetition says so.
                    if self._mark(bucket, key) == mark:
                        break
                    raise ObjectExists(f"object {key!r} in bucket {bucket!r} exists") from error
                # Another writer is at it this very moment: whether it exists will be known in the next.
                if attempt == ATTEMPTS - 1:
                    raise told(error, bucket, key) from error
            _pause(attempt)
        return self._written(bucket, key)

    @contextmanager
    def open_write(self, bucket: str, key: str) -> Iterator[BinaryIO]:
        """A stream whose bytes become the object at the end of the context; it does not seek.

        They are sent while they are written. A large object goes up in parts, and is aborted where one fails or the
        context does; parts that a killed process leaves are never visible, and a lifecycle rule removes them.
        """
        place = _place(bucket, key)
        with _errors(bucket, key), uploading(self.client, place, self._encryption) as stream:
            yield stream

    @contextmanager
    def fetch(self, bucket: str, key: str, version: str = "") -> Iterator[Path]:
        """A temporary file with the object's bytes, all of them, of that version where one is given."""
        with NamedTemporaryFile(prefix="s3-object-") as target:
            self._download(bucket, key, version, cast(BinaryIO, target))
            target.flush()
            yield Path(target.name)

    def head(self, bucket: str, key: str) -> ObjectInfo | None:
        """Size, version and time of an object, or None."""
        with suppress(ObjectNotFound), _errors(bucket, key):
            found = self.client.head_object(**_place(bucket, key))
            return _info(key, found["ContentLength"], found)
        return None

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """The objects under a prefix in the order of their keys; S3 sorts by UTF-8 bytes, which is that of the text."""
        pages = iter(self.client.get_paginator("list_objects_v2").paginate(Bucket=_bucket(bucket), Prefix=prefix))
        while True:
            with _errors(bucket, prefix):
                page = next(pages, None)
            if page is None:
                return
            for item in page.get("Contents", ()):
                yield _info(item["Key"], item["Size"], item)

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; nothing happens where there is none."""
        with _errors(bucket, key):
            self.client.delete_object(**_place(bucket, key))

    def uri(self, bucket: str, key: str = "") -> str:
        """The ``s3://`` URI as AWS's tools write it: the key as it is, not encoded."""
        return f"s3://{bucket}/{key}" if key else f"s3://{bucket}"

    def _written(self, bucket: str, key: str) -> ObjectInfo:
        info = self.head(bucket, key)  # the answer to an upload does not tell the time
        if info is None:
            raise ObjectNotFound(f"object {key!r} in bucket {bucket!r} was removed as soon as it was written")
        return info

    def _mark(self, bucket: str, key: str) -> str | None:
        with suppress(ObjectNotFound), _errors(bucket, key):
            return cast("str | None", self.client.head_object(**_place(bucket, key))["Metadata"].get(CREATION))
        return None

    def _download(self, bucket: str, key: str, version: str, target: BinaryIO) -> None:
        """Fill an empty file with an object. botocore checks length and checksum but does not repeat what broke off.

        All attempts are of one version: the given one, or that of the first answer.
        """
        for attempt in range(ATTEMPTS):
            answer = self._answer(bucket, key, version)
            version = _info(key, answer["ContentLength"], answer).version
            body = answer["Body"]
            try:
                with body:
                    for block in body.iter_chunks(_BLOCK_BYTES):
                        target.write(block)
                return
            except BotoCoreError as error:
                if attempt == ATTEMPTS - 1:
                    raise told(error, bucket, key) from error
            target.seek(0)
            target.truncate()
            _pause(attempt)

    def _answer(self, bucket: str, key: str, version: str) -> dict[str, Any]:
        """The beginning of an object's bytes; ObjectChanged where they are not of the version, if one is given."""
        asked = {"IfMatch": _etag(version)} if version else {}
        try:
            with _errors(bucket, key):
                answer = cast("dict[str, Any]", self.client.get_object(**_place(bucket, key), **asked))
        except ClientError as error:
            if code_of(error) not in _EXISTS:
                raise told(error, bucket, key) from error
            raise _changed(bucket, key) from error
        # The same bytes may have come back after others: then the ETag is that of the version, and the time is not.
        if version and _info(key, answer["ContentLength"], answer).version != version:
            answer["Body"].close()
            raise _changed(bucket, key)
        return answer


def _info(key: str, size_bytes: int, told: dict[str, Any]) -> ObjectInfo:
    changed_at = told["LastModified"].timestamp()
    etag = told["ETag"].strip('"')
    return ObjectInfo(key, size_bytes, f"{etag}-{size_bytes:x}-{int(changed_at):x}", changed_at)


def _etag(version: str) -> str:
    return f'"{version.rsplit("-", 2)[0]}"'


def _changed(bucket: str, key: str) -> ObjectChanged:
    return ObjectChanged(f"object {key!r} in bucket {bucket!r} is another version now than the one that is read")


def _pause(attempt: int) -> None:
    """Wait before another attempt, twice as long each time, each caller another while: they may have met at once."""
    time.sleep(0.1 * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - chance alone, nothing is kept secret by it


def _bucket(bucket: str) -> str:
    if not _BUCKET.fullmatch(bucket):
        raise KeyRefused(
            f"{bucket!r} is no bucket name: 3 to 63 lower-case letters, digits, dots and dashes are allowed"
        )
    return bucket


def _place(bucket: str, key: str) -> dict[str, str]:
    """Where an object lies, as the client wants it; KeyRefused where S3 could not hold it."""
    try:
        size_bytes = len(key.encode())
    except UnicodeEncodeError as error:
        raise KeyRefused(f"key {key[:60]!r} is no Unicode text") from error
    if not 1 <= size_bytes <= _MOST_KEY_BYTES:
        raise KeyRefused(f"key {key[:60]!r}… has {size_bytes} bytes; expected 1 to {_MOST_KEY_BYTES}")
    return {"Bucket": _bucket(bucket), "Key": key}


@contextmanager
def _errors(bucket: str, key: str) -> Iterator[None]:
    """Say in the protocol's words what S3 answered, where it has words for it."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if code_of(error) in _EXISTS | _CONFLICT:
            raise  # create knows what these mean
        raise told(error, bucket, key) from error
