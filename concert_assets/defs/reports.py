"""``report/*``: what happened to every row and how good the models are, for programs (JSON) and for people (HTML)."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.identity import IDENTITY_MAP
from concert_assets.catalog.operational import LOAD_LEDGER, ROW_OUTCOMES
from concert_assets.defs.automation import WITH_ITS_INPUTS
from concert_assets.defs.common import keys, result, spec
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.journal import RunJournal
from concert_assets.defs.model_objects import MODELS
from concert_assets.defs.report_files import MODEL_REPORT, PAGE, PIPELINE_REPORT
from concert_assets.defs.retries import retried
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3


@dg.multi_asset(
    name="report",
    specs=[
        spec(
            "report",
            "model_training_report",
            "Settings, samples, metrics, baselines and samples of the predictions of both models.",
            kinds={"json"},
            code=("reporting", "defs/report_writer.py", "defs/warehouse_facts.py"),
            deps=[*(dg.AssetKey(["model", name]) for name in MODELS), *keys("prediction", PREDICTIONS)],
            automation=WITH_ITS_INPUTS,
        ),
        spec(
            "report",
            "pipeline_report",
            "Every step of the run, what became of every row, and the quality results, with the page for people.",
            kinds={"json", "html"},
            code=(
                "reporting",
                "defs/report_writer.py",
                "defs/warehouse_facts.py",
                "defs/mart_facts.py",
                "defs/run_facts.py",
            ),
            deps=[
                *keys("warehouse", (*TABLES, LOAD_LEDGER, ROW_OUTCOMES, IDENTITY_MAP)),
                *keys("mart", MARTS),
                *(dg.AssetKey(["model", name]) for name in MODELS),
                *keys("prediction", PREDICTIONS),
            ],
            automation=WITH_ITS_INPUTS,
        ),
    ],
    hooks={REPORT_ON_FAILURE},
)
@retried
def reports(
    context: dg.AssetExecutionContext,
    s3: dg.ResourceParam[S3],
    redshift: dg.ResourceParam[Redshift],
    journal: dg.ResourceParam[RunJournal],
) -> Iterator[dg.MaterializeResult[Any]]:
    """Write the reports of this run."""
    from concert_assets.defs.report_writer import write_reports

    pipeline = write_reports(
        context.instance, context.run_id, journal, s3, redshift, context.log.warning, last_step="report"
    )
    latest = journal.reports / "latest"
    yield result(dg.AssetKey(["report", "model_training_report"]), len(MODELS), str(latest / MODEL_REPORT))
    yield result(
        dg.AssetKey(["report", "pipeline_report"]),
        len(pipeline["steps"]),
        str(latest / PIPELINE_REPORT),
        page=dg.MetadataValue.path(str(latest / PAGE)),
    )
