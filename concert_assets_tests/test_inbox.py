"""What is dropped into the inbox is logged once, whatever it is called and whatever happens to it meanwhile."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from concert_assets.deliveries.inbox import Formats, Inbox, TakenIn, delivery_name
from concert_assets.deliveries.log import DeliveryLog, Entry, position_of
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import INBOX_PREFIX, ObjectInfo
from concert_assets.sources.detect import HEAD_BYTES, guess_format
from concert_assets.sources.read import SEVERAL_TABLES
from concert_assets_tests.support_core import ARTIST, CLEAN, RAW, Core, another, as_jsonl, published_hashes

FORMATS = Formats(guess_format, SEVERAL_TABLES, head_bytes=HEAD_BYTES)
ADA = as_jsonl([ARTIST])
BEA = as_jsonl([ARTIST | {"artist_id": "a2", "name": "Bea"}])


class Dropped(Core):
    """A core whose files come by the inbox."""

    def __init__(self, home: Path, settle_seconds: float = 0, formats: Formats = FORMATS) -> None:
        super().__init__(home)
        self.folder = home / "objects" / RAW / "inbox"
        self.inbox = Inbox(self.log, formats, settle_seconds)

    def drop(self, name: str | bytes, data: bytes) -> Path:
        """Write a file as a person's program does: in place."""
        path = self.folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def take_in(self) -> TakenIn:
        return self.inbox.take_in(self.inbox.arrivals())


@pytest.fixture
def core(tmp_path: Path) -> Dropped:
    return Dropped(tmp_path)


def test_a_dropped_file_is_published(core: Dropped) -> None:
    for table, rows in CLEAN.items():
        core.drop(f"{table}/first.jsonl", as_jsonl(rows))
    taken = core.take_in()
    assert sorted(entry.delivery for entry in taken.new) == sorted(f"{table}/first.jsonl" for table in CLEAN)
    core.process()
    assert core.keys("ticket_sales") == ["s1"]
    (told,) = core.rows("load_ledger", "delivery", "state", "rows_in", "rows_published")[:1]
    assert told == ("artists/first.jsonl", "live", 1, 1)
    assert core.inbox.arrivals().objects == 0


def test_the_same_bytes_again_are_seen_and_not_loaded_twice(core: Dropped) -> None:
    core.drop("artists/a.jsonl", ADA)
    core.take_in()
    core.process()
    before = published_hashes(core)
    core.drop("artists/a.jsonl", ADA)
    assert core.inbox.arrivals().objects == 1
    taken = core.take_in()
    assert (taken.new, taken.known) == ((), ("artists/a.jsonl",))
    assert core.inbox.arrivals().objects == 0, "this version is known from now on"
    assert core.process()[1].is_new is False
    assert published_hashes(core) == before
    assert [item.state for item in core.log.deliveries()] == ["live"]


def test_other_bytes_replace_what_the_file_brought(core: Dropped) -> None:
    core.drop("artists/a.jsonl", ADA + BEA)
    core.take_in()
    core.process()
    core.drop("artists/a.jsonl", BEA)
    core.take_in()
    core.process()
    assert core.keys("artists") == ["a2"]
    assert [item.state for item in core.log.deliveries()] == ["replaced", "live"]


