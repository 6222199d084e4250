"""What the platform asks of Glue. Standard library only at run time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dagster import AssetExecutionContext


class GlueJobFailed(Exception):
    """A job run ended without success, or none could be started or followed for now; it may be tried again.

    ``messages`` are the custom messages that the job had reported before.
    """

    def __init__(self, text: str, messages: Sequence[dict[str, Any]] = ()) -> None:
        """``text`` is one line."""
        super().__init__(text)
        self.messages = list(messages)


class GlueUnavailable(Exception):
    """Glue refuses what is asked with these settings; trying again does not help."""


class GlueJobs(Protocol):
    """Runs jobs to their end, whatever that end is."""

    def run(self, context: "AssetExecutionContext", job: str, extras: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run a job with ``extras`` in its Pipes context and return the custom messages it reported.

        Raises GlueJobFailed where the job did not succeed and GlueUnavailable where none can be run with these
        settings; no run is left behind either way.
        """
        ...
