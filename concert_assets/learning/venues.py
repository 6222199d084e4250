"""The venue popularity model: a venue's score over the coming year, and the ranking by it.

The score is published in ``sql/feature/venue_popularity.sql``: 100 * (0.4 * utilisation + 0.3 * revenue rank + 0.3 *
bookings rank) over the completed shows of 364 days. Use, with ``rows`` from ``read_sql("feature/venue_popularity")``
bound to ``{"as_of": as_of}``::

    outcome = train_venue_popularity(rows, as_of, TrainingSettings(test_size=0.2))   # TrainedModel | NotTrainable
    frame = rank_venues(outcome, rows, as_of)                                       # columns RANKING_COLUMNS
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from concert_assets.learning.estimators import random_forest
from concert_assets.learning.features import VENUE_POPULARITY, day_number, typed
from concert_assets.learning.intervals import POOLED
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import Span, TrainedModel
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets.learning.training import Problem, Rows, fit_and_judge

NAME = "venue_popularity"
UNIT = "score of the coming year"
_HIGHEST = 100.0
# Column -> type, in order.
RANKING_COLUMNS = {
    "venue_id": "str",
    "rank": "int64",
    "predicted_score": "float64",
    "score_low_50": "float64",
    "score_high_50": "float64",
    "score_low_90": "float64",
    "score_high_90": "float64",
    "model_version": "str",
    "as_of": "object",
}


def train_venue_popularity(
    rows: pd.DataFrame, as_of: date, settings: TrainingSettings | None = None
) -> TrainedModel | NotTrainable:
    """Train on the snapshots whose following year lies before ``as_of``.

    ``rows`` are the rows of ``feature/venue_popularity``; ValueError where columns are missing.
    """
    frame = typed(rows, VENUE_POPULARITY)
    if not (frame["has_sales"] == 1).any():
        return NotTrainable(NAME, "no venue has shows with tickets_sold, capacity and revenue")
    complete = frame["target_score"].notna() & (frame["target_end_day"] <= day_number(as_of))
    frame = frame[complete].reset_index(drop=True)
    if frame.empty:
        return NotTrainable(NAME, "no quarterly snapshot has a year of shows before it and a full year after it")
    target = frame["target_score"].to_numpy()
    problem = Problem(
        name=NAME,
        unit=UNIT,
        features=VENUE_POPULARITY,
        frame=frame,
        cutoff_day=frame["snapshot_day"].to_numpy(dtype=np.int64),
        target_end_day=frame["target_end_day"].to_numpy(dtype=np.int64),
        target=target,
        span=_span(len(frame)),
        make_pipeline=random_forest,
        baselines={
            "last_year_score": lambda train: _last_year(frame, train),
            "venue_type_mean": lambda train: _type_mean(frame, train),
        },
        extras=lambda train: {},
    )
    return fit_and_judge(problem, settings or TrainingSettings(), as_of)


def rank_venues(model: TrainedModel | NotTrainable, rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Rank every venue of the snapshot at ``as_of`` by predicted score, the highest first, ties by ``venue_id``.

    Scores lie in 0-100 and are rounded to 4 decimals before they are ranked. No rows without a model.
    """
    if isinstance(model, NotTrainable):
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in RANKING_COLUMNS.items()})
    frame = typed(rows, VENUE_POPULARITY)
    frame = frame[frame["snapshot_day"] == day_number(as_of)].reset_index(drop=True)
    found = model.predict(frame[VENUE_POPULARITY.columns], _span(len(frame)))
    columns: dict[str, Any] = {
        "venue_id": frame["venue_id"],
        "predicted_score": found.predicted.round(4),
        "model_version": model.version,
        "as_of": as_of,
    }
    for level, (low, high) in found.bounds.items():
        columns[f"score_low_{level}"] = low.round(4)
        columns[f"score_high_{level}"] = high.round(4)
    ranked = pd.DataFrame(columns).sort_values(
        ["predicted_score", "venue_id"], ascending=[False, True], ignore_index=True
    )
    ranked["rank"] = np.arange(1, len(ranked) + 1)
    return ranked[list(RANKING_COLUMNS)].astype(RANKING_COLUMNS)


def _span(rows: int) -> Span:
    groups = np.full(rows, POOLED, dtype=object)
    return Span(scale=np.full(rows, _HIGHEST), upper=np.full(rows, _HIGHEST), groups=groups, is_whole=False)


def _type_mean(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """Mean target of the venue type among the training rows; of all of them for a type that is not there."""
    past = frame.iloc[train]
    by_type = past.groupby("venue_type")["target_score"].mean()
    return frame["venue_type"].map(by_type).fillna(past["target_score"].mean()).to_numpy(dtype=np.float64)


def _last_year(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """The score of the year before the snapshot; the type's mean for venues without a show or a score so far."""
    score = frame["year_score"].to_numpy()
    has_none = np.isnan(score) | (frame["past_shows"].to_numpy() == 0)
    return np.where(has_none, _type_mean(frame, train), score)
