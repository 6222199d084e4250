"""One request to Glue from beginning to end: code, job, run, messages, and the end of the run on every way out."""

import hashlib
import json
import uuid
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
from dagster import AssetExecutionContext, PreviewWarning, open_pipes_session

from concert_assets.resources.clients import aws_client
from concert_assets.resources.glue.calls import GlueCalls
from concert_assets.resources.glue.failures import refusal, struck
from concert_assets.resources.glue.job import definition, ensure
from concert_assets.resources.glue.logs import tail
from concert_assets.resources.glue.pace import Deadline
from concert_assets.resources.glue.package import upload
from concert_assets.resources.glue.pipes import ObjectContext, ObjectMessages
from concert_assets.resources.glue.protocol import GlueJobFailed, GlueUnavailable
from concert_assets.resources.glue.runs import PREFIX, REQUEST, SUCCEEDED, JobRun, JobRuns
from concert_assets.resources.s3.aws import S3ObjectStore, s3_client
from concert_assets.resources.s3.protocol import StoreBusy, StoreUnavailable

if TYPE_CHECKING:
    from concert_assets.resources.glue.aws import AwsGlueJobs

# Context and messages of runs: of no use once a run has ended, so a lifecycle rule may remove them.
RUNS_PREFIX = "glue/runs/"
_DEADLINE = "CONCERT_GLUE_DEADLINE_SECONDS"
_HINTS = {"TIMEOUT": f", longer than {_DEADLINE} allows", "EXPIRED": ", for Glue had no room for it in time"}


class GlueSession:
    """The clients and the deadline of one request. GlueUnavailable where boto3 cannot make clients of the settings."""

    def __init__(self, settings: "AwsGlueJobs", log: Any) -> None:
        """``log`` is Dagster's logger; the deadline begins now."""
        self._settings = settings
        self._log = log
        place = (settings.region, settings.endpoint_url)
        try:
            # A start must not be repeated unseen, so the client of Glue repeats nothing by itself.
            client = aws_client("glue", *place, attempts=1)
            self._logs = aws_client("logs", *place)
            self._secrets = _credentials()
            store = s3_client(
                region_name=settings.region or None,
                endpoint_url=settings.endpoint_url or None,
                account=settings.account,
            )
        except (BotoCoreError, ValueError) as error:
            raise refusal(error, "to be asked", settings.job_name) from None
        self._store = S3ObjectStore(store, settings.key)
        self._calls = GlueCalls(
            client,
            settings.job_name,
            Deadline(settings.deadline_seconds, _DEADLINE),
            settings.patience_seconds,
            settings.poll_seconds,
            self._secrets,
            log.warning,
        )
        self._runs = JobRuns(self._calls)

    def run(self, context: AssetExecutionContext, script: Path, extras: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run a script to its end; what it reported."""
        settings = self._settings
        code = upload(self._store, settings.processed_bucket, script)
        wanted = definition(settings.role, settings.workers, settings.deadline_seconds, code)
        if ensure(self._calls, wanted):
            self._log.info(f"Glue job {settings.job_name} was brought to its definition")
        asked = json.dumps([code.script, code.wheel, code.modules, dict(extras)], sort_keys=True)
        request = hashlib.sha256(asked.encode()).hexdigest()[:32]
        prefix = f"{RUNS_PREFIX}{request}/{uuid.uuid4().hex}/"
        reader = ObjectMessages(self._store, settings.processed_bucket, prefix, self._log.warning)
        with ExitStack() as stack:
            with warnings.catch_warnings():
                # Of Dagster's own use of its Pipes, not of ours.
                warnings.simplefilter("ignore", PreviewWarning)
                opened = open_pipes_session(
                    context=context.op_execution_context,  # the other context warns of what Pipes asks of it
                    extras=dict(extras),
                    context_injector=ObjectContext(self._store, settings.processed_bucket, prefix),
                    message_reader=reader,
                )
                session = stack.enter_context(opened)
            ended = self._to_end(
                {
                    # All of them: by the letter of Glue's manual, arguments of a run replace those of the job.
                    **wanted["DefaultArguments"],
                    **code.arguments,
                    **session.get_bootstrap_cli_arguments(),
                    REQUEST: request,
                    PREFIX: prefix,
                },
                reader,
            )
            reader.read_on()
            if ended.state != SUCCEEDED:
                told = tail(self._logs, ended, settings.log_seconds, self._secrets)
                raise GlueJobFailed(self._sentence(ended, told), reader.custom_messages)
        return reader.custom_messages

    def _to_end(self, arguments: Mapping[str, str], reader: ObjectMessages) -> JobRun:
        """Find or start the run and follow it; on the way out by an exception a run of our own is stopped first."""
        run: JobRun | None = None
        try:
            run = self._runs.find_or_start(arguments)
            if run.prefix == arguments[PREFIX]:
                self._log.info(f"started Glue run {run.run_id} of job {self._settings.job_name}")
            else:
                reader.prefix = run.prefix
                self._log.info(f"Glue run {run.run_id} of job {self._settings.job_name} is at it already; joined it")
            return self._runs.follow(run, lambda: self._read_on(reader))
        except BaseException as error:
            left = self._stop(run, arguments[PREFIX])
            self._read_on(reader)
            if isinstance(error, GlueJobFailed):
                raise GlueJobFailed(f"{error}{left}", reader.custom_messages) from None
            if isinstance(error, GlueUnavailable) and left:
                raise GlueUnavailable(f"{error}{left}") from None
            raise

    def _stop(self, run: JobRun | None, prefix: str) -> str:
        """Stop the run that was started, where one was; what to add to an error where this does not succeed."""
        runs = JobRuns(replace(self._calls, deadline=Deadline(self._settings.stop_seconds)))
        try:
            if run is None and self._runs.has_tried:
                run = runs.started(prefix)
            if run is not None and run.prefix != prefix:
                # Whoever started it may be following it still; if nobody is, its timeout ends it.
                self._log.warning(f"Glue run {run.run_id} of job {self._settings.job_name} was joined only and goes on")
            elif run is not None:
                ended = runs.stop(run)
                self._log.warning(f"Glue run {run.run_id} of job {self._settings.job_name} ended as {ended.state}")
        except (GlueJobFailed, GlueUnavailable) as error:
            self._log.error(f"a Glue run may be left behind, for at most its timeout: {error}")
            return f"; a run may be left behind: {error}"
        return ""

    def _read_on(self, reader: ObjectMessages) -> None:
        try:
            reader.read_on()
        except (StoreBusy, StoreUnavailable) as error:
            self._log.warning(f"messages of the Glue run cannot be read now: {error}")

    def _sentence(self, run: JobRun, told: str) -> str:
        why = f": {struck(run.error, self._secrets)}" if run.error else ""
        hint = _HINTS.get(run.state, "")
        return f"Glue run {run.run_id} of job {self._settings.job_name} ended as {run.state}{hint}{why}; {told}"


def _credentials() -> tuple[str, ...]:
    """The secrets of this process, to be struck out of what is told."""
    import boto3  # type: ignore[import-untyped]

    found = boto3.Session().get_credentials()
    frozen = found.get_frozen_credentials() if found else None
    return tuple(text for text in (frozen.access_key, frozen.secret_key, frozen.token) if text) if frozen else ()
