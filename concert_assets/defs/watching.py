"""Tells of a run that has ended whoever watches: figures and lineage of each, and an alert where it failed."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import dagster as dg

from concert_assets.defs.run_lineage import run_lineage
from concert_assets.resources.openlineage import OpenLineage
from concert_assets.resources.watch import Watch

# The mark of a run of which all was told, so that of hook, asset and sensor one tells.
TOLD_TAG = "concert/told"
_ENDED = ("success", "failure", "killed")
_FORECAST = "ticket_sales"


class Watchers(NamedTuple):
    """Who is told of runs, each where it is set."""

    watch: Watch | None = None
    lineage: OpenLineage | None = None


def is_to_be_told(instance: dg.DagsterInstance, run_id: str, watchers: Watchers) -> bool:
    """Whether anybody is told of runs and has not been told of this one yet."""
    run = instance.get_run_by_id(run_id)
    return any(watchers) and run is not None and TOLD_TAG not in run.tags


def tell(
    instance: dg.DagsterInstance,
    run_id: str,
    watchers: Watchers,
    pipeline: Mapping[str, Any],
    models: Mapping[str, Any] | None,
    warn: Callable[[str], None],
) -> None:
    """Send what the reports of an ended run say, once; what is refused is told to ``warn`` and sent no more."""
    status = pipeline["run"]["status"]
    if status not in _ENDED or not is_to_be_told(instance, run_id, watchers):
        return
    told = []
    if watchers.watch is not None:
        told.append(watchers.watch.send(figures(pipeline, models)))
        if status != "success":
            told.append(watchers.watch.alert(*alert(pipeline)))
    if watchers.lineage is not None:
        lineage = run_lineage(instance, run_id, status, watchers.lineage.region)
        told.append(watchers.lineage.send(lineage) if lineage else "")
    for reason in filter(None, told):
        warn(reason)
    instance.add_run_tags(run_id, {TOLD_TAG: "refused" if any(told) else "yes"})


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
