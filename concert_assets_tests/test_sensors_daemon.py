"""A real daemon: files dropped into the inbox become published tables and marts, also where the run is killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock

from concert_assets_tests.support_core import CLEAN, SALE
from concert_assets_tests.support_daemon import Daemon, daemon
from concert_assets_tests.support_demo import query, report_of

pytestmark = pytest.mark.filterwarnings("ignore:.*DagsterInstance.fetch_materializations:dagster.BetaWarning")


@pytest.fixture(scope="module")
def at_work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with daemon(tmp_path_factory.mktemp("daemon") / "home") as found:
        yield found


def ended(at_work: Daemon, run_id: str) -> dg.DagsterRun | None:
    run = at_work.instance.get_run_by_id(run_id)
    return run if run is not None and run.is_finished else None


def test_a_killed_run_goes_on_from_the_step_at_which_it_died(at_work: Daemon) -> None:
    home = at_work.deployment.home
    for table, rows in CLEAN.items():
        at_work.drop(table, "first.jsonl", rows)
    with FileLock(str(home / "warehouse.lock")):  # staging waits for it
        first = at_work.wait_for("run", lambda: at_work.runs())[0]
        at_work.wait_for("staging", lambda: at_work.has_started(first.run_id, "staging"))
        os.kill(at_work.worker(first.run_id), signal.SIGKILL)
        killed = at_work.wait_for("end of the killed run", lambda: ended(at_work, first.run_id))
    assert killed.is_failure
    again = at_work.wait_for("second run", lambda: at_work.runs()[1:])[0]
    done = at_work.wait_for("end of the second run", lambda: ended(at_work, again.run_id))
    assert done.is_success, at_work.last_words()
    assert done.parent_run_id == first.run_id
    steps = {stats.step_key: stats.attempts for stats in at_work.instance.get_run_step_stats(done.run_id)}
    assert steps == {"staging": 1, "quality": 1, "warehouse": 1}, "raw and curated are not made again"
    report = at_work.wait_for("report", lambda: (home / "reports" / "runs" / first.run_id).exists())
    assert report
    assert report_of(home, f"runs/{first.run_id}")["run"]["status"] == "killed"
    assert query(home, "select count(*) from concert_dw.ticket_sales") == [(1,)]


def test_marts_predictions_and_reports_follow_what_changed_alone(at_work: Daemon) -> None:
    home = at_work.deployment.home
    at_work.wait_for("report of the first load", lambda: at_work.made("report/pipeline_report"))
    # What was loaded first brought about the first training, of models that were never trained.
    at_work.wait_for("training", lambda: [run for run in at_work.runs("retrain_models") if run.is_finished])
    for key in ("mart/daily_sales_summary", "mart/venue_popularity"):  # training may come before them
        at_work.wait_for(key, lambda key=key: at_work.made(key))  # type: ignore[misc]
    assert query(home, "select tickets from concert_dw.daily_sales_summary") == [(2,)]
    before = {
        key: len(at_work.made(key))
        for key in ("mart/daily_sales_summary", "mart/venue_popularity", "model/ticket_sales")
    }
    assert before == {"mart/daily_sales_summary": 1, "mart/venue_popularity": 1, "model/ticket_sales": 1}
    reports = len(at_work.made("report/pipeline_report"))
    at_work.drop("ticket_sales", "second.jsonl", [SALE | {"sale_id": "s2", "quantity": 3, "total_price": "33.00"}])
    tickets = "select tickets from concert_dw.daily_sales_summary"
    at_work.wait_for("mart", lambda: query(home, tickets) == [(5,)])
    at_work.wait_for("report", lambda: at_work.made("report/pipeline_report")[reports:])
    assert len(at_work.made("mart/venue_popularity")) == 1, "its tables are as they were"
    assert len(at_work.made("model/ticket_sales")) == 1, "models do not follow every change of the tables"
    assert query(
        home, "select sum(rows_in), sum(rows_published) from concert_dw.load_ledger where table_name = 'ticket_sales'"
    ) == [(2, 2)]
    assert [run.is_success for run in at_work.runs()] == [False, True, True]
    assert Path(home / "reports" / "latest" / "report.html").exists()
