"""What the sensors ask for, tick by tick: one run for all that is to be done, again after a failure, never twice."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from concert_assets.definitions import build_definitions
from concert_assets.defs import arrivals
from concert_assets.defs.arrivals import ATTEMPT_TAG, STATE_TAG, raw_object_arrived
from concert_assets.defs.report_files import PIPELINE_REPORT
from concert_assets.defs.sensors import run_failed, run_killed, sensors
from concert_assets.deployment import Deployment
from concert_assets.resources.s3.resource import FolderS3
from concert_assets_tests.support_core import ARTIST, CLEAN, SALE, as_jsonl
from concert_assets_tests.support_core import artists as some_artists
from concert_assets_tests.support_demo import log_of, query, report_of

pytestmark = [
    # Dagster says so of a part of Pipes that its own subprocess client uses.
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),
    # Its own Pipes clients ask contexts for the run in the way that it is about to give up.
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),
]


class Site:
    """A home with a daemon's eyes and hands: ticks of the sensors, and the runs that they ask for, one at a time."""

    def __init__(self, home: Path, instance: dg.DagsterInstance) -> None:
        self.home = home
        self.instance = instance
        self.s3 = self.store(settle_seconds=0)
        self.defs = build_definitions(Deployment(home=home), resources={"s3": self.s3})

    def store(self, settle_seconds: float) -> FolderS3:
        deployment = Deployment(home=self.home)
        return FolderS3(
            root=str(deployment.objects), raw_bucket=deployment.raw_bucket,
            processed_bucket=deployment.processed_bucket, settle_seconds=settle_seconds,
        )  # fmt: skip

    def drop(self, table: str, rows: Sequence[Mapping[str, Any]], name: str = "rows.jsonl") -> None:
        self.s3.store.write(self.s3.raw_bucket, f"inbox/{table}/{name}", as_jsonl(rows))

    def tick(self) -> dg.RunRequest | str:
        """The run asked for, or why there is none."""
        resources = {"s3": self.s3, "redshift": (self.defs.resources or {})["redshift"]}
        context = dg.build_sensor_context(instance=self.instance, resources=resources)
        found = raw_object_arrived(context)
        assert isinstance(found, dg.RunRequest | dg.SkipReason)
        return found if isinstance(found, dg.RunRequest) else str(found.skip_message)

    def bury(self) -> str | None:
        """What a tick of the sensor of killed runs says."""
        resources = {"journal": (self.defs.resources or {})["journal"]}
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            found = run_killed(context)
        assert isinstance(found, dg.SkipReason)
        return found.skip_message

    def request(self) -> dg.RunRequest:
        found = self.tick()
        assert isinstance(found, dg.RunRequest), found
        return found

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        job = self.defs.resolve_job_def("load_arrivals")
        return job.execute_in_process(instance=self.instance, tags=request.tags, raise_on_error=False)

    def begin(self, request: dg.RunRequest) -> dg.DagsterRun:
        """The run, launched but not executed."""
        return self.instance.create_run_for_job(self.defs.resolve_job_def("load_arrivals"), tags=request.tags)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Site(tmp_path, instance)


def test_the_sensors_run_without_being_switched_on() -> None:
    names = {"raw_object_arrived", "tables_changed", "model_drifted", "run_failed", "run_succeeded", "run_killed"}
    assert {sensor.name for sensor in sensors} == names
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}
    assert all((sensor.minimum_interval_seconds or 30) <= 20 for sensor in sensors)


def test_an_empty_inbox_asks_for_nothing(site: Site) -> None:
    assert "nothing has arrived" in str(site.tick())


def test_a_file_that_is_still_changing_is_waited_for(site: Site) -> None:
    site.drop("artists", [ARTIST])
    site.s3 = site.store(settle_seconds=3600)
    assert "still changing: 1" in str(site.tick())
    site.s3 = site.store(settle_seconds=0)
    assert site.request().tags["concert/objects"] == "1"


