"""OpenLineage events over real HTTP: what each step read and wrote, told once, and no run lost over who does not listen."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from concert_assets.resources import openlineage
from concert_assets.resources.openlineage import Dataset, OpenLineage, RunLineage, dataset_of
from concert_assets.resources.redshift.duckdb import DuckDBSession
from concert_assets_tests.support_core import CLEAN
from concert_assets_tests.support_demo import clean_environment
from concert_assets_tests.support_lineage import NAMESPACE, Home, Listener, listening

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]
KEY = "canary-3f9d2c71a8"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as heard, clean_environment(OPENLINEAGE_URL=heard.url, OPENLINEAGE_API_KEY=KEY):
        yield heard


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Home(tmp_path, instance)


@dataclass
class Told:
    """A run that makes no report and one that makes one, and what was heard of each after the sensor saw each twice."""

    home: Home
    keys: set[str | None]
    loaded: dg.ExecuteInProcessResult
    of_loaded: Listener
    whole: dg.ExecuteInProcessResult
    of_whole: Listener


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with dg.DagsterInstance.ephemeral() as instance:
        home = Home(tmp_path_factory.mktemp("home"), instance)
        runs, parts = [], []
        with listening() as heard, clean_environment(OPENLINEAGE_URL=heard.url, OPENLINEAGE_API_KEY=KEY):
            for job in ("load_arrivals", "refresh_warehouse"):
                before = len(heard.events)
                runs.append(home.run(job))
                assert (len(heard.events) == before) is (job == "load_arrivals"), "a run with a report tells by itself"
                home.tick(runs[-1])
                home.tick(runs[-1])
                parts.append(Listener(events=heard.events[before:]))
        yield Told(home, heard.keys, runs[0], parts[0], runs[1], parts[1])


def test_a_run_tells_what_its_steps_read_and_wrote(told: Told) -> None:
    home, heard = told.home, told.of_whole
    assert told.whole.success
    assert home.told(told.whole) == "yes"
    assert told.keys == {f"Bearer {KEY}"}
    whole = heard.of("refresh_warehouse", "COMPLETE")
    assert whole["run"]["runId"] == told.whole.run_id
    mart = heard.of("refresh_warehouse.mart_net_revenue", "COMPLETE")
    assert mart["job"]["namespace"] == NAMESPACE
    assert mart["run"]["facets"]["parent"]["run"]["runId"] == told.whole.run_id
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


def test_steps_begin_and_end_and_hang_together(told: Told) -> None:
    home, heard = told.home, told.of_whole
    jobs = {one["job"]["name"] for one in heard.events}
    assert len(heard.events) == 2 * len(jobs)
    made: set[tuple[str, str]] = set()
    for job in sorted(jobs, key=lambda name: heard.of(name, "START")["eventTime"]):
        begun, ended = heard.of(job, "START"), heard.of(job, "COMPLETE")
        assert begun["run"]["runId"] == ended["run"]["runId"]
        assert begun["eventTime"] <= ended["eventTime"]
        read = {(one["namespace"], one["name"]) for one in ended["inputs"]}
        assert read <= made, job
        made |= {(one["namespace"], one["name"]) for one in ended["outputs"]}
    bucket = Path(home.s3.store.uri(home.s3.raw_bucket))
    assert ("file", f"{bucket}/raw/artists") in made
    assert ("file", f"{bucket.parent}/{home.s3.processed_bucket}/curated/rejects") in made
    assert ("file", f"{home.warehouse}#concert_dw.quality_results") in made
    assert heard.of("refresh_warehouse.quality", "COMPLETE")["outputs"][0]["outputFacets"]["outputStatistics"][
        "rowCount"
    ] > len(CLEAN)


def test_a_run_without_a_report_is_told_of_by_the_sensor_and_each_run_once(told: Told) -> None:
    assert told.home.told(told.loaded) == "yes"
    for job, run, heard in (
        ("load_arrivals", told.loaded, told.of_loaded),
        ("refresh_warehouse", told.whole, told.of_whole),
    ):
        assert heard.of(job, "COMPLETE")["run"]["runId"] == run.run_id
        assert {one["job"]["name"].partition(".")[0] for one in heard.events} == {job}
        assert len(heard.events) == len({(one["run"]["runId"], one["eventType"]) for one in heard.events})


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
    again = home.run("load_arrivals", tags=home.instance.get_run_by_id(failed.run_id).tags)  # type: ignore[union-attr]
    home.tick(again)
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
        done = silent.run("load_arrivals")
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
