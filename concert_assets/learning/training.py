"""Training, the same for every model: split by time, choose, calibrate, fit, compare with what is simpler."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from concert_assets.learning.estimators import Boosting, threads_for
from concert_assets.learning.features import data_sha256, day_text
from concert_assets.learning.fitting import choose, fit, fit_reference, importances
from concert_assets.learning.intervals import LEVELS, Calibration, calibrate
from concert_assets.learning.metrics import FloatArray, coverage, regression_metrics
from concert_assets.learning.model import (
    Candidate,
    Prediction,
    TrainedModel,
    library_versions,
    model_version,
    predict_learned,
    predict_values,
    predict_with,
)
from concert_assets.learning.problem import Fold, Parts, Problem, divide
from concert_assets.learning.settings import CODE_VERSION, NotTrainable, TrainingSettings

NAIVE, REFERENCE = "naive__", "reference__"
# A segment with fewer rows says too little about coverage to be listed.
_FEWEST_IN_SEGMENT = 100


def fit_and_judge(problem: Problem, settings: TrainingSettings, as_of: date) -> Candidate | NotTrainable:
    """Train on the past, judge on the last rows by time, and say why where there is too little to do so.

    Within the training window, the hyper-parameters are chosen on its last part by models fitted to what was complete
    before it. Models with the chosen ones, fitted at earlier origins, give a backtest, and the residuals of all these
    rolling origins calibrate the intervals.
    The model itself is fitted to the whole window and is what is judged and kept. It is not fitted again with the test
    rows: its figures stay its own.
    """
    parts = divide(problem, settings)
    if isinstance(parts, NotTrainable):
        return parts
    with threads_for(len(parts.train)):
        return _trained(problem, parts, settings, as_of)


def _trained(problem: Problem, parts: Parts, settings: TrainingSettings, as_of: date) -> Candidate:
    state, last = settings.random_state, parts.folds[-1]
    choice = choose(problem, last, state)
    ahead = [*(_ahead(problem, fold, choice.boosting, state) for fold in parts.folds[:-1]), choice.predicted]
    calibration = _calibration(problem, parts, ahead)
    pipeline = fit(problem, parts.train, choice.boosting, state)
    found = predict_with(pipeline, calibration, problem.feature_rows(parts.test), problem.span.take(parts.test))
    judged = _judged(problem, parts, found, state)
    identity = {
        "data_sha256": data_sha256(problem.frame.assign(_target=problem.target)),
        "as_of": as_of.isoformat(),
        "settings": settings.to_dict(),
    }
    card: dict[str, Any] = {
        "model": problem.name,
        "version": model_version(problem.name, identity),
        **identity,
        "code_version": CODE_VERSION,
        "libraries": library_versions(),
        "estimator": type(pipeline[-1]).__name__,
        "unit": problem.unit,
        "features": problem.features.columns,
        "hyperparameters": {"chosen": choice.boosting.to_dict(), "tried": list(choice.tried)},
        "samples": {
            "train": problem.sample(parts.train),
            "calibration": problem.sample(last.later) | {"fitted_to_rows": len(last.fit)},
            "test": problem.sample(parts.test),
            "purged": {"rows": parts.purged},
        },
        **summary(judged, problem.primary_horizon),
        "backtest": [_backtest(problem, fold, found) for fold, found in zip(parts.folds, ahead, strict=True)],
        "importances": importances(problem, pipeline, parts.test, state),
    }
    card["metrics"]["train"] = _remembered(problem, parts, pipeline)
    model = TrainedModel(problem.name, card["version"], pipeline, calibration, card, problem.extras(parts.train))
    return Candidate(model, judged)


def summary(judged: pd.DataFrame, primary_horizon: str) -> dict[str, Any]:
    """The part of a card that follows from the judged rows alone: figures by horizon, coverage by segment.

    ``metrics``, ``baselines`` and ``references`` are those of the primary horizon, ``coverage`` that of all rows.
    """
    horizons = [
        {"horizon": str(name), "rows": len(rows), **_figures(rows), "coverage": _coverage(rows)}
        for name, rows in judged.groupby("horizon", sort=False)
    ]
    horizons.sort(key=lambda each: (each["horizon"] != primary_horizon, -_days(each["horizon"])))
    primary = next((each for each in horizons if each["horizon"] == primary_horizon), horizons[0])
    baselines = primary["baselines"]
    best = min(baselines, key=lambda name: baselines[name]["mae"])
    least, own = baselines[best]["mae"], primary["metrics"]["mae"]
    groups = [(str(name), rows) for name, rows in judged.groupby("segment", sort=True)]
    cold = judged["is_cold_start"] == 1
    groups += [("cold start", judged[cold]), ("known", judged[~cold])]
    return {
        "metrics": {"test": primary["metrics"]},
        "baselines": baselines,
        "references": primary["references"],
        "best_baseline": best,
        "mae_below_best_baseline_share": 1 - own / least if least > 0 else None,
        "horizons": horizons,
        "coverage": _coverage(judged),
        "segments": [
            {"segment": name, "rows": len(rows), "coverage": _coverage(rows)}
            for name, rows in groups
            if len(rows) >= _FEWEST_IN_SEGMENT
        ],
    }


def _judged(problem: Problem, parts: Parts, found: Prediction, random_state: int) -> pd.DataFrame:
    """The test rows with what the model, the naive baselines and the baseline models say of them."""
    rows = parts.test
    columns: dict[str, Any] = {name: problem.frame[name].to_numpy()[rows] for name in problem.keys}
    columns |= {
        "horizon": problem.horizon[rows],
        "cutoff_day": problem.cutoff_day[rows],
        "target_end_day": problem.target_end_day[rows],
        "segment": problem.segment[rows],
        "is_cold_start": problem.is_cold_start[rows].astype(np.int64),
        "scale": problem.span.scale[rows],
        "actual": problem.target[rows],
        "predicted": found.predicted,
    }
    for level, (low, high) in found.bounds.items():
        columns[f"low_{level}"], columns[f"high_{level}"] = low, high
    for name, rule in problem.baselines.items():
        columns[NAIVE + name] = rule(parts.train)[rows]
    for name in problem.references:
        columns[REFERENCE + name] = fit_reference(problem, name, parts.train, random_state)[rows]
    return pd.DataFrame(columns)


def _figures(rows: pd.DataFrame) -> dict[str, Any]:
    """Metrics of the model, the naive baselines and the baseline models on the same rows."""
    actual = rows["actual"].to_numpy()

    def metrics(column: str) -> dict[str, float | None]:
        return regression_metrics(actual, rows[column].to_numpy()).to_dict()

    return {
        "metrics": metrics("predicted"),
        "baselines": {name[len(NAIVE) :]: metrics(name) for name in rows.columns if name.startswith(NAIVE)},
        "references": {name[len(REFERENCE) :]: metrics(name) for name in rows.columns if name.startswith(REFERENCE)},
    }


def _coverage(rows: pd.DataFrame) -> dict[str, float]:
    actual = rows["actual"].to_numpy()
    return {
        str(level): coverage(actual, rows[f"low_{level}"].to_numpy(), rows[f"high_{level}"].to_numpy())
        for level in LEVELS
    }


def _days(horizon: str) -> int:
    return int(horizon) if horizon.isdecimal() else 0


def _remembered(problem: Problem, parts: Parts, pipeline: Pipeline) -> dict[str, float | None]:
    """The metrics on the rows of the primary horizon that the model learned from."""
    rows = parts.train[problem.horizon[parts.train] == problem.primary_horizon]
    predicted = predict_values(pipeline, problem.feature_rows(rows), problem.span.take(rows))
    return regression_metrics(problem.target[rows], predicted).to_dict()


def _ahead(problem: Problem, fold: Fold, boosting: Boosting, random_state: int) -> FloatArray:
    """What a model that knows what was complete at the fold's origin predicts of its later rows, in its own unit."""
    return predict_learned(fit(problem, fold.fit, boosting, random_state), problem.feature_rows(fold.later))


