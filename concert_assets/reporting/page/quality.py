"""The section on quality: scores, the rules that found something with a sample, and all rules folded away."""

from collections.abc import Mapping
from typing import Any

from concert_assets.reporting.page import show
from concert_assets.reporting.page.figures import Tick, axis, interval
from concert_assets.reporting.page.markup import Child, Html, el, identifier
from concert_assets.reporting.page.tables import Col, folded, note, part, section, table, tag
from concert_assets.reporting.quality import FAULTLESS, OVERALL

SCOPES = {"delivered": "In what was delivered", "candidate": "In what was to be published"}
EFFECTS = {
    "delivered": "Rows that broke one were kept out of the warehouse, each with its reason.",
    "candidate": "A failing rule of severity error stops publication and holds the delivery that brought it.",
}
SHORT_SCOPES = {"delivered": "Delivered", "candidate": "To be published"}
SHOWN = 12  # failing rules per scope that stand open
COLUMNS = 8  # columns of a sample that are shown
CELL = 60  # characters of a sample's value that are shown


def quality_section(report: Mapping[str, Any]) -> Html:
    """Scores and failing rules by scope."""
    quality = report["quality"]
    lead = "Every rule looks twice: at what was delivered, and at what was to be published. Scores run from 0 to 100."
    if not quality["results"]:
        return section("quality", "Quality", lead, note("The audit has left no result in this run."))
    scopes = sorted({result["scope"] for result in quality["results"]})  # candidate first: there it is decided
    failing = [_failing(scope, [item for item in quality["results"] if item["scope"] == scope]) for scope in scopes]
    return section("quality", "Quality", lead, _scores(quality["scores"]), *failing, _all_rules(quality["results"]))


def _scores(scores: Mapping[str, Mapping[str, float]]) -> Html | None:
    if not scores:
        return None
    scopes = sorted(scores)
    names = list(dict.fromkeys(name for scope in scopes for name in scores[scope] if name != OVERALL))
    floor = _floor([value for scope in scopes for value in scores[scope].values()])
    scale = axis([Tick(0, f"{floor:g}"), Tick(1, "100")])
    columns = [Col("Table")]
    for scope in scopes:
        columns += [Col(SHORT_SCOPES.get(scope, scope), "num"), Col(scale, "fig minor")]

    def cells(name: str) -> list[Child]:
        row: list[Child] = ["All tables" if name == OVERALL else name]
        for scope in scopes:
            value = scores[scope].get(name)
            place = 0.0 if value is None else (value - floor) / (100 - floor)
            row += [show.score(value), interval(place, None, None, f"{name}: {show.score(value)} of 100")]
        return row

    return table("Quality scores by table, 0-100", columns, [cells(name) for name in names], cells(OVERALL))


def _floor(values: list[float]) -> float:
    """Where the scale of scores starts, as its axis says: below all, but not from zero, where all would look alike."""
    lowest = min(values, default=0.0)
    return next(
        start for start in (99.0, 95.0, 90.0, 80.0, 50.0, 0.0) if lowest >= start + 0.1 * (100 - start) or start == 0.0
    )


def _failing(scope: str, results: list[dict[str, Any]]) -> Html:
    results = [result for result in results if result["rule"] != FAULTLESS]  # shown above as the score
    failing = [result for result in results if not result["is_passed"]]
    heading = SCOPES.get(scope, show.words(scope))
    count = f"{len(results) - len(failing)} of {show.plural(len(results), 'rule')} passed."
    hint = f"{count} {EFFECTS.get(scope, '')}"
    if not failing:
        return part(heading, el("p", count, class_="hint"))
    more = (
        folded(show.plural(len(failing) - SHOWN, "more failing rule"), *map(_rule, failing[SHOWN:]))
        if len(failing) > SHOWN
        else None
    )
    return part(heading, el("p", hint, class_="hint"), *map(_rule, failing[:SHOWN]), more)


def _rule(result: Mapping[str, Any]) -> Html:
    """A failing rule on one line, with its sample behind it; what stops publication stands open."""
    stops = result["scope"] == "candidate" and result["severity"] == "error"
    rows = f"{show.count(result['failing_rows'])} of {show.plural(result['total_rows'], 'row')}"
    name = el("b", identifier(f"{result['table_name']}.{result['rule']}"))
    line = el(
        "span",
        tag(result["severity"], "bad" if stops else "attention") if result["scope"] == "candidate" else None,
        el("span", name, el("span", result["description"] or "", class_="about"), class_="what"),
        el("span", rows, class_="count"),
        class_="rule",
    )
    sample = _sample(result["sample"])
    if sample is None:
        return el("div", line, class_="finding")
    return el("details", el("summary", line), sample, class_="finding", open=stops)


def _sample(sample: list[Any]) -> Html | None:
    if not sample:
        return None
    if all(isinstance(row, dict) and row for row in sample):
        names = list(dict.fromkeys(name for row in sample for name in row))[:COLUMNS]
        body = [[_cell(row.get(name)) for name in names] for row in sample]
        return table("Sample of failing rows", [Col(name) for name in names], body)
    return el("ul", *(el("li", el("code", _cell(row))) for row in sample), class_="plain")


def _result(item: Mapping[str, Any]) -> Child:
    return "passed" if item["is_passed"] else tag("failed", "bad" if item["severity"] == "error" else "attention")


def _cell(value: Any) -> str:
    shown = show.MISSING if value is None else str(value)
    return shown if len(shown) <= CELL else shown[: CELL - 1] + "…"


def _all_rules(results: list[dict[str, Any]]) -> Html:
    columns = [
        Col("Rule"), Col("Table"), Col("Looks at"), Col("Category"), Col("Severity"), Col("Failing", "num"),
        Col("Rows", "num"), Col("Score", "num"), Col("Result"),
    ]  # fmt: skip
    body = [
        [
            item["rule"], item["table_name"], SHORT_SCOPES.get(item["scope"], item["scope"]),
            str(item["category"] or show.MISSING).replace("_", " "), item["severity"], show.count(item["failing_rows"]),
            show.count(item["total_rows"]), show.score(item["score"]), _result(item),
        ]
        for item in sorted(results, key=lambda item: (item["scope"], item["table_name"], item["rule"]))
    ]  # fmt: skip
    return folded(f"All {show.plural(len(results), 'rule result')}", table("All rule results", columns, body))
