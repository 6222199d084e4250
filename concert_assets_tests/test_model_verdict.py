"""A candidate becomes the model in use only by merit: leaks, luck and tampering leave the champion where it is."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import MagicMock

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from concert_assets.defs import model_objects, trained_models
from concert_assets.defs.model_drift import drift_check, last_watched, watch
from concert_assets.defs.model_objects import in_use, judged_rows, last_decision, load_in_use
from concert_assets.defs.model_verdict import known_decision, note_untrainable, request_of
from concert_assets.learning import persistence
from concert_assets.learning.known import drift_of, leaks_of
from concert_assets.learning.leaks import Shift
from concert_assets.learning.model import Candidate, TrainedModel
from concert_assets.learning.persistence import ModelRefused
from concert_assets.learning.sales import train_ticket_sales
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets_tests.learning_world import AS_OF, make_world, query
from concert_assets_tests.support_models import NAME, SETTINGS, Home, honest, make_home, other, train


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


def test_the_first_version_is_stored_whole_and_put_in_use(home: Home, good: Candidate) -> None:
    last = home.put(good)
    assert last.is_promoted, last.reasons
    used = in_use(home.s3, NAME)
    assert used is not None
    assert (used.version, used.as_of) == (good.model.version, AS_OF.isoformat())
    assert used.card["promotion"]["is_promoted"] is True
    stored = home.folder / good.model.version
    assert {path.name for path in stored.iterdir()} == {"model.skops", "manifest.json", "judged.parquet", "card.md"}
    manifest = json.loads((stored / "manifest.json").read_text())
    assert manifest["ledger_position"] == 7
    assert "Promoted." in (stored / "card.md").read_text()
    loaded = load_in_use(home.s3, home.signing, NAME)
    assert isinstance(loaded, TrainedModel)
    assert loaded.version == good.model.version
    pd.testing.assert_frame_equal(judged_rows(home.s3, NAME, used.version), good.judged)


def test_one_that_beats_no_naive_rule_leaves_no_champion_and_says_why(home: Home, good: Candidate) -> None:
    beaten = replace(good, judged=good.judged.assign(naive__artist_mean=good.judged["actual"]))
    assert not home.put(beaten).is_promoted
    used = in_use(home.s3, NAME)
    assert used is not None
    assert (used.version, used.card) == ("", {})
    assert "not better than the naive artist_mean" in used.skipped_reason
    assert isinstance(load_in_use(home.s3, home.signing, NAME), NotTrainable)


def test_a_worse_version_is_stored_and_the_champion_stays(home: Home, good: Candidate) -> None:
    home.put(good)
    worse = other(good, "ticket_sales-worse", lambda judged: judged["predicted"] * 1.5 + 500)
    last = home.put(worse, request="r2")
    assert not last.is_promoted
    assert any("not better than the champion" in reason for reason in last.reasons)
    used = in_use(home.s3, NAME)
    assert used is not None
    assert used.version == good.model.version
    assert (home.folder / "ticket_sales-worse" / "model.skops").exists()
    (_, leak, promoted, coverage) = [None, *trained_models._checks(dg.AssetKey(["model", NAME]), last, used.version)]
    assert (leak.passed, promoted.passed) == (True, False)
    assert promoted.severity is dg.AssetCheckSeverity.WARN
    assert "not better than the champion" in promoted.description
    assert coverage.check_name == "coverage"


def test_a_better_version_takes_its_place(home: Home, good: Candidate) -> None:
    home.put(good)
    better = other(good, "ticket_sales-better", lambda judged: (judged["predicted"] + 3 * judged["actual"]) / 4)
    last = home.put(better, request="r2")
    assert [reason for reason in last.reasons if "interval" not in reason] == list(last.reasons) or not last.is_promoted
    fitting = better.judged
    for level in (50, 90):
        spread = np.quantile(np.abs(fitting["actual"] - fitting["predicted"]), level / 100)
        fitting = fitting.assign(
            **{f"low_{level}": fitting["predicted"] - spread, f"high_{level}": fitting["predicted"] + spread}
        )
    last = home.put(replace(better, judged=fitting), request="r3")
    assert last.is_promoted, last.reasons
    used = in_use(home.s3, NAME)
    assert used is not None
    assert used.version == "ticket_sales-better"


def test_a_stale_version_is_refused(home: Home, good: Candidate) -> None:
    home.put(good)
    late = AS_OF - timedelta(days=30)
    last = home.put(other(good, "ticket_sales-late", lambda judged: judged["actual"]), as_of=late, request="r2")
    assert last.reasons[0].startswith("stale:")


def test_a_leak_is_red_and_nothing_is_put_in_use(home: Home, good: Candidate, rows: pd.DataFrame) -> None:
    leaking = rows.assign(venue_surprise=rows["tickets_sold"] / rows["capacity"])
    last = home.put(good, rows=leaking)
    assert last.reasons[0].startswith("leak: venue_surprise alone explains")
    used = in_use(home.s3, NAME)
    assert used is not None
    assert used.version == ""
    leak = trained_models._checks(dg.AssetKey(["model", NAME]), last, "")[0]
    assert (leak.passed, leak.severity) == (False, dg.AssetCheckSeverity.ERROR)
    moved = home.put(good, shift=Shift(("weekday",), 100, 10), request="r2")
    assert moved.reasons[0] == "leak: facts after the cut-off change weekday"


def test_our_features_do_not_leak(trained: Candidate, rows: pd.DataFrame) -> None:
    found = leaks_of(trained.model, rows, AS_OF, None)
    assert found.reasons == ()
    assert found.rows > 200
    assert set(found.by_feature) == set(trained.model.card["features"])


def test_the_same_request_is_answered_without_training(home: Home, good: Candidate, rows: pd.DataFrame) -> None:
    request = request_of(NAME, rows, AS_OF, SETTINGS)
    assert request == request_of(NAME, rows.sample(frac=1, random_state=1), AS_OF, SETTINGS)
    assert request != request_of(NAME, rows.assign(weekday=6), AS_OF, SETTINGS)
    assert request != request_of(NAME, rows, AS_OF, TrainingSettings(test_size=0.3))
    assert known_decision(home.s3, home.signing, NAME, request) is None
    decided = home.put(good, request=request)
    assert known_decision(home.s3, home.signing, NAME, request) == decided == last_decision(home.s3, NAME)
    assert known_decision(home.s3, home.signing, NAME, "another") is None
    stored = home.folder / good.model.version / "model.skops"
    data = stored.read_bytes()
    stored.write_bytes(data[:-1])
    assert known_decision(home.s3, home.signing, NAME, request) is None
    stored.unlink()
    assert known_decision(home.s3, home.signing, NAME, request) is None
    assert home.put(good, request=request).is_promoted  # it is stored anew
    assert isinstance(load_in_use(home.s3, home.signing, NAME), TrainedModel)


def test_a_champion_that_was_tampered_with_is_refused(home: Home, good: Candidate) -> None:
    home.put(good)
    stored = home.folder / good.model.version
    for name, wrong in (("model.skops", b"x"), ("manifest.json", b"{}"), ("manifest.json", b"{")):
        kept = (stored / name).read_bytes()
        (stored / name).write_bytes(wrong)
        with pytest.raises(ModelRefused):
            load_in_use(home.s3, home.signing, NAME)
        (stored / name).write_bytes(kept)
    (stored / "judged.parquet").write_bytes(b"x")
    with pytest.raises(ModelRefused, match="judged rows"):
        judged_rows(home.s3, NAME, good.model.version)


def test_a_champion_of_other_code_has_no_say_and_that_is_told(
    home: Home, good: Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(good)
    monkeypatch.setattr(persistence, "CODE_VERSION", "next")
    nothing = load_in_use(home.s3, home.signing, NAME)
    assert isinstance(nothing, NotTrainable)
    assert "train again" in nothing.reason
    last = home.put(other(good, "ticket_sales-next", lambda judged: judged["predicted"]), request="r2")
    assert last.is_promoted
    assert "not compared with" in last.reasons[0]


def test_what_cannot_be_trained_leaves_the_champion_of_published_data(home: Home, good: Candidate) -> None:
    home.put(good)
    nothing = NotTrainable(NAME, "49 rows can be learned from; at least 50 are needed")
    last = note_untrainable(home.s3, nothing, as_of=AS_OF, position=9, request="r2")
    assert (last.version, last.reasons) == ("", [nothing.reason])
    used = in_use(home.s3, NAME)
    assert used is not None
    assert used.version == good.model.version
    note_untrainable(home.s3, nothing, as_of=date(2020, 1, 1), position=10, request="r3")
    gone = in_use(home.s3, NAME)
    assert gone is not None
    assert (gone.version, gone.skipped_reason) == ("", nothing.reason)


def test_a_name_that_is_asked_about_first_was_never_trained(home: Home) -> None:
    nothing = load_in_use(home.s3, home.signing, NAME)
    assert isinstance(nothing, NotTrainable)
    assert nothing.reason == "the model ticket_sales was never trained"
    assert model_objects.last_decision(home.s3, NAME) is None


def test_drift_is_looked_for_in_what_came_true_since(home: Home, good: Candidate, rows: pd.DataFrame) -> None:
    early = AS_OF - timedelta(days=500)
    outcome = train_ticket_sales(query(make_world(artists=50, venues=25, concerts=800), NAME, early), early, SETTINGS)
    assert isinstance(outcome, Candidate)
    home.put(outcome, as_of=early, reach=early)
    used = in_use(home.s3, NAME)
    assert used is not None
    model = replace(
        outcome.model, card=model_objects.load_version(home.s3, home.signing, NAME, outcome.model.version).card
    )
    judged = judged_rows(home.s3, NAME, model.version)
    same = drift_of(model, judged, rows, AS_OF)
    assert same.completed >= 100
    assert same.error_ratio is not None
    dearer = drift_of(model, judged, rows.assign(artist_popularity=rows["artist_popularity"] / 4), AS_OF)
    assert any(reason.startswith("artist_popularity has moved") for reason in dearer.reasons)
    worse = drift_of(model, judged, rows.assign(tickets_sold=1.0), AS_OF)
    assert any(reason.startswith("errors on ") for reason in worse.reasons)
    assert drift_of(model, judged, rows, early).rows == 0


@pytest.mark.parametrize("damage", ["gone", "other bytes"])
def test_judged_rows_that_are_lost_are_a_reason_to_retrain_which_stores_them_again(
    home: Home, good: Candidate, damage: str
) -> None:
    home.put(good)
    lost = home.folder / good.model.version / "judged.parquet"
    assert known_decision(home.s3, home.signing, NAME, "r1") is not None
    if damage == "gone":
        lost.unlink()
    else:
        lost.write_bytes(b"PAR1 of something else")
    nothing_asked = MagicMock(spec_set=[])
    found = watch(nothing_asked, home.s3, good.model, home.rows, AS_OF, "run", "ticket_sales_forecast")
    assert found.reasons[0].startswith("drift cannot be told: ")
    assert last_watched(home.s3, NAME) == found
    assert not drift_check(dg.AssetKey("ticket_sales_forecast"), found).passed
    assert known_decision(home.s3, home.signing, NAME, "r1") is None
    home.put(good)
    assert known_decision(home.s3, home.signing, NAME, "r1") is not None
    pd.testing.assert_frame_equal(judged_rows(home.s3, NAME, good.model.version), good.judged)


@pytest.mark.parametrize("wrong", [b"", b"[]", b'{"name": 1}'])
def test_a_look_that_cannot_be_read_is_none(home: Home, wrong: bytes) -> None:
    home.s3.store.write("processed", f"models/{NAME}/drift.json", wrong)
    assert last_watched(home.s3, NAME) is None
