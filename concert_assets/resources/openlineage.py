"""Sends OpenLineage events of a run: what each step read and wrote, and which columns were made of which.

Where they go is known to OpenLineage's own client: by its variables, such as OPENLINEAGE_URL, or the file that
OPENLINEAGE_CONFIG names.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent

_ENDS = {"success": "COMPLETE", "failure": "FAIL", "killed": "ABORT"}
# The port is not in a table's location; it is that of every warehouse which does not say otherwise.
_REDSHIFT_PORT = 5439
_PRODUCER = "urn:concert-assets"
# Of a run, and for a transport that sends in the background to send the rest.
_MOST_SECONDS, _CLOSE_SECONDS = 30.0, 10.0


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table or a set of objects, named as OpenLineage's naming rules say."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a step wrote.

    ``columns`` are name, type and description of each, ``sources`` the columns that a column is made of, where that is
    known.
    """

    dataset: Dataset
    rows: int | None
    columns: Sequence[tuple[str, str, str]]
    sources: Mapping[str, Sequence[tuple[Dataset, str]]]


@dataclass(frozen=True, slots=True)
class StepLineage:
    """One step: ``status`` is success, failure or killed."""

    name: str
    status: str
    started_at: datetime
    ended_at: datetime
    inputs: Sequence[Dataset] = ()
    outputs: Sequence[Output] = ()


@dataclass(frozen=True, slots=True)
class RunLineage:
    """A run that has ended and those of its steps that began."""

    run_id: str
    job: str
    status: str
    started_at: datetime
    ended_at: datetime
    steps: Sequence[StepLineage]


def dataset_of(uri: str, asset: Sequence[str], region: str) -> Dataset:
    """The dataset of an asset whose materialization says that it lies at ``uri``.

    Tables: of Redshift as ``redshift://warehouse.region:port`` and ``database.schema.table``, of DuckDB as file and
    table. Objects: the bucket, or the folder, and the asset's stage and name, for an asset is more than one object.
    """
    place, _, table = uri.partition("#")
    if place.startswith("redshift://"):
        _, warehouse, database = place.removeprefix("redshift://").split("/")
        return Dataset(f"redshift://{warehouse}.{region}:{_REDSHIFT_PORT}", f"{database}.{table}")
    stage, name = asset
    if place.startswith("s3://"):
        return Dataset(f"s3://{place.removeprefix('s3://').partition('/')[0]}", f"{stage}/{name}")
    if table or place.endswith(f"/{name}.json"):
        return Dataset("file", uri)
    bucket = place.removesuffix("/curated") if stage == "curated" else place
    return Dataset("file", f"{bucket}/{stage}/{name}")


@dataclass(frozen=True, slots=True)
class OpenLineage:
    """Who is told of lineage: jobs are in ``namespace``, tables of Redshift in ``region``."""

    namespace: str
    region: str = ""

    def send(self, told: RunLineage) -> str:
        """Send the events of a run; why they cannot be sent, in one line, empty where they were.

        The first event that is refused is the last one that is tried, and none is begun after half a minute.
        """
        ends: list[str] = []
        is_late = threading.Event()

        def send_all() -> None:
            try:
                ends.append(self._sent(told, is_late))
            except Exception as error:  # transports raise what the library below them raises
                ends.append(_reason(error))

        # Apart, for the client's transports have deadlines an attempt and none for all of them.
        sending = threading.Thread(target=send_all, name="openlineage", daemon=True)
        sending.start()
        sending.join(_MOST_SECONDS)
        is_late.set()
        reason = ends[0] if ends else f"no answer within {_MOST_SECONDS:.0f} s"
        refused = f"OpenLineage takes no events of CONCERT_LINEAGE_NAMESPACE {self.namespace!r}"
        return f"{refused} ({reason})" if reason else ""

    def _sent(self, told: RunLineage, is_late: threading.Event) -> str:
        from openlineage.client import OpenLineageClient
        from openlineage.client.event_v2 import set_producer

        set_producer(_PRODUCER)
        client = OpenLineageClient()
        if not client.config.transport and client.transport.kind == "console":
            return "its client knows no transport; set OPENLINEAGE_URL or another one of its variables"
        try:
            for event in self.events(told):
                if is_late.is_set():
                    break
                client.emit(event)
        finally:
            client.close(_CLOSE_SECONDS)
        return ""

    def events(self, told: RunLineage) -> Iterator["RunEvent"]:
        """Begin and end of the run and of each step, whose parent the run is."""
        yield self._event("START", told.started_at, told.run_id, told.job)
        for step in told.steps:
            # The same for the same step, so that telling twice tells nothing new.
            run_id = str(uuid5(NAMESPACE_URL, f"{told.run_id}/{step.name}"))
            name = f"{told.job}.{step.name}"
            yield self._event("START", step.started_at, run_id, name, told)
            yield self._event(
                _ENDS[step.status],
                step.ended_at,
                run_id,
                name,
                told,
                [_input(one) for one in step.inputs],
                [_output(one) for one in step.outputs],
            )
        yield self._event(_ENDS[told.status], told.ended_at, told.run_id, told.job)

    def _event(
        self,
        kind: str,
        at: datetime,
        run_id: str,
        job: str,
        parent: RunLineage | None = None,
        inputs: Sequence["InputDataset"] = (),
        outputs: Sequence["OutputDataset"] = (),
    ) -> "RunEvent":
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.facet_v2 import job_type_job, parent_run, processing_engine_run

        facets: dict[str, Any] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
                version=version("dagster"), name="Dagster", openlineageAdapterVersion=version("openlineage-python")
            )
        }
        if parent is not None:
            facets["parent"] = parent_run.ParentRunFacet(
                parent_run.Run(parent.run_id), parent_run.Job(self.namespace, parent.job)
            )
        of_job: dict[str, Any] = {
            "jobType": job_type_job.JobTypeJobFacet("BATCH", "DAGSTER", "JOB" if parent is None else "STEP")
        }
        return RunEvent(
            eventTime=at.isoformat(),
            eventType=RunState[kind],
            run=Run(run_id, facets),
            job=Job(self.namespace, job, of_job),
            producer=_PRODUCER,
            inputs=list(inputs),
            outputs=list(outputs),
        )


def _input(dataset: Dataset) -> "InputDataset":
    from openlineage.client.event_v2 import InputDataset

    return InputDataset(dataset.namespace, dataset.name)


def _output(output: Output) -> "OutputDataset":
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import column_lineage_dataset, output_statistics_output_dataset, schema_dataset

    facets: dict[str, Any] = {}
    if output.columns:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(
            [
                schema_dataset.SchemaDatasetFacetFields(name, kind, told, position)
                for position, (name, kind, told) in enumerate(output.columns, 1)
            ]
        )
    if output.sources:
        facets["columnLineage"] = column_lineage_dataset.ColumnLineageDatasetFacet(
            {
                name: column_lineage_dataset.Fields(
                    [column_lineage_dataset.InputField(of.namespace, of.name, column) for of, column in found]
                )
                for name, found in output.sources.items()
            }
        )
    counted: dict[str, Any] = {}
    if output.rows is not None:
        counted["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(output.rows)
    return OutputDataset(output.dataset.namespace, output.dataset.name, facets=facets, outputFacets=counted)


def _reason(error: BaseException) -> str:
    """What went wrong, without the words of the error: they may quote a URL or a header that holds a secret."""
    while error.__cause__ is not None:
        error = error.__cause__
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"HTTP {status}" if status else type(error).__name__
