"""The sensor that loads what arrives in the inbox. What is to be done is told by bucket and log, and by no cursor.

Where a queue announces what arrives, its cursor is the time at which nothing was to be done: until the queue says more,
or ten minutes have gone, the bucket is not listed again.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from concert_assets.defs.jobs import load_arrivals, refresh_warehouse, run_demo
from concert_assets.defs.raw_datasets import inbox_of
from concert_assets.deliveries.inbox import Arrivals
from concert_assets.deliveries.log import DeliveryLog, Entry, position_of
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.announced import ArrivalQueue, QueueRefused
from concert_assets.resources.s3.resource import S3

STATE_TAG = "concert/arrivals"
ATTEMPT_TAG = "concert/attempt"
INTERVAL_SECONDS = 5
FIRST_WAIT_SECONDS = 30
WAIT_FACTOR = 3
MOST_WAIT_SECONDS = 3_600
# Who logs a delivery or a verdict by the command goes on to publish it; this long it is left to him.
_COMMAND_SECONDS = 30
# A message may be lost, so the inbox is listed this often whatever the queue says.
LISTING_SECONDS = 600
_ABANDONED_SECONDS = 25 * 3_600

_PUBLISHING = {job.name for job in (load_arrivals, refresh_warehouse, run_demo)}
_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    name="raw_object_arrived",
    job=load_arrivals,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Load what lies in the inbox and is not in the delivery log, and what the log has and no table yet.",
)
def raw_object_arrived(
    context: dg.SensorEvaluationContext, s3: dg.ResourceParam[S3], redshift: dg.ResourceParam[Redshift]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for one run for all that is to be done; the run itself takes in what lies there when it starts."""
    runs = context.instance.get_run_records(dg.RunsFilter(job_name=load_arrivals.name, statuses=_UNDER_WAY))
    under_way = [record.dagster_run for record in runs if not _is_abandoned(record)]
    if under_way:
        return dg.SkipReason(f"run {under_way[0].run_id[:8]} is loading what arrived before")
    now = datetime.now(UTC)
    receipts = _heard(s3.arrivals, context)
    if receipts == [] and context.cursor and _seconds_since(context.cursor, now) < LISTING_SECONDS:
        return dg.SkipReason("nothing was announced since nothing was to be done")
    log = DeliveryLog(s3.store, s3.raw_bucket)
    arrivals = inbox_of(s3, log).arrivals()
    entries = log.entries()
    published = redshift.published_position()
    _let_go(s3.arrivals, receipts, context)
    if s3.arrivals is not None:
        is_idle = not arrivals.deliveries and not arrivals.settling and published >= position_of(entries)
        context.update_cursor(now.isoformat() if is_idle else "")
    if not arrivals.deliveries and not _is_behind(published, entries, now):
        settling = f"; still changing: {len(arrivals.settling)}" if arrivals.settling else ""
        return dg.SkipReason(f"nothing has arrived that the log does not know{settling}")
    if not arrivals.deliveries and (run := _publishing(context.instance)):
        return dg.SkipReason(f"run {run.run_id[:8]} is publishing what the log has")
    return _request(context.instance, _state(arrivals, entries), arrivals.objects, now)


def _heard(queue: ArrivalQueue | None, context: dg.SensorEvaluationContext) -> list[str] | None:
    """The messages that lie in the queue; None where there is no queue that can be heard."""
    if queue is None:
        return None
    try:
        return queue.heard()
    except QueueRefused as error:
        context.log.warning(f"{error}; the inbox is listed as without a queue")
        return None


def _let_go(queue: ArrivalQueue | None, receipts: list[str] | None, context: dg.SensorEvaluationContext) -> None:
    """What they announced has been listed, so the messages may go; one that stays is only heard again."""
    if queue is None or not receipts:
        return
    try:
        queue.done(receipts)
    except QueueRefused as error:
        context.log.warning(str(error))


def _seconds_since(moment: str, now: datetime) -> float:
    """The seconds since a time that this sensor has kept."""
    return (now - datetime.fromisoformat(moment)).total_seconds()


def _publishing(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """A run, however launched, that is on its way to the warehouse: on Glue that takes minutes."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY)):
        run = record.dagster_run
        selected = run.asset_selection
        # A job that selects nothing makes all that it has.
        ends_there = (
            run.job_name in _PUBLISHING if selected is None else any(key.path[0] == "warehouse" for key in selected)
        )
        if ends_there and not _is_abandoned(record):
            return run
    return None


def _is_abandoned(record: dg.RunRecord) -> bool:
    """Whether a run was asked for and never begun; Dagster takes such a one up again within a day or not at all."""
    is_new = record.dagster_run.status is dg.DagsterRunStatus.NOT_STARTED
    return is_new and (datetime.now(UTC) - record.create_timestamp).total_seconds() > _ABANDONED_SECONDS


def _state(arrivals: Arrivals, entries: Sequence[Entry]) -> str:
    """What a run would start from: whatever a run achieves makes it another one."""
    return hashlib.sha256(f"{arrivals.set_hash}\0{len(entries)}".encode()).hexdigest()[:16]


def _is_behind(published: int, entries: Sequence[Entry], now: datetime) -> bool:
    """Whether the log has moved on since it was published last, through a run that failed or held a delivery.

    It is also where the warehouse was discarded and the run that was to make it anew did not come to its end.
    """
    if not entries or (now - datetime.fromisoformat(entries[-1].recorded_at)).total_seconds() < _COMMAND_SECONDS:
        return False
    return published < position_of(entries)


def _request(instance: dg.DagsterInstance, state: str, objects: int, now: datetime) -> dg.RunRequest | dg.SkipReason:
    """A run for a state, unless one has been there already or failed too short a time ago.

    Attempts have no end, for what arrived must not be forgotten; the time between them grows to an hour.
    """
    earlier = instance.get_run_records(dg.RunsFilter(job_name=load_arrivals.name, tags={STATE_TAG: state}))
    for record in earlier:
        if record.dagster_run.is_success:
            return dg.SkipReason(f"run {record.dagster_run.run_id[:8]} succeeded and left all as it was; see its log")
    # By their tags, for a run may have been deleted since.
    attempts = max((int(record.dagster_run.tags[ATTEMPT_TAG]) for record in earlier), default=0)
    if earlier:
        wait = min(FIRST_WAIT_SECONDS * WAIT_FACTOR ** (attempts - 1), MOST_WAIT_SECONDS)
        rested = now.timestamp() - max(record.end_time or record.update_timestamp.timestamp() for record in earlier)
        if rested < wait:
            return dg.SkipReason(f"attempt {attempts} failed; the next one is in {wait - rested:.0f} s")
    return dg.RunRequest(
        # The attempt is part of the key, for Dagster never tries a run key twice.
        run_key=f"{state}-{attempts}",
        tags={STATE_TAG: state, ATTEMPT_TAG: str(attempts + 1), "concert/objects": str(objects)},
    )
