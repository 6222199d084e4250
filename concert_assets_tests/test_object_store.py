"""The promises of every object store: whole objects or none, create once, versions, and keys that cannot escape."""

import os
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import KeyRefused, ObjectExists, ObjectNotFound, ObjectStore

BUCKET = "raw"


def keys(store: ObjectStore, prefix: str = "") -> list[str]:
    return [info.key for info in store.list(BUCKET, prefix)]


def test_an_object_comes_back_as_it_was_written(store: ObjectStore) -> None:
    data = bytes(range(256)) * 1000
    written = store.write(BUCKET, "a/b.bin", data)
    assert store.read(BUCKET, "a/b.bin") == data
    assert written == store.head(BUCKET, "a/b.bin")
    assert (written.key, written.size_bytes) == ("a/b.bin", len(data))
    with store.fetch(BUCKET, "a/b.bin") as path:
        assert path.read_bytes() == data


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.write(BUCKET, "empty", b"")
    assert store.read(BUCKET, "empty") == b""
    assert [info.size_bytes for info in store.list(BUCKET)] == [0]


def test_what_is_not_there_is_said_to_be_missing(store: ObjectStore) -> None:
    store.write(BUCKET, "folder/object", b"x")
    for key in ("none", "folder", "folder/none", "folder/object/below"):
        with pytest.raises(ObjectNotFound, match=key):
            store.read(BUCKET, key)
        with pytest.raises(ObjectNotFound), store.fetch(BUCKET, key):
            raise AssertionError("fetched what is not there")
        assert store.head(BUCKET, key) is None
        store.delete(BUCKET, key)
    assert keys(store) == ["folder/object"]
    assert list(store.list("another")) == []


def test_a_deleted_object_is_gone_and_can_be_created_again(store: ObjectStore) -> None:
    store.create(BUCKET, "k", b"one")
    store.delete(BUCKET, "k")
    assert keys(store) == []
    store.create(BUCKET, "k", b"two")
    assert store.read(BUCKET, "k") == b"two"


def test_buckets_are_apart(store: ObjectStore) -> None:
    store.write("one", "k", b"1")
    store.write("two", "k", b"2")
    store.delete("one", "k")
    assert store.read("two", "k") == b"2"


def test_a_version_changes_with_every_overwrite(store: ObjectStore) -> None:
    versions = [store.write(BUCKET, "k", bytes([65 + turn])).version for turn in range(20)]
    assert all(before != after for before, after in pairwise(versions))
    assert store.head(BUCKET, "k").version == versions[-1]  # type: ignore[union-attr]


def test_create_refuses_what_is_there_and_leaves_it(store: ObjectStore) -> None:
    store.create(BUCKET, "k", b"first")
    with pytest.raises(ObjectExists, match="k"):
        store.create(BUCKET, "k", b"second")
    assert store.read(BUCKET, "k") == b"first"
    store.write(BUCKET, "k", b"third")
    assert store.read(BUCKET, "k") == b"third"


def test_a_write_that_raises_leaves_nothing_and_keeps_what_was(store: ObjectStore, tmp_path: Path) -> None:
    store.write(BUCKET, "old", b"as it was")

    def fail(key: str) -> None:
        with store.open_write(BUCKET, key) as stream:
            stream.write(b"half of it")
            raise RuntimeError("no more")

    for key in ("old", "new", "folder/new"):
        with pytest.raises(RuntimeError, match="no more"):
            fail(key)
    assert keys(store) == ["old"]
    assert store.read(BUCKET, "old") == b"as it was"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) <= 1, "nothing is left lying about"


def test_a_folder_tells_versions_apart_that_the_clock_does_not(tmp_path: Path) -> None:
    store = FolderObjectStore(tmp_path)
    versions = []
    for data in (b"one", b"two"):
        store.write(BUCKET, "k", data)
        os.utime(store.path(BUCKET, "k"), ns=(1_000, 1_000))
        versions.append(store.head(BUCKET, "k"))
    assert versions[0] != versions[1]


def test_an_object_is_not_visible_before_it_is_whole(store: ObjectStore) -> None:
    with store.open_write(BUCKET, "k") as stream:
        stream.write(b"half")
        stream.flush()
        assert store.head(BUCKET, "k") is None
        assert keys(store) == []
    assert keys(store) == ["k"]


HOSTILE = (
    "../out", "a/../../out", "a/../b", "..", ".", "./a", "a/./b", "/abs", "//two", "a//b", "a/", "/", "a#1", "#1", "?q=1",
    "a b", " a ", "täst", "🎸/🎻.jsonl", unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café"),
    ".hidden", "a/.hidden", ".writing-0123456789abcdef", "a/.writing-x", "%2F", "%", "a%20b", "%00", "a\\b", "C:\\x", "a:b",
    "*", "'; drop table x; --", '"', "a\nb", "CON", "nul.txt", "~", "$HOME", "-rf", "x" * 230, "é" * 60, "a\x00b", "",
    "x" * 256, "long/" * 60 + "x", "é/" * 340, "é/" * 900, "\ud800", "Ａ", "A", "\u202egnp",
)  # fmt: skip


