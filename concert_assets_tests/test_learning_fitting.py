"""Folds that keep to time, hyper-parameters chosen by later error, and what a sold-out house is taken to have hidden."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.estimators import Boosting, fit_boosting
from concert_assets.learning.features import FeatureSet
from concert_assets.learning.fitting import choose, learned_target
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import Span, predict_learned
from concert_assets.learning.problem import Parts, Problem, divide
from concert_assets.learning.settings import NotTrainable, TrainingSettings

_FEATURES = FeatureSet(key=("concert_id",), order=("cutoff_day",), numbers=("x", "y"), categories=("kind",), others=())
_SLOW, _QUICK = Boosting(2, 0.01, 100), Boosting(8, 0.1, 150)


def _problem(
    x: FloatArray,
    target: FloatArray,
    *,
    cutoff: Sequence[int] | FloatArray,
    ids: Sequence[int] | None = None,
    is_censored: FloatArray | None = None,
    length: int = 50,
) -> Problem:
    """A problem in tickets of rooms that hold 100, sorted by cut-off; each row's target is complete ``length`` later."""
    count = len(x)
    days = np.asarray(cutoff, dtype=np.int64)
    names = pd.Series(range(count) if ids is None else ids)
    return Problem(
        name="toy",
        unit="tickets sold",
        features=_FEATURES,
        frame=pd.DataFrame({"concert_id": names, "x": x, "y": np.arange(count) % 7.0, "kind": "club"}),
        keys=("concert_id",),
        horizon=np.full(count, "announcement", dtype=object),
        primary_horizon="announcement",
        first_cutoff_day=pd.Series(days).groupby(names).transform("min").to_numpy(),
        cutoff_day=days,
        target_end_day=pd.Series(days).groupby(names).transform("min").to_numpy() + length,
        target=target,
        is_censored=np.zeros(count, dtype=bool) if is_censored is None else is_censored.astype(bool),
        is_cold_start=np.zeros(count, dtype=bool),
        segment=np.full(count, "club", dtype=object),
        span=Span(
            np.full(count, 100.0), np.full(count, 100.0), np.full(count, "club", dtype=object), False, is_log=True
        ),
        candidates=(_SLOW, _QUICK),
        references={},
        baselines={},
        extras=lambda rows: {},
    )


def _timeline(concerts: int, settings: TrainingSettings) -> tuple[Problem, Parts]:
    """Concerts announced day by day, each asked three times, 20 days apart."""
    rng = np.random.default_rng(0)
    first = np.sort(rng.integers(0, 2000, concerts))
    rows = sorted((int(day) + 20 * step, number) for number, day in enumerate(first) for step in range(3))
    target = rng.integers(1, 100, concerts).astype(float)
    ids = [number for _, number in rows]
    problem = _problem(target[ids] / 10, target[ids], cutoff=[day for day, _ in rows], ids=ids)
    parts = divide(problem, settings)
    assert isinstance(parts, Parts)
    return problem, parts


@pytest.mark.parametrize("settings", [TrainingSettings(), TrainingSettings(0.4, 0.3), TrainingSettings(0.1, 0.5)])
def test_folds_follow_each_other_and_end_before_the_test(settings: TrainingSettings) -> None:
    problem, parts = _timeline(500, settings)
    begin, end, ids = problem.first_cutoff_day, problem.target_end_day, problem.frame["concert_id"].to_numpy()
    assert len(parts.folds) == 3
    assert end[parts.train].max() <= begin[parts.test].min()
    assert parts.purged == len(ids) - len(parts.train) - len(parts.test)
    for fold in parts.folds:
        assert end[fold.fit].max() <= fold.origin_day == begin[fold.later].min()
        assert set(fold.fit) | set(fold.later) <= set(parts.train)
        assert not set(ids[fold.fit]) & set(ids[fold.later])
    for earlier, later in zip(parts.folds, parts.folds[1:], strict=False):
        assert begin[earlier.later].max() < later.origin_day
        assert set(earlier.fit) < set(later.fit)
    # The rows of a concert stay together.
    assert not set(ids[parts.train]) & set(ids[parts.test])


def test_an_early_fold_with_too_few_rows_is_left_out() -> None:
    _, parts = _timeline(90, TrainingSettings(minimum_rows=60, calibration_size=0.3))
    assert 1 <= len(parts.folds) < 3


