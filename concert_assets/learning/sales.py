"""The ticket sales model: how many tickets a concert will have sold when it begins, forecast when it is announced.

Use, with ``rows`` from ``read_sql("feature/ticket_sales")`` bound to ``{"as_of": as_of}``::

    outcome = train_ticket_sales(rows, as_of, TrainingSettings(test_size=0.2))   # TrainedModel | NotTrainable
    frame = forecast_ticket_sales(outcome, rows, as_of)                         # columns FORECAST_COLUMNS
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from concert_assets.learning.estimators import gradient_boosting
from concert_assets.learning.features import TICKET_SALES, day_number, typed
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import Span, TrainedModel
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets.learning.training import Problem, Rows, fit_and_judge

NAME = "ticket_sales"
UNIT = "tickets sold"
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


def train_ticket_sales(
    rows: pd.DataFrame, as_of: date, settings: TrainingSettings | None = None
) -> TrainedModel | NotTrainable:
    """Train on the completed concerts before ``as_of`` whose tickets sold and capacity are known.

    ``rows`` are the rows of ``feature/ticket_sales``; ValueError where columns are missing. The model learns
    sell-through, and its predictions are tickets between 0 and capacity.
    """
    frame = typed(rows, TICKET_SALES)
    completed = (frame["status"] == "completed") & (frame["event_day"] < day_number(as_of))
    if not (completed & frame["tickets_sold"].notna()).any():
        return NotTrainable(NAME, "no completed concert has tickets_sold")
    frame = frame[completed & frame["tickets_sold"].notna() & frame["capacity"].notna()].reset_index(drop=True)
    if frame.empty:
        return NotTrainable(NAME, "no completed concert with tickets_sold has a venue of known capacity")
    capacity = frame["capacity"].to_numpy()
    target = frame["tickets_sold"].to_numpy()
    problem = Problem(
        name=NAME,
        unit=UNIT,
        features=TICKET_SALES,
        frame=frame,
        cutoff_day=frame["cutoff_day"].to_numpy(dtype=np.int64),
        target_end_day=frame["event_day"].to_numpy(dtype=np.int64) + 1,
        target=target,
        span=_span(frame, capacity, capacity),
        make_pipeline=gradient_boosting,
        baselines={
            "venue_type_mean": lambda train: _type_share(frame, train) * capacity,
            "artist_mean": lambda train: _artist_mean(frame, train),
            "artist_sell_through": lambda train: _artist_share(frame, train),
        },
        extras=lambda train: _capacities(frame.iloc[train]),
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
    stand_in = frame["venue_type"].map(model.extras["capacity_by_type"]).fillna(model.extras["capacity"])
    capacity = frame["capacity"].where(known, stand_in).to_numpy(dtype=np.float64)
    upper = np.where(known, capacity, np.inf)
    features = frame[TICKET_SALES.columns].assign(capacity=capacity)
    found = model.predict(features, _span(frame, capacity, upper))
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


def _span(frame: pd.DataFrame, capacity: FloatArray, upper: FloatArray) -> Span:
    return Span(scale=capacity, upper=upper, groups=frame["venue_type"].to_numpy(dtype=object), is_whole=True)


def _type_share(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """Mean sell-through of the venue type among the training rows; of all of them for a type that is not there."""
    past = frame.iloc[train]
    share = past["tickets_sold"] / past["capacity"]
    by_type = share.groupby(past["venue_type"]).mean()
    return frame["venue_type"].map(by_type).fillna(share.mean()).to_numpy(dtype=np.float64)


def _artist_mean(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """Mean tickets of the artist's past shows, no more than the room holds; else the venue type's sell-through."""
    capacity = frame["capacity"].to_numpy()
    past = frame["artist_past_tickets"].to_numpy()
    tickets: FloatArray = np.where(np.isnan(past), _type_share(frame, train) * capacity, np.minimum(past, capacity))
    return tickets


def _artist_share(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """Mean sell-through of the artist's past shows, as tickets; else the venue type's."""
    past = frame["artist_past_sell_through"].to_numpy()
    share: FloatArray = np.where(np.isnan(past), _type_share(frame, train), past)
    tickets: FloatArray = share * frame["capacity"].to_numpy()
    return tickets


def _capacities(past: pd.DataFrame) -> dict[str, Any]:
    """Median capacities of the training rows, which stand in for unknown ones."""
    by_type = past.groupby("venue_type")["capacity"].median()
    return {"capacity": float(past["capacity"].median()), "capacity_by_type": by_type.to_dict()}
