"""A trained model: its fitted pipeline, its intervals, its identity and its card."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline

from concert_assets.learning.intervals import LEVELS, Calibration, Texts
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.settings import CODE_VERSION

LIBRARIES = ("numpy", "pandas", "scikit-learn", "skops")
# No share is that large; beyond it exp would overflow.
_LARGEST_LOG = 50.0


@dataclass(frozen=True, slots=True)
class Span:
    """From what a pipeline predicts to the target's unit, one entry a row.

    The pipeline predicts the target as a share of ``scale``, or, where ``is_log``, the log of that share. Predictions
    are kept between 0 and ``upper``; ``groups`` are calibrated apart, ``a|b`` lying within ``a``. Where ``is_whole``,
    predictions and bounds are rounded to whole numbers.
    """

    scale: FloatArray
    upper: FloatArray
    groups: Texts
    is_whole: bool
    is_log: bool = False

    def take(self, rows: npt.NDArray[np.intp]) -> "Span":
        """The entries of some rows."""
        return replace(self, scale=self.scale[rows], upper=self.upper[rows], groups=self.groups[rows])

    def learned(self, target: FloatArray) -> FloatArray:
        """The target as the pipeline learns it. A log takes half a unit for what is less than that."""
        return np.log(np.maximum(target, 0.5) / self.scale) if self.is_log else target / self.scale

    def unit(self, learned: FloatArray) -> FloatArray:
        """What the pipeline predicts, in the target's unit and within its limits, not rounded."""
        share = np.exp(np.minimum(learned, _LARGEST_LOG)) if self.is_log else learned
        found: FloatArray = np.clip(share * self.scale, 0.0, self.upper)
        return found

    def rounded(self, values: FloatArray) -> FloatArray:
        """Values in the target's unit, whole where they are to be."""
        return np.rint(values) if self.is_whole else values


@dataclass(frozen=True, slots=True)
class Prediction:
    """Predicted values and interval bounds in the target's unit, one a row; ``bounds`` maps level -> (low, high)."""

    predicted: FloatArray
    bounds: dict[int, tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """One version of a model.

    ``card`` is plain JSON: settings, samples, metrics, baselines, importances and coverage. ``extras`` holds what
    predicting needs beside pipeline and calibration, also plain JSON. The same version means the same content.
    """

    name: str
    version: str
    pipeline: Pipeline
    calibration: Calibration
    card: dict[str, Any]
    extras: dict[str, Any]

    def predict(self, features: pd.DataFrame, span: Span) -> Prediction:
        """Predict rows of the model's feature columns."""
        return predict_with(self.pipeline, self.calibration, features, span)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trained model that is not in use yet, and what it said of the future rows that it is judged on.

    ``judged`` has one row a test row: the key of the row (``concert_id`` and ``horizon``, or ``venue_id`` and
    ``horizon``), ``cutoff_day``, ``target_end_day``, ``segment``, ``is_cold_start`` (0 or 1), ``scale``, ``actual``,
    ``predicted``, ``low_<level>`` and ``high_<level>`` in the target's unit, ``naive__<name>`` per naive baseline and
    ``reference__<name>`` per baseline model kept for comparison.
    """

    model: TrainedModel
    judged: pd.DataFrame


def predict_learned(pipeline: Pipeline, features: pd.DataFrame) -> FloatArray:
    """What the pipeline itself predicts, in the unit that it learns."""
    if features.empty:
        return np.zeros(0)
    return np.asarray(pipeline.predict(features), dtype=np.float64)


def predict_values(pipeline: Pipeline, features: pd.DataFrame, span: Span) -> FloatArray:
    """The pipeline's predictions in the target's unit, not rounded."""
    return span.unit(predict_learned(pipeline, features))


def predict_with(pipeline: Pipeline, calibration: Calibration, features: pd.DataFrame, span: Span) -> Prediction:
    """Predictions with the intervals of every level."""
    learned = predict_learned(pipeline, features)
    bounds = {}
    for level in LEVELS:
        low, high = calibration.bounds(learned, span.groups, level)
        bounds[level] = span.rounded(span.unit(low)), span.rounded(span.unit(high))
    return Prediction(span.rounded(span.unit(learned)), bounds)


def library_versions() -> dict[str, str]:
    """The versions of the libraries that a stored model depends on."""
    return {library: version(library) for library in LIBRARIES}


def model_version(name: str, identity: Mapping[str, Any]) -> str:
    """The version that follows from ``identity`` (data hash, settings, as-of day …), code and libraries alone."""
    content = {"name": name, "code": CODE_VERSION, "libraries": library_versions(), **identity}
    return f"{name}-{hashlib.sha256(canonical_json(content)).hexdigest()[:12]}"


def canonical_json(value: Any) -> bytes:
    """JSON that is the same for equal values; ValueError for numbers that JSON does not have."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
