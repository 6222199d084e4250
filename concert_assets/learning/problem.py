"""What is to be learned: eligible rows with their targets, naive rules, and the parts into which time divides them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline

from concert_assets.learning.estimators import Boosting
from concert_assets.learning.features import FeatureSet, day_text
from concert_assets.learning.intervals import Texts
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import Span
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets.learning.splits import IntArray, split_by_time

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
# Predictions of every row, in the target's unit, by a rule learned from the given rows alone.
Baseline = Callable[[Rows], FloatArray]


@dataclass(frozen=True, slots=True)
class Reference:
    """A baseline model that is kept for comparison: how its pipeline is made, and which rows it may learn from.

    It learns the target as a share of the span's scale, of the newest ``most_rows`` of its rows.
    """

    make: Callable[[FeatureSet, int, int], Pipeline]
    learns: Flags
    most_rows: int = 100_000


@dataclass(frozen=True, slots=True)
class Problem:
    """A typed frame of eligible rows and, one entry a row, what belongs to each.

    ``keys`` name the columns that tell the rows apart beside ``horizon``. Rows of one concert or snapshot stay in one
    part: they are split by ``first_cutoff_day``, the earliest cut-off of theirs. A row's target is complete on
    ``target_end_day``, the first day after its window. Where ``is_censored``, the target is a limit that would have
    been passed. ``minimum_groups`` are counted in entities, the different values of the first key.
    """

    name: str
    unit: str
    features: FeatureSet
    frame: pd.DataFrame
    keys: tuple[str, ...]
    horizon: Texts
    primary_horizon: str
    first_cutoff_day: IntArray
    cutoff_day: IntArray
    target_end_day: IntArray
    target: FloatArray
    is_censored: Flags
    is_cold_start: Flags
    segment: Texts
    span: Span
    candidates: tuple[Boosting, ...]
    references: Mapping[str, Reference]
    baselines: Mapping[str, Baseline]
    extras: Callable[[Rows], dict[str, Any]]

    def feature_rows(self, rows: Rows) -> pd.DataFrame:
        """The feature columns of some rows."""
        return self.frame[self.features.columns].iloc[rows]

    def entities(self, rows: Rows) -> int:
        """How many concerts or snapshots of venues some rows are of."""
        return len(self.frame[[*self.keys]].iloc[rows].drop_duplicates())

    def sample(self, rows: Rows) -> dict[str, Any]:
        """How many rows, and the days of their first and last cut-off and of the last day of their targets."""
        return {
            "rows": len(rows),
            "entities": self.entities(rows),
            "first_cutoff": day_text(self.cutoff_day[rows].min()),
            "last_cutoff": day_text(self.cutoff_day[rows].max()),
            "last_target_day": day_text(self.target_end_day[rows].max() - 1),
        }


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from and the later rows to predict; ``origin_day`` is the first cut-off of the latter."""

    fit: Rows
    later: Rows
    origin_day: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows by use. The folds lie within ``train``, the last of them is what intervals are calibrated on.

    ``purged`` counts the rows in neither part: their targets were not known when the test rows begin.
    """

    train: Rows
    test: Rows
    folds: tuple[Fold, ...]
    purged: int


# Shares of the training rows at which the earlier folds begin to predict, up to the next; the last share is a setting.
_ORIGINS = (0.4, 0.6)


def divide(problem: Problem, settings: TrainingSettings) -> Parts | NotTrainable:
    """Divide rows by time, or say why there are too few of them. Enough is counted in concerts or snapshots."""

    def refuse(reason: str) -> NotTrainable:
        return NotTrainable(problem.name, reason)

    eligible = problem.entities(np.arange(len(problem.frame)))
    if eligible < settings.minimum_rows:
        return refuse(f"{eligible} rows can be learned from; at least {settings.minimum_rows} are needed")
    outer = split_by_time(problem.first_cutoff_day, problem.target_end_day, settings.test_size)
    train, test = np.flatnonzero(outer.earlier), np.flatnonzero(outer.later)
    count = problem.entities(train)
    if count < settings.minimum_rows:
        begin = day_text(outer.boundary_day)
        return refuse(
            f"{count} rows are complete before the test rows begin on {begin};"
            f" at least {settings.minimum_rows} are needed"
        )
    folds = _folds(problem, train, (*_ORIGINS, 1 - settings.calibration_size))
    last, fewest = folds[-1], settings.minimum_judging_rows
    for part, use in ((test, "judge"), (last.fit, "fit the twin for"), (last.later, "calibrate")):
        if problem.entities(part) < fewest:
            return refuse(f"{problem.entities(part)} rows to {use} the model; at least {fewest} are needed")
    if np.unique(problem.target[last.fit]).size < 2:
        return refuse(f"every row to learn from has the same {problem.unit}")
    usable = [each for each in folds[:-1] if _is_usable(problem, each, settings)]
    return Parts(train, test, (*usable, last), outer.purged)


def _folds(problem: Problem, train: Rows, origins: tuple[float, ...]) -> list[Fold]:
    """Rolling origins: each fold learns from what was complete at its origin and predicts up to the next one."""
    splits = [
        split_by_time(problem.first_cutoff_day[train], problem.target_end_day[train], 1 - share)
        for share in sorted(origins)
    ]
    ends: list[float] = [split.boundary_day for split in splits[1:]] + [np.inf]
    return [
        Fold(
            fit=train[split.earlier],
            later=train[split.later & (problem.first_cutoff_day[train] < end)],
            origin_day=split.boundary_day,
        )
        for split, end in zip(splits, ends, strict=True)
    ]


def _is_usable(problem: Problem, fold: Fold, settings: TrainingSettings) -> bool:
    fewest = settings.minimum_judging_rows
    return (
        problem.entities(fold.fit) >= fewest
        and problem.entities(fold.later) >= fewest
        and np.unique(problem.target[fold.fit]).size > 1
    )
