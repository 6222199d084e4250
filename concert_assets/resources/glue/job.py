"""The definition of the job in Glue: what it must be, and how it becomes that without touching what others set."""

import math
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from concert_assets.resources.glue.calls import GlueCalls
from concert_assets.resources.glue.package import Code

# Glue answers these two besides WorkerType and NumberOfWorkers, and takes either those or these.
_CAPACITY = {"AllocatedCapacity", "MaxCapacity"}
_RACES = {"AlreadyExistsException", "ConcurrentModificationException", "IdempotentParameterMismatchException"}
_NOT_THERE = "EntityNotFoundException"
_MOST_RACES = 5


def definition(role: str, workers: int, deadline_seconds: float, code: Code) -> dict[str, Any]:
    """What a job is but for its name: Glue 5.0 has Spark 3.5 and Python 3.11.

    One run at a time, for two of one request would do the same work twice. Dagster retries, not Glue. ``Timeout`` is in
    minutes; it ends a run whose Dagster was killed.
    """
    return {
        "Description": "Curates deliveries of concert data; started by Dagster, see the package concert_assets.",
        "Role": role,
        "Command": {"Name": "glueetl", "ScriptLocation": code.script, "PythonVersion": "3"},
        "DefaultArguments": {
            "--job-language": "python",
            "--enable-auto-scaling": "true",
            "--additional-python-modules": code.arguments["--additional-python-modules"],
        },
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "GlueVersion": "5.0",
        "WorkerType": "G.1X",
        "NumberOfWorkers": workers,
        "MaxRetries": 0,
        "Timeout": max(1, math.ceil(deadline_seconds / 60)),
    }


def ensure(calls: GlueCalls, wanted: Mapping[str, Any]) -> bool:
    """Create the job, or change what differs from ``wanted``; returns whether there was need to.

    Settings and default arguments that ``wanted`` does not name stay as they are. Others may do the same at once.
    """
    for race in range(_MOST_RACES):
        found = _found(calls)
        if found is not None and not _differs(found, wanted):
            return False
        known = _RACES if race < _MOST_RACES - 1 else ()
        try:
            if found is None:
                calls.ask("create_job", known, Name=calls.job, **wanted)
            else:
                calls.ask("update_job", known, JobName=calls.job, JobUpdate=_update(calls.client, found, wanted))
            break
        except ClientError:  # of a race alone; what the other one made of the job is looked at next
            continue
    return True


def _found(calls: GlueCalls) -> dict[str, Any] | None:
    try:
        job: dict[str, Any] = calls.ask("get_job", {_NOT_THERE}, JobName=calls.job)["Job"]
    except ClientError:
        return None
    return job


def _differs(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return any(
        _differs(found.get(name) or {}, value) if isinstance(value, Mapping) else found.get(name) != value
        for name, value in wanted.items()
    )


def _update(client: Any, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The whole definition anew, for an update takes the place of all that was there."""
    allowed = set(client.meta.service_model.shape_for("JobUpdate").members) - _CAPACITY
    kept = {name: value for name, value in found.items() if name in allowed}
    arguments = {**kept.get("DefaultArguments", {}), **wanted["DefaultArguments"]}
    return {**kept, **wanted, "DefaultArguments": arguments}
