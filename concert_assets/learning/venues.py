"""The venue popularity model: a venue's score over the coming year, and the ranking by it.

The score is published in ``sql/feature/venue_popularity.sql``: 100 * (0.4 * utilisation + 0.3 * revenue rank + 0.3 *
bookings rank) over the completed shows of 364 days. Use, with ``rows`` from ``read_sql("feature/venue_popularity")``
bound to ``{"as_of": as_of}``::

    outcome = train_venue_popularity(rows, as_of, TrainingSettings(test_size=0.2))   # Candidate | NotTrainable
    frame = rank_venues(outcome.model, rows, as_of)                                  # columns RANKING_COLUMNS
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from concert_assets.learning.estimators import Boosting, random_forest
from concert_assets.learning.features import VENUE_POPULARITY, day_number, typed
from concert_assets.learning.folds import calibrated_on_unknown
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import Candidate, Span, TrainedModel
from concert_assets.learning.problem import Problem, Reference, Rows
from concert_assets.learning.ranking import ranking_quality
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets.learning.training import NAIVE, REFERENCE, fit_and_judge

NAME = "venue_popularity"
UNIT = "score of the coming year"
HORIZON = "year"
_HIGHEST = 100.0
_YEAR = 364
# A year's score hangs on a handful of shows: larger trees learn their luck.
_CANDIDATES = (
    Boosting(leaves=3, learning_rate=0.05, iterations=200, minimum_leaf=30),
    Boosting(leaves=4, learning_rate=0.05, iterations=150, minimum_leaf=60),
    Boosting(leaves=8, learning_rate=0.03, iterations=200, minimum_leaf=100),
)
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
) -> Candidate | NotTrainable:
    """Train on the snapshots whose following year lies before ``as_of``.

    ``rows`` are the rows of ``feature/venue_popularity``; ValueError where columns are missing. The card's only horizon
    also has ``ranking``: how well the model, last year's scores and the baseline model order the venues of a snapshot.
    """
    frame = typed(rows, VENUE_POPULARITY)
    if not (frame["has_sales"] == 1).any():
        return NotTrainable(NAME, "no venue has shows with tickets_sold, capacity and revenue")
    frame["mean_score"] = _mean_score(frame)
    complete = frame["target_score"].notna() & (frame["target_end_day"] <= day_number(as_of))
    frame = frame[complete].reset_index(drop=True)
    if frame.empty:
        return NotTrainable(NAME, "no quarterly snapshot has a year of shows before it and a full year after it")
    problem = _problem(frame)
    settings = settings or TrainingSettings()
    outcome = fit_and_judge(problem, settings, as_of)
    if isinstance(outcome, NotTrainable):
        return outcome
    outcome = calibrated_on_unknown(outcome, problem, settings, problem.frame["venue_id"].to_numpy())
    outcome.model.card["horizons"][0]["ranking"] = _ranking(outcome.judged)
    return outcome


def predict_rows(model: TrainedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """What a model says of rows of ``feature/venue_popularity``, whatever their snapshot.

    Columns ``venue_id, horizon, cutoff_day, predicted`` and ``low_<level>, high_<level>``, in order of day and venue.
    """
    frame = typed(rows, VENUE_POPULARITY)
    found = model.predict(frame[VENUE_POPULARITY.columns], _span(frame))
    columns: dict[str, Any] = {
        "venue_id": frame["venue_id"],
        "horizon": HORIZON,
        "cutoff_day": frame["snapshot_day"].to_numpy(dtype=np.int64),
        "predicted": found.predicted,
    }
    for level, (low, high) in found.bounds.items():
        columns[f"low_{level}"], columns[f"high_{level}"] = low, high
    return pd.DataFrame(columns)


def feature_frame(model: TrainedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that the model's pipeline sees, for rows of ``feature/venue_popularity``, keyed by venue and day."""
    del model  # every version sees the columns as they are
    frame = typed(rows, VENUE_POPULARITY)
    frame["cutoff_day"] = frame["snapshot_day"].to_numpy(dtype=np.int64)
    return frame[["venue_id", "cutoff_day", *VENUE_POPULARITY.columns]]