def test_what_cannot_be_divided_says_why() -> None:
    rng = np.random.default_rng(1)
    target = rng.random(200) * 90

    def reason(problem: Problem, **settings: float) -> str:
        outcome = divide(problem, TrainingSettings(**settings))
        assert isinstance(outcome, NotTrainable)
        return outcome.reason

    day = np.arange(200)
    assert "49 rows can be learned from; at least 50" in reason(_problem(day[:49], target[:49], cutoff=day[:49]))
    # One concert asked 200 times is one concert.
    assert "1 rows can be learned from" in reason(_problem(day, target, cutoff=day, ids=[0] * 200))
    assert "0 rows are complete before the test rows begin on 1970-" in reason(
        _problem(day, target, cutoff=day, length=500)
    )
    assert "0 rows to fit the twin for the model" in reason(
        _problem(day, target, cutoff=day, length=140), minimum_rows=10
    )
    assert "every row to learn from has the same tickets sold" in reason(_problem(day, np.full(200, 7.0), cutoff=day))


def test_the_candidate_and_its_trees_with_the_least_later_error_are_chosen() -> None:
    rng = np.random.default_rng(2)
    x = rng.random(600)
    problem = _problem(x, np.exp(1 + 3 * x + rng.normal(0, 0.3, 600)), cutoff=np.arange(600), length=1)
    parts = divide(problem, TrainingSettings())
    assert isinstance(parts, Parts)
    fold = parts.folds[-1]
    span, actual = problem.span.take(fold.later), problem.target[fold.later]
    errors = {}
    for candidate in problem.candidates:
        for trees in range(50, candidate.iterations + 1, 50):
            tried = replace(candidate, iterations=trees)
            learned = problem.span.take(fold.fit).learned(problem.target[fold.fit])
            pipeline = fit_boosting(_FEATURES, tried, problem.feature_rows(fold.fit), learned, 42)
            predicted = span.unit(predict_learned(pipeline, problem.feature_rows(fold.later)))
            errors[tried] = float(np.abs(predicted - actual).mean())
    choice = choose(problem, fold, 42)
    assert choice.boosting == min(errors, key=lambda each: errors[each])
    assert choice.boosting.leaves == _QUICK.leaves
    assert [each["mae"] for each in choice.tried] == pytest.approx(
        [min(errors[tried] for tried in errors if tried.leaves == each.leaves) for each in problem.candidates]
    )
    assert np.abs(span.unit(choice.predicted) - actual).mean() == pytest.approx(errors[choice.boosting])


def test_results_after_the_fold_do_not_choose() -> None:
    rng = np.random.default_rng(3)
    x = rng.random(400)
    problem = _problem(x, np.exp(1 + 3 * x), cutoff=np.arange(400), length=1)
    parts = divide(problem, TrainingSettings())
    assert isinstance(parts, Parts)
    changed = problem.target.copy()
    changed[parts.test] = 1.0
    one, other = (choose(each, parts.folds[-1], 42) for each in (problem, replace(problem, target=changed)))
    assert (one.boosting, one.tried) == (other.boosting, other.tried)


def test_hidden_demand_is_lifted_towards_what_it_was() -> None:
    rng = np.random.default_rng(4)
    x = rng.random(3000)
    wanted = 100 * np.exp(-1.2 + 2 * x + rng.normal(0, 0.3, 3000))
    sold = np.minimum(wanted, 100.0)
    full = sold >= 100
    rows = np.arange(3000)
    problem = _problem(x, sold, cutoff=rows, is_censored=full)
    learned, plain = learned_target(problem, rows, 42), problem.span.learned(sold)
    assert 0.2 < full.mean() < 0.6
    assert (learned[~full] == plain[~full]).all()
    assert (learned[full] >= plain[full]).all()
    truth = np.log(wanted[full] / 100)
    # Nearer to what was wanted than the limit is, and more where more was to be expected.
    assert np.abs(learned[full] - truth).mean() < 0.8 * np.abs(plain[full] - truth).mean()
    assert abs(learned[full].mean() - truth.mean()) < 0.5 * abs(plain[full].mean() - truth.mean())
    assert np.corrcoef(learned[full], x[full])[0, 1] > 0.7


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_or_none_are_sold_out_nothing_is_filled_in(share: float) -> None:
    target = np.linspace(10, 90, 60)
    problem = _problem(target / 10, target, cutoff=np.arange(60), is_censored=np.full(60, share))
    rows = np.arange(60)
    assert learned_target(problem, rows, 42).tolist() == problem.span.learned(target).tolist()


def test_a_full_house_among_empty_ones_is_not_taken_for_less_than_full() -> None:
    """What the others sold does not vary at all, so that nothing explains the full house."""
    target = np.where(np.arange(200) == 77, 100.0, 5.0)
    rows = np.arange(200)
    problem = _problem(np.zeros(200), target, cutoff=rows, is_censored=target == 100)
    learned = learned_target(problem, rows, 42)
    assert np.isfinite(learned).all()
    assert learned[77] >= 0
    assert learned[77] < 1
