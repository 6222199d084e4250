"""What S3 alone has: pages, versions as S3 can tell them, uploads in parts, and a network between."""

import logging
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from concert_assets.resources.s3.aws import ATTEMPTS, S3ObjectStore
from concert_assets.resources.s3.protocol import KeyRefused, ObjectExists, ObjectNotFound, StoreBusy, StoreUnavailable
from concert_assets_tests.support_faults import HANG_SECONDS, Fault, FaultyProxy, fault_line, faulty
from concert_assets_tests.support_moto import ENVIRONMENT, MotoServer, amiss, open_store, uploads

BUCKET = "raw"
BIG = bytes(range(256)) * 70_000  # 18 MB, which go up in two parts
RETRIED: list[Fault] = ["500", "503", "drop", "hang"]


@pytest.fixture
def store(moto: MotoServer) -> S3ObjectStore:
    return moto.empty()


@pytest.fixture
def proxy(store: S3ObjectStore, moto: MotoServer) -> Iterator[FaultyProxy]:
    with faulty(moto.url) as proxy:
        yield proxy


@pytest.fixture
def shaky(proxy: FaultyProxy, request: pytest.FixtureRequest) -> Iterator[S3ObjectStore]:
    """The same store through the proxy, patient where no silence is to be noticed."""
    faults = getattr(request.node, "callspec", None)
    is_hang = faults is not None and faults.params.get("fault") == "hang"
    shaky = open_store(proxy.url, read_seconds=HANG_SECONDS / 2 if is_hang else 30)
    with closing(shaky.client):
        yield shaky


def test_a_listing_goes_on_after_every_page(moto: MotoServer, store: S3ObjectStore) -> None:
    wanted = [f"a/{number:03}" for number in range(25)]
    for key in wanted:
        store.write(BUCKET, key, key.encode())
    try:
        moto.page(10)
        assert [info.key for info in store.list(BUCKET, "a/")] == wanted
        assert store.client.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 10, "there are pages"
    finally:
        moto.page(1000)


def test_listing_and_head_tell_the_same_version(moto: MotoServer, store: S3ObjectStore) -> None:
    moto.clock(1_700_000_000.75)
    written = store.write(BUCKET, "k", b"1")
    assert [store.head(BUCKET, "k"), *store.list(BUCKET)] == [written, written]
    assert written.changed_at == 1_700_000_000, "S3 tells seconds"


def test_bytes_that_come_back_are_another_version(moto: MotoServer, store: S3ObjectStore) -> None:
    versions = []
    for second, data in enumerate((b"one", b"two", b"one", b"one")):
        moto.clock(1_700_000_000 + second)
        versions.append(store.write(BUCKET, "k", data).version)
    assert len(set(versions)) == 4


def test_other_bytes_of_the_same_second_and_size_are_another_version(moto: MotoServer, store: S3ObjectStore) -> None:
    moto.clock(1_700_000_000)
    assert store.write(BUCKET, "k", b"one").version != store.write(BUCKET, "k", b"two").version


def test_a_bucket_that_keeps_versions_reads_as_any_other(store: S3ObjectStore) -> None:
    store.client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    first, second = store.write(BUCKET, "k", b"1"), store.write(BUCKET, "k", b"2")
    assert first.version != second.version
    assert list(store.list(BUCKET)) == [second]
    store.delete(BUCKET, "k")
    assert (store.head(BUCKET, "k"), list(store.list(BUCKET))) == (None, [])
    with pytest.raises(ObjectNotFound):
        store.read(BUCKET, "k")
    store.create(BUCKET, "k", b"3")


def test_a_large_object_goes_up_in_parts_and_comes_back(store: S3ObjectStore) -> None:
    with store.open_write(BUCKET, "big") as stream:
        for begin in range(0, len(BIG), 1_000_000):
            stream.write(BIG[begin : begin + 1_000_000])
    assert store.client.head_object(Bucket=BUCKET, Key="big")["ETag"].endswith('-2"'), "in two parts"
    assert store.read(BUCKET, "big") == BIG
    with store.fetch(BUCKET, "big") as path:
        assert path.read_bytes() == BIG
    assert not path.exists()


def test_a_writer_that_fails_after_parts_were_sent_leaves_none_of_them(store: S3ObjectStore) -> None:
    store.write(BUCKET, "big", b"as it was")
    with pytest.raises(RuntimeError, match="stop"), store.open_write(BUCKET, "big") as stream:  # noqa: PT012
        stream.write(BIG)
        stream.write(BIG)
        raise RuntimeError("stop")
    held = amiss(store, BUCKET, {"big": b"as it was"})
    fault_line("S3: the writer fails in the midst of parts", "aborted, as before", held, uploads(store, BUCKET))


def test_a_missing_bucket_is_said_by_name(store: S3ObjectStore) -> None:
    with pytest.raises(
        StoreUnavailable, match=r"'not-there' refuses ListObjectsV2 with NoSuchBucket.*CONCERT_RAW_BUCKET"
    ):
        list(store.list("not-there"))
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        store.write("not-there", "k", b"")


