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
# From Glue 5.0 on, what the program itself prints, to either stream; and what the system and Spark's daemons log.
# https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
_PROGRAM, _SYSTEM = "output", "error"
_STREAMS = ("", "-driver")  # after the run's id


def tail(client: Any, run: JobRun, wait_seconds: float, secrets: tuple[str, ...]) -> str:
    """The end of what a run printed on one line without secrets, else of the system's log; why there is neither.

    Lines reach CloudWatch some seconds after they were written, so they are waited for. The system's log is looked at
    after that only: it has lines at once, and they seldom tell why the program failed.
    """
    deadline = Deadline(wait_seconds)
    while True:
        text, why = _end(client, f"{run.log_group}/{_PROGRAM}", run.run_id, secrets)
        if text:
            return f"log: {text}"
        if not deadline.left:
            break
        time.sleep(min(_PAUSE_SECONDS, deadline.left))
    text, _ = _end(client, f"{run.log_group}/{_SYSTEM}", run.run_id, secrets)
    told = f"no log in {run.log_group}/{_PROGRAM}: {why}"
    return f"{told}; in {run.log_group}/{_SYSTEM}: {text}" if text else f"{told}, nor in {run.log_group}/{_SYSTEM}"


def _end(client: Any, group: str, run_id: str, secrets: tuple[str, ...]) -> tuple[str, str]:
    """The last lines of a run in a group, on one line; and where there are none, why."""
    why = "it is empty"
    for stream in _STREAMS:
        try:
            events = client.get_log_events(
                logGroupName=group, logStreamName=f"{run_id}{stream}", limit=_MOST_LINES, startFromHead=False
            )["events"]
        except (ClientError, BotoCoreError) as error:
            why = code_of(error)
            continue
        lines = [struck(line, secrets) for event in events for line in event["message"].splitlines()]
        text = " | ".join(line for line in lines[-_MOST_LINES:] if line)
        if text:
            return text if len(text) <= _MOST_CHARACTERS else f"…{text[-_MOST_CHARACTERS:]}", ""
    return "", why
