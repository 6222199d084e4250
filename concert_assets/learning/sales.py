"""The ticket sales model: how many tickets a concert will have sold when it begins, from its announcement to its eve.

Use, with ``rows`` from ``read_sql("feature/ticket_sales")`` bound to ``{"as_of": as_of}``::

    outcome = train_ticket_sales(rows, as_of, TrainingSettings(test_size=0.2))   # Candidate | NotTrainable
    frame = forecast_ticket_sales(outcome.model, rows, as_of)                    # columns FORECAST_COLUMNS
    again = predict_rows(outcome.model, rows)                                    # of concerts with a result

The model learns the log of sell-through, the limit of a sold-out house filled in, and what it predicts is the median
of tickets sold, between 0 and capacity.
"""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from concert_assets.learning import naive
from concert_assets.learning.estimators import Boosting, gradient_boosting
from concert_assets.learning.features import TICKET_SALES, FeatureSet, day_number, typed
from concert_assets.learning.intervals import WITHIN, Texts
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import Candidate, Prediction, Span, TrainedModel
from concert_assets.learning.problem import Problem, Reference
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets.learning.training import fit_and_judge

NAME = "ticket_sales"
UNIT = "tickets sold"
ANNOUNCEMENT = "announcement"
# Days before the show at which concerts with a result are asked about, beside their announcement.
HORIZON_DAYS = (60, 30, 14, 7, 1)
# Column -> type, in order.
FORECAST_COLUMNS = {
    "concert_id": "str",
    "horizon_days": "int64",
    "predicted_tickets": "int64",
    "tickets_low_50": "int64",
    "tickets_high_50": "int64",
    "tickets_low_90": "int64",
    "tickets_high_90": "int64",
    "confidence_score": "float64",
    "model_version": "str",
    "as_of": "object",
}
# What is told of the artist in log tickets, and is of use beside the room: columns of the features without ``artist_``.
_STRENGTHS = (
    "strength",
    "year_strength",
    "two_year_strength",
    "strength_trend",
    "fair_strength",
    "two_year_fair_strength",
    "fair_strength_trend",
    "room",
)
_TO_ROOM = tuple(f"artist_{name}_to_room" for name in _STRENGTHS)
# The features that a model sees: those of the SQL, and those that set them beside the capacity.
FEATURES: FeatureSet = replace(
    TICKET_SALES,
    numbers=(
        "capacity",
        "log_capacity",
        *TICKET_SALES.numbers,
        "artist_past_tickets_to_capacity",
        *_TO_ROOM,
        "artist_slope",
        "artist_popularity_beyond_strength",
        "artist_popularity_rise",
        "paced_share",
        "ledger_tickets_if_full",
    ),
)
# Fewer rows than this do not fill more leaves, and need not wait for them.
_ROWS_FOR_MANY_LEAVES = 50_000
# The usual popularity of an artist of some strength is told by so many of the first rows, which every fold learns from,
# where there are so many rows; the curve is a polynomial of this degree.
_FIRST_SHARE = 1 / 3
_FEWEST_FOR_USUAL_POPULARITY = 50
_CURVE = 3
_YEAR_DAYS = 365.25
_CANDIDATES = (
    Boosting(leaves=15, learning_rate=0.1, iterations=250),
    Boosting(leaves=31, learning_rate=0.05, iterations=700),
)


def train_ticket_sales(
    rows: pd.DataFrame, as_of: date, settings: TrainingSettings | None = None
) -> Candidate | NotTrainable:
    """Train on the completed concerts before ``as_of`` whose tickets sold and capacity are known.

    ``rows`` are the rows of ``feature/ticket_sales``; ValueError where columns are missing.
    """
    frame = typed(rows, TICKET_SALES)
    completed = (frame["status"] == "completed") & (frame["event_day"] < day_number(as_of))
    if not (completed & frame["tickets_sold"].notna()).any():
        return NotTrainable(NAME, "no completed concert has tickets_sold")
    frame = _results(frame, as_of)
    if frame.empty:
        return NotTrainable(NAME, "no completed concert with tickets_sold has a venue of known capacity")
    capacity = frame["capacity"].to_numpy()
    usual = _usual_popularity(frame)
    frame = _beside_the_room(frame, capacity, usual)
    target = frame["tickets_sold"].to_numpy()
    horizon = frame["horizon"].to_numpy(dtype=object)
    problem = Problem(
        name=NAME,
        unit=UNIT,
        features=FEATURES,
        frame=frame,
        keys=("concert_id",),
        horizon=horizon,
        primary_horizon=ANNOUNCEMENT,
        first_cutoff_day=frame.groupby("concert_id")["cutoff_day"].transform("min").to_numpy(dtype=np.int64),
        cutoff_day=frame["cutoff_day"].to_numpy(dtype=np.int64),
        target_end_day=frame["event_day"].to_numpy(dtype=np.int64) + 1,
        target=target,
        is_censored=target >= capacity,
        is_cold_start=(frame["is_artist_new"] == 1).to_numpy(),
        segment=frame["venue_type"].to_numpy(dtype=object),
        span=_span(frame, capacity, capacity),
        candidates=_CANDIDATES if len(frame) >= _ROWS_FOR_MANY_LEAVES else _CANDIDATES[:1],
        references={"gradient_boosting": Reference(gradient_boosting, horizon == ANNOUNCEMENT)},
        baselines={
            "venue_type_mean": lambda train: naive.type_share(frame, train) * capacity,
            "artist_mean": lambda train: naive.artist_mean(frame, train, "artist_past_tickets"),
            "artist_last_year": lambda train: naive.artist_mean(frame, train, "artist_year_tickets"),
            "artist_sell_through": lambda train: naive.artist_share(frame, train),
            "pacing_ratio": lambda train: naive.paced(frame, train),
        },
        extras=lambda train: _capacities(frame.iloc[train]) | {"usual_popularity": usual},
    )
    return fit_and_judge(problem, settings or TrainingSettings(), as_of)


