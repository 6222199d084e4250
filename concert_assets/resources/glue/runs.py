"""The runs of the job in Glue: found or started, followed to an end, stopped."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from concert_assets.resources.glue.calls import GlueCalls
from concert_assets.resources.glue.failures import NO_ROOM, code_of
from concert_assets.resources.glue.pace import Deadline
from concert_assets.resources.glue.protocol import GlueJobFailed

# Arguments by which a run is known again: a hash of what is asked, and the prefix of its context and messages.
REQUEST = "--concert-request"
PREFIX = "--concert-prefix"
SUCCEEDED = "SUCCEEDED"
ENDED = frozenset({SUCCEEDED, "FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"})
_AT_WORK = frozenset({"STARTING", "RUNNING", "WAITING"})
_LOG_GROUP = "/aws-glue/jobs"
_MOST_RUNS = 200  # newest first, as many as Glue tells at once
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class JobRun:
    """A run as Glue tells of it. ``prefix`` and ``request`` are empty where somebody else started it."""

    run_id: str
    state: str
    request: str
    prefix: str
    error: str
    log_group: str

    @property
    def has_ended(self) -> bool:
        """Whether it is in one of the states that are for ever; one that is not known is none of them."""
        return self.state in ENDED


class JobRuns:
    """The runs of one job."""

    def __init__(self, calls: GlueCalls) -> None:
        """``calls`` knows the job, the deadline and how often to look."""
        self._calls = calls
        self.has_tried = False  # to start one, so that there may be one whatever was answered

    def find_or_start(self, arguments: Mapping[str, str]) -> JobRun:
        """The run at work that was asked for the same, or a new one.

        Waits while runs of other requests take all the room. A start whose answer is lost may have succeeded, so runs
        are looked at before it is repeated.
        """
        calls = self._calls
        waits = calls.waits()
        patience: Deadline | None = None
        is_told = False
        while True:
            for run in self.in_flight():
                if run.request == arguments[REQUEST] and run.state in _AT_WORK:
                    return run
            self.has_tried = True
            try:
                run_id = calls.client.start_job_run(JobName=calls.job, Arguments=dict(arguments))["JobRunId"]
                return JobRun(run_id, "STARTING", arguments[REQUEST], arguments[PREFIX], "", _LOG_GROUP)
            except (ClientError, BotoCoreError) as error:
                if code_of(error) not in NO_ROOM:
                    patience = patience or Deadline(calls.patience_seconds)
                    calls.pause(error, "start_job_run", patience, next(waits))
                    continue
                if not calls.deadline.left:
                    raise GlueJobFailed(
                        f"Glue had no room for a run of job {calls.job} within {calls.deadline}: {code_of(error)}"
                    ) from None
                if not is_told:
                    calls.log(f"Glue job {calls.job} is at other work ({code_of(error)}); waiting for room")
                    is_told = True
            patience = None
            calls.deadline.sleep(next(waits))

    def in_flight(self) -> list[JobRun]:
        """The runs that have not ended, as far as the states that are known tell."""
        found = self._calls.ask("get_job_runs", JobName=self._calls.job, MaxResults=_MOST_RUNS)["JobRuns"]
        return [run for run in map(_run, found) if not run.has_ended]

    def look(self, run_id: str) -> JobRun:
        """A run as it is now."""
        return _run(self._calls.ask("get_job_run", JobName=self._calls.job, RunId=run_id)["JobRun"])

    def follow(self, run: JobRun, meanwhile: Callable[[], None]) -> JobRun:
        """The run at its end, whatever that is; ``meanwhile`` is called at every look.

        Raises GlueJobFailed at the deadline.
        """
        calls = self._calls
        waits = calls.waits()
        told = ""
        while not run.has_ended:
            if run.state not in {*_AT_WORK, "STOPPING", told}:
                calls.log(f"Glue run {run.run_id} is in state {run.state}, which is not known; taken for running")
                told = run.state
            meanwhile()
            if not calls.deadline.left:
                raise GlueJobFailed(f"Glue run {run.run_id} of job {calls.job} was {run.state} after {calls.deadline}")
            calls.deadline.sleep(next(waits))
            run = self.look(run.run_id)
        return run

    def stop(self, run: JobRun) -> JobRun:
        """Stop a run and wait until it has ended. Raises GlueJobFailed or GlueUnavailable where it does not end."""
        calls = self._calls
        waits = calls.waits()
        while True:
            # Before any look, for looking may be what fails; and again, for a run that only begins may not hear it.
            if run.state != "STOPPING":
                calls.ask("batch_stop_job_run", JobName=calls.job, JobRunIds=[run.run_id])
            run = self.look(run.run_id)
            if run.has_ended:
                return run
            if not calls.deadline.left:
                raise GlueJobFailed(
                    f"Glue run {run.run_id} of job {calls.job} is {run.state}, {calls.deadline} after it was to stop"
                )
            calls.deadline.sleep(next(waits))

    def started(self, prefix: str) -> JobRun | None:
        """The run that was started for a prefix, where the answer to its start never came.

        Looked for more than once, for what Glue has just been told may not be in its list yet.
        """
        waits = self._calls.waits()
        for look in range(_LOOKS):
            if look:
                self._calls.deadline.sleep(next(waits))
            for run in self.in_flight():
                if run.prefix == prefix:
                    return run
        return None


def _run(told: Mapping[str, Any]) -> JobRun:
    arguments = told.get("Arguments") or {}
    return JobRun(
        told["Id"],
        told["JobRunState"],
        arguments.get(REQUEST, ""),
        arguments.get(PREFIX, ""),
        told.get("ErrorMessage", ""),
        told.get("LogGroupName", "") or _LOG_GROUP,
    )
