"""The last lines that a Glue run wrote to CloudWatch before it failed."""

import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from concert_assets.resources.glue.failures import code_of, struck
from concert_assets.resources.glue.pace import Deadline
from concert_assets.resources.glue.runs import JobRun

_MOST_LINES = 30
_MOST_CHARACTERS = 1_500
_PAUSE_SECONDS = 1.0


def tail(client: Any, run: JobRun, wait_seconds: float, secrets: tuple[str, ...]) -> str:
    """The end of the error log of a run on one line without secrets; why there is none, where it cannot be had.

    Lines reach CloudWatch some seconds after they were written, so they are waited for.
    """
    deadline = Deadline(wait_seconds)
    group = f"{run.log_group}/error"
    why = "it is empty"
    while True:
        try:
            events = client.get_log_events(
                logGroupName=group, logStreamName=run.run_id, limit=_MOST_LINES, startFromHead=False
            )["events"]
            lines = [struck(line, secrets) for event in events for line in event["message"].splitlines()]
            text = " | ".join(line for line in lines[-_MOST_LINES:] if line)
            if text:
                return f"log: {text}" if len(text) <= _MOST_CHARACTERS else f"log: …{text[-_MOST_CHARACTERS:]}"
        except (ClientError, BotoCoreError) as error:
            why = code_of(error)
        if not deadline.left:
            return f"no log in {group}: {why}"
        time.sleep(min(_PAUSE_SECONDS, deadline.left))
