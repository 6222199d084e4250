"""What happens to the inbox while it is taken in: files that change or vanish, that may not be read, two processes at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from concert_assets.deliveries.inbox import Inbox
from concert_assets.deliveries.log import DeliveryLog
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets_tests.support_core import RAW, another, as_jsonl
from concert_assets_tests.test_inbox import ADA, BEA, FORMATS, Dropped


@pytest.fixture
def core(tmp_path: Path) -> Dropped:
    return Dropped(tmp_path)


class Meddled(FolderObjectStore):
    """A store in which something happens to an object while it is read."""

    def __init__(self, root: Path, happens: Callable[[Path], None]) -> None:
        super().__init__(root)
        self.happens = happens

    @contextmanager
    def fetch(self, bucket: str, key: str, version: str = "") -> Iterator[Path]:
        with super().fetch(bucket, key, version) as path:
            yield path
            self.happens(path)


@pytest.mark.parametrize(
    "happens", [Path.unlink, lambda path: path.write_bytes(BEA), lambda path: path.open("ab").write(BEA)]
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_file_that_changes_or_vanishes_while_it_is_read(tmp_path: Path, happens: Callable[[Path], None]) -> None:
    core = Dropped(tmp_path)
    path = core.drop("artists/a.jsonl", ADA)
    meddled = Inbox(DeliveryLog(Meddled(core.store.root, happens), RAW), FORMATS, 0)
    taken = meddled.take_in(meddled.arrivals())
    assert (taken.new, taken.left) == ((), ("inbox/artists/a.jsonl",))
    assert core.log.entries() == []
    assert core.inbox.arrivals().objects == path.exists(), "what is there still arrives as the version that it is now"


def test_what_was_replaced_since_it_was_listed_is_left_and_arrives_as_it_is(store: ObjectStore) -> None:
    """In folders and in S3, which reads the version that was listed or nothing."""
    key = "inbox/artists/a.jsonl"
    inbox = Inbox(DeliveryLog(store, RAW), FORMATS, 0)
    store.write(RAW, key, ADA)
    seen = inbox.arrivals()
    store.write(RAW, key, BEA)
    taken = inbox.take_in(seen)
    assert (taken.new, taken.left) == ((), (key,))
    (entry,) = inbox.take_in(inbox.arrivals()).new
    assert store.read(RAW, entry.objects[0].key) == BEA
    assert inbox.arrivals().objects == 0


def test_a_file_that_may_not_be_read_holds_up_no_other(core: Dropped, monkeypatch: pytest.MonkeyPatch) -> None:
    core.drop("artists/mine.jsonl", ADA)
    core.drop("artists/locked.jsonl", BEA)
    opened = Path.open

    def refuse(path: Path, *args: object, **kwargs: object) -> object:
        if path.name == "locked.jsonl":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", refuse)
    taken = core.take_in()
    assert [entry.delivery for entry in taken.new] == ["artists/mine.jsonl"]
    assert taken.left == ("inbox/artists/locked.jsonl",)


def test_two_processes_that_see_the_same_files_deliver_them_once(core: Dropped) -> None:
    for number in range(20):
        core.drop(f"artists/{number}.jsonl", as_jsonl([another(f"a{number}")]))
    inboxes = [Inbox(DeliveryLog(FolderObjectStore(core.store.root), RAW), FORMATS, 0) for _ in range(4)]
    seen = [inbox.arrivals() for inbox in inboxes]
    threads = [
        threading.Thread(target=inbox.take_in, args=(found,)) for inbox, found in zip(inboxes, seen, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = [(item.name, item.state) for item in core.log.deliveries()]
    assert sorted(states) == sorted((f"artists/{number}.jsonl", "live") for number in range(20))
    assert len(core.log.entries()) >= 20
    core.process()
    assert len(core.keys("artists")) == 20
