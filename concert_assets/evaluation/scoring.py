"""Forecasts of the same rows side by side: naive ones, reference models, the model in use and both ceilings."""

from typing import Any

import numpy as np
import pandas as pd

from concert_assets.evaluation.popularity import score_ceilings
from concert_assets.evaluation.published import Published
from concert_assets.evaluation.tickets import Forecast, ceilings
from concert_assets.evaluation.truth import Truth
from concert_assets.learning.metrics import FloatArray, regression_metrics

HORIZONS = ("announcement", "60", "30", "14", "7", "1")
_PREFIXES = {"naive__": "naive", "reference__": "reference"}
_BEST = 10
_RESAMPLES = 400
_UNITS = {"ticket_sales": "tickets", "venue_popularity": "score"}


def evaluate_ticket_sales(judged: pd.DataFrame, seen: Published, sales: pd.DataFrame, truth: Truth) -> dict[str, Any]:
    """The figures of the ticket sales model by horizon, see ``docs/ceilings.md``.

    ``judged`` are the rows that the model in use was judged on, with ``concert_id``, ``horizon``, ``cutoff_day``,
    ``actual``, ``predicted`` and the columns of baselines; ``sales`` the published orders. Rows of concerts that are no
    longer published, or at venues of unknown capacity, are left out and counted.
    """
    show = seen.concert_ids.get_indexer(pd.Index(judged["concert_id"]))
    rows, show = judged[show >= 0].reset_index(drop=True), np.asarray(show[show >= 0], dtype=np.int64)
    day = rows["cutoff_day"].to_numpy(dtype=np.int64)
    found = ceilings(seen, sales, truth.log_expected_demand, show, day)
    horizons = []
    for horizon in [name for name in HORIZONS if (rows["horizon"] == name).any()]:
        mine = (rows["horizon"] == horizon).to_numpy()
        both = {"knowable": _part(found.knowable, mine), "oracle": _part(found.oracle, mine)}
        horizons.append({"horizon": horizon, **_side_by_side(rows[mine], both, None)})
    return {"unit": _UNITS["ticket_sales"], "rows_left_out": len(judged) - len(rows), "horizons": horizons}


def evaluate_venue_popularity(judged: pd.DataFrame, seen: Published, truth: Truth, *, seed: int) -> dict[str, Any]:
    """The figures of the venue popularity model, see ``docs/ceilings.md``; ``seed`` fixes the years drawn.

    ``judged`` has ``venue_id`` and else the columns of ``evaluate_ticket_sales``; rankings are per ``cutoff_day``.
    """
    rows = judged.sort_values(["cutoff_day", "venue_id"], ignore_index=True)
    venue = seen.venue_ids.get_indexer(pd.Index(rows["venue_id"]))
    rows, venue = rows[venue >= 0].reset_index(drop=True), np.asarray(venue[venue >= 0], dtype=np.int64)
    day = rows["cutoff_day"].to_numpy(dtype=np.int64)
    found = score_ceilings(seen, truth.latents, truth.log_expected_demand, venue, day, seed=seed)
    both = {"knowable": found.knowable, "oracle": found.oracle}
    horizons = [{"horizon": "year", **_side_by_side(rows, both, day)}] if len(rows) else []
    return {"unit": _UNITS["venue_popularity"], "rows_left_out": len(judged) - len(rows), "horizons": horizons}


def _side_by_side(rows: pd.DataFrame, both: dict[str, Forecast], snapshot: Any) -> dict[str, Any]:
    """Every forecast of some rows with its figures, and what share of the ceilings the model in use reaches."""
    actual = _floats(rows, "actual")
    forecasts = []
    for column in rows.columns:
        kind = next((kind for prefix, kind in _PREFIXES.items() if str(column).startswith(prefix)), None)
        if kind:
            name = str(column).partition("__")[2]
            forecasts.append(_figures(name, kind, actual, _floats(rows, column), None, snapshot))
    forecasts.append(_figures("model", "model", actual, _floats(rows, "predicted"), None, snapshot))
    for name, ceiling in both.items():
        forecasts.append(_figures(name, "ceiling", actual, ceiling.mean, ceiling.median, snapshot))
    by_name = {item["name"]: item for item in forecasts}
    owner = rows["venue_id" if snapshot is not None else "concert_id"].to_numpy(dtype=object)
    means = [_floats(rows, "predicted"), *(ceiling.mean for ceiling in both.values())]
    naive = [item["mae"] for item in forecasts if item["kind"] == "naive"]
    model = by_name["model"]
    best = min(naive, default=None)
    return {
        "rows": len(rows),
        "forecasts": forecasts,
        "best_naive_mae": best,
        "mae_below_best_naive_share": None if not best else 1 - model["mae"] / best,
        "r2_share": {name: _ratio(model["r2"], by_name[name]["r2"]) for name in both},
        "r2_share_interval_90": dict(zip(both, _share_intervals(actual, means, owner), strict=True)),
        "mae_gain_share": {
            name: None if best is None else _ratio(best - model["mae"], best - by_name[name]["mae"]) for name in both
        },
    }


