"""What the platform asks of Glue. Standard library only at run time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dagster import AssetExecutionContext


class GlueJobFailed(Exception):
    """A job run ended without success; what it had reported before is in the run's log and in its objects."""


class GlueJobs(Protocol):
    """Runs jobs to their end, whatever that end is."""

    def run(self, context: "AssetExecutionContext", job: str, extras: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run a job with ``extras`` in its Pipes context and return the custom messages it reported.

        Raises GlueJobFailed where the job did not succeed; no run is left behind either way.
        """
        ...
