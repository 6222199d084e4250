"""OpenLineage events over real HTTP: what each step read and wrote, told once, and no run lost over who does not listen."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from concert_assets.definitions import build_definitions
from concert_assets.defs.sensors import run_failed, run_succeeded
from concert_assets.defs.watching import LINEAGE_TAG
from concert_assets.deployment import Deployment
from concert_assets.resources import openlineage
from concert_assets.resources.openlineage import Dataset, OpenLineage, RunLineage, dataset_of
from concert_assets.resources.redshift.duckdb import DuckDBSession
from concert_assets.resources.s3.resource import FolderS3
from concert_assets_tests.support_core import CLEAN, as_jsonl
from concert_assets_tests.support_demo import clean_environment

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]
KEY = "canary-3f9d2c71a8"
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


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as heard, clean_environment(OPENLINEAGE_URL=heard.url, OPENLINEAGE_API_KEY=KEY):
        yield heard


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


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Home(tmp_path, instance)


def test_a_run_tells_what_its_steps_read_and_wrote(listener: Listener, home: Home) -> None:
    done = home.run("refresh_warehouse")
    assert done.success
    assert home.told(done) == "yes"
    assert listener.keys == {f"Bearer {KEY}"}
    whole = listener.of("refresh_warehouse", "COMPLETE")
    assert whole["run"]["runId"] == done.run_id
    mart = listener.of("refresh_warehouse.mart_net_revenue", "COMPLETE")
    assert mart["job"]["namespace"] == NAMESPACE
    assert mart["run"]["facets"]["parent"]["run"]["runId"] == done.run_id
    assert mart["run"]["facets"]["parent"]["job"] == {"namespace": NAMESPACE, "name": "refresh_warehouse", "facets": {}}
    sales = {"namespace": "file", "name": f"{home.warehouse}#concert_dw.ticket_sales"}
    assert [{name: one[name] for name in sales} for one in mart["inputs"]] == [sales]
    (made,) = mart["outputs"]
    assert made["name"] == f"{home.warehouse}#concert_dw.net_revenue"
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 1
    columns = made["facets"]["columnLineage"]["fields"]
    fields = made["facets"]["schema"]["fields"]
    assert set(columns) == {one["name"] for one in fields}
    assert all(one["type"] and one["description"] for one in fields)
    refunds = {one["field"] for one in columns["refunded_usd"]["inputFields"]}
    assert {"total_price", "sale_status"} <= refunds
    assert all({name: one[name] for name in sales} == sales for one in columns["refunded_usd"]["inputFields"])


def test_steps_begin_and_end_and_hang_together(listener: Listener, home: Home) -> None:
    assert home.run("refresh_warehouse").success
    jobs = {one["job"]["name"] for one in listener.events}
    assert len(listener.events) == 2 * len(jobs)
    made: set[tuple[str, str]] = set()
    for job in sorted(jobs, key=lambda name: listener.of(name, "START")["eventTime"]):
        begun, ended = listener.of(job, "START"), listener.of(job, "COMPLETE")
        assert begun["run"]["runId"] == ended["run"]["runId"]
        assert begun["eventTime"] <= ended["eventTime"]
        read = {(one["namespace"], one["name"]) for one in ended["inputs"]}
        assert read <= made, job
        made |= {(one["namespace"], one["name"]) for one in ended["outputs"]}
    bucket = Path(home.s3.store.uri(home.s3.raw_bucket))
    assert ("file", f"{bucket}/raw/artists") in made
    assert ("file", f"{bucket.parent}/{home.s3.processed_bucket}/curated/rejects") in made
    assert ("file", f"{home.warehouse}#concert_dw.quality_results") in made
    assert listener.of("refresh_warehouse.quality", "COMPLETE")["outputs"][0]["outputFacets"]["outputStatistics"][
        "rowCount"
    ] > len(CLEAN)


def test_a_run_without_a_report_is_told_of_by_the_sensor_and_each_run_once(listener: Listener, home: Home) -> None:
    loaded = home.run("load_arrivals")
    assert listener.events == []
    home.tick(loaded)
    assert home.told(loaded) == "yes"
    heard = list(listener.events)
    assert listener.of("load_arrivals", "COMPLETE")["run"]["runId"] == loaded.run_id
    home.tick(loaded)
    whole = home.run("refresh_warehouse")
    home.tick(whole)
    later = listener.events[len(heard) :]
    assert {one["job"]["name"].partition(".")[0] for one in later} == {"refresh_warehouse"}
    assert len(later) == len({(one["run"]["runId"], one["eventType"]) for one in later})


def test_a_run_that_fails_is_told_of_once_it_is_over_and_nothing_is_quoted(
    listener: Listener, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = DuckDBSession.replace_table

    def broken(self: DuckDBSession, table: str, replacement: str) -> None:
        if table.endswith("net_revenue"):
            raise ValueError("a customer's name")
        replace(self, table, replacement)

    monkeypatch.setattr(DuckDBSession, "replace_table", broken)
    failed = home.run("refresh_warehouse")
    assert not failed.success
    assert listener.events == [], "other marts were made after the report of the one that failed"
    home.fail(failed)
    home.fail(failed)
    assert listener.of("refresh_warehouse", "FAIL")["run"]["runId"] == failed.run_id
    assert listener.of("refresh_warehouse.mart_net_revenue", "FAIL")["outputs"] == []
    assert listener.of("refresh_warehouse.mart_sell_through", "COMPLETE")["outputs"]
    assert not [one for one in listener.events if one["job"]["name"] == "refresh_warehouse.report"]
    assert "customer's name" not in json.dumps(listener.events)
    # A run that takes it up again bears its tags, and is another one.
    again = home.run("refresh_warehouse", tags=home.instance.get_run_by_id(failed.run_id).tags)  # type: ignore[union-attr]
    home.fail(again)
    assert listener.events[-1]["run"]["runId"] == again.run_id


def test_who_refuses_costs_no_run_and_hears_no_more(
    listener: Listener, home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    listener.status = 401
    done = home.run("refresh_warehouse")
    assert done.success
    assert home.told(done) == "refused"
    said = "".join(capfd.readouterr())
    assert "OpenLineage takes no events of CONCERT_LINEAGE_NAMESPACE 'concerts' (HTTP 401)" in said
    assert KEY not in said
    assert KEY not in "".join(str(entry) for entry in home.instance.all_logs(done.run_id))


NOTHING = RunLineage("7b8f5c52-4d9f-4f83-b9a5-0f1f14b6ab54", "job", "killed", datetime.now(UTC), datetime.now(UTC), [])


def test_what_cannot_be_reached_or_is_not_set_is_one_line(tmp_path: Path) -> None:
    told = OpenLineage(NAMESPACE)
    refused = "OpenLineage takes no events of CONCERT_LINEAGE_NAMESPACE 'concerts'"
    with clean_environment():
        assert told.send(NOTHING) == (
            f"{refused} (its client knows no transport; set OPENLINEAGE_URL or another one of its variables)"
        )
    with listening() as gone:
        pass
    http = {"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__RETRY": '{"total": 0}'}
    with clean_environment(OPENLINEAGE__TRANSPORT__URL=gone.url, **http):
        assert told.send(NOTHING) == f"{refused} (ConnectionError)"
    with clean_environment(OPENLINEAGE__TRANSPORT__TYPE="pigeon"):
        assert told.send(NOTHING).startswith(f"{refused} (")
    place = tmp_path / "events"
    file = {"OPENLINEAGE__TRANSPORT__TYPE": "file", "OPENLINEAGE__TRANSPORT__APPEND": "true"}
    with clean_environment(OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=str(place / "none"), **file):
        assert told.send(NOTHING) == f"{refused} (FileNotFoundError)"
    with clean_environment(OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=str(place), **file):
        assert told.send(NOTHING) == ""
    assert [json.loads(line)["eventType"] for line in place.read_text("utf-8").splitlines()] == ["START", "ABORT"]


def test_without_a_namespace_nobody_is_told(listener: Listener, tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        silent = Home(tmp_path, instance, namespace="")
        done = silent.run("refresh_warehouse")
        silent.tick(done)
    assert done.success
    assert listener.events == []


def test_who_never_answers_is_waited_for_and_then_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openlineage, "_MOST_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with clean_environment(OPENLINEAGE__TRANSPORT__URL=url, OPENLINEAGE__TRANSPORT__TYPE="http"):
            assert OpenLineage(NAMESPACE).send(NOTHING).endswith("'concerts' (no answer within 0 s)")


@pytest.mark.parametrize(
    ("uri", "asset", "dataset"),
    [
        ("s3://raw-bucket", "raw/artists", Dataset("s3://raw-bucket", "raw/artists")),
        ("s3://processed/curated", "curated/artists", Dataset("s3://processed", "curated/artists")),
        (
            "redshift://workgroup/concerts/dev#concert_dw.venues",
            "warehouse/venues",
            Dataset("redshift://concerts.eu-west-1:5439", "dev.concert_dw.venues"),
        ),
        ("/h/objects/raw", "raw/artists", Dataset("file", "/h/objects/raw/raw/artists")),
        ("/h/objects/p/curated", "curated/artists", Dataset("file", "/h/objects/p/curated/artists")),
        ("/h/w.duckdb#concert_dw.venues", "mart/venues", Dataset("file", "/h/w.duckdb#concert_dw.venues")),
        ("/h/latest/pipeline_report.json", "report/pipeline_report", Dataset("file", "/h/latest/pipeline_report.json")),
    ],
)
def test_a_dataset_is_named_as_openlineage_says(uri: str, asset: str, dataset: Dataset) -> None:
    assert dataset_of(uri, asset.split("/"), "eu-west-1") == dataset
