"""Tells of a run that has ended whoever watches: figures and lineage of each, and an alert where it failed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import dagster as dg

from concert_assets.defs.run_lineage import run_lineage
from concert_assets.resources.openlineage import OpenLineage
from concert_assets.resources.watch import Watch

# The marks of a run of which all was told, so that of hook, asset, sensors and command one tells. Each bears the run's
# id, for a run that is taken up again has the tags of the one before.
TOLD_TAG = "concert/told"
LINEAGE_TAG = "concert/lineage_told"
_ENDED = ("success", "failure", "killed")
_FORECAST = "ticket_sales"


class Watchers(NamedTuple):
    """Who is told of runs, each where it is set."""

    watch: Watch | None = None
    lineage: OpenLineage | None = None


def is_to_be_told(instance: dg.DagsterInstance, run_id: str, tag: str = TOLD_TAG) -> bool:
    """Whether the mark is not on the run yet."""
    run = instance.get_run_by_id(run_id)
    return run is not None and not run.tags.get(tag, "").startswith(run_id)


def tell(
    instance: dg.DagsterInstance,
    run_id: str,
    watchers: Watchers,
    pipeline: Mapping[str, Any],
    models: Mapping[str, Any] | None,
    warn: Callable[[str], None],
) -> None:
    """Send what the reports of an ended run say, once; what is refused is told to ``warn`` and sent no more.

    A run in which a step failed is told as soon as that is known, while other steps may go on.
    """
    status, watch = pipeline["run"]["status"], watchers.watch
    if watch is None or status not in _ENDED or not is_to_be_told(instance, run_id):
        return
    told = [watch.send(figures(pipeline, models))]
    if status != "success":
        told.append(watch.alert(*alert(pipeline)))
    _mark(instance, run_id, TOLD_TAG, told, warn)


def tell_lineage(
    instance: dg.DagsterInstance, run_id: str, watchers: Watchers, status: str, warn: Callable[[str], None]
) -> None:
    """Send what the steps of a run read and wrote, once; ``status`` is what it ended with, after all its steps."""
    if watchers.lineage is None or not is_to_be_told(instance, run_id, LINEAGE_TAG):
        return
    try:
        lineage = run_lineage(instance, run_id, status, watchers.lineage.region)
        told = watchers.lineage.send(lineage) if lineage else ""
    except Exception as error:  # no run is lost over what is told of it
        told = f"the lineage of run {run_id[:8]} cannot be told: {type(error).__name__}"
    _mark(instance, run_id, LINEAGE_TAG, [told], warn)


def _mark(
    instance: dg.DagsterInstance, run_id: str, tag: str, refusals: Sequence[str], warn: Callable[[str], None]
) -> None:
    for reason in filter(None, refusals):
        warn(reason)
    instance.add_run_tags(run_id, {tag: f"{run_id} {'refused' if any(refusals) else 'yes'}"})


def figures(pipeline: Mapping[str, Any], models: Mapping[str, Any] | None) -> dict[str, float]:
    """The metrics of a run, those that its reports know.

    Rows are all that are published and rejected now, ``ModelError`` is the mean absolute error in tickets of the sales
    forecast in use, of the rows that it was judged on at announcement.
    """
    run, totals = pipeline["run"], pipeline["totals"]
    found: dict[str, float | None] = {
        "RunFailed": 0.0 if run["status"] == "success" else 1.0,
        "RunSeconds": run["duration_seconds"],
        "QualityScore": pipeline["quality"]["scores"].get("delivered", {}).get("overall"),
    }
    if totals["delivered"]:
        found |= {"RowsPublished": totals["published"], "RowsRejected": totals["rejected"]}
    for model in (models or {}).get("models", ()):
        if model["name"] == _FORECAST and model["horizons"]:
            found["ModelError"] = model["horizons"][0]["metrics"]["mae"]
    return {name: value for name, value in found.items() if value is not None}


def alert(pipeline: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of the alert of a run that did not succeed: names alone, for an error may quote what it met."""
    run, failure = pipeline["run"], pipeline["failure"] or {}
    lines = [f"run {run['id']} of job {run['job']}: {run['status']}"]
    if failure.get("step"):
        lines.append(f"step: {failure['step']}")
    lines += [f"failed check: {check['name']} of {check['asset']}" for check in failure.get("failed_checks", ())]
    lines.append("why, and what to do next, is told by the report of the run and by its log")
    return f"{run['job']} {run['status']}", "\n".join(lines)