def test_a_tick_reads_and_writes_nothing_but_the_listing_and_the_log(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.drop("artists", [ARTIST])
    before = sorted(site.home.rglob("*"))
    for name in ("fetch", "open_write", "write", "create"):
        monkeypatch.setattr(type(site.s3.store), name, lambda *_, name=name: pytest.fail(f"a tick calls {name}"))
    site.request()
    assert sorted(site.home.rglob("*")) == before


def test_all_that_arrived_is_one_run_and_then_nothing(site: Site) -> None:
    for table, rows in CLEAN.items():
        site.drop(table, rows)
    request = site.request()
    assert request.tags["concert/objects"] == "4"
    assert site.request().run_key == request.run_key, "asked again before the run is there, it is the same run"
    assert site.run(request).success
    assert "nothing has arrived" in str(site.tick())
    assert query(site.home, "select count(*) from concert_dw.ticket_sales") == [(1,)]
    assert log_of(site.home).deliveries()[0].state == "live"
    site.drop("ticket_sales", [SALE | {"sale_id": "s2"}], "later.jsonl")
    later = site.request()
    assert later.run_key != request.run_key
    assert site.run(later).success
    assert query(site.home, "select count(*) from concert_dw.ticket_sales") == [(2,)]
    assert "nothing has arrived" in str(site.tick())


def test_the_same_bytes_again_are_looked_at_once(site: Site) -> None:
    site.drop("artists", [ARTIST])
    assert site.run(site.request()).success
    site.drop("artists", [ARTIST])  # another version of the object
    assert site.run(site.request()).success
    assert "nothing has arrived" in str(site.tick())
    assert query(site.home, "select count(*) from concert_dw.artists") == [(1,)]


@pytest.mark.parametrize("status", ["NOT_STARTED", "STARTED"])
def test_nothing_is_asked_for_while_a_run_is_under_way(site: Site, status: str) -> None:
    site.drop("artists", [ARTIST])
    run = site.begin(site.request())
    if status == "STARTED":
        begun = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, run.job_name)
        site.instance.report_dagster_event(begun, run_id=run.run_id)
    site.drop("artists", [ARTIST], "more.jsonl")
    assert f"run {run.run_id[:8]} is loading" in str(site.tick())
    site.instance.report_run_failed(run)
    assert site.request().tags["concert/objects"] == "2"


@pytest.mark.parametrize(
    ("job", "selected", "publishes"),
    [
        ("run_demo", None, True),
        ("of the web UI", {"warehouse", "mart"}, True),
        ("retrain_models", None, False),
        ("of the web UI", {"mart"}, False),
    ],
)
def test_what_a_run_is_about_to_publish_is_left_to_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, job: str, selected: set[str] | None, publishes: bool
) -> None:
    site.drop("artists", [ARTIST])
    assert site.run(site.request()).success
    (site.defs.resources or {})["redshift"].warehouse.discard()
    monkeypatch.setattr(arrivals, "_COMMAND_SECONDS", 0)
    whole = site.defs.resolve_implicit_global_asset_job_def() if selected else site.defs.resolve_job_def(job)
    keys = {key for key in whole.asset_layer.selected_asset_keys if key.path[0] in selected} if selected else None
    run = site.instance.create_run_for_job(whole.get_subset(asset_selection=keys), asset_selection=keys)
    begun = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, run.job_name)
    site.instance.report_dagster_event(begun, run_id=run.run_id)
    if publishes:
        assert site.tick() == f"run {run.run_id[:8]} is publishing what the log has"
        site.instance.report_run_failed(run)
    assert site.request().tags["concert/objects"] == "0"


def test_a_failed_run_is_tried_again_after_a_time_that_grows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.drop("artists", [ARTIST])
    keys, waits = set(), []
    for attempt in range(1, 8):
        monkeypatch.setattr(arrivals, "FIRST_WAIT_SECONDS", 0)
        request = site.request()
        assert request.tags[ATTEMPT_TAG] == str(attempt)
        keys.add(request.run_key)
        site.instance.report_run_failed(site.begin(request))
        monkeypatch.undo()
        said = str(site.tick())
        assert f"attempt {attempt} failed; the next one is in " in said
        waits.append(int(said.split()[-2]))
    assert len(keys) == 7, "Dagster never tries a run key twice"
    hour = arrivals.MOST_WAIT_SECONDS
    assert waits == pytest.approx([30, 90, 270, 810, 2430, hour, hour], abs=10)


