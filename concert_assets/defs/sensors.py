"""Sensors: what runs when a fact is seen, and what is told of runs that failed or were killed."""

import dagster as dg

from concert_assets.defs.arrivals import raw_object_arrived
from concert_assets.defs.automation import tables_changed
from concert_assets.defs.journal import RunJournal
from concert_assets.defs.report_files import PIPELINE_REPORT
from concert_assets.defs.retraining import model_drifted
from concert_assets.defs.watching import tell_lineage
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3


@dg.run_failure_sensor(
    name="run_failed",
    description="Write the report of a run that failed, or that was found dead.",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def run_failed(
    context: dg.RunFailureSensorContext,
    journal: dg.ResourceParam[RunJournal],
    s3: dg.ResourceParam[S3],
    redshift: dg.ResourceParam[Redshift],
) -> None:
    """Write the report of the run that failed.

    It reruns nothing: a step whose failure may pass is tried again by ``retries`` within its run, and a run whose
    process was killed is taken up again from the failed step by Dagster's run retries (``dagster.yaml``).
    """
    from concert_assets.defs.report_writer import write_reports

    run = context.dagster_run
    # Dagster's code server marks a run whose process is gone as failed, and gives no reason.
    is_killed = context.failure_event.event_specific_data is None and not context.get_step_failure_events()
    # The hook of a failed step has written it already, with the tables as they were then.
    if (journal.reports / "runs" / run.run_id / PIPELINE_REPORT).exists():
        tell_lineage(context.instance, run.run_id, journal.watchers, "failure", context.log.warning)
    elif is_killed:
        journal.tell_killed(context.instance, run, context.log.warning)
    else:
        tell_lineage(context.instance, run.run_id, journal.watchers, "failure", context.log.warning)
        write_reports(context.instance, run.run_id, journal, s3, redshift, context.log.warning)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="run_succeeded",
    description="Tell whoever watches of a run that ended well and made no report.",
    minimum_interval_seconds=20,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def run_succeeded(
    context: dg.RunStatusSensorContext,
    journal: dg.ResourceParam[RunJournal],
    s3: dg.ResourceParam[S3],
    redshift: dg.ResourceParam[Redshift],
) -> None:
    """A run with a report has told of itself; one that loads arrivals, or some assets alone, has not.

    It gives no reason where it tells nobody: Dagster takes none beside another run of the same tick.
    """
    from concert_assets.defs.report_writer import tell_of_success

    run_id = context.dagster_run.run_id
    tell_of_success(context.instance, run_id, journal, s3, redshift, context.log.warning)


@dg.sensor(
    name="run_killed",
    description="Find the runs whose process is gone without a word, and mark them as failed.",
    minimum_interval_seconds=20,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def run_killed(context: dg.SensorEvaluationContext, journal: dg.ResourceParam[RunJournal]) -> dg.SkipReason:
    """Bury them.

    Dagster's run monitoring does not look at runs of the default launcher once they have started. The code server that
    started one notices when it dies, unless it dies too, and knows nothing of runs that a command started.
    """
    buried = journal.bury(context.instance, context.log.warning)
    return dg.SkipReason(f"killed: {', '.join(buried)}" if buried else "no run was killed")


sensors = [raw_object_arrived, tables_changed, model_drifted, run_failed, run_succeeded, run_killed]
