"""What the event log says of a run, as the plain facts that reports are made from."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from concert_assets.reporting.facts import CheckFacts, RunFacts, StepFacts

_STATUS = {"SUCCESS": "success", "FAILURE": "failure", "CANCELED": "canceled", "CANCELING": "canceled"}


def run_facts(
    instance: dg.DagsterInstance, run_id: str, deployment: str, home: str, *, is_killed: bool = False
) -> "RunFacts":
    """The facts of one run; a run that the instance does not know has none but its id."""
    from concert_assets.reporting.facts import RunFacts

    run = instance.get_run_by_id(run_id)
    record = instance.get_run_record_by_id(run_id)
    if run is None or record is None:
        return RunFacts(run_id, "unknown", "killed" if is_killed else "running", None, deployment=deployment, home=home)
    events = [entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event is not None]
    stamps = [entry for entry in instance.all_logs(run_id) if entry.dagster_event is not None]
    steps = _steps(stamps)
    errors = [event.message for event in events if event.event_type == dg.DagsterEventType.PIPELINE_FAILURE]
    status = "killed" if is_killed else _STATUS.get(run.status.value, "running")
    if status == "running" and any(step.status == "failure" for step in steps):
        status = "failure"
    plan = next((event for event in events if event.event_type == dg.DagsterEventType.PIPELINE_START), None)
    return RunFacts(
        run_id,
        run.job_name,
        status,  # type: ignore[arg-type]
        _instant(record.start_time),
        _instant(record.end_time),
        deployment,
        home,
        settings=dict(run.run_config.get("ops", {})) if isinstance(run.run_config, dict) else {},
        steps=tuple(steps),
        checks=tuple(_checks(events)),
        planned_steps=tuple(run.step_keys_to_execute or _planned(instance, run, plan)),
        error=errors[-1] if errors and not any(step.status == "failure" for step in steps) else None,
    )


def _planned(instance: dg.DagsterInstance, run: dg.DagsterRun, plan: Any) -> Iterable[str]:
    snapshot = run.execution_plan_snapshot_id
    if snapshot is None or plan is None:
        return ()
    return tuple(step.key for step in instance.get_execution_plan_snapshot(snapshot).steps)


def _steps(entries: Iterable[Any]) -> list["StepFacts"]:
    from concert_assets.reporting.facts import StepFacts

    told: dict[str, dict[str, Any]] = {}
    assets: dict[str, list[str]] = defaultdict(list)
    rows: dict[str, int] = defaultdict(int)
    metadata: dict[str, dict[str, Any]] = defaultdict(dict)
    for entry in entries:
        event = entry.dagster_event
        key, kind = event.step_key, event.event_type
        if key is None:
            continue
        at = _instant(entry.timestamp)
        if kind == dg.DagsterEventType.STEP_START:
            told[key] = {"status": "running", "started_at": at}
        elif kind == dg.DagsterEventType.STEP_SUCCESS:
            told.setdefault(key, {}).update(status="success", ended_at=at)
        elif kind == dg.DagsterEventType.STEP_FAILURE:
            told.setdefault(key, {}).update(status="failure", ended_at=at, error=_error(event))
        elif kind == dg.DagsterEventType.STEP_SKIPPED:
            told.setdefault(key, {}).update(status="skipped", ended_at=at)
        elif kind == dg.DagsterEventType.ASSET_MATERIALIZATION:
            materialization = event.event_specific_data.materialization
            assets[key].append(materialization.asset_key.to_user_string())
            values = {name: value.value for name, value in materialization.metadata.items()}
            rows[key] += values.get("dagster/row_count") or 0
            if values.get("skipped_reason"):
                metadata[key]["skipped_reason"] = values["skipped_reason"]
    return [
        StepFacts(key, assets=tuple(assets[key]), rows=rows.get(key), metadata=metadata[key], **fields)
        for key, fields in told.items()
    ]


def _error(event: Any) -> str:
    """What went wrong, from the innermost error outwards no further than is needed to know it."""
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    # Dagster puts the class before the message; people want the message.
    return re.sub(r"^[\w.]+(Error|Exception): ", "", error.message.strip()) if error else "no error was recorded"


def _checks(events: Iterable[Any]) -> Iterable["CheckFacts"]:
    from concert_assets.reporting.facts import CheckFacts

    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.event_specific_data
            yield CheckFacts(
                check.asset_key.to_user_string(),
                check.check_name,
                check.passed,
                "error" if check.severity == dg.AssetCheckSeverity.ERROR else "warning",
                check.description,
                {name: value.value for name, value in check.metadata.items() if name != "rules"},
            )


def _instant(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
