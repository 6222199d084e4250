"""The delivery log: which delivery is live after what was logged, and that no entry is lost or doubled."""

import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from concert_assets.deliveries.log import DeliveredObject, DeliveryLog, Entry, NoSuchDelivery, object_id
from concert_assets.resources.s3.folder import FolderObjectStore

BUCKET = "raw"


@pytest.fixture
def log(tmp_path: Path) -> DeliveryLog:
    return DeliveryLog(FolderObjectStore(tmp_path), BUCKET)


def brought(delivery: str, content: str, table: str = "artists") -> list[DeliveredObject]:
    return [DeliveredObject(object_id(delivery, table, content), f"{delivery}/{content}", table, "jsonl", 1, content)]


def deliver(log: DeliveryLog, delivery: str, content: str) -> tuple[int, bool]:
    entry, is_new = log.deliver(delivery, brought(delivery, content), source="test")
    return entry.sequence, is_new


def judge(log: DeliveryLog, sequence: int, kind: str, note: str = "") -> None:
    (delivery,) = [item for item in log.deliveries() if item.sequence == sequence]
    log.judge(delivery, kind, note)  # type: ignore[arg-type]


def states(log: DeliveryLog) -> dict[int, str]:
    return {item.sequence: item.state for item in log.deliveries()}


def test_an_empty_log_holds_nothing(log: DeliveryLog) -> None:
    assert log.entries() == log.deliveries() == []


def test_a_delivery_is_live_and_read_back_as_it_was_logged(log: DeliveryLog) -> None:
    objects = [*brought("d", "1"), DeliveredObject("id", "k", "", "nyphil", 5, "hash", "v1", {"concerts": 3})]
    entry, is_new = log.deliver("d", objects, source="nyphil", settings={"seed": 42}, note="größer")
    assert is_new
    assert log.entries() == [entry]
    (delivery,) = log.deliveries()
    assert (delivery.state, delivery.name, delivery.sequence) == ("live", "d", 1)
    assert delivery.entry.objects == tuple(objects)
    assert (delivery.entry.settings, delivery.entry.note) == ({"seed": 42}, "größer")


