"""Runs a job in this process: progress while it goes on, a short summary at its end."""

import logging
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from concert_assets import deployment as deployments
from concert_assets.deliveries.inbox import Inbox
from concert_assets.deployment import Deployment
from concert_assets.resources.s3.protocol import INBOX_PREFIX, ObjectStore


class _Progress(logging.Handler):
    """Prints a line a step: what was made, how many rows, how long it took."""

    def __init__(self) -> None:
        super().__init__()
        self._started: dict[str, float] = {}
        self._rows: dict[str, int] = defaultdict(int)
        self._skipped: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        event = meta.get("dagster_event")
        if event is None:
            if record.levelno >= logging.INFO:
                # A message of a step: what it is doing, and what it wants to be known.
                message = str(meta.get("orig_message") or record.getMessage())
                if not message.startswith(("[pipes]", "Dependencies for step")):
                    self._say(f"    {message}")
            return
        kind, key = event.event_type_value, event.step_key
        if kind == "STEP_START":
            self._started[key] = time.monotonic()
        elif kind == "ASSET_MATERIALIZATION":
            metadata = event.event_specific_data.materialization.metadata
            rows = metadata.get("dagster/row_count")
            self._rows[key] += rows.value if rows is not None else 0
            if "skipped_reason" in metadata:
                self._skipped[key] = metadata["skipped_reason"].value
        elif kind == "STEP_SUCCESS":
            what = f"skipped: {self._skipped[key]}" if key in self._skipped else f"{self._rows[key]:,} rows"
            self._say(f"  {key:<24} {what:<32} {time.monotonic() - self._started[key]:6.1f} s")
        elif kind == "STEP_FAILURE":
            self._say(f"  {key:<24} failed")

    @staticmethod
    def _say(text: str) -> None:
        with suppress(BrokenPipeError):  # nobody reads on, and the run goes on all the same
            print(text, flush=True)


def open_home(deployment: Deployment) -> None:
    """Make the home ready, let the process and its children see it, and tell of runs that were killed."""
    deployments.prepare_home(deployment)
    deployments.activate(deployment)
    if not any((deployment.home / "runs").glob("*.lock")):
        return
    import dagster as dg

    from concert_assets.definitions import build_resources

    def warn(message: str) -> None:
        print(message, file=sys.stderr)

    with dg.DagsterInstance.get() as instance:
        for run_id in build_resources(deployment)["journal"].bury(instance, warn):
            page = deployment.reports / "runs" / run_id / "report.html"
            print(f"run {run_id[:8]} was killed; its report: {shown(page)}", file=sys.stderr)


def object_store(deployment: Deployment) -> ObjectStore:
    """The object store of a deployment, found without Dagster, which takes a second to import."""
    if deployment.is_embedded:
        from concert_assets.resources.s3.folder import FolderObjectStore

        return FolderObjectStore(deployment.objects)
    from concert_assets.resources.s3.aws import S3ObjectStore, s3_client

    client = s3_client(
        region_name=deployment.region, endpoint_url=deployment.endpoint_url or None, account=deployment.account
    )
    return S3ObjectStore(client, deployment.bucket_key)


def delivery_log(deployment: Deployment) -> Any:
    """The delivery log of a deployment."""
    from concert_assets.deliveries.log import DeliveryLog

    return DeliveryLog(object_store(deployment), deployment.raw_bucket)


def data_place(deployment: Deployment) -> str:
    """Where the deliveries of a deployment lie, as people say it: its home, or its bucket."""
    return shown(deployment.home) if deployment.is_embedded else f"s3://{deployment.raw_bucket}"


def inbox_place(deployment: Deployment) -> str:
    """Where files are dropped to be loaded."""
    return shown(deployment.inbox) if deployment.is_embedded else f"s3://{deployment.raw_bucket}/{INBOX_PREFIX}"


def is_published(deployment: Deployment) -> bool:
    """Whether anything was ever published; the warehouse is not opened."""
    from concert_assets.definitions import build_resources

    return bool(build_resources(deployment)["redshift"].published_position())


def inbox(deployment: Deployment) -> Inbox:
    """The inbox of a deployment."""
    from concert_assets.definitions import build_resources
    from concert_assets.defs.raw_datasets import inbox_of

    return inbox_of(build_resources(deployment)["s3"], delivery_log(deployment))


def run_job(deployment: Deployment, job: str, config: Mapping[str, Any] | None = None) -> int:
    """Run a job to its end and print what came of it; 0 where it succeeded, 1 where not."""
    import dagster as dg

    from concert_assets.definitions import build_definitions
    from concert_assets.defs.event_log import keep_open
    from concert_assets.defs.watching import tell_lineage

    handler = _Progress()

    def progress(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.getLogger("concert_assets.progress")
        logger.setLevel(logging.DEBUG)  # the events of a run are told at that level
        logger.propagate = False
        logger.handlers = [handler]
        return logger

    console = dg.LoggerDefinition(progress, description="One line a step")
    started = time.monotonic()
    print(f"{job} · {deployment.name} · home {shown(deployment.home)}", flush=True)
    definitions = build_definitions(deployment, loggers={"progress": console})
    with dg.DagsterInstance.get() as instance, ExitStack() as kept:
        for connection in keep_open(instance, ""):  # the run's plan alone is some eighty events
            kept.callback(connection.close)
        result = definitions.resolve_job_def(job).execute_in_process(
            instance=instance, run_config={**(config or {}), "loggers": {"progress": {}}}, raise_on_error=False
        )
        journal = (definitions.resources or {})["journal"]
        tell_lineage(instance, result.run_id, journal.watchers, "success" if result.success else "failure", _say)
    return _summary(deployment, result.success, result.run_id, time.monotonic() - started)


def _say(warning: str) -> None:
    print(warning, file=sys.stderr)


def shown(path: Path) -> str:
    """A path as people type it: relative where it lies below the working folder."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _summary(deployment: Deployment, is_success: bool, run_id: str, seconds: float) -> int:
    import json

    path = deployment.reports / "runs" / run_id / "pipeline_report.json"
    page = deployment.reports / "latest" / "report.html"
    report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    print()
    if report:
        print(report["verdict"]["text"])
        if report["failure"]:
            print(report["failure"]["error"] or "")
        score = report["quality"]["scores"].get("delivered", {}).get("overall")
        if score is not None:
            print(f"quality score {score:.1f} of 100")
    for held in (item for item in delivery_log(deployment).deliveries() if item.state == "held"):
        print(f"held: {held.name} (number {held.sequence}): {held.reason}")
    if is_success:
        print(f"done in {seconds:.1f} s · report {shown(page)} · web UI: make dev, or concert-assets dev")
        return 0
    where = f" · report {shown(page)}" if report else ""
    print(f"the run failed after {seconds:.1f} s{where}", file=sys.stderr)
    return 1
