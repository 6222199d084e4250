"""The reports, built from facts: the two JSON documents here, the page from them in ``page``.

Their fields are documented in ``docs/reports.md``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from concert_assets.reporting.facts import LedgerFacts, ModelFacts, Row, RunFacts
from concert_assets.reporting.models import model_entry
from concert_assets.reporting.outcome import (
    check_report,
    failure_report,
    run_report,
    skipped_report,
    steps_report,
    verdict,
)
from concert_assets.reporting.page.render import render_html
from concert_assets.reporting.plain import instant, plain, withheld
from concert_assets.reporting.quality import quality_report
from concert_assets.reporting.rows import rows_report

__all__ = ["build_model_report", "build_pipeline_report", "render_html"]

SCHEMA_VERSION = 1
SAMPLE = 10  # rankings and forecasts shown


def build_pipeline_report(
    run: RunFacts, ledger: LedgerFacts | None = None, *, generated_at: datetime
) -> dict[str, Any]:
    """What ``pipeline_report.json`` holds; only JSON's own types, whatever the facts held.

    Without a ledger, as when a run died before the warehouse was open, the parts on rows and quality are empty.
    """
    facts = ledger or LedgerFacts()
    rows = rows_report(facts)
    failure = failure_report(run)
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": instant(generated_at),
        "run": run_report(run),
        "settings": withheld(run.settings),
        "verdict": verdict(run, failure, rows),
        "failure": failure,
        "steps": steps_report(run),
        "skipped": skipped_report(run),
        "checks": [check_report(check) for check in run.checks],
        **rows,
        "quality": quality_report(facts.quality),
    }


def build_model_report(
    models: Sequence[ModelFacts],
    rankings: Sequence[Row] = (),
    forecasts: Sequence[Row] = (),
    *,
    generated_at: datetime,
    run_id: str | None = None,
) -> dict[str, Any]:
    """What ``model_training_report.json`` holds.

    ``rankings`` and ``forecasts`` are rows of ``venue_ranking`` and ``ticket_sales_forecast`` in the order to be shown,
    of which the first ten are kept; where they also hold venue_name, artist_name, event_date, capacity or tickets_sold,
    the page shows these.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": instant(generated_at),
        "run_id": run_id,
        "models": [model_entry(model) for model in models],
        "venue_rankings": [plain(row) for row in rankings[:SAMPLE]],
        "concert_forecasts": [plain(row) for row in forecasts[:SAMPLE]],
    }