def test_a_run_that_succeeds_and_changes_nothing_is_not_repeated(site: Site) -> None:
    site.drop("artists", [ARTIST])
    request = site.request()
    done = site.begin(request)
    site.instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.PIPELINE_SUCCESS.value, done.job_name), run_id=done.run_id
    )
    assert f"run {done.run_id[:8]} succeeded" in str(site.tick())
    site.drop("artists", [ARTIST], "more.jsonl")
    assert site.request().tags[STATE_TAG] != request.tags[STATE_TAG]


def test_what_a_failed_run_took_in_or_held_is_gone_on_with(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.drop("artists", [ARTIST], "good.jsonl")
    site.drop("artists", some_artists(20, 40), "bad.jsonl")
    assert not site.run(site.request()).success, "the audit stops it"
    (held,) = (item for item in log_of(site.home).deliveries() if item.state == "held")
    assert held.name == "artists/bad.jsonl"
    assert "nothing has arrived" in str(site.tick()), "the log has moved just now; whoever moved it may go on"
    monkeypatch.setattr(arrivals, "_COMMAND_SECONDS", 0)
    request = site.request()
    assert request.tags["concert/objects"] == "0"
    assert site.run(request).success
    assert "nothing has arrived" in str(site.tick())
    assert query(site.home, "select artist_id from concert_dw.artists") == [("a1",)]


def test_a_run_that_was_killed_is_buried_by_a_tick(site: Site) -> None:
    site.drop("artists", [ARTIST])
    run = site.begin(site.request())
    begun = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, run.job_name)
    site.instance.report_dagster_event(begun, run_id=run.run_id)
    (site.home / "runs").mkdir()
    (site.home / "runs" / f"{run.run_id}.lock").touch()
    assert [site.bury(), site.bury()] == [f"killed: {run.run_id}", "no run was killed"]
    assert report_of(site.home, f"runs/{run.run_id}")["run"]["status"] == "killed"
    assert "attempt 1 failed" in str(site.tick())


@pytest.mark.parametrize("status", ["failure", "killed"])
def test_a_run_that_failed_without_a_report_gets_one(site: Site, status: str) -> None:
    job = site.defs.resolve_job_def("load_arrivals")
    if status == "failure":
        run = job.execute_in_process(instance=site.instance, raise_on_error=False).dagster_run  # there is nothing
    else:
        run = site.instance.create_run_for_job(job)
        site.instance.report_run_failed(run)  # as the code server does whose process for the run is gone
    path = site.home / "reports" / "runs" / run.run_id / PIPELINE_REPORT
    path.unlink(missing_ok=True)
    (record,) = site.instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
    failed = record.event_log_entry.dagster_event
    assert failed is not None
    with dg.build_run_status_sensor_context(
        sensor_name="run_failed", dagster_event=failed, dagster_instance=site.instance, dagster_run=run,
        resources=dict(site.defs.resources or {}),
    ) as context:  # fmt: skip
        run_failed(context.for_run_failure())
        assert report_of(site.home, f"runs/{run.run_id}")["run"]["status"] == status
        written = path.stat().st_mtime_ns
        run_failed(context.for_run_failure())
        assert path.stat().st_mtime_ns == written, "once"


def test_a_warehouse_that_was_discarded_is_made_anew(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "_COMMAND_SECONDS", 0)
    site.drop("artists", [ARTIST])
    assert site.run(site.request()).success
    assert isinstance(site.tick(), str)
    (site.defs.resources or {})["redshift"].warehouse.discard()  # as rebuild does, which was killed after it
    assert site.run(site.request()).success
    assert query(site.home, "select artist_id from concert_dw.artists") == [("a1",)]


def test_a_run_that_was_deleted_leaves_no_key_to_be_used_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "FIRST_WAIT_SECONDS", 0)
    site.drop("artists", [ARTIST])
    keys, runs = [], []
    for _ in range(3):
        request = site.request()
        keys.append(request.run_key)
        runs.append(site.begin(request))
        site.instance.report_run_failed(runs[-1])
    site.instance.delete_run(runs[0].run_id)
    assert site.request().run_key not in keys
