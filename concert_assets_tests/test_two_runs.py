"""Two runs at once, each by a launcher of its own: the tables end as after one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from concert_assets.deployment import Deployment, prepare_home
from concert_assets_tests.support_core import CLEAN, CONCERT, SALE, as_jsonl
from concert_assets_tests.support_demo import RAW, clean_environment, log_of, row_hashes, run

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]
TIMES = int(os.environ.get("CONCERT_TEST_TWO_RUNS", "1"))


def drop(home: Path) -> None:
    """What arrives: a file that mends one delivered before, and some that bring what is new."""
    inbox = home / "objects" / RAW / "inbox"
    for number in range(5):
        rows = [SALE | {"sale_id": f"n{number}", "quantity": 1, "total_price": "11.00"}]
        (inbox / "ticket_sales" / f"{number}.jsonl").write_bytes(as_jsonl(rows))
    (inbox / "concerts" / "concerts.jsonl").write_bytes(as_jsonl([CONCERT | {"revenue": "99.00"}]))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which something is published."""
    home = tmp_path_factory.mktemp("before") / "home"
    prepare_home(Deployment(home=home))
    for table, rows in CLEAN.items():
        (home / "objects" / RAW / "inbox" / table / f"{table}.jsonl").write_bytes(as_jsonl(rows))
    while log_of(home).entries() == []:  # until the files have settled
        run("ingest", "--home", str(home))
    return home


def execute(home: Path, job: str) -> subprocess.Popen[str]:
    with clean_environment(CONCERT_HOME=str(home), DAGSTER_HOME=str(home / "dagster")):
        return subprocess.Popen(
            [sys.executable, "-m", "dagster", "job", "execute", "-m", "concert_assets.definitions", "-j", job],
            cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


def test_two_runs_at_once_end_as_one(before: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(before, alone)
    drop(alone)
    while len(log_of(alone).entries()) < 10:
        assert run("ingest", "--home", str(alone)) in (0, 1)
    expected = row_hashes(alone)
    for time in range(TIMES):
        home = tmp_path / f"home-{time}"
        shutil.copytree(before, home)
        drop(home)
        started = [execute(home, "refresh_warehouse"), execute(home, "load_arrivals")]
        for process in started:
            told, _ = process.communicate(timeout=300)
            assert process.returncode == 0, told[-3_000:]
        run("ingest", "--home", str(home))  # what had not settled yet when the two began
        assert row_hashes(home) == expected
        assert [item.state for item in log_of(home).deliveries()].count("live") == 9
        shutil.rmtree(home)
