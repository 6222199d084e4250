"""The model card as a page: what a version is for, what it learned from, how good it is, and where it is not."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Card = Mapping[str, Any]

_PURPOSE = {
    "ticket_sales": "Forecasts how many tickets a scheduled concert will have sold when it begins, from its"
    " announcement to the day before it.",
    "venue_popularity": "Forecasts a venue's popularity score over the coming year, by which venues are ranked.",
}
_LIMITS = {
    "ticket_sales": (
        "It knows shows as they were delivered: no weather, no news, no advertising.",
        "Where the capacity of a venue is unknown, the median of its type stands in, and the confidence is 0.",
        "Sold-out shows tell that demand was no less than the room; how much more is not known.",
        "Artists and venues without past shows are forecast from their kind alone; see the cold starts.",
    ),
    "venue_popularity": (
        "The score weighs utilisation 0.4, revenue 0.3 and bookings 0.3, as published; it is not a measure of quality.",
        "Ranks are relative to the venues of the same data: with other venues the same year scores otherwise.",
        "A venue without shows of known tickets, capacity and revenue has no score to learn from.",
    ),
}


def model_card(card: Card) -> str:
    """The card of a version as Markdown; parts that it does not have are left out."""
    name = str(card["model"])
    parts = [
        f"# {card['version']}",
        _PURPOSE.get(name, f"Model {name}."),
        _data(card),
        _quality(card),
        _horizons(card),
        _coverage(card),
        _backtest(card),
        _decision(card),
        _making(card),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in _LIMITS.get(name, ())) if name in _LIMITS else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _data(card: Card) -> str:
    rows = [
        (use, sample.get("rows"), sample.get("first_cutoff"), sample.get("last_cutoff"), sample.get("last_target_day"))
        for use, sample in card.get("samples", {}).items()
    ]
    return (
        f"## Data\n\nPublished tables up to {card.get('as_of')}; content {str(card.get('data_sha256'))[:16]}. Split by"
        " time: the test rows come after all that was learned from, and no row was shuffled.\n\n"
        + _table(("rows", "number", "first cut-off", "last cut-off", "last target day"), rows)
    )


def _quality(card: Card) -> str:
    metrics = card.get("metrics", {})
    rows = [("this model", metrics.get("test", {}))]
    rows += [(f"naive: {name}", found) for name, found in card.get("baselines", {}).items()]
    rows += [(f"baseline: {name}", found) for name, found in card.get("references", {}).items()]
    unit = card.get("unit", "")
    return f"## How good it is\n\nOn the test rows, in {unit}.\n\n" + _table(
        ("forecast", "MAE", "RMSE", "R²"),
        [(name, found.get("mae"), found.get("rmse"), found.get("r2")) for name, found in rows],
    )


def _horizons(card: Card) -> str:
    rows = []
    for item in card.get("horizons", ()):
        naive = {name: found.get("mae") for name, found in item.get("baselines", {}).items()}
        best = min((value for value in naive.values() if value is not None), default=None)
        metrics, covered = item.get("metrics", {}), item.get("coverage", {})
        shares = (_percent(covered.get(level)) for level in ("50", "90"))
        rows.append((item.get("horizon"), item.get("rows"), metrics.get("mae"), best, metrics.get("r2"), *shares))
    header = ("days before", "rows", "MAE", "best naive MAE", "R²", "50 % covers", "90 % covers")
    return "### By horizon\n\n" + _table(header, rows) if rows else ""


def _coverage(card: Card) -> str:
    covered = card.get("coverage", {})
    rows = [("all", card.get("samples", {}).get("test", {}).get("rows"), covered)]
    rows += [(item.get("segment"), item.get("rows"), item.get("coverage", {})) for item in card.get("segments", ())]
    return (
        "## Intervals\n\nThe share of outcomes within the 50 % and the 90 % interval.\n\n"
        + _table(
            ("segment", "rows", "50 %", "90 %"),
            [(name, count, _percent(found.get("50")), _percent(found.get("90"))) for name, count, found in rows],
        )
        if covered
        else ""
    )


def _backtest(card: Card) -> str:
    rows = [
        (item.get("origin"), item.get("rows"), item.get("mae"), item.get("r2"), item.get("best_baseline_mae"))
        for item in card.get("backtest", ())
    ]
    text = "## Backtest\n\nTrained up to each origin and judged on what followed.\n\n"
    return text + _table(("origin", "rows", "MAE", "R²", "best naive MAE"), rows) if rows else ""


def _decision(card: Card) -> str:
    found = card.get("promotion")
    if not found:
        return ""
    verdict = "Promoted" if found.get("is_promoted") else "Not promoted"
    return f"## Verdict at training\n\n{verdict}.\n\n" + "\n".join(f"- {reason}" for reason in found.get("reasons", ()))


def _making(card: Card) -> str:
    strongest = [(item["feature"], _percent(item["importance"])) for item in card.get("importances", ())[:10]]
    hyperparameters = card.get("hyperparameters", {})
    chosen = [*hyperparameters.get("chosen", hyperparameters).items(), *card.get("settings", {}).items()]
    libraries = ", ".join(f"{name} {found}" for name, found in card.get("libraries", {}).items())
    text = f"## How it is made\n\n{card.get('estimator')}; learning code {card.get('code_version')}; {libraries}.\n\n"
    text += _table(("setting", "value"), chosen)
    return text + "\n\n" + _table(("feature", "importance"), strongest) if strongest else text


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
