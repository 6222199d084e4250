"""Calls of Glue that are repeated, for a while and with growing waits, where they may succeed later."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from concert_assets.resources.glue.failures import code_of, may_pass, refusal
from concert_assets.resources.glue.pace import Deadline, growing
from concert_assets.resources.glue.protocol import GlueJobFailed

Log = Callable[[str], None]
_FIRST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class GlueCalls:
    """Asks Glue about one job.

    ``client`` repeats nothing by itself, for a start must not be repeated unseen. A call that goes on failing is given
    up after ``patience_seconds``, and at the deadline at the latest; ``poll_seconds`` is the longest wait between two
    looks at a run. ``secrets`` are struck out of what AWS says; ``log`` takes warnings.
    """

    client: Any
    job: str
    deadline: Deadline
    patience_seconds: float
    poll_seconds: float
    secrets: tuple[str, ...]
    log: Log

    def waits(self) -> Iterator[float]:
        """The waits between two looks or attempts, in seconds."""
        return growing(min(_FIRST_WAIT_SECONDS, self.poll_seconds), self.poll_seconds)

    def ask(self, operation: str, known: Collection[str] = (), **arguments: Any) -> Any:
        """Call an operation of the client that may be repeated, such as ``get_job``, for as long as it may yet succeed.

        A ClientError whose code is ``known`` is raised as it is. Raises GlueUnavailable where repeating does not help
        and GlueJobFailed where it has not helped.
        """
        patience = Deadline(self.patience_seconds)
        waits = self.waits()
        while True:
            try:
                return getattr(self.client, operation)(**arguments)
            except (ClientError, BotoCoreError) as error:
                if code_of(error) in known:
                    raise
                self.pause(error, operation, patience, next(waits))

    def pause(self, error: Exception, operation: str, patience: Deadline, wait: float) -> None:
        """Wait after a failure that may pass, or raise what is to be said of it."""
        name = "".join(part.capitalize() for part in operation.split("_"))
        if not may_pass(error):
            raise refusal(error, name, self.job, self.secrets) from None
        if not patience.left or not self.deadline.left:
            limit = patience if self.deadline.left else self.deadline
            raise GlueJobFailed(
                f"Glue does not answer {name} for job {self.job} as it should: {code_of(error)} for {limit}; "
                "if it stays so, look at CONCERT_REGION, CONCERT_ENDPOINT_URL and the network"
            ) from None
        Deadline(min(patience.left, self.deadline.left)).sleep(wait)
