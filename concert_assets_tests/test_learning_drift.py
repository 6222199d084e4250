"""Drift is told from noise and from what grows with history; explanations add up and give each feature its own."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.drift import MOST_PSI, drift, psi, reference_bins
from concert_assets.learning.explain import explain

NUMBERS, CATEGORIES = ("price", "past_shows", "share"), ("genre",)


def rows(
    count: int, *, price: float = 40.0, shows: float = 10.0, genres: tuple[str, ...] = ("rock", "jazz"), seed: int = 0
):
    rng = np.random.default_rng(seed)
    share = rng.random(count)
    share[rng.random(count) < 0.2] = np.nan
    return pd.DataFrame(
        {
            "price": rng.lognormal(np.log(price), 0.4, count),
            "past_shows": rng.poisson(shows, count).astype(float),
            "share": share,
            "genre": rng.choice(list(genres), count),
        }
    )


def errors(
    count: int, size: float, *, horizons: tuple[str, ...] = ("announcement", "7"), seed: int = 0
) -> pd.DataFrame:
    """Rows whose error is ``size`` of the scale at announcement and a third of it a week before."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "concert_id": np.repeat([f"c{number}" for number in range(count)], len(horizons)),
            "horizon": np.tile(horizons, count),
            "scale": np.repeat(rng.uniform(100, 10_000, count), len(horizons)),
        }
    )
    spread = frame["horizon"].map({"announcement": size, "7": size / 3}) * frame["scale"]
    return frame.assign(predicted=0.0, actual=rng.normal(0, 1, len(frame)) * spread)


TEST = errors(500, 0.2)
REFERENCE = reference_bins(rows(3000), rows(800, shows=14, seed=1), numbers=NUMBERS, categories=CATEGORIES)


def found(newest: pd.DataFrame, completed: pd.DataFrame) -> Any:
    kept = json.loads(json.dumps(REFERENCE, allow_nan=False))  # as it is stored
    return drift(kept, newest, test=TEST, completed=completed, entity="concert_id")


def test_the_same_world_has_not_drifted() -> None:
    one = found(rows(400, shows=14, seed=2), errors(300, 0.2, seed=2))
    assert (one.is_drifted, one.reasons) == (False, ())
    assert one.error_ratio == pytest.approx(1, abs=0.15)
    assert (one.rows, one.completed) == (400, 300)


def test_few_rows_of_the_same_world_have_seldom_drifted() -> None:
    """By 0.25 alone some feature of a hundred rows is taken for drifted every few looks."""
    looks = [found(rows(100, shows=14, seed=seed), errors(5, 0.2)) for seed in range(100, 200)]
    assert sum(one.is_drifted for one in looks) <= 4  # 1 is expected
    most = {item["feature"]: item["most"] for item in looks[0].features}
    many = {item["feature"]: item["most"] for item in found(rows(4000, shows=14, seed=2), errors(5, 0.2)).features}
    assert most["past_shows"] > many["past_shows"]
    assert many["price"] == REFERENCE["price"]["test_psi"] + MOST_PSI


@pytest.mark.parametrize(
    ("newest", "moved"),
    [
        (rows(400, price=70, shows=14, seed=3), "price"),
        (rows(400, shows=14, genres=("rock", "polka"), seed=3), "genre"),
        (rows(400, shows=14, seed=3).assign(share=np.nan), "share"),
        (rows(400, shows=30, seed=3), "past_shows"),
    ],
)
def test_a_feature_that_moved_is_named(newest: pd.DataFrame, moved: str) -> None:
    one = found(newest, errors(300, 0.2, seed=3))
    assert [reason.partition(" has moved")[0] for reason in one.reasons] == [moved]
    assert one.features[0]["feature"] == moved


def test_what_had_moved_when_the_model_was_judged_is_allowed() -> None:
    assert REFERENCE["past_shows"]["test_psi"] > MOST_PSI
    assert not found(rows(400, shows=14, seed=4), errors(300, 0.2, seed=4)).is_drifted


def test_errors_that_grew_are_drift_and_few_or_slightly_larger_ones_are_not() -> None:
    same = rows(400, shows=14, seed=5)
    grown = found(same, errors(300, 0.3, seed=5))
    assert grown.reasons[0].startswith("errors on 300 newly completed are 1.")
    assert not found(same, errors(300, 0.21, seed=6)).is_drifted
    few = found(same, errors(29, 0.9, seed=7))
    assert (few.is_drifted, few.error_ratio, few.completed) == (False, None, 29)


def test_errors_are_compared_at_the_same_horizons() -> None:
    """Only forecasts at announcement have come true: larger errors than the mean, and no drift."""
    one = found(rows(400, shows=14, seed=8), errors(300, 0.2, horizons=("announcement",), seed=8))
    assert not one.is_drifted
    assert one.error_ratio == pytest.approx(1, abs=0.15)


def test_too_few_new_rows_tell_nothing() -> None:
    assert found(rows(99, price=900), errors(5, 0.2)).features == []


def test_psi_of_a_shifted_share_is_that_of_its_formula() -> None:
    old = pd.DataFrame({"genre": ["rock"] * 80 + ["jazz"] * 20})
    new = pd.DataFrame({"genre": ["rock"] * 50 + ["jazz"] * 50})
    reference = reference_bins(old, old, numbers=(), categories=("genre",))
    expected = (0.5 - 0.8) * np.log(0.5 / 0.8) + (0.5 - 0.2) * np.log(0.5 / 0.2)
    assert psi(reference, new) == {"genre": pytest.approx(expected)}
    assert psi(reference, old) == {"genre": pytest.approx(0)}


# --- explanations


def background(count: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({name: rng.normal(0, 1, count) for name in "abcd"} | {"kind": rng.choice(["x", "y"], count)})


def test_the_parts_of_a_sum_are_its_terms() -> None:
    def predict(table: pd.DataFrame) -> Any:
        return (3 * table["a"] - 2 * table["b"] + 5 * (table["kind"] == "x")).to_numpy(float)

    row = pd.DataFrame({"a": [2.0], "b": [1.0], "c": [9.0], "d": [9.0], "kind": ["x"]})
    one = explain(predict, row, background(), orders=2000)
    adds = {item.feature: item.adds for item in one.contributions}
    assert one.predicted == pytest.approx(3 * 2 - 2 + 5)
    assert one.base + sum(adds.values()) == pytest.approx(one.predicted)
    assert adds["a"] == pytest.approx(6, abs=0.3)
    assert adds["b"] == pytest.approx(-2, abs=0.3)
    assert adds["kind"] == pytest.approx(2.5, abs=0.3)
    assert (adds["c"], adds["d"]) == (0, 0)
    assert one.contributions[0].feature == "a"


def test_an_interaction_is_shared_and_the_sum_is_exact() -> None:
    def predict(table: pd.DataFrame) -> Any:
        return (table["a"] * table["b"]).to_numpy(float)

    row = pd.DataFrame({"a": [2.0], "b": [2.0], "c": [0.0], "d": [0.0], "kind": ["y"]})
    one = explain(predict, row, background(), orders=400)
    adds = {item.feature: item for item in one.contributions}
    assert one.base + sum(item.adds for item in adds.values()) == pytest.approx(4)
    assert abs(adds["a"].adds - adds["b"].adds) < 4 * (adds["a"].error + adds["b"].error)
    assert adds["a"].error > 0
    assert explain(predict, row, background(), orders=400) == one
