"""Fitting and judging, the same for every model: split by time, calibrate, fit, compare with the naive baselines."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline

from concert_assets.learning.features import FeatureSet, data_sha256, day_text
from concert_assets.learning.intervals import Calibration, calibrate
from concert_assets.learning.metrics import FloatArray, coverage, regression_metrics
from concert_assets.learning.model import (
    Span,
    TrainedModel,
    library_versions,
    model_version,
    predict_values,
    predict_with,
)
from concert_assets.learning.settings import CODE_VERSION, NotTrainable, TrainingSettings
from concert_assets.learning.splits import IntArray, split_by_time

Rows = npt.NDArray[np.intp]
# Predictions of every row, in the target's unit, by a rule learned from the given rows alone.
Baseline = Callable[[Rows], FloatArray]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be learned: a typed frame of eligible rows and, one entry a row, what belongs to each.

    The pipeline learns ``target / span.scale``. A row's target is complete on ``target_end_day``, the first day after
    its window.
    """

    name: str
    unit: str
    features: FeatureSet
    frame: pd.DataFrame
    cutoff_day: IntArray
    target_end_day: IntArray
    target: FloatArray
    span: Span
    make_pipeline: Callable[[FeatureSet, int, int], Pipeline]
    baselines: Mapping[str, Baseline]
    extras: Callable[[Rows], dict[str, Any]]

    def feature_rows(self, rows: Rows) -> pd.DataFrame:
        """The feature columns of some rows."""
        return self.frame[self.features.columns].iloc[rows]


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows by use. ``fit`` and ``calibration`` lie within ``train``; ``purged`` counts the rows not used."""

    train: Rows
    fit: Rows
    calibration: Rows
    test: Rows
    purged: int


def fit_and_judge(problem: Problem, settings: TrainingSettings, as_of: date) -> TrainedModel | NotTrainable:
    """Train on the past, judge on the last rows by time, and say why where there is too little to do so.

    The training window is split once more by time: a twin of the model, fitted to its earlier part, gives the
    residuals of the later part on which the intervals are calibrated. The model itself is fitted to the whole window
    and is what is judged and kept. It is not fitted again with the test rows: its figures stay its own.
    """
    parts = _parts(problem, settings)
    if isinstance(parts, NotTrainable):
        return parts
    # Side by side: trees are grown without the interpreter's lock, and neither fit depends on the other.
    with ThreadPoolExecutor(max_workers=2) as pool:
        both = [pool.submit(_fitted, problem, rows, settings.random_state) for rows in (parts.fit, parts.train)]
        twin, pipeline = (fit.result() for fit in both)
    span = problem.span.take(parts.calibration)
    expected = predict_values(twin, problem.feature_rows(parts.calibration), span)
    calibration = calibrate((problem.target[parts.calibration] - expected) / span.scale, span.groups)

    data_hash = data_sha256(problem.frame.assign(_target=problem.target))
    identity = {"data_sha256": data_hash, "as_of": as_of.isoformat(), "settings": settings.to_dict()}
    card: dict[str, Any] = {
        "model": problem.name,
        "version": model_version(problem.name, identity),
        **identity,
        "code_version": CODE_VERSION,
        "libraries": library_versions(),
        "estimator": type(pipeline[-1]).__name__,
        "unit": problem.unit,
        "features": problem.features.columns,
        "samples": {
            "train": _sample(problem, parts.train),
            "calibration": _sample(problem, parts.calibration) | {"fitted_to_rows": len(parts.fit)},
            "test": _sample(problem, parts.test),
            "purged": {"rows": parts.purged},
        },
        **_judged(problem, parts, pipeline, calibration),
        "importances": _importances(pipeline, problem.features),
    }
    return TrainedModel(problem.name, card["version"], pipeline, calibration, card, problem.extras(parts.train))


def _parts(problem: Problem, settings: TrainingSettings) -> Parts | NotTrainable:
    def refuse(reason: str) -> NotTrainable:
        return NotTrainable(problem.name, reason)

    eligible = len(problem.frame)
    if eligible < settings.minimum_rows:
        return refuse(f"{eligible} rows can be learned from; at least {settings.minimum_rows} are needed")
    outer = split_by_time(problem.cutoff_day, problem.target_end_day, settings.test_size)
    train, test = np.flatnonzero(outer.earlier), np.flatnonzero(outer.later)
    if len(train) < settings.minimum_rows:
        begin = day_text(outer.boundary_day)
        return refuse(
            f"{len(train)} rows are complete before the test rows begin on {begin};"
            f" at least {settings.minimum_rows} are needed"
        )
    inner = split_by_time(problem.cutoff_day[train], problem.target_end_day[train], settings.calibration_size)
    fit, later = train[inner.earlier], train[inner.later]
    fewest = settings.minimum_judging_rows
    for part, use in ((test, "judge"), (fit, "fit the twin for"), (later, "calibrate")):
        if len(part) < fewest:
            return refuse(f"{len(part)} rows to {use} the model; at least {fewest} are needed")
    if np.unique(problem.target[fit]).size < 2:
        return refuse(f"every row to learn from has the same {problem.unit}")
    return Parts(train, fit, later, test, outer.purged)


def _fitted(problem: Problem, rows: Rows, random_state: int) -> Pipeline:
    pipeline = problem.make_pipeline(problem.features, len(rows), random_state)
    share = problem.target[rows] / problem.span.scale[rows]
    return pipeline.fit(problem.feature_rows(rows), share)


def _judged(problem: Problem, parts: Parts, pipeline: Pipeline, calibration: Calibration) -> dict[str, Any]:
    """Metrics on train and test rows, the naive baselines on the same test rows, and the intervals' coverage."""
    actual = problem.target[parts.test]
    judged = predict_with(pipeline, calibration, problem.feature_rows(parts.test), problem.span.take(parts.test))
    remembered = predict_values(pipeline, problem.feature_rows(parts.train), problem.span.take(parts.train))
    baselines = {
        name: regression_metrics(actual, rule(parts.train)[parts.test]) for name, rule in problem.baselines.items()
    }
    best = min(baselines, key=lambda name: baselines[name].mae)
    test = regression_metrics(actual, judged.predicted)
    return {
        "metrics": {
            "train": regression_metrics(problem.target[parts.train], remembered).to_dict(),
            "test": test.to_dict(),
        },
        "baselines": {name: metrics.to_dict() for name, metrics in baselines.items()},
        "best_baseline": best,
        "mae_below_best_baseline_share": 1 - test.mae / baselines[best].mae if baselines[best].mae > 0 else None,
        "coverage": {str(level): coverage(actual, low, high) for level, (low, high) in judged.bounds.items()},
    }


def _sample(problem: Problem, rows: Rows) -> dict[str, Any]:
    """How many rows, and the days of their first and last cut-off and of the last day of their targets."""
    return {
        "rows": len(rows),
        "first_cutoff": day_text(problem.cutoff_day[rows].min()),
        "last_cutoff": day_text(problem.cutoff_day[rows].max()),
        "last_target_day": day_text(problem.target_end_day[rows].max() - 1),
    }


def _importances(pipeline: Pipeline, features: FeatureSet) -> list[dict[str, Any]]:
    """Impurity importances, which add up to 1, largest first."""
    found = zip(features.columns, np.asarray(pipeline[-1].feature_importances_).tolist(), strict=True)
    return [
        {"feature": name, "importance": share} for name, share in sorted(found, key=lambda pair: (-pair[1], pair[0]))
    ]
