"""Fitting: what a sold-out house hides is filled in, and hyper-parameters are chosen within the training window."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import log_ndtr
from sklearn.pipeline import Pipeline

from concert_assets.learning.estimators import ROWS_FOR_THREADS, Boosting, fit_boosting, staged, threads_for
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import predict_learned
from concert_assets.learning.problem import Fold, Problem, Rows

# A few trees are enough to fill in what is censored.
_QUICK = Boosting(leaves=8, learning_rate=0.2, iterations=50)
# What a limit is taken to hide before anything is known of it, in the pipeline's unit.
_FIRST_EXCESS = 0.15
# Numbers of trees are tried in these steps.
_STEP = 50
# Choosing among hyper-parameters looks at so many rows at most, the newest.
_MOST_ROWS_TO_CHOOSE = 300_000
# Importances are measured on so many rows at most.
_MOST_ROWS_TO_EXPLAIN = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """The hyper-parameters chosen on a fold, what each candidate came to, and the chosen one's predictions of it.

    ``predicted`` are the values of the fold's later rows in the pipeline's unit.
    """

    boosting: Boosting
    tried: tuple[dict[str, Any], ...]
    predicted: FloatArray


def choose(problem: Problem, fold: Fold, random_state: int) -> Choice:
    """The candidate, and the number of its trees, with the smallest mean absolute error on the fold's later rows."""
    rows = fold.fit[-_MOST_ROWS_TO_CHOOSE:]
    target = learned_target(problem, rows, random_state)
    later = problem.feature_rows(fold.later)
    span, actual = problem.span.take(fold.later), problem.target[fold.later]

    def trial(candidate: Boosting) -> tuple[float, Boosting, FloatArray]:
        pipeline = fit_boosting(problem.features, candidate, problem.feature_rows(rows), target, random_state)
        found: tuple[float, Boosting, FloatArray] | None = None
        with threads_for(len(rows)):
            for iterations, predicted in staged(pipeline, later, _STEP):
                error = float(np.abs(span.unit(predicted) - actual).mean())
                if found is None or error < found[0]:
                    found = error, replace(candidate, iterations=iterations), predicted
        if found is None:
            raise ValueError(f"a candidate needs at least {_STEP} iterations, not {candidate.iterations}")
        return found

    # Side by side on one thread each where rows are few, else one after the other on all.
    with ThreadPoolExecutor(max_workers=2 if len(rows) < ROWS_FOR_THREADS else 1) as pool:
        trials = list(pool.map(trial, problem.candidates))
    best = min(trials, key=lambda each: each[0])
    tried = tuple(each[1].to_dict() | {"mae": each[0]} for each in trials)
    return Choice(best[1], tried, best[2])


def fit(problem: Problem, rows: Rows, boosting: Boosting, random_state: int) -> Pipeline:
    """The default model with these hyper-parameters, fitted to these rows."""
    target = learned_target(problem, rows, random_state)
    return fit_boosting(problem.features, boosting, problem.feature_rows(rows), target, random_state)


def fit_reference(problem: Problem, name: str, rows: Rows, random_state: int) -> FloatArray:
    """Predictions of every row, in the target's unit, by a baseline model that learned from what it may of ``rows``."""
    reference = problem.references[name]
    own = rows[reference.learns[rows]][-reference.most_rows :]
    pipeline = reference.make(problem.features, len(own), random_state)
    pipeline.fit(problem.feature_rows(own), problem.target[own] / problem.span.scale[own])
    share = predict_learned(pipeline, problem.frame[problem.features.columns])
    return np.clip(share * problem.span.scale, 0.0, problem.span.upper)


def learned_target(problem: Problem, rows: Rows, random_state: int) -> FloatArray:
    """The target in the pipeline's unit; where it is censored, what it may be expected to have been without the limit.

    The expectation is that of a normal distribution above the limit (Tobin, Estimation of Relationships for Limited
    Dependent Variables, 1958), about what a quick fit to limits a little passed predicts.
    """
    target = problem.span.take(rows).learned(problem.target[rows])
    hidden = problem.is_censored[rows]
    if not hidden.any() or hidden.all():
        return target
    features = problem.feature_rows(rows)
    passed = np.where(hidden, target + _FIRST_EXCESS, target)
    quick = fit_boosting(problem.features, _QUICK, features, passed, random_state)
    return np.where(hidden, _above(target, predict_learned(quick, features), ~hidden), target)


def _above(limit: FloatArray, expected: FloatArray, open_rows: Any) -> FloatArray:
    """The mean of a normal variable known to lie above ``limit``; its spread is that of the rows without a limit."""
    residual = (limit - expected)[open_rows]
    # The median of absolute deviations, scaled to a normal distribution's standard deviation: outliers do not count.
    spread = max(1.4826 * float(np.median(np.abs(residual - np.median(residual)))), 1e-6)
    distance = (expected - limit) / spread
    log_density = -0.5 * distance**2 - 0.5 * np.log(2 * np.pi)
    # Far below the limit the difference of the logs has few digits left; what is hidden is never less than the limit.
    above: FloatArray = np.maximum(expected + spread * np.exp(log_density - log_ndtr(distance)), limit)
    return above


def importances(problem: Problem, pipeline: Pipeline, rows: Rows, random_state: int) -> list[dict[str, Any]]:
    """How much the mean absolute error grows, in the pipeline's unit, when a feature's values change places.

    Shares that add up to 1, the largest first; a feature whose shuffling does no harm has 0 (permutation importance:
    Breiman, Random Forests, 2001). ``rows`` are later than those learned from; at most 500 are looked at.
    """
    rng = np.random.default_rng(random_state)
    some = np.sort(rng.choice(rows, size=min(len(rows), _MOST_ROWS_TO_EXPLAIN), replace=False))
    features = problem.feature_rows(some).reset_index(drop=True)
    target = problem.span.take(some).learned(problem.target[some])
    plain = float(np.abs(predict_learned(pipeline, features) - target).mean())
    order = rng.permutation(len(some))
    stacked = pd.concat(
        [features.assign(**{name: features[name].to_numpy()[order]}) for name in problem.features.columns],
        ignore_index=True,
    )
    errors = np.abs(predict_learned(pipeline, stacked).reshape(-1, len(some)) - target).mean(axis=1)
    harm = np.maximum(errors - plain, 0.0)
    shares = harm / harm.sum() if harm.sum() > 0 else harm
    found = zip(problem.features.columns, shares.tolist(), strict=True)
    return [
        {"feature": name, "importance": share} for name, share in sorted(found, key=lambda pair: (-pair[1], pair[0]))
    ]