def _calibration(problem: Problem, parts: Parts, ahead: list[FloatArray]) -> Calibration:
    """The intervals that fit what was predicted at the folds' origins."""
    rows = np.concatenate([fold.later for fold in parts.folds])
    span = problem.span.take(rows)
    residual = span.learned(problem.target[rows]) - np.concatenate(ahead)
    return calibrate(residual, span.groups, problem.is_censored[rows])


def _backtest(problem: Problem, fold: Fold, learned: FloatArray) -> dict[str, Any]:
    """Metrics of what was predicted of a fold's later rows of the primary horizon, and of the best naive baseline."""
    predicted = problem.span.take(fold.later).unit(learned)
    is_primary = problem.horizon[fold.later] == problem.primary_horizon
    rows = fold.later[is_primary]
    metrics = regression_metrics(problem.target[rows], predicted[is_primary])
    naive = {
        name: regression_metrics(problem.target[rows], rule(fold.fit)[rows]).mae
        for name, rule in problem.baselines.items()
    }
    best = min(naive, key=lambda name: naive[name])
    return {
        "origin": day_text(fold.origin_day),
        "rows": len(rows),
        "mae": metrics.mae,
        "r2": metrics.r2,
        "best_baseline": best,
        "best_baseline_mae": naive[best],
    }
