"""What is damaged is told in one line, and no newcomer takes the place of a champion that cannot be asked."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from concert_assets.defs.model_objects import in_use, last_decision, load_in_use, promote, retire
from concert_assets.defs.model_verdict import known_decision, note_untrainable
from concert_assets.defs.retries import MayPass
from concert_assets.deliveries.log import DeliveredObject, DeliveryLog, Entry
from concert_assets.learning.model import Candidate
from concert_assets.learning.persistence import ModelRefused
from concert_assets.learning.settings import NotTrainable
from concert_assets_tests.learning_world import AS_OF, make_world, query
from concert_assets_tests.support_models import NAME, Home, honest, make_home, other, train


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return query(make_world(artists=50, venues=25, concerts=800), NAME)


@pytest.fixture(scope="module")
def trained(rows: pd.DataFrame) -> Candidate:
    return train(rows)


@pytest.fixture
def good(trained: Candidate) -> Candidate:
    return honest(trained)


@pytest.fixture
def home(tmp_path: Path, rows: pd.DataFrame) -> Home:
    return make_home(tmp_path, rows)


@pytest.mark.parametrize("wrong", [b"", b"{", b"[]", b"null", b"{}", b'{"name": 1}', "another model's"])
def test_a_damaged_pointer_is_told_and_nobody_is_put_in_its_place(
    home: Home, good: Candidate, wrong: bytes | str
) -> None:
    home.put(good)
    pointer = home.pointer
    kept = pointer.read_bytes()
    damaged = wrong if isinstance(wrong, bytes) else kept.replace(b'"ticket_sales"', b'"venue_popularity"', 1)
    pointer.write_bytes(damaged)
    with pytest.raises(
        ModelRefused, match=r"00000001\.json is damaged: restore it, or remove it for what was in use before"
    ):
        load_in_use(home.s3, home.signing, NAME)
    assert known_decision(home.s3, home.signing, NAME, "r1") is None
    last = home.put(other(good, "ticket_sales-next", lambda judged: judged["predicted"]), request="r2")
    assert (last.is_promoted, pointer.read_bytes()) == (False, damaged)
    assert "00000001.json is damaged" in last.reasons[0]
    note_untrainable(home.s3, NotTrainable(NAME, "too few"), as_of=None, position=9, request="r3")
    assert pointer.read_bytes() == damaged
    pointer.unlink()
    assert home.put(other(good, "ticket_sales-next", lambda judged: judged["predicted"]), request="r4").is_promoted


def test_a_pointer_to_a_version_that_was_not_promoted_is_refused(home: Home, good: Candidate) -> None:
    home.put(good)
    home.put(other(good, "ticket_sales-worse", lambda judged: judged["predicted"] * 1.5 + 500), request="r2")
    pointer = home.pointer
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"version": "ticket_sales-worse"}))
    with pytest.raises(ModelRefused, match="was not promoted when it was trained"):
        load_in_use(home.s3, home.signing, NAME)
    last = home.put(other(good, "ticket_sales-next", lambda judged: judged["predicted"]), request="r3")
    assert not last.is_promoted


def test_nobody_takes_the_place_of_a_champion_whose_bytes_are_damaged(home: Home, good: Candidate) -> None:
    home.put(good)
    (home.folder / good.model.version / "model.skops").write_bytes(b"x")
    last = home.put(other(good, "ticket_sales-next", lambda judged: judged["predicted"]), request="r2")
    assert not last.is_promoted
    assert "which is refused: the signature does not fit" in last.reasons[0]
    used = in_use(home.s3, NAME)
    assert used is not None
    assert used.version == good.model.version


def test_a_damaged_decision_is_none(home: Home, good: Candidate) -> None:
    home.put(good)
    (home.folder / "decision.json").write_bytes(b"{")
    assert last_decision(home.s3, NAME) is None
    assert home.put(good).is_promoted


def test_a_version_refused_at_first_and_promoted_later_is_stored_as_promoted(home: Home, good: Candidate) -> None:
    """The champion that it did not beat is given up meanwhile."""
    newcomer = other(good, "ticket_sales-next", lambda judged: judged["predicted"])
    home.put(good)
    assert not home.put(newcomer, request="r2").is_promoted
    home.pointer.unlink()
    assert home.put(newcomer, request="r3").is_promoted
    assert load_in_use(home.s3, home.signing, NAME).card["promotion"]["is_promoted"]  # type: ignore[union-attr]
    assert "Promoted." in (home.folder / "ticket_sales-next" / "card.md").read_text()


def test_of_two_trainings_at_once_the_second_looks_again(home: Home, good: Candidate) -> None:
    """The other one decides between what this one compared with and what it decides."""
    home.put(good)
    seen = in_use(home.s3, NAME)
    first = other(good, "ticket_sales-first", lambda judged: judged["actual"])
    (home.folder / good.model.version / "manifest.json").unlink()  # one that cannot predict is not compared with
    assert home.put(first, request="r2").is_promoted
    with pytest.raises(MayPass, match="another training decided on ticket_sales meanwhile"):
        promote(home.s3, good.model, seen)
    with pytest.raises(MayPass):
        retire(home.s3, NAME, "2026-01-01", "too few", seen)
    used = in_use(home.s3, NAME)
    assert used is not None
    assert (used.version, used.number) == ("ticket_sales-first", 2)


@pytest.mark.parametrize("kind", ["retraction", "hold", "delivery"])
def test_a_champion_that_learned_from_withdrawn_data_is_given_up(home: Home, good: Candidate, kind: Any) -> None:
    log = DeliveryLog(home.s3.store, "raw")
    delivered = Entry(0, "delivery", "tour", "2026-01-01T00:00:00Z")
    position = log.append(delivered).sequence
    assert home.put(good, position=position).is_promoted
    if kind == "delivery":
        item = DeliveredObject("o", "k", "concerts", "csv", 1, "s")
        log.append(replace(delivered, objects=(item,)))
    else:
        log.append(Entry(0, kind, "tour", "2026-01-02T00:00:00Z", refers_to=position, note="wrong"))
    worse = other(good, "ticket_sales-worse", lambda judged: judged["actual"] + 20_000)
    last = home.put(worse, request="r2", position=position + 1)
    assert not last.is_promoted
    used = in_use(home.s3, NAME)
    assert used is not None
    assert used.version == ("" if kind != "delivery" else good.model.version)
    withdrawn = "it learned from tour, retracted or held since"
    assert last.figures.get("champion_gone") == (withdrawn if kind != "delivery" else None)
    note_untrainable(home.s3, NotTrainable(NAME, "too few"), as_of=AS_OF, position=9, request="r3")
    used = in_use(home.s3, NAME)
    assert used is not None
    assert bool(used.version) == (kind == "delivery")