def test_a_later_delivery_of_the_name_replaces_the_earlier_one(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    deliver(log, "other", "1")
    deliver(log, "d", "2")
    assert states(log) == {1: "replaced", 2: "live", 3: "live"}


def test_the_same_bytes_again_are_no_new_delivery(log: DeliveryLog) -> None:
    assert deliver(log, "d", "1") == (1, True)
    assert deliver(log, "d", "1") == (1, False)
    deliver(log, "d", "2")
    assert deliver(log, "d", "1") == (3, True), "what was replaced is news again"
    assert states(log) == {1: "replaced", 2: "replaced", 3: "live"}


def test_the_same_bytes_read_as_another_table_or_format_are_news(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    (item,) = brought("d", "1")
    for table, kind in (("venues", "jsonl"), ("artists", "csv")):
        other = DeliveredObject(item.object_id, item.key, table, kind, 1, "1")
        assert log.deliver("d", [other], source="test")[1]


def test_what_was_retracted_can_be_delivered_again(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    judge(log, 1, "retraction")
    assert states(log) == {1: "retracted"}
    assert deliver(log, "d", "1") == (3, True)
    assert states(log) == {1: "retracted", 3: "live"}


def test_a_retraction_does_not_bring_back_what_was_replaced(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    deliver(log, "d", "2")
    judge(log, 2, "retraction")
    assert states(log) == {1: "replaced", 2: "retracted"}


def test_a_held_delivery_leaves_the_one_before_it_live(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    deliver(log, "d", "2")
    judge(log, 2, "hold", "half of it is refused")
    assert states(log) == {1: "live", 2: "held"}
    assert [item.reason for item in log.deliveries()] == ["", "half of it is refused"]
    assert deliver(log, "d", "2") == (2, False), "the same bytes are held already"


def test_a_release_ends_the_hold_and_replaces(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    deliver(log, "d", "2")
    judge(log, 2, "hold", "why")
    judge(log, 2, "release")
    assert states(log) == {1: "replaced", 2: "live"}
    assert [(item.is_released, item.reason) for item in log.deliveries()] == [(False, ""), (True, "")]


def test_a_retraction_ends_the_hold_and_the_one_before_stays(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    deliver(log, "d", "2")
    judge(log, 2, "hold")
    judge(log, 2, "retraction")
    assert states(log) == {1: "live", 2: "retracted"}


def test_a_good_delivery_passes_a_held_one_which_a_release_then_does_not_put_back(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    judge(log, 1, "hold")
    deliver(log, "d", "2")
    assert states(log) == {1: "replaced", 3: "live"}
    judge(log, 1, "release")
    assert states(log) == {1: "replaced", 3: "live"}
    judge(log, 3, "hold")
    assert states(log) == {1: "live", 3: "held"}, "what was released is accepted, so it is live where none replaces it"


def test_of_two_held_deliveries_of_a_name_the_later_one_is_held(log: DeliveryLog) -> None:
    for content in "12":
        deliver(log, "d", content)
        judge(log, log.deliveries()[-1].sequence, "hold")
    assert states(log) == {1: "replaced", 3: "held"}


def test_a_delivery_that_is_named_like_a_number_is_found_by_its_name(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    deliver(log, "1", "1")
    assert log.find("1").sequence == 2
    judge(log, 2, "retraction")
    assert log.find("1").sequence == 1


def test_a_delivery_is_found_by_name_and_by_number(log: DeliveryLog) -> None:
    deliver(log, "d", "1")
    deliver(log, "d", "2")
    deliver(log, "e", "1")
    judge(log, 3, "retraction")
    assert (log.find("d").sequence, log.find("1").sequence, log.find("3").state) == (2, 1, "retracted")
    for reference in ("e", "nobody", "4", "99"):
        with pytest.raises(NoSuchDelivery, match="knows: d, e"):
            log.find(reference)


def test_a_missing_entry_is_said_and_not_passed_over(log: DeliveryLog) -> None:
    for content in "123":
        deliver(log, "d", content)
    log.store.delete(BUCKET, "log/000000000002.json")
    with pytest.raises(ValueError, match=r"lacks entry 2; restore log/000000000002\.json"):
        log.entries()


def test_equal_content_has_one_id_and_different_content_another() -> None:
    def content(*objects: DeliveredObject, delivery: str = "d", sequence: int = 1) -> str:
        return Entry(sequence, "delivery", delivery, "2024-01-01T00:00:00+00:00", objects).content_id

    (one,), (two,) = brought("d", "1"), brought("d", "2")
    assert content(one) == content(one, sequence=9)
    ids = [content(one), content(two), content(one, two), content(), content(one, delivery="e")]
    assert len(set(ids)) == len(ids)


WRITER = """
import sys
from pathlib import Path
from concert_assets.deliveries.log import DeliveryLog, Entry
from concert_assets.resources.s3.folder import FolderObjectStore
log = DeliveryLog(FolderObjectStore(Path(sys.argv[1])), "raw")
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    print(log.append(Entry(0, "delivery", f"{sys.argv[2]}-{number}", "2024-01-01T00:00:00+00:00")).sequence)
"""


def test_four_processes_append_and_nothing_is_lost_or_doubled(log: DeliveryLog, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(writer)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for writer in range(4)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    numbers = [[int(line) for line in writer.communicate()[0].split()] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    assert sorted(chain(*numbers)) == list(range(1, 161))
    entries = log.entries()
    assert [entry.sequence for entry in entries] == list(range(1, 161))
    for writer, own in enumerate(numbers):
        assert own == sorted(own)
        assert [entries[sequence - 1].delivery for sequence in own] == [f"{writer}-{number}" for number in range(40)]


def test_a_listing_that_misses_an_entry_just_written_is_mended(
    log: DeliveryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder read while files are added may show the later one and not the earlier."""
    for content in "123":
        deliver(log, "d", content)
    listed = log.store.list
    monkeypatch.setattr(
        log.store, "list", lambda bucket, prefix="": (i for i in listed(bucket, prefix) if "002" not in i.key)
    )
    assert [entry.sequence for entry in log.entries()] == [1, 2, 3]


# Histories: what to do, and to which of the deliveries so far.
