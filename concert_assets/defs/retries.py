"""Trying a step again whose failure may pass by itself: which failures these are, how often, and after how long."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

import dagster as dg

from concert_assets.resources.redshift.protocol import WarehouseBusy
from concert_assets.resources.s3.protocol import may_pass

P = ParamSpec("P")
T = TypeVar("T")

MOST_RETRIES = 2
FIRST_WAIT_SECONDS = 10.0
WAIT_FACTOR = 3


class MayPass(dg.Failure):
    """A failure that is nobody's fault and may be gone when the step is tried again."""


def retried(step: Callable[P, Iterator[T]]) -> Callable[P, Iterator[T]]:
    """Let Dagster try a step again, alone, where what it failed by may pass: a lock held long, a disk, a connection.

    The first wait is FIRST_WAIT_SECONDS, each later one WAIT_FACTOR times the one before; after MOST_RETRIES the run
    fails. Any other failure, a refusal of the audit or a wrong setting, fails the run at once.
    """

    @wraps(step)
    def tried(*arguments: P.args, **options: P.kwargs) -> Iterator[T]:
        try:
            yield from step(*arguments, **options)
        except (MayPass, WarehouseBusy, OSError) as error:
            if isinstance(error, OSError) and not may_pass(error):
                raise
            context = dg.AssetExecutionContext.get()
            # The report tells the description of a Failure; of other errors only the innermost of a chain.
            cause = error if isinstance(error, MayPass) else MayPass(str(error))
            cause.__cause__ = cause.__cause__ or (None if cause is error else error)
            wait = FIRST_WAIT_SECONDS * WAIT_FACTOR**context.retry_number
            if context.retry_number < MOST_RETRIES:
                context.log.warning(f"{cause.description}; it is tried again in {wait:.0f} s")
            raise dg.RetryRequested(max_retries=MOST_RETRIES, seconds_to_wait=wait) from cause

    return tried
