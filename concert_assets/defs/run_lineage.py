"""What the event log says of the lineage of a run: the inputs that Dagster recorded, rows, places and columns."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import dagster as dg

from concert_assets.resources.openlineage import Dataset, Output, RunLineage, StepLineage, dataset_of

_INPUT = "dagster/input_data_version/"
_KINDS = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
}


class _Step:
    """What has been read of one step."""

    def __init__(self, name: str, at: datetime) -> None:
        self.name = name
        self.status = "killed"
        self.started_at = self.ended_at = at
        self.made: dict[dg.AssetKey, dg.AssetMaterialization] = {}


def run_lineage(instance: dg.DagsterInstance, run_id: str, status: str, region: str) -> RunLineage | None:
    """The lineage of a run that has ended with ``status``; None of one in which no step began.

    A step that wrote nothing says nothing of what it read: Dagster records inputs with what is made of them.
    """
    run = instance.get_run_by_id(run_id)
    steps: dict[str, _Step] = {}
    for entry in instance.all_logs(run_id, of_type=_KINDS):
        event = entry.dagster_event
        if event is None or event.step_key is None:
            continue
        at = datetime.fromtimestamp(entry.timestamp, UTC)
        step = steps.setdefault(event.step_key, _Step(event.step_key, at))
        step.ended_at = at
        if event.event_type == dg.DagsterEventType.STEP_SUCCESS:
            step.status = "success"
        elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
            step.status = "failure"
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            # The last one: a step that was tried again may have told of it before.
            made = event.event_specific_data.materialization  # type: ignore[union-attr]
            step.made[made.asset_key] = made
    if run is None or not steps:
        return None
    places = _Places(instance, region, [made for step in steps.values() for made in step.made.values()])
    return RunLineage(
        run_id,
        run.job_name,
        status,
        min(step.started_at for step in steps.values()),
        max(step.ended_at for step in steps.values()),
        [
            StepLineage(
                step.name,
                # The step that tells of its run, and so is at work still, tells of it as if it were over.
                status if step.status == "killed" else step.status,
                step.started_at,
                step.ended_at,
                _inputs(list(step.made.values()), places),
                _outputs(list(step.made.values()), places),
            )
            for step in steps.values()
        ],
    )


class _Places:
    """Which dataset an asset is, by what was said of its place in this run or else last."""

    def __init__(self, instance: dg.DagsterInstance, region: str, made: Sequence[dg.AssetMaterialization]) -> None:
        self._instance = instance
        self._region = region
        self._known = {one.asset_key: self._dataset(one) for one in made}

    def of(self, key: dg.AssetKey) -> Dataset | None:
        """The dataset; None of an asset that never said where it lies."""
        if key not in self._known:
            last = self._instance.get_latest_materialization_event(key)
            self._known[key] = self._dataset(last.asset_materialization if last else None)
        return self._known[key]

    def _dataset(self, made: dg.AssetMaterialization | None) -> Dataset | None:
        uri = made.metadata.get("dagster/uri") if made else None
        if made is None or uri is None:
            return None
        return dataset_of(str(uri.value), made.asset_key.path, self._region)


def _inputs(made: Sequence[dg.AssetMaterialization], places: _Places) -> list[Dataset]:
    keys = {
        dg.AssetKey.from_user_string(tag.removeprefix(_INPUT))
        for one in made
        for tag in one.tags or ()
        if tag.startswith(_INPUT)
    }
    found = {places.of(key) for key in keys - {one.asset_key for one in made}}
    return sorted((one for one in found if one), key=lambda one: (one.namespace, one.name))


def _outputs(made: Sequence[dg.AssetMaterialization], places: _Places) -> list[Output]:
    """What was written, a dataset once: the quality results of all tables are rows of one."""
    found: dict[Dataset, Output] = {}
    for one in made:
        dataset = places.of(one.asset_key)
        if dataset is None:
            continue
        told: Mapping[str, Any] = {name: value.value for name, value in one.metadata.items()}
        rows = told.get("dagster/row_count")
        if dataset in found:
            rows = (found[dataset].rows or 0) + (rows or 0)
        lineage = told.get("dagster/column_lineage")
        sources = {
            name: [(of, dep.column_name) for dep in deps if (of := places.of(dep.asset_key))]
            for name, deps in (lineage.deps_by_column if lineage else {}).items()
        }
        found[dataset] = Output(dataset, rows, _columns().get(one.asset_key, ()), sources)
    return list(found.values())


@cache
def _columns() -> dict[dg.AssetKey, list[tuple[str, str, str]]]:
    """Name, type and description of the columns of every asset that has any."""
    from concert_assets.defs.assets import ASSETS  # here, for the assets import this

    return {
        spec.key: [(column.name, column.type, column.description or "") for column in schema.columns]
        for definition in ASSETS
        for spec in definition.specs
        if (schema := spec.metadata.get("dagster/column_schema"))
    }
