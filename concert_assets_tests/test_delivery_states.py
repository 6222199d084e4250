"""The states of deliveries after any history, told another way than the log settles them."""

import random
from collections import defaultdict
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from concert_assets.deliveries.log import Entry, settle
from concert_assets_tests.test_delivery_log import brought

STEP = st.tuples(st.sampled_from(["deliver", "deliver", "hold", "release", "retraction"]), st.integers(0, 20))
NAMES = ("d", "e", "f")


def history(steps: Sequence[tuple[str, int]]) -> list[Entry]:
    entries: list[Entry] = []
    for kind, choice in steps:
        delivered = [entry for entry in entries if entry.kind == "delivery"]
        sequence = len(entries) + 1
        if kind == "deliver" or not delivered:
            name = NAMES[choice % len(NAMES)]
            entries.append(Entry(sequence, "delivery", name, "", tuple(brought(name, str(choice)))))
        else:
            meant = delivered[choice % len(delivered)]
            entries.append(Entry(sequence, kind, meant.delivery, "", refers_to=meant.sequence, note="why"))  # type: ignore[arg-type]
    return entries


def without_repetitions(of_name: Sequence[Entry]) -> list[Entry]:
    """The deliveries of a name that bring something else than the one before them, or that again after a retraction."""
    kept: list[Entry] = []
    for entry in of_name:
        if entry.kind == "delivery":
            taken_back = {
                item.refers_to for item in of_name if item.kind == "retraction" and item.sequence < entry.sequence
            }
            if not kept or kept[-1].objects != entry.objects or kept[-1].sequence in taken_back:
                kept.append(entry)
    return kept


def told_in_words(entries: Sequence[Entry]) -> dict[int, str]:
    """The same states told another way: name by name, backwards from the newest delivery."""
    about: dict[int, list[str]] = defaultdict(list)
    for entry in entries:
        about[entry.refers_to].append(entry.kind)
    found = {}
    for name in NAMES:
        is_replaced, is_followed = False, False
        for entry in reversed(without_repetitions([item for item in entries if item.delivery == name])):
            said = about[entry.sequence]
            is_held = [kind for kind in said if kind != "retraction"][-1:] == ["hold"]  # the last word counts
            if "retraction" in said:
                found[entry.sequence] = "retracted"
            elif is_replaced or (is_held and is_followed):
                found[entry.sequence] = "replaced"
            else:
                found[entry.sequence] = "held" if is_held else "live"
            is_replaced, is_followed = is_replaced or not is_held, True
    return found


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(STEP, max_size=14), seed=st.randoms(use_true_random=False))
def test_settling_a_history(steps: list[tuple[str, int]], seed: random.Random) -> None:
    entries = history(steps)
    settled = settle(entries)
    assert {item.sequence: item.state for item in settled} == told_in_words(entries)
    kept = [
        entry for name in NAMES for entry in without_repetitions([item for item in entries if item.delivery == name])
    ]
    assert [item.sequence for item in settled] == sorted(entry.sequence for entry in kept)
    live = [item.name for item in settled if item.state == "live"]
    assert len(live) == len(set(live)), "one delivery of a name is live"
    assert all(bool(item.reason) == (item.state == "held") for item in settled if item.state in ("live", "held"))
    shuffled = list(entries)
    seed.shuffle(shuffled)
    assert settle(shuffled) == settled, "an entry's number tells its place"


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEP, max_size=14), name=st.sampled_from(NAMES))
def test_deliveries_of_other_names_are_no_matter(steps: list[tuple[str, int]], name: str) -> None:
    entries = history(steps)
    own = [item for item in settle(entries) if item.name == name]
    assert settle([entry for entry in entries if entry.delivery == name]) == own


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEP, max_size=14))
def test_a_retraction_is_for_good(steps: list[tuple[str, int]]) -> None:
    entries = history(steps)
    gone: set[int] = set()
    for position in range(len(entries) + 1):
        retracted = {item.sequence for item in settle(entries[:position]) if item.state == "retracted"}
        assert retracted >= gone
        gone = retracted
