"""What came true, row by row: the outcomes that models are judged, watched and searched for leaks by."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd

from concert_assets.learning import sales, venues
from concert_assets.learning.drift import Bins, Drift, drift, reference_bins
from concert_assets.learning.features import TICKET_SALES, VENUE_POPULARITY, FeatureSet, day_number, typed
from concert_assets.learning.leaks import MOST_ROWS, LeakReport, Shift, leak_report
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import TrainedModel

# Model -> the column of the entity whose rows belong together, the columns that tell its rows apart, and the horizon
# at which its features are watched: later ones are pacing's, and few shows have come as far.
_ENTITY = {sales.NAME: "concert_id", venues.NAME: "venue_id"}
_PRIMARY = {sales.NAME: sales.ANNOUNCEMENT, venues.NAME: venues.HORIZON}
_KEY = {sales.NAME: ["concert_id", "horizon"], venues.NAME: ["venue_id", "cutoff_day"]}
_SETS: dict[str, FeatureSet] = {sales.NAME: TICKET_SALES, venues.NAME: VENUE_POPULARITY}
_PREDICT: dict[str, Callable[[TrainedModel, pd.DataFrame], pd.DataFrame]] = {
    sales.NAME: sales.predict_rows,
    venues.NAME: venues.predict_rows,
}
_FEATURES: dict[str, Callable[[TrainedModel, pd.DataFrame], pd.DataFrame]] = {
    sales.NAME: sales.feature_frame,
    venues.NAME: venues.feature_frame,
}


def outcomes(name: str, rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The rows of ``feature/<name>`` whose target is known by ``as_of``.

    Columns: the key of ``judged``, ``horizon``, ``cutoff_day``, ``target_end_day``, ``scale``, ``actual`` and
    ``is_censored``.
    """
    frame = typed(rows, _SETS[name])
    if name == venues.NAME:
        frame = frame[frame["target_score"].notna() & (frame["target_end_day"] <= day_number(as_of))]
        found = pd.DataFrame({"venue_id": frame["venue_id"], "horizon": venues.HORIZON})
        found["cutoff_day"] = frame["snapshot_day"].astype(np.int64)
        found["target_end_day"] = frame["target_end_day"]
        found["scale"], found["actual"] = 100.0, frame["target_score"]
        return found.assign(is_censored=False).reset_index(drop=True)
    is_known = (frame["status"] == "completed") & (frame["event_day"] < day_number(as_of))
    frame = frame[is_known & frame["tickets_sold"].notna() & frame["capacity"].notna()]
    found = frame[["concert_id", "horizon"]].assign(
        cutoff_day=frame["cutoff_day"].astype(np.int64), target_end_day=frame["event_day"] + 1
    )
    found["scale"], found["actual"] = frame["capacity"], frame["tickets_sold"]
    found["is_censored"] = frame["tickets_sold"] >= frame["capacity"]
    return found.reset_index(drop=True)


def predicted(model: TrainedModel, rows: pd.DataFrame, judged: pd.DataFrame | None = None) -> pd.DataFrame:
    """What a model says of rows: the key of ``judged`` with ``predicted`` and bounds; of its entities alone if given.

    ValueError or KeyError where the rows lack what the model was made for.
    """
    if judged is not None:
        rows = rows[rows[_ENTITY[model.name]].isin(judged[_ENTITY[model.name]])]
    return _PREDICT[model.name](model, rows)


def _seen(model: TrainedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that the model's pipeline sees, with the key of ``judged``."""
    return _FEATURES[model.name](model, rows)


def _categories(name: str) -> list[str]:
    """Which of a model's features are categories."""
    return list(_SETS[name].categories)


def _with_features(model: TrainedModel, rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Known outcomes beside the features that the model sees of them."""
    return known.merge(_seen(model, rows), on=_KEY[model.name], validate="one_to_one", suffixes=("", "_seen"))


def _with_predictions(model: TrainedModel, rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Known outcomes beside what the model says of them."""
    found = predicted(model, rows)[[*_KEY[model.name], "predicted"]]
    return known.merge(found, on=_KEY[model.name], validate="one_to_one")


def leaks_of(model: TrainedModel, rows: pd.DataFrame, as_of: date, shift: Shift | None) -> LeakReport:
    """The leak report on the features that a model sees.

    Judged where nothing of the target is known: ticket sales at the announcement, before anything is sold. Later the
    orders to date tell most of it, and are no leak; that they end at the cut-off is for ``shift`` to show. Sold-out
    houses are left out: what they sell is the room, by arithmetic.
    """
    known = outcomes(model.name, rows, as_of)
    known = known[~known["is_censored"] & (known["horizon"] == _PRIMARY[model.name])]
    known = known.sample(min(len(known), MOST_ROWS), random_state=0)  # before the features of millions of rows are made
    frame = _with_features(model, rows[rows[_ENTITY[model.name]].isin(known[_ENTITY[model.name]])], known)
    kinds = _categories(model.name)
    # Snapshots of one venue may lie on both sides of a split; it is their targets that must not overlap.
    entity = frame["concert_id"] if model.name == sales.NAME else frame["venue_id"] + frame["cutoff_day"].astype(str)
    target: FloatArray = (frame["actual"] / frame["scale"]).to_numpy(np.float64)
    return leak_report(
        frame,
        target,
        numbers=[name for name in model.card["features"] if name not in kinds],
        categories=kinds,
        entity=np.asarray(entity, dtype=object),
        group=np.asarray(frame["horizon"], dtype=object),
        cutoff_day=frame["cutoff_day"].to_numpy(np.int64),
        target_end_day=frame["target_end_day"].to_numpy(np.int64),
        shift=shift,
    )


def drift_reference(model: TrainedModel, rows: pd.DataFrame, as_of: date) -> dict[str, Bins]:
    """What the features of later rows are compared with: those of the training rows, and of the test rows."""
    frame = _watched(model, rows, outcomes(model.name, rows, as_of))
    boundary = day_number(date.fromisoformat(model.card["samples"]["test"]["first_cutoff"]))
    is_train, is_test = frame["target_end_day"] <= boundary, frame["cutoff_day"] >= boundary
    kinds = _categories(model.name)
    numbers = [name for name in model.card["features"] if name not in kinds]
    return reference_bins(frame[is_train], frame[is_test], numbers=numbers, categories=kinds)


def drift_of(model: TrainedModel, judged: pd.DataFrame, rows: pd.DataFrame, as_of: date) -> Drift:
    """How far features and errors have moved on what came true since the model was trained.

    ``judged`` are the rows that the model was judged on. The model's card holds ``reference_bins``.
    """
    known = outcomes(model.name, rows, as_of)
    known = known[known["target_end_day"] > day_number(date.fromisoformat(model.card["as_of"]))]
    if known.empty:
        return Drift((), [], 0, None, 0)
    entity = _ENTITY[model.name]
    rows = rows[rows[entity].isin(known[entity])]
    return drift(
        model.card["reference_bins"],
        _watched(model, rows, known),
        test=judged,
        completed=_with_predictions(model, rows, known),
        entity=entity,
    )


def _watched(model: TrainedModel, rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    return _with_features(model, rows, known[known["horizon"] == _PRIMARY[model.name]])