def _figures(
    name: str, kind: str, actual: FloatArray, mean: FloatArray, median: FloatArray | None, snapshot: Any
) -> dict[str, Any]:
    """R² of the mean and MAE of the median where a forecast has both; rankings where rows belong to snapshots."""
    figures: dict[str, Any] = {
        "name": name,
        "kind": kind,
        "r2": regression_metrics(actual, mean).r2,
        "mae": regression_metrics(actual, mean if median is None else median).mae,
    }
    if snapshot is not None:
        parts = [(actual[snapshot == day], mean[snapshot == day]) for day in np.unique(snapshot)]
        figures["spearman"] = _average([spearman(*part) for part in parts])
        figures["ndcg_at_10"] = _average([ndcg(*part) for part in parts])
    return figures


def _share_intervals(actual: FloatArray, means: list[FloatArray], owner: Any) -> list[list[float] | None]:
    """5 % and 95 % quantiles of the first forecast's R² over that of each other, over resampled owners of rows.

    A few hundred large shows carry most of the variance of tickets, so that a share may well lie above 1 by luck.
    """
    _, place = np.unique(owner, return_inverse=True)
    sums = np.stack(
        [
            np.bincount(place, weights=values)
            for values in (np.ones(len(actual)), actual, actual**2, *((mean - actual) ** 2 for mean in means))
        ]
    )
    generator = np.random.default_rng(1)
    owners = sums.shape[1]
    # resampled with replacement: each owner comes as often as it is drawn
    drawn = np.stack(
        [sums @ np.bincount(generator.integers(0, owners, owners), minlength=owners) for _ in range(_RESAMPLES)]
    )
    total = drawn[:, 2] - drawn[:, 1] ** 2 / drawn[:, 0]
    r2 = 1 - drawn[:, 3:] / np.where(total > 0, total, np.inf)[:, None]
    if (total <= 0).any() or (r2[:, 1:] <= 0).any():
        return [None for _ in means[1:]]
    shares = r2[:, :1] / r2[:, 1:]
    return [[float(bound) for bound in np.quantile(share, (0.05, 0.95))] for share in shares.T]


def spearman(actual: FloatArray, predicted: FloatArray) -> float | None:
    """The correlation of ranks, ties at their mean rank; None where one side does not vary."""
    ranks = [pd.Series(values).rank().to_numpy() for values in (actual, predicted)]
    if any(np.ptp(values) == 0 for values in ranks):
        return None
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def ndcg(actual: FloatArray, predicted: FloatArray, best: int = _BEST) -> float | None:
    """Discounted gain of the ``best`` predicted over that of the best there are, the gain being the actual value.

    Ties among predictions keep the order of rows; None where there is no gain to be had (K. Järvelin and J. Kekäläinen,
    "Cumulated gain-based evaluation of IR techniques", 2002).
    """
    discount = 1 / np.log2(np.arange(2, min(best, len(actual)) + 2))
    ideal = float((np.sort(actual)[::-1][: len(discount)] * discount).sum())
    if ideal <= 0:
        return None
    chosen = actual[np.argsort(-predicted, kind="stable")[: len(discount)]]
    return float((chosen * discount).sum()) / ideal


def _average(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or whole is None or whole <= 0 else part / whole


def _part(forecast: Forecast, rows: Any) -> Forecast:
    return Forecast(forecast.mean[rows], forecast.median[rows])


def _floats(rows: pd.DataFrame, column: str) -> FloatArray:
    return np.asarray(rows[column].to_numpy(dtype=np.float64))
