"""The sections on the run itself: what stopped it, its steps on a time line, its checks and settings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from concert_assets.reporting.page import show
from concert_assets.reporting.page.figures import Tick, axis, span
from concert_assets.reporting.page.markup import Child, Html, el
from concert_assets.reporting.page.tables import Col, folded, note, section, table, tag

KINDS = {
    "success": "",
    "failure": "bad",
    "interrupted": "bad",
    "running": "attention",
    "skipped": "quiet",
    "not_started": "quiet",
}
HEADINGS = {"failure": "The run failed", "killed": "The run was killed", "canceled": "The run was canceled"}
ERROR_SHOWN = 6_000  # characters of the error on the page; the JSON keeps more


def banner(failure: Mapping[str, Any] | None) -> Html | None:
    """Where and why the run ended badly and what to do next."""
    if failure is None:
        return None
    facts = [
        ("Step", failure["step"] or "none was running"),
        ("Last finished step", failure["last_finished_step"] or "none"),
        ("Last sign of life", show.moment(failure["last_sign_of_life"])),
    ]
    checks = ", ".join(f"{check['asset']} · {check['name']}" for check in failure["failed_checks"][:12])
    rest = len(failure["failed_checks"]) - 12
    if checks:
        facts.append(("Failed checks", checks + (f" and {rest} more" if rest > 0 else "")))
    return el(
        "section",
        el("h2", HEADINGS[failure["kind"]]),
        el("dl", *(el("div", el("dt", name), el("dd", value)) for name, value in facts)),
        _error(failure["error"]),
        el("h3", "What to do next"),
        el("ol", *(el("li", *_with_code(line)) for line in failure["next"])),
        class_="banner", role="alert",
    )  # fmt: skip


def _error(error: str | None) -> Html | None:
    if not error:
        return None
    lines = error.strip().splitlines()
    first, rest = lines[0] if lines else "", "\n".join(lines[1:])[:ERROR_SHOWN]
    return el(
        "div", el("p", first[:ERROR_SHOWN], class_="why"), folded("The whole error", el("pre", rest)) if rest else None
    )


def _with_code(line: str) -> list[Child]:
    """The line with what stands between backquotes as code."""
    return [el("code", piece) if place % 2 else piece for place, piece in enumerate(line.split("`"))]


def steps_section(report: Mapping[str, Any]) -> Html:
    """Every step on the run's time line."""
    steps, run = report["steps"], report["run"]
    lead = "In the order in which they started. Bars lie on the time of the run."
    if not steps:
        return section("run", "Run", lead, note("The run started no step."), _settings(report))
    whole = run["duration_seconds"] or 0.0
    scale = axis([Tick(0, "0"), Tick(1, show.seconds(whole))])
    body = [
        [
            step["key"],
            _status(step["status"]),
            _line(step, run["start"], whole),
            show.seconds(step["duration_seconds"]),
            show.count(step["rows"]),
        ]
        for step in steps
    ]
    columns = [Col("Step"), Col("Status"), Col(scale, "fig minor"), Col("Time", "num"), Col("Rows", "num minor")]
    return section(
        "run",
        "Run",
        lead,
        *_skipped(report["skipped"]),
        table("Steps of the run", columns, body),
        _checks(report["checks"]),
        _counts(report["table_counts"]),
        _settings(report),
    )


def _status(status: str) -> Child:
    """The status, marked only where it is not the usual one."""
    return show.words(status) if status == "success" else tag(show.words(status), KINDS.get(status, "quiet"))


def _line(step: Mapping[str, Any], start: str | None, whole: float) -> Html | None:
    if not (step["start"] and start and whole):
        return None
    offset = (datetime.fromisoformat(step["start"]) - datetime.fromisoformat(start)).total_seconds()
    took = step["duration_seconds"]
    title = f"{step['key']}: started after {show.seconds(offset)}, took {show.seconds(took)}"
    return span(
        offset / whole, (whole - offset if took is None else took) / whole, title, KINDS.get(step["status"], "quiet")
    )


def _skipped(parts: Sequence[Mapping[str, Any]]) -> list[Html]:
    return [
        note(el("span", el("b", item["step"]), f" was skipped: {str(item['reason']).rstrip('.')}.")) for item in parts
    ]


def _checks(checks: Sequence[Mapping[str, Any]]) -> Html | None:
    if not checks:
        return None
    passed = sum(check["is_passed"] for check in checks)
    ordered = sorted(
        checks, key=lambda check: (check["is_passed"], check["severity"] != "error", check["asset"], check["name"])
    )
    body = [
        [
            check["name"],
            check["asset"],
            check["severity"],
            "passed" if check["is_passed"] else tag("failed", "bad" if check["severity"] == "error" else "attention"),
            check["description"] or "",
        ]
        for check in ordered
    ]
    columns = [Col("Check"), Col("Asset"), Col("Severity"), Col("Result"), Col("Says")]
    return folded(f"Asset checks, {passed} of {len(checks)} passed", table("Asset checks", columns, body))


def _counts(counts: Mapping[str, int]) -> Html | None:
    if not counts:
        return None
    body = [[name, show.count(rows)] for name, rows in counts.items()]
    return folded(
        "Rows in every table of the warehouse", table("Rows by table", [Col("Table"), Col("Rows", "num")], body)
    )


def _settings(report: Mapping[str, Any]) -> Html:
    run = report["run"]
    known = [
        ("run", run["id"]),
        ("job", run["job"]),
        ("deployment", run["deployment"]),
        ("home", run["home"]),
        ("start", show.moment(run["start"])),
        ("end", show.moment(run["end"])),
    ]
    rows = [[name, str(value)] for name, value in [*known, *report["settings"].items()]]
    return folded("Settings", table("Settings of the run", [Col("Setting"), Col("Value")], rows))
