"""Splits by time and conformal intervals: what was learned from lies before what is judged, and intervals cover."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from concert_assets.learning.intervals import POOLED, Calibration, calibrate
from concert_assets.learning.metrics import coverage
from concert_assets.learning.model import Candidate
from concert_assets.learning.sales import forecast_ticket_sales, train_ticket_sales
from concert_assets.learning.splits import split_by_time
from concert_assets_tests.learning_world import AS_OF, make_world, query


@given(
    st.lists(st.tuples(st.integers(-500, 500), st.integers(1, 200)), min_size=1, max_size=60),
    st.floats(0.01, 0.99),
)
def test_no_target_of_the_earlier_part_reaches_into_the_later(rows: list[tuple[int, int]], share: float) -> None:
    cutoff = np.array([day for day, _ in rows])
    end = cutoff + np.array([length for _, length in rows])
    split = split_by_time(cutoff, end, share)
    assert split.later.any()
    assert split.later.sum() >= int(len(rows) * share)
    assert not (split.earlier & split.later).any()
    assert (cutoff[split.later] >= split.boundary_day).all()
    assert (end[split.earlier] <= split.boundary_day).all()
    assert split.purged == len(rows) - split.earlier.sum() - split.later.sum()
    assert (cutoff[~split.later] < split.boundary_day).all()


def test_the_last_fifth_is_judged() -> None:
    split = split_by_time(np.arange(100), np.arange(100) + 10, 0.2)
    assert np.flatnonzero(split.later).tolist() == list(range(80, 100))
    assert np.flatnonzero(split.earlier).tolist() == list(range(71))
    assert split.purged == 9


def test_calibrated_offsets_are_the_conformal_ranks() -> None:
    residual = np.arange(1.0, 100.0) - 50
    calibration = calibrate(residual, np.full(99, "club", dtype=object))
    assert calibration.offsets == {POOLED: {50: (-25.0, 25.0), 90: (-45.0, 45.0)}}
    assert Calibration.from_dict(calibration.to_dict()) == calibration


def test_intervals_cover_skewed_errors_of_different_groups() -> None:
    rng = np.random.default_rng(2)
    groups = np.repeat(np.array(["club", "arena"], dtype=object), 4000)
    spread = np.where(groups == "arena", 0.3, 0.1)
    residual = rng.exponential(spread) - spread
    calibration = calibrate(residual[::2], groups[::2])
    fresh = rng.exponential(spread) - spread
    for level in (50, 90):
        low, high = calibration.bounds(np.zeros(8000), groups, level)
        for group in ("club", "arena"):
            own = groups == group
            assert coverage(fresh[own], low[own], high[own]) == pytest.approx(level / 100, abs=0.03)


def test_small_groups_borrow_the_pooled_offsets() -> None:
    groups = np.array(["hall"] * 200 + ["club"] * 99, dtype=object)
    calibration = calibrate(np.linspace(-1, 1, 299), groups)
    assert set(calibration.offsets) == {POOLED, "hall"}
    low, _ = calibration.bounds(np.zeros(2), np.array(["club", "never seen"], dtype=object), 50)
    assert low.tolist() == [calibration.offsets[POOLED][50][0]] * 2


def test_groups_borrow_from_the_group_around_them_first() -> None:
    groups = np.array(["known|7|club"] * 100 + ["known|7|hall"] * 50 + ["known|1|hall"] * 60 + ["new|7|club"] * 90)
    residual = np.concatenate([np.linspace(-w, w, n) for n, w in ((100, 1.0), (50, 2.0), (60, 3.0), (90, 4.0))])
    calibration = calibrate(residual, groups.astype(object))
    assert set(calibration.offsets) == {POOLED, "known", "known|7", "known|7|club"}
    asked = ["known|7|club", "known|7|hall", "known|7|tent", "known|1|hall", "new|7|club", "new"]
    lent = ["known|7|club", "known|7", "known|7", "known", POOLED, POOLED]
    for level in (50, 90):
        low, high = calibration.bounds(np.full(6, 10.0), np.array(asked, dtype=object), level)
        assert list(zip(low - 10, high - 10, strict=True)) == [
            pytest.approx(calibration.offsets[name][level]) for name in lent
        ]


def test_bounds_lie_on_their_own_sides_of_the_prediction() -> None:
    calibration = calibrate(np.linspace(0.5, 1.5, 200), np.full(200, "club", dtype=object))
    for low, high in calibration.offsets[POOLED].values():
        assert low == 0 < high


def test_results_of_the_test_period_leave_the_fitted_model_alone() -> None:
    """Whatever the concerts of the test rows sell changes what is measured, never what is forecast."""
    rows = query(make_world(concerts=250, seed=2), "ticket_sales")
    one = train_ticket_sales(rows, AS_OF)
    assert isinstance(one, Candidate)
    tested = rows["concert_id"].isin(one.judged["concert_id"])
    moved = rows.assign(tickets_sold=rows["tickets_sold"].where(~tested, rows["capacity"] - rows["tickets_sold"]))
    other = train_ticket_sales(moved, AS_OF)
    assert isinstance(other, Candidate)
    drop = ["model_version"]
    pd.testing.assert_frame_equal(
        forecast_ticket_sales(one.model, rows, AS_OF).drop(columns=drop),
        forecast_ticket_sales(other.model, rows, AS_OF).drop(columns=drop),
    )
    same = [name for name in one.judged if name not in ("actual", "is_cold_start")]
    pd.testing.assert_frame_equal(one.judged[same], other.judged[same])
    for name in ("hyperparameters", "backtest"):
        assert other.model.card[name] == one.model.card[name]
    assert other.model.card["metrics"]["train"] == one.model.card["metrics"]["train"]
    assert other.model.card["metrics"]["test"] != one.model.card["metrics"]["test"]
    assert other.model.version != one.model.version
