"""The model training report: of each model the parts of its card that a reader compares, or why there is none."""

from typing import Any

from concert_assets.reporting.facts import ModelFacts
from concert_assets.reporting.plain import plain, withheld

Report = dict[str, Any]


def model_entry(model: ModelFacts) -> Report:
    """One model's entry; every field is there in either case, empty or None for a model that was skipped."""
    card = plain(model.card or {})
    metrics = card.get("metrics") or {}
    baselines = card.get("baselines") or {}
    best = card.get("best_baseline") or _best(baselines)
    return {
        "name": model.name,
        "version": model.version or card.get("version"),
        "status": "trained" if model.card else "skipped",
        "skipped_reason": None if model.card else model.skipped_reason or "no reason was stated",
        "unit": card.get("unit"),
        "estimator": card.get("estimator"),
        "as_of": card.get("as_of"),
        "settings": withheld(card.get("settings") or {}),
        "samples": card.get("samples") or {},
        "train_metrics": metrics.get("train") or {},
        "test_metrics": metrics.get("test") or {},
        "baselines": baselines,
        "best_baseline": best,
        "is_better_than_baseline": _is_better(metrics.get("test") or {}, baselines.get(best) or {}),
        "importances": card.get("importances") or [],
        "coverage": card.get("coverage") or {},
        "horizons": card.get("horizons") or [],
        "references": card.get("references") or {},
        "segments": card.get("segments") or [],
        "backtest": card.get("backtest") or [],
        "hyperparameters": (card.get("hyperparameters") or {}).get("chosen") or {},
        "leaks": card.get("leaks") or {},
        "promotion": _decision(card.get("promotion")),
        "last_decision": _decision(card.get("last_decision")),
        "data_sha256": card.get("data_sha256"),
        "libraries": card.get("libraries") or {},
    }


def _decision(found: Report | None) -> Report:
    """Whether a version was promoted and why, empty where nothing was decided."""
    if not found:
        return {}
    return {name: found.get(name) for name in ("version", "is_promoted", "reasons", "decided_at") if name in found}


def _best(baselines: Report) -> str | None:
    """The baseline with the smallest MAE, which is the one to beat; ties go to the first."""
    scored = {name: values["mae"] for name, values in baselines.items() if values.get("mae") is not None}
    return min(scored, key=scored.__getitem__) if scored else None


def _is_better(metrics: Report, baseline: Report) -> bool | None:
    """Whether the model's MAE on test rows is below the best baseline's; None where either is unknown."""
    ours, theirs = metrics.get("mae"), baseline.get("mae")
    return None if ours is None or theirs is None else bool(ours < theirs)