def forecast_ticket_sales(model: TrainedModel | NotTrainable, rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Forecast every scheduled concert on or after ``as_of``, one row each in order of ``concert_id``.

    Tickets are whole, between those already sold and capacity; ``horizon_days`` counts from ``as_of`` to the day of
    the concert. ``confidence_score`` is 1 minus the width of the 50 % interval as a share of capacity: 1 where the
    middle half of outcomes is one value, 0 where it is the whole room. Where capacity is unknown the median of the
    venue type stands in for it, nothing bounds the forecast from above and the score is 0. No rows without a model.
    """
    if isinstance(model, NotTrainable):
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in FORECAST_COLUMNS.items()})
    today = day_number(as_of)
    frame = typed(rows, TICKET_SALES)
    frame = frame[(frame["status"] == "scheduled") & (frame["event_day"] >= today)]
    frame = frame.sort_values("concert_id", ignore_index=True)
    known = frame["capacity"].notna().to_numpy()
    found, capacity = _predicted(model, frame)
    sold = frame["tickets_sold"].fillna(0).to_numpy()
    columns: dict[str, Any] = {
        "concert_id": frame["concert_id"],
        "horizon_days": frame["event_day"] - today,
        "predicted_tickets": np.maximum(found.predicted, sold),
        "model_version": model.version,
        "as_of": as_of,
    }
    for level, (low, high) in found.bounds.items():
        columns[f"tickets_low_{level}"] = np.maximum(low, sold)
        columns[f"tickets_high_{level}"] = np.maximum(high, sold)
    width = columns["tickets_high_50"] - columns["tickets_low_50"]
    columns["confidence_score"] = np.where(known, np.clip(1 - width / capacity, 0, 1), 0.0).round(4)
    return pd.DataFrame(columns)[list(FORECAST_COLUMNS)].astype(FORECAST_COLUMNS)


def predict_rows(model: TrainedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """What a model says of any rows of ``feature/ticket_sales``, in the order of cut-off, concert and horizon.

    Columns ``concert_id``, ``horizon``, ``cutoff_day``, ``predicted``, ``low_<level>``, ``high_<level>``.
    """
    frame = typed(rows, TICKET_SALES)
    found, _ = _predicted(model, frame)
    columns: dict[str, Any] = {name: frame[name] for name in ("concert_id", "horizon", "cutoff_day")}
    columns["predicted"] = found.predicted
    for level, (low, high) in found.bounds.items():
        columns[f"low_{level}"], columns[f"high_{level}"] = low, high
    return pd.DataFrame(columns)


def feature_frame(model: TrainedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that the model's pipeline sees of rows of ``feature/ticket_sales``, after concert and horizon."""
    frame = typed(rows, TICKET_SALES)
    seen = _beside_the_room(frame, _capacity(model, frame), model.extras["usual_popularity"])
    return seen[[*TICKET_SALES.key, *FEATURES.columns]]


def span_of(model: TrainedModel, rows: pd.DataFrame) -> Span:
    """From what the model's pipeline predicts to tickets, for rows in the order of ``feature_frame``."""
    frame = typed(rows, TICKET_SALES)
    capacity = _capacity(model, frame)
    return _span(frame, capacity, np.where(frame["capacity"].notna(), capacity, np.inf))


def _results(frame: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The typed rows that can be learned from."""
    completed = (frame["status"] == "completed") & (frame["event_day"] < day_number(as_of))
    return frame[completed & frame["tickets_sold"].notna() & frame["capacity"].notna()].reset_index(drop=True)


def _predicted(model: TrainedModel, frame: pd.DataFrame) -> tuple[Prediction, FloatArray]:
    """Predictions of typed rows, and the capacities that were taken for theirs."""
    capacity = _capacity(model, frame)
    upper = np.where(frame["capacity"].notna(), capacity, np.inf)
    seen = _beside_the_room(frame, capacity, model.extras["usual_popularity"])[FEATURES.columns]
    return model.predict(seen, _span(frame, capacity, upper)), capacity


def _capacity(model: TrainedModel, frame: pd.DataFrame) -> FloatArray:
    """Capacities; for unknown ones the median of the venue type among the rows that the model learned from."""
    stand_in = frame["venue_type"].map(model.extras["capacity_by_type"]).fillna(model.extras["capacity"])
    return frame["capacity"].fillna(stand_in).to_numpy(dtype=np.float64)


def _usual_popularity(frame: pd.DataFrame) -> dict[str, Any] | None:
    """The popularity that artists of some strength usually have: a polynomial, and between which strengths it holds.

    Told by the first rows alone, which every fold learns from; no result of the rows themselves enters.
    """
    first = frame.iloc[: int(len(frame) * _FIRST_SHARE)]
    strength, popularity = first["artist_fair_strength"].to_numpy(), first["artist_popularity"].to_numpy()
    known = ~(np.isnan(strength) | np.isnan(popularity))
    if known.sum() < _FEWEST_FOR_USUAL_POPULARITY or np.ptp(strength[known]) == 0:
        return None
    low, high = np.quantile(strength[known], (0.01, 0.99))
    middle, spread = float(strength[known].mean()), float(strength[known].std())
    curve = np.polyfit((np.clip(strength[known], low, high) - middle) / spread, popularity[known], _CURVE)
    return {"curve": curve.tolist(), "low": float(low), "high": float(high), "middle": middle, "spread": spread}


def _beside_the_room(frame: pd.DataFrame, capacity: FloatArray, usual: dict[str, Any] | None) -> pd.DataFrame:
    """The rows with what the features say beside the room that the concert is in, and beside the artist's strength.

    Popularity is of today, strength of the shows behind it: an artist who is more popular than usual at that strength
    has risen since, the more so the longer ago these shows were.
    """
    log_capacity = np.log(np.maximum(capacity, 1.0))
    columns = {"capacity": capacity, "log_capacity": log_capacity}
    columns["artist_past_tickets_to_capacity"] = frame["artist_past_tickets"].to_numpy() / capacity
    for name in _STRENGTHS:
        columns[f"artist_{name}_to_room"] = frame[f"artist_{name}"].to_numpy() - log_capacity
    strength = frame["artist_fair_strength"].to_numpy()
    columns["artist_slope"] = frame["artist_fair_strength_trend"].to_numpy() - strength
    beyond = np.full(len(frame), np.nan)
    if usual is not None:
        place = (np.clip(strength, usual["low"], usual["high"]) - usual["middle"]) / usual["spread"]
        beyond = frame["artist_popularity"].to_numpy() - np.polyval(usual["curve"], place)
    columns["artist_popularity_beyond_strength"] = beyond
    columns["artist_popularity_rise"] = beyond * frame["artist_strength_age_days"].to_numpy() / _YEAR_DAYS
    columns["paced_share"] = frame["paced_tickets"].to_numpy() / capacity
    columns["ledger_tickets_if_full"] = (frame["ledger_share"] * frame["pace_share"]).to_numpy() * capacity
    return frame.assign(**columns)


def _span(frame: pd.DataFrame, capacity: FloatArray, upper: FloatArray) -> Span:
    return Span(scale=capacity, upper=upper, groups=_groups(frame), is_whole=True, is_log=True)


def _groups(frame: pd.DataFrame) -> Texts:
    """What is calibrated apart: cold starts, then how near the show is, then the kind of venue."""
    nearest = np.array(HORIZON_DAYS)[
        np.abs(np.log1p(frame["days_out"].to_numpy())[:, None] - np.log1p(np.array(HORIZON_DAYS))).argmin(axis=1)
    ].astype(str)
    # Nothing is sold yet on the day of the announcement, however near the show is.
    when = np.where(frame["days_on_sale"].to_numpy() <= 0, ANNOUNCEMENT, nearest)
    cold = np.where(frame["is_artist_new"].to_numpy() == 1, "new", "known")
    names = [WITHIN.join(parts) for parts in zip(cold, when, frame["venue_type"], strict=True)]
    return np.array(names, dtype=object)


def _capacities(past: pd.DataFrame) -> dict[str, Any]:
    """Median capacities of the training rows, which stand in for unknown ones."""
    by_type = past.groupby("venue_type")["capacity"].median()
    return {"capacity": float(past["capacity"].median()), "capacity_by_type": by_type.to_dict()}
