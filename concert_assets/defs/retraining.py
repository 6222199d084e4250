"""The sensor that trains anew: a model has drifted, was made by other code, or was never trained on what there is."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version

import dagster as dg

from concert_assets.defs.jobs import retrain_models
from concert_assets.defs.model_drift import last_watched
from concert_assets.defs.model_objects import MODELS, InUse, LastDecision, in_use, last_decision
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3

INTERVAL_SECONDS = 20
# A challenger that was refused while the drift goes on is followed by another once there is this much more data.
AGAIN_AFTER = timedelta(days=28)
# Where too little was published to train on, what has come since is tried no sooner than this.
UNTRAINED_AGAIN_AFTER = timedelta(days=1)
# A run that failed is tried again for the same cause, the first time after this long, then after ever longer.
FIRST_WAIT = timedelta(minutes=5)
WAIT_FACTOR = 3
MOST_WAIT = timedelta(days=1)
CAUSE_TAG = "concert/retraining"

_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    name="model_drifted",
    job=retrain_models,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Train the models anew when one has drifted, is of other code, or was never trained on what is there.",
)
def model_drifted(
    context: dg.SensorEvaluationContext, s3: dg.ResourceParam[S3], redshift: dg.ResourceParam[Redshift]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for one training per cause, named after the state that it would change; again only where it failed."""
    under_way = context.instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY), limit=1)
    if under_way:
        # Whatever it is may publish or train; what is due then is still due at the next look.
        return dg.SkipReason(f"run {under_way[0].dagster_run.run_id[:8]} goes on")
    position = redshift.published_position()
    if position == 0:
        return dg.SkipReason("nothing is published yet")
    now = datetime.now(UTC)
    for name in MODELS:
        for cause, reason in _causes(s3, name, position, now):
            run_key = f"{name}:{cause}"
            context.log.info(f"{name}: {reason}")
            failed = _failed_attempts(context.instance, run_key, now)
            if failed is not None:
                # The attempt is part of the key from the second on, for Dagster never tries a run key twice.
                return dg.RunRequest(
                    run_key=f"{run_key}-{failed}" if failed else run_key,
                    tags={CAUSE_TAG: _tag(run_key), "concert/why": reason},
                )
    return dg.SkipReason("no model has drifted, and none is waiting for data")


def _causes(s3: S3, name: str, position: int, now: datetime) -> Iterator[tuple[str, str]]:
    """Why a model is to be trained now, and what names that cause so that it is acted upon once."""
    used, last = in_use(s3, name), last_decision(s3, name)
    if last is None:
        yield "never", "it was never trained"
    elif used is None or not used.version:
        rested = now - datetime.fromisoformat(last.decided_at)
        if position > last.position and rested >= UNTRAINED_AGAIN_AFTER:
            yield f"untrained:{position}", f"more is published since: {last.reasons[0]}"
    else:
        if other := _made_by_other_code(used):
            yield f"code:{used.version}:{other}", f"the version in use was made with {other}"
        yield from _drifted(s3, used, last)


def _drifted(s3: S3, used: InUse, last: LastDecision) -> Iterator[tuple[str, str]]:
    watched = last_watched(s3, used.name)
    if watched is None or watched.version != used.version or not watched.reasons or not last.as_of:
        return
    is_answered = last.version != used.version
    wait = AGAIN_AFTER if is_answered else timedelta(days=1)
    if date.fromisoformat(watched.as_of) >= date.fromisoformat(last.as_of) + wait:
        yield f"drift:{used.version}:{last.as_of}", watched.reasons[0]


def _made_by_other_code(used: InUse) -> str:
    """What the version in use was made with that is not here, empty where it can be used as it is."""
    from concert_assets.learning.settings import CODE_VERSION

    if used.card.get("code_version") != CODE_VERSION:
        return f"learning code {used.card.get('code_version')}"
    for library, stored in used.card.get("libraries", {}).items():
        try:
            here = version(library)
        except PackageNotFoundError:
            here = "none"
        if here != stored:
            return f"{library} {stored}, and here is {here}"
    return ""


def _tag(cause: str) -> str:
    """The cause as a tag tells it: people read its beginning, and the end tells long ones apart."""
    return cause if len(cause) <= 63 else f"{cause[:46]}-{hashlib.sha256(cause.encode()).hexdigest()[:16]}"


def _failed_attempts(instance: dg.DagsterInstance, cause: str, now: datetime) -> int | None:
    """How many runs for a cause have failed, where it is time to ask (again); None where one did what it could.

    One that was canceled was not wanted, and is not asked for again.
    """
    earlier = instance.get_run_records(dg.RunsFilter(tags={CAUSE_TAG: _tag(cause)}))
    if not earlier:
        return 0
    if any(record.dagster_run.status is not dg.DagsterRunStatus.FAILURE for record in earlier):
        return None
    wait = min(FIRST_WAIT * WAIT_FACTOR ** min(len(earlier) - 1, 10), MOST_WAIT)
    ended = max(record.end_time or record.update_timestamp.timestamp() for record in earlier)
    return len(earlier) if now.timestamp() - ended >= wait.total_seconds() else None
