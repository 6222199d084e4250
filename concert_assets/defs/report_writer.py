"""Gathers the facts of a run and writes its reports: for the report asset, the failure hook and the sensor."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from concert_assets.defs.journal import RunJournal
from concert_assets.defs.model_objects import MODELS, in_use, last_decision
from concert_assets.defs.report_files import MODEL_REPORT, PIPELINE_REPORT, write_report_files
from concert_assets.defs.run_facts import run_facts
from concert_assets.defs.warehouse_facts import figure_facts, ledger_facts, top_predictions
from concert_assets.defs.watching import is_to_be_told, tell, tell_lineage
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3

if TYPE_CHECKING:
    from concert_assets.reporting.facts import FigureFacts

# A run that failed for want of the warehouse must not wait for it once more to say so.
_PATIENCE_SECONDS = 20.0


def model_report(session: Session | None, s3: S3, run_id: str) -> dict[str, Any]:
    """The model report, from the models in use and the predictions made with them."""
    from concert_assets.reporting.build import build_model_report
    from concert_assets.reporting.facts import ModelFacts

    rankings, forecasts = top_predictions(session) if session else ([], [])
    models = []
    for name in MODELS:
        used, last = in_use(s3, name), last_decision(s3, name)
        card = used.card if used else {}
        if card and last is not None:
            card = card | {"last_decision": asdict(last)}  # the version trained last may not be the one in use
        models.append(
            ModelFacts(name, used.version or None, card or None, used.skipped_reason or None)
            if used
            else ModelFacts(name, skipped_reason="the model was never trained")
        )
    return build_model_report(models, rankings, forecasts, generated_at=datetime.now(UTC), run_id=run_id)


def write_reports(
    instance: dg.DagsterInstance,
    run_id: str,
    journal: RunJournal,
    s3: S3,
    redshift: Redshift,
    warn: Callable[[str], None],
    last_step: str | None = None,
) -> dict[str, Any]:
    """Write both reports and the page of a run as it stands now, tell of it, and return the pipeline report.

    ``last_step`` is the step that calls: where nothing failed before it, the run is told as ended with it. A warehouse
    that cannot be opened leaves its parts of the report empty, and the run's error says why.
    """
    from concert_assets.reporting.build import render_html

    pipeline, models, figures = _reports(instance, run_id, journal, s3, redshift, last_step)
    write_report_files(
        journal.reports,
        run_id,
        {PIPELINE_REPORT: pipeline, MODEL_REPORT: models},
        render_html(pipeline, models, figures),
    )
    tell(instance, run_id, journal.watchers, pipeline, models, warn)
    if last_step is not None:  # otherwise steps that need nothing of the one that failed are to come
        tell_lineage(instance, run_id, journal.watchers, pipeline["run"]["status"], warn)
    return pipeline


def tell_of_success(
    instance: dg.DagsterInstance,
    run_id: str,
    journal: RunJournal,
    s3: S3,
    redshift: Redshift,
    warn: Callable[[str], None],
) -> None:
    """Tell of a run that ended well and made no report, such as one that loaded arrivals, where it is to be told."""
    if journal.watchers.watch and is_to_be_told(instance, run_id):
        pipeline, models, _ = _reports(instance, run_id, journal, s3, redshift)
        tell(instance, run_id, journal.watchers, pipeline, models, warn)
    tell_lineage(instance, run_id, journal.watchers, "success", warn)


def _reports(
    instance: dg.DagsterInstance,
    run_id: str,
    journal: RunJournal,
    s3: S3,
    redshift: Redshift,
    last_step: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any], "FigureFacts | None"]:
    """Both reports, and what the page draws beside them."""
    from concert_assets.reporting.build import build_pipeline_report

    now = datetime.now(UTC)
    facts = run_facts(instance, run_id, journal.deployment, journal.home)
    if last_step is not None and facts.status == "running":
        steps = tuple(
            replace(step, status="success", ended_at=now) if step.key == last_step else step for step in facts.steps
        )
        facts = replace(facts, status="success", ended_at=now, steps=steps)
    ledger, figures = None, None
    try:
        with redshift.session(_PATIENCE_SECONDS) as session:
            ledger, figures = ledger_facts(session, run_id), figure_facts(session)
            models = model_report(session, s3, run_id)
    except Exception as error:  # whatever ails the warehouse must not cost the report that tells of it
        facts = replace(facts, error=facts.error or str(error))
        models = model_report(None, s3, run_id)
    return build_pipeline_report(facts, ledger, generated_at=now), models, figures
