"""What goes up to S3: under the key that was asked for, and whole or not at all where begin or end of an upload fails."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest

from concert_assets.resources.s3.aws import S3ObjectStore
from concert_assets.resources.s3.protocol import StoreBusy, StoreUnavailable
from concert_assets_tests.support_faults import Fault, FaultyProxy, fault_line, faulty
from concert_assets_tests.support_moto import MotoServer, amiss, open_store, uploads

BUCKET = "raw"
BIG = bytes(range(256)) * 70_000  # 18 MB, which go up in two parts
HELD = {"old": b"as it was"}


def stream(store: S3ObjectStore, key: str, data: bytes) -> None:
    with store.open_write(BUCKET, key) as target:
        for begin in range(0, len(data), 1 << 20):
            target.write(data[begin : begin + (1 << 20)])


def parts(store: S3ObjectStore) -> int:
    """How many parts are left to be paid for."""
    found = store.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())
    asked = ({"Bucket": BUCKET, "Key": item["Key"], "UploadId": item["UploadId"]} for item in found)
    return sum(len(store.client.list_parts(**each).get("Parts", ())) for each in asked)


@pytest.fixture
def store(moto: MotoServer) -> S3ObjectStore:
    return moto.empty()


@pytest.fixture
def proxy(store: S3ObjectStore, moto: MotoServer) -> Iterator[FaultyProxy]:
    with faulty(moto.url) as found:
        yield found


@pytest.fixture
def shaky(proxy: FaultyProxy) -> Iterator[S3ObjectStore]:
    """The same store through the proxy."""
    shaky = open_store(proxy.url)
    with closing(shaky.client):
        yield shaky


WRITES: dict[str, Callable[[S3ObjectStore], object]] = {
    "write": lambda store: store.write(BUCKET, "k", b"1"),
    "create": lambda store: store.create(BUCKET, "k", b"1"),
    "stream": lambda store: stream(store, "k", b"1"),
    "stream in parts": lambda store: stream(store, "k", BIG),
}


@pytest.mark.parametrize("way", WRITES)
@pytest.mark.parametrize("has_key", [True, False], ids=["key", "none"])
def test_objects_lie_under_the_key_that_was_asked_for(
    moto: MotoServer, store: S3ObjectStore, way: str, has_key: bool
) -> None:
    with closing(boto3.client("kms", endpoint_url=moto.url)) as kms:
        key = kms.create_key()["KeyMetadata"]["Arn"] if has_key else ""
    WRITES[way](S3ObjectStore(store.client, key))
    found: dict[str, Any] = store.client.head_object(Bucket=BUCKET, Key="k")
    told = (found.get("ServerSideEncryption"), found.get("SSEKMSKeyId"))
    assert told == (("aws:kms", key) if has_key else (None, None)), "where none is asked for, the bucket decides"
    assert found["ETag"].endswith('-2"') is (way == "stream in parts")


@pytest.mark.parametrize("fault", ["500", "503", "drop", "lost answer"])
@pytest.mark.parametrize("step", ["begin", "end"])
def test_an_upload_is_there_once_after_a_fault(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore, fault: Fault, step: str
) -> None:
    proxy.plan("POST", *([None] if step == "end" else []), fault)
    stream(shaky, "big", BIG)
    assert sum(request.startswith("POST ") for request in proxy.requests) == 3
    happened = "asked again, there once"
    if (step, fault) == ("begin", "lost answer"):
        happened += "; an upload without parts is left to the bucket's lifecycle"  # whose number nobody was told
        assert uploads(store, BUCKET) == 1
    else:
        assert uploads(store, BUCKET) == 0
    fault_line(f"S3: {fault} at the {step} of an upload", happened, amiss(store, BUCKET, {"big": BIG}), parts(store))


@pytest.mark.parametrize("fault", ["500", "drop"])
@pytest.mark.parametrize("step", ["begin", "end"])
def test_an_upload_that_never_begins_or_ends_leaves_what_was(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore, fault: Fault, step: str
) -> None:
    store.write(BUCKET, "old", HELD["old"])
    proxy.plan("POST", *([None] if step == "end" else []), *[fault] * 50)
    with pytest.raises(StoreBusy):
        stream(shaky, "old", BIG)
    told = f"S3: {fault} without an end at the {step} of an upload"
    fault_line(told, "StoreBusy, aborted, as before", amiss(store, BUCKET, HELD), uploads(store, BUCKET))


def test_an_upload_that_somebody_else_aborts_is_not_taken_for_done(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore
) -> None:
    store.write(BUCKET, "old", HELD["old"])
    proxy.plan("POST", None, (404, "NoSuchUpload"))
    with pytest.raises(StoreUnavailable, match="NoSuchUpload"):
        stream(shaky, "old", BIG)
    told = "S3: an upload is aborted by somebody else"
    fault_line(told, "StoreUnavailable, as before", amiss(store, BUCKET, HELD), uploads(store, BUCKET))


def test_an_upload_that_ended_although_its_answer_was_lost_is_known_again(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore
) -> None:
    """S3 may have forgotten the upload by then, which moto does not."""
    proxy.plan("POST", None, "lost answer", (404, "NoSuchUpload"))
    stream(shaky, "big", BIG)
    told = "S3: lost answer at the end of an upload, which is then forgotten"
    fault_line(told, "known by its mark, there once", amiss(store, BUCKET, {"big": BIG}), uploads(store, BUCKET))
