"""The section on models: each beside its naive baselines, what it goes by, and samples of what it predicts."""

from collections.abc import Mapping, Sequence
from typing import Any

from concert_assets.reporting.page import show
from concert_assets.reporting.page.figures import Tick, axis, bar, interval, legend
from concert_assets.reporting.page.markup import Child, Html, el
from concert_assets.reporting.page.tables import Col, folded, note, part, section, table

FEATURES = 10
ERRORS = ("mae", "rmse")


def models_section(report: Mapping[str, Any] | None) -> Html:
    """Trained models and their predictions; a skipped one says why."""
    lead = "Judged on the future: trained on earlier rows, tested on later ones, beside the naive rule to beat."
    if report is None or not report["models"]:
        return section("models", "Models", lead, note("This run came to no model."))
    models = [_model(model) for model in report["models"]]
    return section(
        "models", "Models", lead, *models, _rankings(report["venue_rankings"]), _forecasts(report["concert_forecasts"])
    )


def _model(model: Mapping[str, Any]) -> Html:
    heading = show.words(model["name"])
    if model["status"] == "skipped":
        return part(heading, note(f"Skipped: {str(model['skipped_reason']).rstrip('.')}."))
    return part(
        heading,
        el("p", _verdict(model), class_="say"),
        _metrics(model),
        _coverage(model["coverage"]),
        _importances(model["importances"]),
        _details(model),
    )


def _verdict(model: Mapping[str, Any]) -> str:
    test, best = model["test_metrics"], model["best_baseline"]
    ours = f"On test rows R² is {show.decimal(test.get('r2'))} and the mean absolute error {_figure(test.get('mae'))}"
    if best is None:
        return f"{ours}. No naive baseline was given."
    theirs = model["baselines"][best]
    side = {True: "better than", False: "no better than", None: "beside"}[model["is_better_than_baseline"]]
    name = str(best).replace("_", " ")
    figures = f"{show.decimal(theirs.get('r2'))} and {_figure(theirs.get('mae'))}"
    return f"{ours}; {side} the best naive rule, {name}: {figures}."


def _metrics(model: Mapping[str, Any]) -> Html:
    lines = [("Model, test rows", model["test_metrics"], "data")]
    lines += [(f"Naive: {str(name).replace('_', ' ')}", values, "other") for name, values in model["baselines"].items()]
    lines += [("Model, training rows", model["train_metrics"], "faint")]
    most = max((values.get("mae") or 0.0 for _, values, _ in lines), default=0.0)
    body = [
        [
            name, _error_bar(values.get("mae"), most, kind),
            *(_figure(values.get(metric)) for metric in ERRORS), show.decimal(values.get("r2"), 3),
        ]
        for name, values, kind in lines
    ]  # fmt: skip
    columns = [
        Col("Judged"),
        Col("Error, shorter is better", "fig"),
        Col("MAE", "num"),
        Col("RMSE", "num"),
        Col("R²", "num"),
    ]
    unit = f" in {model['target']}" if model["target"] else ""
    return table(f"Errors of the model and of naive rules{unit}", columns, body)


def _error_bar(error: float | None, most: float, kind: str) -> Html:
    return bar((error or 0.0) / most if most else 0.0, f"Mean absolute error {_figure(error)}", kind)


def _coverage(coverage: Mapping[str, Any]) -> Html | None:
    told = [
        f"the {str(name).rstrip('%')} % interval held {show.share(value)} of test rows"
        for name, value in coverage.items()
        if isinstance(value, (int, float))
    ]
    return el("p", f"Of the intervals, {' and '.join(told)}.", class_="hint") if told else None


def _importances(importances: Sequence[Mapping[str, Any]]) -> Html | None:
    if not importances:
        return None
    top = importances[0].get("importance") or 0.0
    body = [
        [
            str(item.get("feature")).replace("_", " "),
            bar((item.get("importance") or 0.0) / top if top else 0.0, show.share(item.get("importance"))),
            show.share(item.get("importance")),
        ]
        for item in importances[:FEATURES]
    ]
    rest = f", the first {FEATURES} of {len(importances)}" if len(importances) > FEATURES else ""
    return table(f"What the model goes by{rest}", [Col("Feature"), Col("", "fig"), Col("Importance", "num")], body)


def _details(model: Mapping[str, Any]) -> Html:
    samples = [[show.words(name), *_sample(value)] for name, value in model["samples"].items()]
    settings = [[name, _setting(value)] for name, value in model["settings"].items()]
    return folded(
        f"Samples and settings of version {model['version'] or show.MISSING}",
        table("Samples", [Col("Part"), Col("Rows", "num"), Col("From"), Col("To")], samples) if samples else None,
        table("Settings", [Col("Setting"), Col("Value")], settings) if settings else None,
    )


