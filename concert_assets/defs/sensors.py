"""Sensors: what runs when a fact is seen."""

import dagster as dg

from concert_assets.defs.journal import RunJournal
from concert_assets.defs.report_files import PIPELINE_REPORT
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3


@dg.run_failure_sensor(
    name="run_failed",
    description="Write the report of a run that failed, or that run monitoring found dead.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def run_failed(
    context: dg.RunFailureSensorContext,
    journal: dg.ResourceParam[RunJournal],
    s3: dg.ResourceParam[S3],
    redshift: dg.ResourceParam[Redshift],
) -> None:
    """Write the report of the run that failed."""
    from concert_assets.defs.report_writer import write_reports

    # The hook of a failed step has written it already, with the tables as they were then.
    if (journal.reports / "runs" / context.dagster_run.run_id / PIPELINE_REPORT).exists():
        return
    write_reports(context.instance, context.dagster_run.run_id, journal, s3, redshift)


sensors = [run_failed]
