"""Glue jobs on this machine: a subprocess with the arguments, context and messages that the job has on AWS."""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import (
    AssetExecutionContext,
    ConfigurableResource,
    PipesMessageHandler,
    PipesSubprocessClient,
    PipesTempFileMessageReader,
    PreviewWarning,
)
from dagster_pipes import PipesParams
from pydantic import Field

import concert_assets
from concert_assets.resources.glue.package import script_of
from concert_assets.resources.glue.protocol import CatalogTable, GlueJobFailed


class LocalGlue(ConfigurableResource):  # type: ignore[type-arg]
    """Runs ``concert_assets/glue_jobs/<job>.py`` with this interpreter."""

    memory_limit: str = Field(default="1GB", description="Memory that the job's engine may use")

    def script(self, job: str) -> Path:
        """The program of a job."""
        return script_of(job)

    def run(self, context: AssetExecutionContext, job: str, extras: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run a job to its end and return the custom messages it reported."""
        reader = _Messages()
        client = PipesSubprocessClient(
            # The package need not be installed: a code location may be loaded from its working directory alone.
            env={"PYTHONPATH": str(Path(concert_assets.__file__).parent.parent)},
            message_reader=reader,
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PreviewWarning)  # of Dagster's own use of its Pipes, not of ours
                client.run(
                    context=context.op_execution_context,  # the other context warns of what Pipes asks of it
                    # -P: the folder of the script must not hide modules of the same names.
                    command=[sys.executable, "-P", str(self.script(job))],
                    extras={**extras, "engine": "duckdb", "memory_limit": self.memory_limit},
                )
        except OSError:
            raise  # it was not even started
        except Exception as error:  # what Pipes raises of a job that failed has no public name and is no DagsterError
            raise GlueJobFailed(f"Glue job {job} failed: {error}", reader.custom_messages) from error
        return reader.custom_messages

    def register(self, tables: Sequence[CatalogTable], location: str) -> str:
        """There is no Data Catalog on this machine."""
        return ""


class _Messages(PipesTempFileMessageReader):
    """Keeps what it has read, also where the job fails: the client returns nothing then."""

    _handler: PipesMessageHandler | None = None

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """Read as the stock reader does."""
        self._handler = handler
        with super().read_messages(handler) as params:
            yield params

    @property
    def custom_messages(self) -> list[dict[str, Any]]:
        """The custom messages that were read."""
        return [dict(message) for message in self._handler.get_custom_messages()] if self._handler else []