def _sample(value: Any) -> list[Child]:
    if not isinstance(value, Mapping):
        return [show.count(value) if isinstance(value, int) else str(value), "", ""]
    start, end = (
        next((value[key] for key in keys if value.get(key)), None)
        for keys in (("from", "start", "first"), ("to", "end", "last"))
    )
    return [show.count(value.get("rows")), show.day(start), show.day(end)]


def _setting(value: Any) -> str:
    return ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, Mapping) else str(value)


def _rankings(rows: Sequence[Mapping[str, Any]]) -> Html | None:
    if not rows:
        return None
    body = [
        [
            row.get("rank"), _named(row.get("venue_name") or row.get("venue_id"), row.get("city")),
            show.score(row.get("predicted_score")), _interval(row, "predicted_score", "score", 100.0, ""),
            _ends(row, "score", 0),
        ]
        for row in rows
    ]  # fmt: skip
    scale = axis([Tick(0, "0"), Tick(0.5, "50"), Tick(1, "100")])
    columns = [
        Col("Rank", "num"),
        Col("Venue"),
        Col("Score", "num"),
        Col(scale, "fig"),
        Col("90 % interval", "num minor"),
    ]
    return part(
        "Venue ranking, the first ten",
        _key(),
        table("Predicted popularity of venues over the next twelve months, score 0-100", columns, body),
    )


def _forecasts(rows: Sequence[Mapping[str, Any]]) -> Html | None:
    if not rows:
        return None
    by_share = all(row.get("capacity") for row in rows)
    most = max((row.get("tickets_high_90") or row.get("predicted_tickets") or 0 for row in rows), default=0)
    body = [
        [
            _named(row.get("artist_name") or row.get("concert_id"), _place(row)), show.count(row.get("horizon_days")),
            show.count(row.get("tickets_sold")), show.count(row.get("predicted_tickets")),
            _interval(row, "predicted_tickets", "tickets", _whole(row, by_share, most), "tickets_sold"),
            _ends(row, "tickets", 0), show.share(row.get("confidence_score"), 0),
        ]
        for row in rows
    ]  # fmt: skip
    scale = axis(
        [Tick(0, "0 %"), Tick(0.5, "50 %"), Tick(1, "100 % of capacity")]
        if by_share
        else [Tick(0, "0"), Tick(1, show.count(most))]
    )
    columns = [
        Col("Concert"), Col("Days ahead", "num minor"), Col("Sold", "num minor"), Col("Forecast", "num"),
        Col(scale, "fig"), Col("90 % interval", "num minor"), Col("Confidence", "num minor"),
    ]  # fmt: skip
    return part(
        "Ticket forecasts, ten concerts",
        _key(is_sold_marked=True),
        table("Forecast tickets per concert", columns, body),
    )


def _whole(row: Mapping[str, Any], by_share: bool, most: float) -> float:
    """How many tickets the full width of the row's figure stands for."""
    return float((row["capacity"] if by_share else most) or 1)


def _key(is_sold_marked: bool = False) -> Html:
    marks = [("point", "prediction"), ("inner", "50 % interval"), ("outer", "90 % interval")]
    return legend(*marks, *([("mark", "sold so far")] if is_sold_marked else []))


def _interval(row: Mapping[str, Any], point: str, stem: str, whole: float, mark: str) -> Html | None:
    if not isinstance(row.get(point), (int, float)):
        return None
    ends = [_pair(row, stem, level, whole) for level in (90, 50)]
    sold = row.get(mark) if mark else None
    told = f"{_figure(row[point])}, 90 % interval {_ends(row, stem, 0)}"
    return interval(row[point] / whole, ends[0], ends[1], told, None if sold is None else sold / whole)


def _pair(row: Mapping[str, Any], stem: str, level: int, whole: float) -> tuple[float, float] | None:
    low, high = row.get(f"{stem}_low_{level}"), row.get(f"{stem}_high_{level}")
    return None if low is None or high is None else (low / whole, high / whole)


def _ends(row: Mapping[str, Any], stem: str, digits: int) -> str:
    low, high = row.get(f"{stem}_low_90"), row.get(f"{stem}_high_90")
    return (
        show.MISSING if low is None or high is None else f"{show.decimal(low, digits)} to {show.decimal(high, digits)}"
    )


def _place(row: Mapping[str, Any]) -> str:
    return " · ".join(
        str(part)
        for part in (row.get("venue_name"), show.day(row.get("event_date")) if row.get("event_date") else None)
        if part
    )


def _named(name: Any, detail: Any) -> Html:
    return el("span", str(name), el("small", str(detail)) if detail else None, class_="name")


def _figure(value: Any) -> str:
    """A number with about three digits that count."""
    return show.decimal(value, 0 if isinstance(value, (int, float)) and abs(value) >= 100 else 2)
