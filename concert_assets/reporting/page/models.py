"""The section on models: each beside its naive baselines, what it goes by, and samples of what it predicts."""

from collections.abc import Mapping, Sequence
from typing import Any

from concert_assets.reporting.page import show
from concert_assets.reporting.page.figures import Tick, axis, bar, interval, legend
from concert_assets.reporting.page.judged import judged
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
        *judged(model),
        _importances(model["importances"]),
        _details(model),
    )


def _verdict(model: Mapping[str, Any]) -> str:
    test, best = model["test_metrics"], model["best_baseline"]
    unit = f" ({model['unit']})" if model["unit"] else ""
    if best is None:
        return f"Mean absolute error {_figure(test.get('mae'))}{unit}, R² {show.decimal(test.get('r2'))} on test rows."
    theirs = model["baselines"][best]
    side = {True: "beats", False: "does not beat", None: "stands beside"}[model["is_better_than_baseline"]]
    return (
        f"On test rows the model {side} the best naive rule, {str(best).replace('_', ' ')}: mean absolute error "
        f"{_figure(test.get('mae'))} against {_figure(theirs.get('mae'))}{unit}, "
        f"R² {show.decimal(test.get('r2'))} against {show.decimal(theirs.get('r2'))}."
    )


def _metrics(model: Mapping[str, Any]) -> Html:
    lines = [("Model, test rows", model["test_metrics"], "data")]
    lines += [(f"Naive: {str(name).replace('_', ' ')}", values, "other") for name, values in model["baselines"].items()]
    lines += [
        (f"Baseline: {str(name).replace('_', ' ')}", values, "other") for name, values in model["references"].items()
    ]
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
        Col("Error, shorter is better", "fig minor"),
        Col("MAE", "num"),
        Col("RMSE", "num"),
        Col("R²", "num"),
    ]
    unit = f" in {model['unit']}" if model["unit"] else ""
    return table(f"Errors of the model and of naive rules{unit}", columns, body)


def _error_bar(error: float | None, most: float, kind: str) -> Html:
    return bar((error or 0.0) / most if most else 0.0, f"Mean absolute error {_figure(error)}", kind)


def _coverage(coverage: Mapping[str, Any]) -> Html | None:
    told = [f"the {level} % interval held {show.share(value)}" for level, value in coverage.items()]
    return el("p", f"Of what came in the test rows {', '.join(told)}.", class_="hint") if told else None


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
    samples = [
        [
            show.words(name), show.count(value.get("rows")), show.day(value.get("first_cutoff")),
            show.day(value.get("last_cutoff")), show.day(value.get("last_target_day")),
        ]
        for name, value in model["samples"].items()
    ]  # fmt: skip
    settings = {"estimator": model["estimator"], "as_of": model["as_of"], **model["settings"]}
    settings |= model["hyperparameters"]
    columns = [Col("Rows"), Col("Number", "num"), Col("First cut-off"), Col("Last cut-off"), Col("Last day of targets")]
    return folded(
        f"Samples and settings of version {model['version'] or show.MISSING}",
        table("Samples", columns, samples) if samples else None,
        table("Settings", [Col("Setting"), Col("Value")], [[name, str(value)] for name, value in settings.items()]),
    )


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
    scale = axis([Tick(0, "0"), Tick(1, show.share(1, 0) if by_share else show.count(most))])
    told = "Figures are shares of each concert's capacity." if by_share else "Figures are tickets."
    columns = [
        Col("Concert"), Col("Days ahead", "num minor"), Col("Sold", "num minor"), Col("Forecast", "num"),
        Col(scale, "fig middle"), Col("90 % interval", "num minor"), Col("Confidence", "num minor"),
    ]  # fmt: skip
    return part(
        "Ticket forecasts, ten concerts",
        _key(is_sold_marked=True),
        el("p", told, class_="hint"),
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


def _place(row: Mapping[str, Any]) -> Html | None:
    venue, date = row.get("venue_name"), row.get("event_date")
    if not venue and not date:
        return None
    shown = el("span", show.day(date), class_="nowrap") if date else None
    return el("span", str(venue) if venue else None, " · " if venue and date else None, shown)


def _named(name: Any, detail: Child) -> Html:
    return el("span", str(name), el("small", detail) if detail else None, class_="name")


def _figure(value: Any) -> str:
    """A number with about three digits that count."""
    return show.decimal(value, 0 if isinstance(value, (int, float)) and abs(value) >= 100 else 2)
