"""A world in which many shows sell out: forecasts reach the limit, never pass it, and intervals cover what is below it."""

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.intervals import POOLED, calibrate
from concert_assets.learning.metrics import coverage
from concert_assets.learning.model import Candidate
from concert_assets.learning.sales import predict_rows, train_ticket_sales
from concert_assets_tests.learning_world import AS_OF, make_world, query


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return query(make_world(concerts=1000, demand=2.2), "ticket_sales")


@pytest.fixture(scope="module")
def candidate(rows: pd.DataFrame) -> Candidate:
    outcome = train_ticket_sales(rows, AS_OF)
    assert isinstance(outcome, Candidate)
    return outcome


def test_predicted_medians_reach_the_room_where_shows_sell_out(candidate: Candidate) -> None:
    judged = candidate.judged
    full = judged["actual"] >= judged["scale"]
    assert 0.25 < full.mean() < 0.8
    said_full = judged["predicted"] >= judged["scale"]
    # Most of those said to sell out do, and most of those that do are said to.
    assert full[said_full].mean() > 0.8
    assert said_full[full].mean() > 0.7


def test_nothing_is_said_beyond_the_room(candidate: Candidate, rows: pd.DataFrame) -> None:
    for frame in (candidate.judged, predict_rows(candidate.model, rows)):
        capacity = frame[["concert_id"]].merge(rows[["concert_id", "capacity"]].drop_duplicates(), on="concert_id")
        order = ["low_90", "low_50", "predicted", "high_50", "high_90"]
        values = np.column_stack([np.zeros(len(frame)), frame[order], capacity["capacity"]])
        assert (np.diff(values, axis=1) >= 0).all()
    columns = [name for name in candidate.judged if name.startswith(("naive__", "reference__"))]
    assert (candidate.judged[columns].to_numpy() <= candidate.judged[["scale"]].to_numpy()).all()


def test_intervals_cover_shows_that_sell_out_or_not(candidate: Candidate) -> None:
    assert candidate.model.card["coverage"]["90"] > 0.83
    # Where half of what may come is the full house, the interval that ends there covers more than its level.
    assert candidate.model.card["coverage"]["50"] > 0.45


def test_limits_in_the_calibration_keep_both_levels_near_their_names() -> None:
    rng = np.random.default_rng(6)
    count = 40_000
    expected = rng.normal(-0.3, 0.6, count)
    wanted = expected + rng.normal(0, 0.3, count)
    sold = np.minimum(wanted, 0.0)
    half = np.arange(count) % 2 == 0
    groups = np.full(count, "club", dtype=object)
    residual = sold - expected
    calibration = calibrate(residual[half], groups[half], sold[half] >= 0)
    naive = calibrate(residual[half], groups[half])
    for level in (50, 90):
        low, high = (np.minimum(each, 0.0) for each in calibration.bounds(expected[~half], groups[~half], level))
        actual = sold[~half]
        assert coverage(actual, low, high) >= level / 100 - 0.02
        # Residuals of full houses, were they taken at their word, would push the low bounds of all others down.
        assert calibration.offsets[POOLED][level][0] > naive.offsets[POOLED][level][0]
        # A show that is not full lies below the low bound as often as the level says of what was wanted.
        below = (actual < low).mean()
        assert below == pytest.approx((1 - level / 100) / 2, abs=0.015)


def test_a_group_of_full_houses_alone_is_certain_to_be_full() -> None:
    calibration = calibrate(np.full(150, -0.2), np.full(150, "club", dtype=object), np.ones(150, dtype=bool))
    assert calibration.offsets["club"] == {50: (0.0, 0.0), 90: (0.0, 0.0)}