@pytest.mark.parametrize("fault", [*RETRIED, "half answer"])
def test_a_read_is_whole_after_a_fault(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore, fault: Fault
) -> None:
    store.write(BUCKET, "k", BIG)
    proxy.plan("GET", fault)
    assert shaky.read(BUCKET, "k") == BIG
    proxy.plan("GET", fault)
    with shaky.fetch(BUCKET, "k") as path:
        assert path.read_bytes() == BIG
    proxy.plan("GET", fault)
    assert [info.key for info in shaky.list(BUCKET)] == ["k"]
    assert len(proxy.requests) == 2
    fault_line(
        f"S3: {fault} while it is read",
        "asked again, read whole",
        amiss(store, BUCKET, {"k": BIG}),
        uploads(store, BUCKET),
    )


@pytest.mark.parametrize("fault", ["500", "drop", "half answer"])
def test_a_read_that_never_comes_to_its_end_yields_nothing(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore, fault: Fault, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store.write(BUCKET, "k", b"x" * 100_000)
    proxy.plan("GET", *[fault] * 50)
    with pytest.raises(StoreBusy), shaky.fetch(BUCKET, "k"):
        raise AssertionError("fetched a part")
    assert len(proxy.requests) == ATTEMPTS
    with pytest.raises(StoreBusy):
        shaky.read(BUCKET, "k")
    assert list(tmp_path.iterdir()) == []
    held = amiss(store, BUCKET, {"k": b"x" * 100_000})
    fault_line(
        f"S3: {fault} without an end while it is read", "StoreBusy, nothing is read", held, uploads(store, BUCKET)
    )


@pytest.mark.parametrize("fault", [*RETRIED, "half request", "lost answer"])
def test_a_write_is_there_once_after_a_fault(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore, fault: Fault
) -> None:
    data = b"x" * 200_000
    proxy.plan("PUT", fault)
    assert shaky.write(BUCKET, "written", data) == store.head(BUCKET, "written")
    proxy.plan("PUT", fault)
    shaky.create(BUCKET, "created", data)  # although, of a lost answer, the repetition is told that it exists
    proxy.plan("PUT", fault)
    with shaky.open_write(BUCKET, "streamed") as stream:
        stream.write(data)
    held = amiss(store, BUCKET, dict.fromkeys(("written", "created", "streamed"), data))
    fault_line(f"S3: {fault} while it is written", "sent again, there once", held, uploads(store, BUCKET))
    proxy.plan("PUT", fault)
    with pytest.raises(ObjectExists):
        shaky.create(BUCKET, "created", data)


@pytest.mark.parametrize("fault", ["500", "drop", "half request"])
def test_a_write_that_never_comes_to_its_end_leaves_what_was(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore, fault: Fault
) -> None:
    store.write(BUCKET, "old", b"as it was")

    def stream(key: str, data: bytes) -> None:
        with shaky.open_write(BUCKET, key) as stream:
            stream.write(data)

    for key, data in (("old", b"x" * 200_000), ("new", BIG)):
        proxy.plan("PUT", *[fault] * 50)
        with pytest.raises(StoreBusy):
            stream(key, data)
        assert len(proxy.requests) <= 2 * ATTEMPTS + 2, "both parts, begin and end"
    with pytest.raises(StoreBusy):
        shaky.create(BUCKET, "created", b"x" * 200_000)
    held = amiss(store, BUCKET, {"old": b"as it was"})  # and no upload is left to be paid for
    fault_line(
        f"S3: {fault} without an end while it is written", "StoreBusy, aborted, as before", held, uploads(store, BUCKET)
    )


def test_a_create_that_meets_another_looks_again(
    proxy: FaultyProxy, store: S3ObjectStore, shaky: S3ObjectStore
) -> None:
    proxy.plan("PUT", "409", "409")
    shaky.create(BUCKET, "k", b"1")
    proxy.plan("PUT", "409")
    with pytest.raises(ObjectExists):
        shaky.create(BUCKET, "k", b"2")
    proxy.plan("PUT", *["409"] * 50)
    with pytest.raises(StoreBusy, match="Conflict"):
        shaky.create(BUCKET, "another", b"1")
    assert len(proxy.requests) == ATTEMPTS
    assert store.read(BUCKET, "k") == b"1"


def test_a_key_that_the_service_refuses_is_a_refused_key(proxy: FaultyProxy, shaky: S3ObjectStore) -> None:
    proxy.plan("PUT", "400")
    with pytest.raises(KeyRefused, match=r"\.\./out"):
        shaky.write(BUCKET, "../out", b"")
    proxy.plan("PUT", "400")
    with pytest.raises(KeyRefused), shaky.open_write(BUCKET, "../out") as stream:
        stream.write(b"x")


def test_secrets_stay_out_of_logs_and_errors(
    proxy: FaultyProxy, shaky: S3ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    secret = ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == secret
    with caplog.at_level(logging.DEBUG):
        shaky.write(BUCKET, "k", b"1")
        proxy.plan("GET", *["500"] * 50)
        with pytest.raises(StoreBusy) as failed:
            shaky.read(BUCKET, "k")
    assert "botocore" in caplog.text, "there is a log to look into"
    assert secret not in caplog.text + repr(failed.value) + repr(vars(shaky)) + repr(shaky.client.meta.config)