def rank_venues(model: TrainedModel | NotTrainable, rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Rank every venue of the snapshot at ``as_of`` by predicted score, the highest first, ties by ``venue_id``.

    Scores lie in 0-100 and are rounded to 4 decimals before they are ranked. No rows without a model.
    """
    if isinstance(model, NotTrainable):
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in RANKING_COLUMNS.items()})
    found = predict_rows(model, rows[rows["snapshot_day"] == day_number(as_of)])
    found = found.rename(columns={"predicted": "predicted_score"}).rename(
        columns=lambda name: f"score_{name}" if name.startswith(("low_", "high_")) else name
    )
    ranked = (
        found.round(4)
        .assign(model_version=model.version, as_of=as_of)
        .sort_values(["predicted_score", "venue_id"], ascending=[False, True], ignore_index=True)
    )
    ranked["rank"] = np.arange(1, len(ranked) + 1)
    return ranked[list(RANKING_COLUMNS)].astype(RANKING_COLUMNS)


def _problem(frame: pd.DataFrame) -> Problem:
    """The eligible rows as a problem: one horizon, nothing censored, each venue and snapshot an entity."""
    frame = frame.assign(cutoff_day=frame["snapshot_day"].to_numpy(dtype=np.int64))
    cutoff_day, none = frame["cutoff_day"].to_numpy(), np.zeros(len(frame), dtype=np.bool_)
    return Problem(
        name=NAME,
        unit=UNIT,
        features=VENUE_POPULARITY,
        frame=frame,
        keys=("venue_id", "cutoff_day"),
        horizon=np.full(len(frame), HORIZON, dtype=object),
        primary_horizon=HORIZON,
        first_cutoff_day=cutoff_day,
        cutoff_day=cutoff_day,
        target_end_day=frame["target_end_day"].to_numpy(dtype=np.int64),
        target=frame["target_score"].to_numpy(),
        is_censored=none,
        is_cold_start=frame["is_venue_new"].to_numpy() == 1,
        segment=frame["venue_type"].to_numpy(dtype=object),
        span=_span(frame),
        candidates=_CANDIDATES,
        references={"random_forest": Reference(random_forest, ~none)},
        baselines={
            "last_year_score": lambda train: _past_score(frame, "year_score", train),
            "venue_mean": lambda train: _past_score(frame, "mean_score", train),
            "venue_type_mean": lambda train: _type_mean(frame, train),
        },
        extras=lambda train: {},
    )


def _span(frame: pd.DataFrame) -> Span:
    limit = np.full(len(frame), _HIGHEST)
    return Span(scale=limit, upper=limit, groups=frame["venue_type"].to_numpy(dtype=object), is_whole=False)


def _mean_score(frame: pd.DataFrame) -> FloatArray:
    """The mean score of a venue over all whole years up to each snapshot, of rows in the order of their days."""
    years = [frame["venue_id"], frame["snapshot_day"] % _YEAR]
    total = frame["year_score"].fillna(0).groupby(years).cumsum()
    return (total / frame["year_score"].notna().groupby(years).cumsum()).to_numpy(dtype=np.float64)


def _type_mean(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """Mean target of the venue type among the training rows; of all of them for a type that is not there."""
    past = frame.iloc[train]
    by_type = past.groupby("venue_type")["target_score"].mean()
    return frame["venue_type"].map(by_type).fillna(past["target_score"].mean()).to_numpy(dtype=np.float64)


def _past_score(frame: pd.DataFrame, column: str, train: Rows) -> FloatArray:
    """A score of the past; the type's mean for venues without a show or a score so far."""
    score = frame[column].to_numpy()
    has_none = np.isnan(score) | (frame["past_shows"].to_numpy() == 0)
    return np.where(has_none, _type_mean(frame, train), score)


def _ranking(judged: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    columns = {
        "model": "predicted",
        "last_year_score": f"{NAIVE}last_year_score",
        "random_forest": f"{REFERENCE}random_forest",
    }
    actual, day = judged["actual"].to_numpy(), judged["cutoff_day"].to_numpy()
    return {name: ranking_quality(actual, judged[column].to_numpy(), day) for name, column in columns.items()}
