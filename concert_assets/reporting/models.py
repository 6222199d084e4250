"""The model training report: each model's card brought into one form, beside its best naive baseline."""

from collections.abc import Mapping
from typing import Any

from concert_assets.reporting.facts import ModelFacts
from concert_assets.reporting.plain import plain, withheld

Report = dict[str, Any]
METRICS = ("mae", "rmse", "r2")


def model_entry(model: ModelFacts) -> Report:
    """One model's entry: its card's parts, or why it was skipped, each field present in either case."""
    card = plain(model.card or {})
    metrics = card.get("metrics") or {}
    baselines = card.get("baselines") or {}
    best = _best(baselines)
    return {
        "name": model.name,
        "version": model.version,
        "status": "trained" if model.card else "skipped",
        "skipped_reason": None if model.card else model.skipped_reason or "no reason was stated",
        "target": card.get("target"),
        "settings": withheld(card.get("settings") or {}),
        "samples": card.get("samples") or {},
        "train_metrics": metrics.get("train") or card.get("train_metrics") or {},
        "test_metrics": metrics.get("test") or card.get("test_metrics") or {},
        "baselines": baselines,
        "best_baseline": best,
        "is_better_than_baseline": _is_better(metrics.get("test") or card.get("test_metrics"), baselines.get(best)),
        "importances": _importances(card.get("importances") or {}),
        "coverage": card.get("coverage") or {},
    }


def _best(baselines: Mapping[str, Any]) -> str | None:
    """The baseline with the smallest MAE, which is the one to beat; ties go to the first."""
    scored = {name: values["mae"] for name, values in baselines.items() if _mae(values) is not None}
    return min(scored, key=scored.__getitem__) if scored else None


def _mae(values: Any) -> float | None:
    return values.get("mae") if isinstance(values, Mapping) else None


def _is_better(metrics: Any, baseline: Any) -> bool | None:
    """Whether the model's MAE on test rows is below the best baseline's; None where either is unknown."""
    ours, theirs = _mae(metrics), _mae(baseline)
    return None if ours is None or theirs is None else ours < theirs


def _importances(value: Any) -> list[Report]:
    """Importances as a list of feature and importance, largest first, given as a mapping or as such a list."""
    if isinstance(value, Mapping):
        value = [{"feature": name, "importance": share} for name, share in value.items()]
    return sorted(value, key=lambda item: (-(item.get("importance") or 0), str(item.get("feature"))))