def test_a_copy_that_keeps_time_and_size_is_a_new_version(core: Dropped) -> None:
    path = core.drop("artists/a.jsonl", ADA)
    core.take_in()
    times = path.stat()
    with path.open("r+b") as stream:
        stream.write(ADA.replace(b"Ada", b"Eve"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    assert core.inbox.arrivals().objects == 1


def test_deleting_a_file_changes_nothing(core: Dropped) -> None:
    path = core.drop("artists/a.jsonl", ADA)
    core.take_in()
    path.unlink()
    core.process()
    assert core.keys("artists") == ["a1"]
    core.drop("artists/a.jsonl", ADA)
    assert core.take_in().known == ("artists/a.jsonl",)


def test_a_retracted_file_comes_back_by_a_command_alone(core: Dropped) -> None:
    core.drop("artists/a.jsonl", ADA)
    core.take_in()
    core.log.judge(core.delivery("artists/a.jsonl"), "retraction", "")
    assert core.inbox.arrivals().objects == 0, "what was taken back lies there still and does not come by itself"
    os.link(core.folder / "artists" / "a.jsonl", core.folder / "artists" / ".backup")  # changes the inode's time
    assert core.inbox.arrivals().objects == 1
    assert core.take_in().known == ("artists/a.jsonl",)
    core.drop("artists/a.jsonl", ADA)
    assert core.take_in().known == ("artists/a.jsonl",)
    assert [item.state for item in core.log.deliveries()] == ["retracted"]
    core.drop("artists/a.jsonl", BEA)
    assert [entry.delivery for entry in core.take_in().new] == ["artists/a.jsonl"]
    assert [item.state for item in core.log.deliveries()] == ["retracted", "live"]


def test_an_older_version_that_is_logged_late_gives_way_to_the_one_that_lies_there(core: Dropped) -> None:
    core.drop("artists/a.jsonl", ADA)
    slow = Inbox(DeliveryLog(core.store, RAW), FORMATS, 0)
    append = slow.log.append

    def overtaken(entry: Entry) -> Entry:
        core.drop("artists/a.jsonl", BEA)
        core.take_in()
        return append(entry)

    slow.log.append = overtaken  # type: ignore[method-assign]
    slow.take_in(slow.arrivals())
    assert core.inbox.arrivals().objects == 1, "what lies there is not what was logged last"
    core.take_in()
    core.process()
    assert core.keys("artists") == ["a2"]
    assert core.inbox.arrivals().objects == 0


def test_a_link_that_leads_to_itself_holds_up_no_other_file(core: Dropped) -> None:
    core.drop("artists/a.jsonl", ADA)
    (core.folder / "artists" / "loop.jsonl").symlink_to("loop.jsonl")
    assert [entry.delivery for entry in core.take_in().new] == ["artists/a.jsonl"]


def test_no_name_leads_out_of_the_inbox(core: Dropped) -> None:
    path = core.home / "secret"
    path.write_bytes(ADA)
    core.drop(f"artists/\ufffd (bytes {str(path).encode().hex()})", BEA)
    (entry,) = core.take_in().new
    assert core.store.read(RAW, entry.objects[0].key) == BEA, "the file of that name, and none that it names"


def test_a_file_that_changed_just_now_is_left_to_settle(tmp_path: Path) -> None:
    core = Dropped(tmp_path, settle_seconds=3_600)
    path = core.drop("artists/a.jsonl", ADA)
    found = core.inbox.arrivals()
    assert (found.objects, found.settling) == (0, ("inbox/artists/a.jsonl",))
    os.utime(path, (0, 0))  # a copy may keep an old time of the file; what counts is when it was written here
    assert core.inbox.arrivals().objects == 0
    assert Dropped(tmp_path, settle_seconds=0).inbox.arrivals().objects == 1


@pytest.mark.parametrize(
    "name", [".a.jsonl.Xy12", "a.jsonl.part", "a.jsonl.tmp", "a.CRDOWNLOAD", "a.jsonl~", ".cache/a.jsonl"]
)
def test_what_bears_the_name_of_an_unfinished_file_waits_for_its_own(core: Dropped, name: str) -> None:
    core.drop(f"artists/{name}", ADA)
    assert core.inbox.arrivals().objects == 0


NAMES = [
    "with space.jsonl", "a#1.jsonl", "50%41.jsonl", "%2e%2e.jsonl", "🎸.jsonl", "caf\u00e9.jsonl", "cafe\u0301.jsonl",
    "sub/folder/a.jsonl", "'; drop table artists; --.jsonl", "new\nline.jsonl", "ж" * 120 + ".jsonl", "a" * 249 + ".jsonl",
    "a\\b.jsonl", "-rf.jsonl", "* ?.jsonl",
]  # fmt: skip


def test_any_name_is_taken_in_as_it_is(core: Dropped) -> None:
    for number, name in enumerate(NAMES):
        core.drop(f"artists/{name}", as_jsonl([another(f"a{number}")]))
    taken = core.take_in()
    assert {entry.delivery for entry in taken.new} == {f"artists/{name}" for name in NAMES}
    core.process()
    assert len(core.keys("artists")) == len(NAMES)
    assert core.inbox.arrivals().objects == 0


def test_a_name_that_is_no_text_is_taken_in_under_one_that_is(core: Dropped) -> None:
    core.drop(b"artists/caf\xe9.jsonl", ADA)
    (entry,) = core.take_in().new
    assert entry.delivery == "artists/caf\ufffd.jsonl (bytes 636166e92e6a736f6e6c)"
    core.process()
    assert core.keys("artists") == ["a1"]
    assert core.inbox.arrivals().objects == 0


def test_a_very_long_name_is_cut_and_stays_its_own() -> None:
    one, other = (delivery_name("inbox/artists/" + "x/" * 300 + end) for end in ("a", "b"))
    assert one != other
    assert len(one.encode()) <= 512


def test_what_no_reader_knows_is_logged_and_held_with_the_reason(core: Dropped) -> None:
    core.drop("artists/good.jsonl", ADA)
    core.drop("artists/picture.jsonl.zip", b"PK\x03\x04 no such format")
    core.drop("singers/a.jsonl", ADA)
    core.drop("beside.jsonl", ADA)
    core.drop("artists/empty.csv", b"")
    core.take_in()
    core.settle()
    assert core.keys("artists") == ["a1"]
    held = {item.name: item.reason for item in core.log.deliveries() if item.state == "held"}
    assert sorted(held) == ["artists/empty.csv", "artists/picture.jsonl.zip", "beside.jsonl", "singers/a.jsonl"]
    notes = dict(core.rows("load_ledger", "delivery", "note"))
    assert "format '' is unknown" in notes["artists/picture.jsonl.zip"]
    assert "table 'singers' is unknown" in notes["singers/a.jsonl"]
    assert "table None is unknown" in notes["beside.jsonl"]
    assert "empty" in notes["artists/empty.csv"]


def test_a_folder_of_a_format_that_brings_several_tables(core: Dropped) -> None:
    core.drop("nyphil/archive.json", b'{"programs": []}')
    (entry,) = core.take_in().new
    assert [(item.table, item.format) for item in entry.objects] == [("", "nyphil")]


def test_objects_of_a_grouped_format_are_one_delivery_and_wait_for_each_other(tmp_path: Path) -> None:
    core = Dropped(tmp_path, formats=Formats(guess_format, {"sets"}, {"sets"}))
    core.drop("sets/may/one.txt", b"1")
    core.drop("sets/may/two.txt", b"2")
    core.drop("sets/june/one.txt", b"1")
    taken = core.take_in()
    assert {entry.delivery: len(entry.objects) for entry in taken.new} == {"sets/may": 2, "sets/june": 1}
    core.drop("sets/may/two.txt", b"other")
    (entry,) = core.take_in().new
    assert [item.source_key for item in entry.objects] == ["inbox/sets/may/one.txt", "inbox/sets/may/two.txt"]


def test_the_hash_of_the_set_is_that_of_versions(core: Dropped) -> None:
    core.drop("artists/a.jsonl", ADA)
    first = core.inbox.arrivals().set_hash
    assert core.inbox.arrivals().set_hash == first
    core.drop("artists/a.jsonl", BEA)
    second = core.inbox.arrivals().set_hash
    core.drop("artists/b.jsonl", ADA)
    assert len({first, second, core.inbox.arrivals().set_hash}) == 3


def test_files_are_delivered_in_the_order_in_which_they_came(core: Dropped) -> None:
    for name in ("z", "m", "a"):
        path = core.drop(f"artists/{name}.jsonl", as_jsonl([ARTIST | {"name": name}]))
        os.sync()
        assert path.exists()
    assert [entry.delivery for entry in core.take_in().new] == ["artists/z.jsonl", "artists/m.jsonl", "artists/a.jsonl"]
    core.process()
    assert core.rows("artists", "name") == [("a",)]


def test_what_is_seen_again_is_no_reason_to_publish(core: Dropped) -> None:
    core.drop("artists/a.jsonl", ADA)
    core.take_in()
    core.process()
    position = position_of(core.log.entries())
    core.drop("artists/a.jsonl", ADA)
    core.take_in()
    assert len(core.log.entries()) == position + 1
    assert position_of(core.log.entries()) == position
    assert core.rows("load_ledger", "published_position") == [(position,)]


class WithFolders(FolderObjectStore):
    """A store that lists what S3's console makes for a folder: an object of no bytes whose key ends with a slash."""

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        if prefix == INBOX_PREFIX:
            yield ObjectInfo("inbox/artists/", 0, "1")
        yield from super().list(bucket, prefix)


def test_a_folder_made_in_the_console_is_no_file(core: Dropped) -> None:
    inbox = Inbox(DeliveryLog(WithFolders(core.store.root), RAW), FORMATS, 0)
    assert inbox.arrivals().objects == 0
