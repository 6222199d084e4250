"""What S3 refuses for good, and what it refuses for a minute: one line with setting and code, and nothing half-made."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest

from concert_assets.resources.s3.aws import ATTEMPTS, S3ObjectStore, s3_client
from concert_assets.resources.s3.protocol import StoreBusy, StoreUnavailable
from concert_assets_tests.support_faults import FaultyProxy, Refusal, fault_line, faulty
from concert_assets_tests.support_moto import ACCOUNT, MotoServer, amiss, open_store, uploads

BUCKET = "raw"
HELD = {"old": b"as it was"}
BIG = b"x" * (33 << 20)  # in three parts
METHODS = ("HEAD", "GET", "PUT", "POST", "DELETE")
BUCKETS, CREDENTIALS = "CONCERT_RAW_BUCKET and CONCERT_PROCESSED_BUCKET", "AWS_PROFILE"
# What S3 answers, and the setting to be named.
REFUSALS: dict[str, tuple[Refusal, str]] = {
    "bucket of somebody else, or a role without rights": ((403, "AccessDenied"), BUCKETS),
    "no such bucket": ((404, "NoSuchBucket"), BUCKETS),
    "bucket of another region": ((301, "PermanentRedirect"), "CONCERT_REGION"),
    "request signed for another region": ((400, "AuthorizationHeaderMalformed"), "CONCERT_REGION"),
    "unknown access key": ((403, "InvalidAccessKeyId"), CREDENTIALS),
    "wrong secret key": ((403, "SignatureDoesNotMatch"), CREDENTIALS),
    "expired session": ((400, "ExpiredToken"), CREDENTIALS),
    "no such key of KMS": ((400, "KMS.NotFoundException"), "CONCERT_BUCKET_KEY"),
    "disabled key of KMS": ((400, "KMS.DisabledException"), "CONCERT_BUCKET_KEY"),
}


@pytest.fixture
def store(moto: MotoServer) -> S3ObjectStore:
    return moto.empty()


@pytest.fixture
def proxy(moto: MotoServer) -> Iterator[FaultyProxy]:
    with faulty(moto.url) as found:
        yield found


@pytest.fixture
def refused(proxy: FaultyProxy) -> Iterator[S3ObjectStore]:
    """The same store through the proxy."""
    store = open_store(proxy.url)
    with closing(store.client):
        yield store


def stream(store: S3ObjectStore, key: str, data: bytes) -> None:
    with store.open_write(BUCKET, key) as target:
        target.write(data)


def fetch(store: S3ObjectStore) -> None:
    with store.fetch(BUCKET, "old"):
        raise AssertionError("fetched what was refused")


ACTIONS: dict[str, Callable[[S3ObjectStore], object]] = {
    "read": lambda store: store.read(BUCKET, "old"),
    "fetch": fetch,
    "list": lambda store: list(store.list(BUCKET)),
    "write": lambda store: store.write(BUCKET, "old", b"new"),
    "create": lambda store: store.create(BUCKET, "created", b"new"),
    "stream": lambda store: stream(store, "old", b"new"),
    "stream in parts": lambda store: stream(store, "old", BIG),
    "delete": lambda store: store.delete(BUCKET, "old"),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("fault", REFUSALS)
def test_a_refusal_is_one_line_that_names_setting_and_code(
    proxy: FaultyProxy, store: S3ObjectStore, refused: S3ObjectStore, fault: str, action: str
) -> None:
    store.write(BUCKET, "old", b"as it was")
    answer, setting = REFUSALS[fault]
    for method in METHODS[1:]:  # by a look at the bucket boto3 finds its region
        proxy.plan(method, *[answer] * 50)
    with pytest.raises(StoreUnavailable) as caught:
        ACTIONS[action](refused)
    said = str(caught.value)
    assert [part for part in (setting, answer[1], BUCKET, "\n") if (part in said) is (part == "\n")] == []
    assert len(proxy.requests) <= 4, "what stays refused is not asked again; boto3 looks for the region"
    fault_line(
        f"S3: {fault}, {action}", f"StoreUnavailable, {answer[1]}", amiss(store, BUCKET, HELD), uploads(store, BUCKET)
    )


@pytest.mark.parametrize("action", [*ACTIONS, "look"])
def test_a_bucket_of_another_account_is_refused_however_much_it_admits(
    moto: MotoServer, store: S3ObjectStore, action: str
) -> None:
    store.write(BUCKET, "old", b"as it was")
    act = ACTIONS.get(action, lambda store: store.head(BUCKET, "old"))
    refused = pytest.raises(StoreUnavailable, match=r"(AccessDenied|403); look at .*CONCERT_ACCOUNT")
    with closing(s3_client(endpoint_url=moto.url, account="210987654321")) as client, refused as caught:
        act(S3ObjectStore(client))
    assert "\n" not in str(caught.value)
    wrong = amiss(store, BUCKET, HELD)
    fault_line(f"S3: bucket of another account, {action}", "StoreUnavailable, 403", wrong, uploads(store, BUCKET))
    assert (wrong, uploads(store, BUCKET)) == (0, 0)
    with closing(s3_client(endpoint_url=moto.url, account=ACCOUNT)) as client:
        own = S3ObjectStore(client)
        assert (own.write(BUCKET, "own", b"1").size_bytes, own.read(BUCKET, "own")) == (1, b"1")


def test_a_look_that_is_refused_is_no_object_that_is_missing(
    proxy: FaultyProxy, store: S3ObjectStore, refused: S3ObjectStore
) -> None:
    store.write(BUCKET, "old", b"as it was")
    proxy.plan("HEAD", *[(403, "AccessDenied")] * 50)
    with pytest.raises(StoreUnavailable, match=f"refuses HeadObject with 403; look at {BUCKETS}"):
        refused.head(BUCKET, "old")


@pytest.mark.parametrize("action", [*ACTIONS, "look"])
def test_throttling_that_lasts_ends_within_its_deadline(
    proxy: FaultyProxy, store: S3ObjectStore, refused: S3ObjectStore, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=waits.append, time=time.time))
    store.write(BUCKET, "old", b"as it was")
    for method in METHODS:
        proxy.plan(method, *["503"] * 200)
    act = ACTIONS.get(action, lambda store: store.head(BUCKET, "old"))
    with pytest.raises(
        StoreBusy, match=r"^bucket 'raw' does not answer as it should \((SlowDown|503)\).*CONCERT_[^\n]*$"
    ):
        act(refused)
    assert len(waits) == ATTEMPTS - 1
    assert sum(waits) <= 1 + 2 + 4 + 8, "then the step is tried again, twice, after 10 and 30 s"
    assert isinstance(StoreBusy(), OSError), "which is what steps are tried again for"
    fault_line(
        f"S3: throttled for a minute, {action}",
        "StoreBusy, SlowDown",
        amiss(store, BUCKET, HELD),
        uploads(store, BUCKET),
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"AWS_PROFILE": "not-there"}, "ProfileNotFound.*not-there.*AWS_PROFILE"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "finds no AWS credentials; look at AWS_PROFILE"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "PartialCredentialsError.*AWS_SECRET_ACCESS_KEY"),
        ({"AWS_DEFAULT_REGION": "eu west"}, "InvalidRegionError.*CONCERT_REGION"),
    ],
)
def test_credentials_and_regions_that_are_none_are_told(
    moto: MotoServer, settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it remembers those of the tests before
    for name, value in settings.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(StoreUnavailable, match=said) as caught:
        S3ObjectStore(s3_client(endpoint_url=moto.url)).read(BUCKET, "old")
    assert "\n" not in str(caught.value)


def test_an_endpoint_that_is_none_is_told(moto: MotoServer) -> None:
    with pytest.raises(StoreUnavailable, match=r"ValueError: Invalid endpoint: nonsense.*CONCERT_ENDPOINT_URL"):
        s3_client(endpoint_url="nonsense")
