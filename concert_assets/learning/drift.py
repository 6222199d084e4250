"""Whether the world has moved away from what a model learned: features by population stability, errors beyond noise.

PSI = sum((new share - old share) * ln(new share / old share)) over ten bins of equal share and one of nulls; above 0.25
a shift is taken for a marked one (Siddiqi, Credit Risk Scorecards, 2006). Counts that grow with history shift always:
a feature counts as drifted where it has moved by more than 0.25 beyond what it had moved already on the rows on which
the model was judged and accepted, and further than so few rows of the same distribution do by chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.promotion import MINIMUM_CLUSTERS, mean_bounds

MOST_PSI = 0.25
# Errors above this multiple of those on the test rows count as drift, where noise does not explain them.
MOST_ERROR_RATIO = 1.2
_BINS = 10
# A share of nothing has no logarithm; half a row of a hundred stands for it.
_LEAST_SHARE = 0.005
MINIMUM_ROWS = 100
# That any of all features is taken for drifted by chance, and how many draws tell what chance does.
_LUCK = 0.01
_DRAWS = 10_000

Bins = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drift:
    """What has moved. ``reasons`` is empty where nothing has drifted, else a line each.

    ``features`` is one entry a feature: ``feature, psi, most``, the furthest beyond its bound first. ``error_ratio`` is
    the mean scaled error of the new rows as a multiple of that on the test rows, null where there are too few of them;
    ``rows`` and ``completed`` count the rows compared.
    """

    reasons: tuple[str, ...]
    features: list[dict[str, Any]]
    rows: int
    error_ratio: float | None
    completed: int

    @property
    def is_drifted(self) -> bool:
        """Whether the model is to be trained anew."""
        return bool(self.reasons)


def reference_bins(
    train: pd.DataFrame, test: pd.DataFrame, *, numbers: Sequence[str], categories: Sequence[str]
) -> dict[str, Bins]:
    """What new rows are compared with, plain JSON: per feature its bins, the training and test rows' shares and PSI.

    Both frames have at least one row; ``numbers`` may hold nulls, ``categories`` are text.
    """
    found: dict[str, Bins] = {}
    for name in (*numbers, *categories):
        bins: Bins = {}
        if name in numbers:
            known = train[name].dropna().to_numpy(np.float64)
            cuts = np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]) if len(known) else np.zeros(0)
            bins["edges"] = np.unique(cuts).tolist()
        else:
            bins["names"] = [str(value) for value in train[name].value_counts().index[: _BINS * 2]]
        bins["shares"] = _shares(train[name], bins).round(6).tolist()
        bins["test_shares"] = _shares(test[name], bins).round(6).tolist()
        found[name] = bins | {"test_psi": round(_psi(bins, test[name]), 6)}
    return found


def psi(reference: Mapping[str, Bins], rows: pd.DataFrame) -> dict[str, float]:
    """The population stability index of each feature of the reference among new rows, at least one."""
    return {name: _psi(bins, rows[name]) for name, bins in reference.items()}


def drift(
    reference: Mapping[str, Bins],
    rows: pd.DataFrame,
    *,
    test: pd.DataFrame,
    completed: pd.DataFrame,
    entity: str,
) -> Drift:
    """Compare the newest ``rows`` with the reference, and the errors on ``completed`` rows with those on ``test``.

    ``test`` and ``completed`` have ``horizon, scale, actual, predicted`` and the ``entity`` column. Features need 100
    rows, errors 30 entities. Errors are divided by scale and compared horizon by horizon, weighted as the new rows.
    """
    reasons = []
    features: list[dict[str, Any]] = []
    if len(rows) >= MINIMUM_ROWS:
        for name, moved in psi(reference, rows).items():
            bins = reference[name]
            most = max(bins["test_psi"] + MOST_PSI, _by_chance(bins, len(reference), len(rows)))
            features.append({"feature": name, "psi": moved, "most": most})
        features.sort(key=lambda item: (item["most"] - item["psi"], item["feature"]))
        reasons += [
            f"{item['feature']} has moved: PSI {item['psi']:.2f}, at most {item['most']:.2f}"
            for item in features
            if item["psi"] > item["most"]
        ]
    ratio, known = _error_ratio(test, completed, entity)
    if ratio is not None:
        value, low = ratio
        if low > 1 and value > MOST_ERROR_RATIO:
            reasons.append(f"errors on {known} newly completed are {value:.2f} times those of the test rows")
    return Drift(tuple(reasons), features, len(rows), None if ratio is None else ratio[0], known)


def _error_ratio(test: pd.DataFrame, completed: pd.DataFrame, entity: str) -> tuple[tuple[float, float] | None, int]:
    """Ratio of mean errors with its lower bound by chance, and how many entities the new rows are of."""
    completed = completed[completed["horizon"].isin(test["horizon"].unique())]
    known = int(completed[entity].nunique())
    if known < MINIMUM_CLUSTERS:
        return None, known
    before = _errors(test).groupby(test["horizon"].to_numpy()).mean()
    expected = completed["horizon"].map(before).to_numpy(np.float64)
    if not expected.mean() > 0:
        return None, known
    errors = _errors(completed).to_numpy(np.float64)
    excess = ((errors - expected) / expected.mean())[:, None]
    low, _ = mean_bounds(excess, completed[entity].to_numpy(dtype=object))
    return (1 + float(excess.mean()), 1 + float(low[0])), known


def _by_chance(bins: Mapping[str, Any], features: int, rows: int) -> float:
    """The PSI that so many rows like the test rows exceed in none of the features but once in a hundred looks.

    Found by drawing as many rows from the test rows' shares, since what has moved already varies more than what has
    not.
    """
    shares = np.asarray(bins["test_shares"], dtype=np.float64)
    drawn = np.random.default_rng(0).multinomial(rows, shares / shares.sum(), size=_DRAWS) / rows
    return float(np.quantile(_distance(np.asarray(bins["shares"], dtype=np.float64), drawn), 1 - _LUCK / features))


def _errors(rows: pd.DataFrame) -> pd.Series:
    return (rows["actual"] - rows["predicted"]).abs() / rows["scale"]


def _shares(values: pd.Series, bins: Bins) -> FloatArray:
    """The share of each bin: the intervals or names, then all other names, then nulls."""
    if "edges" in bins:
        plain = values.to_numpy(np.float64)
        last = len(bins["edges"]) + 1
        place = np.where(np.isnan(plain), last, np.searchsorted(bins["edges"], plain, side="left"))
    else:
        names = {name: position for position, name in enumerate(bins["names"])}
        last = len(names)
        place = values.map(names).fillna(last).to_numpy()
    counts = np.bincount(place.astype(np.intp), minlength=last + 1)
    return np.asarray(counts / max(len(values), 1), dtype=np.float64)


def _psi(bins: Bins, values: pd.Series) -> float:
    return float(_distance(np.asarray(bins["shares"], dtype=np.float64), _shares(values, bins)))


def _distance(old: FloatArray, new: FloatArray) -> FloatArray:
    """PSI over the last axis."""
    old, new = np.maximum(old, _LEAST_SHARE), np.maximum(new, _LEAST_SHARE)
    return np.asarray(((new - old) * np.log(new / old)).sum(axis=-1))
