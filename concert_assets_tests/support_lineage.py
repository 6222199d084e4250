"""A service that takes OpenLineage events over HTTP, and a home whose runs tell it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg

from concert_assets.definitions import build_definitions
from concert_assets.defs.sensors import run_failed, run_succeeded
from concert_assets.defs.watching import LINEAGE_TAG
from concert_assets.deployment import Deployment
from concert_assets.resources.s3.resource import FolderS3
from concert_assets_tests.support_core import CLEAN, as_jsonl

NAMESPACE = "concerts"


@dataclass
class Listener:
    """A service that takes events, or answers with a status that refuses them."""

    url: str = ""
    status: int = 201
    events: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)

    def of(self, job: str, kind: str) -> dict[str, Any]:
        (found,) = [one for one in self.events if one["job"]["name"] == job and one["eventType"] == kind]
        return found


@contextmanager
def listening() -> Iterator[Listener]:
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.keys.add(self.headers["Authorization"])
            if heard.status < 300:
                assert self.path == "/api/v1/lineage"
                heard.events.append(json.loads(body))
            self.send_response(heard.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield heard
        finally:
            server.shutdown()


class Home:
    """A home with a few rows of every table in its inbox, whose runs are told of."""

    def __init__(self, home: Path, instance: dg.DagsterInstance, namespace: str = NAMESPACE) -> None:
        self.instance = instance
        deployment = Deployment(home=home, lineage_namespace=namespace)
        self.s3 = FolderS3(
            root=str(deployment.objects), raw_bucket=deployment.raw_bucket,
            processed_bucket=deployment.processed_bucket, settle_seconds=0,
        )  # fmt: skip
        for table, rows in CLEAN.items():
            self.drop(table, as_jsonl(rows))
        self.warehouse = str(deployment.home / "warehouse.duckdb")
        self.defs = build_definitions(deployment, resources={"s3": self.s3})

    def drop(self, table: str, rows: bytes) -> None:
        self.s3.store.write(self.s3.raw_bucket, f"inbox/{table}/rows.jsonl", rows)

    def run(self, job: str, tags: Mapping[str, str] | None = None) -> dg.ExecuteInProcessResult:
        whole = self.defs.resolve_job_def(job)
        return whole.execute_in_process(instance=self.instance, tags=dict(tags or {}), raise_on_error=False)

    def tick(self, done: dg.ExecuteInProcessResult) -> None:
        """What the sensor does once it has seen that run end well."""
        with self._seen(done, "run_succeeded", dg.DagsterEventType.PIPELINE_SUCCESS) as context:
            # Dagster refuses a reason beside what it saw of another run in the same tick.
            assert run_succeeded(context) is None

    def fail(self, done: dg.ExecuteInProcessResult) -> None:
        """What the sensor does once it has seen that run fail."""
        with self._seen(done, "run_failed", dg.DagsterEventType.PIPELINE_FAILURE) as context:
            run_failed(context.for_run_failure())

    def _seen(self, done: dg.ExecuteInProcessResult, sensor: str, kind: dg.DagsterEventType) -> Any:
        (event,) = [one for one in done.all_events if one.event_type == kind]
        return dg.build_run_status_sensor_context(
            sensor_name=sensor,
            dagster_instance=self.instance,
            dagster_run=self.instance.get_run_by_id(done.run_id),  # type: ignore[arg-type]
            dagster_event=event,
            resources={name: (self.defs.resources or {})[name] for name in ("journal", "s3", "redshift")},
        )

    def told(self, done: dg.ExecuteInProcessResult) -> str | None:
        mark = self.instance.get_run_by_id(done.run_id).tags.get(LINEAGE_TAG)  # type: ignore[union-attr]
        return mark and mark.removeprefix(f"{done.run_id} ")
