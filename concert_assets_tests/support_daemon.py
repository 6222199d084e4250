"""A real daemon on a home of its own: started as people start it, watched through Dagster's history, stopped with all its children."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from concert_assets.deployment import Deployment, prepare_home, write_workspace
from concert_assets_tests.support_core import as_jsonl
from concert_assets_tests.support_demo import clean_environment

T = TypeVar("T")
ROOT = Path(__file__).parents[1]


@dataclass
class Daemon:
    """A running daemon, its home and what it does there."""

    deployment: Deployment
    instance: dg.DagsterInstance
    process: subprocess.Popen[bytes]
    log: Path

    def drop(self, table: str, name: str, rows: Sequence[Mapping[str, Any]]) -> float:
        """Let a file appear in the inbox as a rename does, whole; the moment it did."""
        folder = self.deployment.inbox / table
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(as_jsonl(rows))
        unfinished.rename(folder / name)
        return time.time()

    def wait_for(self, what: str, look: Callable[[], T | None], seconds: float = 240) -> T:
        """What ``look`` finds, as soon as it finds something; AssertionError with the daemon's last words otherwise."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            assert self.process.poll() is None, f"the daemon ended: {self.last_words()}"
            time.sleep(0.1)
        raise AssertionError(f"no {what} after {seconds:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """The end of the daemon's log."""
        return self.log.read_text(errors="replace")[-6000:]

    def made(self, key: str) -> list[dg.EventLogEntry]:
        """The materializations of an asset, oldest first."""
        filters = dg.AssetRecordsFilter(dg.AssetKey(key.split("/")))
        return [
            record.event_log_entry
            for record in self.instance.fetch_materializations(filters, limit=500, ascending=True).records
        ]

    def runs(self, job: str = "load_arrivals") -> list[dg.DagsterRun]:
        """The runs of a job, oldest first."""
        return list(reversed(self.instance.get_runs(dg.RunsFilter(job_name=job))))

    def has_started(self, run_id: str, step: str) -> bool:
        """Whether a run is at a step."""
        events = self.instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_START).records
        return any(record.event_log_entry.step_key == step for record in events)

    def worker(self, run_id: str) -> int:
        """The process that executes a run."""
        for entry in self.instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
            if found := re.search(r"Started process for run \(pid: (\d+)\)", entry.message):
                return int(found[1])
        raise AssertionError(f"run {run_id} has no process")


@contextmanager
def at_work(
    home: Path, *command: str, location: str = "concert_assets.definitions", settings: Mapping[str, str] | None = None
) -> Iterator[Daemon]:
    """One of Dagster's programs on a home, made where it is not there yet; of the module ``location``, with ``settings``."""
    deployment = Deployment(home=home)
    log = home.with_name(f"{home.name}-daemon.log")
    with clean_environment(CONCERT_HOME=str(home), DAGSTER_HOME=str(deployment.dagster_home), **(settings or {})):
        prepare_home(deployment)
        workspace = write_workspace(deployment)
        workspace.write_text(workspace.read_text().replace("concert_assets.definitions", location))
        program = shutil.which(command[0], path=str(Path(sys.executable).parent))
        assert program is not None
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, *command[1:], "-w", str(workspace)],
                # Not in the checkout, whose .env would lead the program to another home.
                cwd=home.parent, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        try:
            with dg.DagsterInstance.from_config(str(deployment.dagster_home)) as instance:
                yield Daemon(deployment, instance, process, log)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):  # its code server and the runs that it had begun
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def daemon(home: Path, **options: Any) -> AbstractContextManager[Daemon]:
    """A daemon on a home."""
    return at_work(home, "dagster-daemon", "run", **options)
