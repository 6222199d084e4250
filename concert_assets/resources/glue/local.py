"""Glue jobs on this machine: a subprocess with the arguments, context and messages that the job has on AWS."""

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import (
    AssetExecutionContext,
    ConfigurableResource,
    DagsterError,
    PipesSubprocessClient,
    PreviewWarning,
)
from pydantic import Field

import concert_assets
from concert_assets.resources.glue.protocol import GlueJobFailed


class LocalGlue(ConfigurableResource):  # type: ignore[type-arg]
    """Runs ``concert_assets/glue_jobs/<job>.py`` with this interpreter."""

    memory_limit: str = Field(default="1GB", description="Memory that the job's engine may use")

    def run(self, context: AssetExecutionContext, job: str, extras: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run a job to its end and return the custom messages it reported."""
        package = Path(concert_assets.__file__).parent
        # The package need not be installed: a code location may be loaded from its working directory alone.
        client = PipesSubprocessClient(env={"PYTHONPATH": str(package.parent)})
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", PreviewWarning)  # of Dagster's own use of its Pipes, not of ours
                completed = client.run(
                    context=context,
                    # -P: the folder of the script must not hide modules of the same names.
                    command=[sys.executable, "-P", str(package / "glue_jobs" / f"{job}.py")],
                    extras={**extras, "memory_limit": self.memory_limit},
                )
        except DagsterError as error:
            raise GlueJobFailed(f"Glue job {job} failed: {error}") from error
        return [dict(message) for message in completed.get_custom_messages()]