@pytest.mark.parametrize("key", HOSTILE, ids=lambda key: ascii(key[:24]))
def test_any_key_comes_back_or_is_refused(store: ObjectStore, key: str, tmp_path: Path) -> None:
    data = ascii(key).encode()
    try:
        store.write(BUCKET, key, data)
    except KeyRefused:
        assert keys(store) == []
        return
    assert keys(store) == [key]
    assert store.read(BUCKET, key) == data
    assert keys(store, key) == [key]
    with pytest.raises(ObjectExists):
        store.create(BUCKET, key, b"")
    assert not outside(tmp_path)
    store.delete(BUCKET, key)
    assert keys(store) == []


def outside(tmp_path: Path) -> list[Path]:
    """Files that do not lie in the bucket; the folders above the test's own stay the system's."""
    bucket = (tmp_path / "root" / BUCKET).resolve()
    return [path for path in tmp_path.rglob("*") if path.is_file() and not path.resolve().is_relative_to(bucket)]


def test_ordinary_keys_are_held(store: ObjectStore) -> None:
    """So that refusing everything is no way to keep the promise above."""
    wanted = ["a b", "a#1", "a//b", "../out", "/abs", ".hidden", "🎸/🎻.jsonl", "a%20b", "x" * 230, "CON", "a\nb"]
    for key in wanted:
        store.write(BUCKET, key, key.encode())
    assert keys(store) == sorted(wanted)


def test_twins_in_normalisation_and_case_stay_two(store: ObjectStore) -> None:
    composed, decomposed = unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")
    store.write(BUCKET, composed, b"1")
    store.write(BUCKET, decomposed, b"2")
    assert (store.read(BUCKET, composed), store.read(BUCKET, decomposed)) == (b"1", b"2")
    assert keys(store) == sorted([composed, decomposed])


@pytest.mark.parametrize("bucket", ["..", ".", "", "a/b", "a b", "../raw", "/abs", "%2e"])
def test_a_bucket_name_cannot_escape(store: ObjectStore, bucket: str, tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        store.write(bucket, "k", b"x")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_key_is_an_object_or_a_folder(store: ObjectStore) -> None:
    """A folder cannot be both; an object store may. Either way nothing is lost."""
    store.write(BUCKET, "a/b", b"1")
    store.write(BUCKET, "c", b"2")
    for key in ("a", "c/d"):
        try:
            store.write(BUCKET, key, b"3")
        except KeyRefused:
            assert key not in keys(store)
        else:
            assert store.read(BUCKET, key) == b"3"
    assert (store.read(BUCKET, "a/b"), store.read(BUCKET, "c")) == (b"1", b"2")


def test_a_listing_is_in_key_order_and_by_prefix(store: ObjectStore) -> None:
    # In the order of folders a/z comes before a-b; in that of keys it comes after.
    wanted = ["B", "a", "a-b", "a.b", "log/000000000002.json", "log/000000000010.json", "logs", "z/ä", "Ä"]
    for key in ["a_/z", *reversed(wanted)]:
        store.write(BUCKET, key, b"x")
    assert keys(store) == sorted([*wanted, "a_/z"])
    assert keys(store, "log") == ["log/000000000002.json", "log/000000000010.json", "logs"]
    assert keys(store, "log/") == ["log/000000000002.json", "log/000000000010.json"]
    assert keys(store, "log/000000000002") == ["log/000000000002.json"]
    assert keys(store, "a") == ["a", "a-b", "a.b", "a_/z"]
    assert keys(store, "none/") == keys(store, "a/") == []


SEGMENT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)
KEY = st.lists(SEGMENT | st.sampled_from(["..", ".", "", "a", "A", "%", ".writing-", "%2E"]), max_size=4).map("/".join)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.dictionaries(KEY, st.binary(max_size=20), max_size=6), prefix=KEY)
def test_a_store_holds_what_a_dictionary_would(
    wanted: dict[str, bytes],
    prefix: str,
    make_store: Callable[[Path], ObjectStore],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("stores")
    store = make_store(root / "root")
    held = {}
    for key, data in wanted.items():
        try:
            store.write(BUCKET, key, data)
        except KeyRefused:
            continue
        held[key] = data
    assert {info.key: store.read(BUCKET, info.key) for info in store.list(BUCKET)} == held
    assert keys(store, prefix) == sorted(key for key in held if key.startswith(prefix))
    assert not outside(root)
