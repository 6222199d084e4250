"""The page as a whole: head, headline, key figures, and the sections in reading order."""

from collections.abc import Mapping
from typing import Any

from concert_assets.reporting.facts import FigureFacts
from concert_assets.reporting.page import show
from concert_assets.reporting.page.markup import Html, el, join
from concert_assets.reporting.page.marts import marts_section
from concert_assets.reporting.page.models import models_section
from concert_assets.reporting.page.music import music_section
from concert_assets.reporting.page.quality import quality_section
from concert_assets.reporting.page.rows import deliveries_section, rows_section
from concert_assets.reporting.page.run import banner, steps_section
from concert_assets.reporting.page.style import STYLE
from concert_assets.reporting.page.tables import tag
from concert_assets.reporting.quality import OVERALL

# The page opens nothing outside itself even where a browser's reader or a mistake here would have it do so.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
SECTIONS = (
    ("rows", "Rows"),
    ("quality", "Quality"),
    ("deliveries", "Deliveries"),
    ("music", "Concerts and sales"),
    ("pacing", "Pacing and revenue"),
    ("models", "Models"),
    ("run", "Run"),
)
STATUS_KINDS = {"success": "good", "running": "attention"}


def render_html(
    pipeline_report: Mapping[str, Any],
    model_report: Mapping[str, Any] | None = None,
    figures: FigureFacts | None = None,
) -> str:
    """The report as one self-contained page of HTML; it makes no request and runs no script.

    The arguments are what ``build_pipeline_report`` and ``build_model_report`` returned, or the same read back from
    JSON. A run that came to no model has no model report; without figures the part on concerts and sales says so.
    """
    body = el(
        "body",
        el("a", "Skip to the report", class_="skip", href="#rows"),
        _top(pipeline_report),
        el(
            "main",
            banner(pipeline_report["failure"]),
            _key_figures(pipeline_report),
            *_sections(pipeline_report, model_report, figures),
        ),
        _foot(pipeline_report),
    )
    return "<!doctype html>\n" + el("html", _head(pipeline_report), body, lang="en")


def _sections(pipeline: Mapping[str, Any], models: Mapping[str, Any] | None, figures: FigureFacts | None) -> list[Html]:
    return [
        rows_section(pipeline),
        quality_section(pipeline),
        deliveries_section(pipeline),
        music_section(figures or FigureFacts()),
        marts_section((figures or FigureFacts()).marts),
        models_section(models),
        steps_section(pipeline),
    ]


def _head(report: Mapping[str, Any]) -> Html:
    run = report["run"]
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="robots", content="noindex"),
        el("title", f"{show.words(run['job'])}, {run['status']}, {show.moment(run['start'])}"),
        el("style", Html(STYLE)),
    )


def _top(report: Mapping[str, Any]) -> Html:
    run, verdict = report["run"], report["verdict"]
    facts = [run["job"], run["deployment"], show.moment(run["start"]), f"run {str(run['id'])[:8]}"]
    return el(
        "header",
        el("p", el("b", "concert_assets"), " pipeline report", class_="brand"),
        el("h1", verdict["text"]),
        el(
            "p",
            tag(show.words(run["status"]), STATUS_KINDS.get(run["status"], "bad")),
            *(el("span", str(fact)) for fact in facts if fact and fact != show.MISSING),
            class_="facts",
        ),
        el("nav", *(el("a", label, href=f"#{anchor}") for anchor, label in SECTIONS), aria_label="Parts of the report"),
        class_="top",
    )


def _key_figures(report: Mapping[str, Any]) -> Html:
    totals, scores = report["totals"], report["quality"]["scores"]
    held = sum(item["state"] == "held" for item in report["deliveries"])
    aside = sum(totals[name] for name in ("rejected", "duplicate", "superseded", "pending", "held"))
    score = (scores.get("delivered") or scores.get("candidate") or {}).get(OVERALL)
    judged = [item["is_passed"] for item in report["quality"]["results"] if item["scope"] == "candidate"]
    known = bool(report["tables"])
    figures = [
        ("Delivered", show.count(totals["delivered"]) if known else show.MISSING, "rows"),
        (
            "Published",
            show.count(totals["published"]) if known else show.MISSING,
            _of(totals["published"], totals["delivered"]),
        ),
        ("Set aside", show.count(aside) if known else show.MISSING, _of(aside, totals["delivered"])),
        ("Quality", show.score(score), _passed(judged)),
        ("Deliveries", show.count(len(report["deliveries"])), f"{held} held" if held else "none held"),
        ("Duration", show.seconds(report["run"]["duration_seconds"]), _finished(report["steps"])),
    ]
    cells = [el("div", el("dt", name), el("dd", value, el("small", detail))) for name, value, detail in figures]
    return el("dl", *cells, class_="figures")


def _passed(judged: list[bool]) -> str:
    return f"{sum(judged)} of {show.plural(len(judged), 'rule')} passed" if judged else "not judged"


def _finished(steps: list[dict[str, Any]]) -> str:
    finished = sum(step["status"] in ("success", "skipped") for step in steps)
    return show.plural(len(steps), "step") if finished == len(steps) else f"{finished} of {len(steps)} steps finished"


def _of(part: int, whole: int) -> str:
    return f"{show.share(part / whole)} of rows" if whole else "of no rows"


def _foot(report: Mapping[str, Any]) -> Html:
    source = join(
        "Written ", show.moment(report["generated_at"]), " from the event log and the load ledger. Times are UTC."
    )
    files = join(
        "The same for programs: ",
        el("code", "pipeline_report.json"),
        " and ",
        el("code", "model_training_report.json"),
        ".",
    )
    return el("footer", el("p", source), el("p", files))
