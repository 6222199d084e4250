"""Reads of a version: whole and of that version, or a refusal; never of another one, and never of two."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from concert_assets.resources.s3 import aws
from concert_assets.resources.s3.aws import ATTEMPTS, S3ObjectStore
from concert_assets.resources.s3.protocol import ObjectChanged, ObjectNotFound, ObjectStore, StoreBusy, may_pass
from concert_assets_tests.support_faults import Fault, FaultyProxy, fault_line, faulty
from concert_assets_tests.support_moto import MotoServer, amiss, open_store, uploads

BUCKET = "raw"
OLD, NEW = b"old" * 500_000, b"new" * 500_000


def fetched(store: ObjectStore, key: str, version: str = "") -> bytes:
    with store.fetch(BUCKET, key, version) as path:
        return path.read_bytes()


def read(store: ObjectStore, key: str, version: str = "") -> bytes:
    return store.read(BUCKET, key, version)


WAYS: dict[str, Callable[..., bytes]] = {"read": read, "fetch": fetched}


@pytest.mark.parametrize("way", WAYS)
def test_the_version_that_was_listed_is_read_or_nothing(store: ObjectStore, way: str) -> None:
    store.write(BUCKET, "k", OLD)
    (listed,) = store.list(BUCKET)
    assert WAYS[way](store, "k", listed.version) == OLD
    replaced = store.write(BUCKET, "k", NEW)
    with pytest.raises(ObjectChanged, match=r"^object 'k' [^\n]*is another version now than the one that is read$"):
        WAYS[way](store, "k", listed.version)
    assert WAYS[way](store, "k", replaced.version) == NEW
    assert WAYS[way](store, "k") == NEW, "where none is meant it is the one that is there"
    store.delete(BUCKET, "k")
    with pytest.raises(ObjectNotFound):
        WAYS[way](store, "k", listed.version)
    assert may_pass(ObjectChanged("a step that looks again finds it as it is"))


def test_what_is_replaced_while_it_is_held_is_the_version_or_refused(store: ObjectStore) -> None:
    version = store.write(BUCKET, "k", OLD).version
    found = b""
    try:
        with store.fetch(BUCKET, "k", version) as path:
            store.write(BUCKET, "k", NEW)
            found = path.read_bytes()
    except ObjectChanged:
        found = OLD  # refused, as a folder does
    assert found == OLD


@pytest.fixture
def s3(moto: MotoServer) -> S3ObjectStore:
    return moto.empty()


@pytest.fixture
def proxy(s3: S3ObjectStore, moto: MotoServer) -> Iterator[FaultyProxy]:
    with faulty(moto.url) as found:
        yield found


@pytest.fixture
def shaky(proxy: FaultyProxy) -> Iterator[S3ObjectStore]:
    """The same store through the proxy."""
    shaky = open_store(proxy.url)
    with closing(shaky.client):
        yield shaky


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_meant", [True, False], ids=["version meant", "none meant"])
def test_what_is_replaced_between_two_attempts_is_no_mixture(
    proxy: FaultyProxy, s3: S3ObjectStore, shaky: S3ObjectStore, way: str, is_meant: bool, monkeypatch
) -> None:
    written = s3.write(BUCKET, "k", OLD)
    monkeypatch.setattr(aws, "_pause", lambda attempt: s3.write(BUCKET, "k", NEW))
    proxy.plan("GET", "half answer")
    with pytest.raises(ObjectChanged):
        WAYS[way](shaky, "k", written.version if is_meant else "")
    assert len(proxy.requests) == 2, "another version is not asked for again"
    held = amiss(s3, BUCKET, {"k": NEW})
    fault_line(
        f"S3: replaced between two attempts of a {way}", "ObjectChanged, nothing read", held, uploads(s3, BUCKET)
    )


def test_bytes_that_come_back_between_two_attempts_are_another_version(
    moto: MotoServer, proxy: FaultyProxy, s3: S3ObjectStore, shaky: S3ObjectStore, monkeypatch
) -> None:
    """The ETag is the same, and S3 lets it pass."""
    moto.clock(1_700_000_000)
    s3.write(BUCKET, "k", OLD)

    def replace(attempt: int) -> None:
        moto.clock(1_700_000_001)
        s3.write(BUCKET, "k", NEW)
        s3.write(BUCKET, "k", OLD)

    monkeypatch.setattr(aws, "_pause", replace)
    proxy.plan("GET", "half answer")
    with pytest.raises(ObjectChanged):
        shaky.read(BUCKET, "k")


@pytest.mark.parametrize("fault", ["500", "503", "drop", "half answer"])
def test_a_version_is_read_whole_after_a_fault(
    proxy: FaultyProxy, s3: S3ObjectStore, shaky: S3ObjectStore, fault: Fault
) -> None:
    written = s3.write(BUCKET, "k", OLD)
    proxy.plan("GET", fault)
    assert shaky.read(BUCKET, "k", written.version) == OLD
    assert len(proxy.requests) == 2


def test_pauses_grow_and_no_two_callers_keep_step(
    proxy: FaultyProxy, shaky: S3ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("concert_assets.resources.s3.aws.time.sleep", waits.append)
    for _ in range(2):
        proxy.plan("PUT", *["409"] * 50)
        with pytest.raises(StoreBusy):
            shaky.create(BUCKET, "k", b"1")
    first, second = waits[: ATTEMPTS - 1], waits[ATTEMPTS - 1 :]
    assert len(first) == len(second)
    assert all(0.05 * 2**turn <= wait <= 0.1 * 2**turn for waits in (first, second) for turn, wait in enumerate(waits))
    assert first != second
