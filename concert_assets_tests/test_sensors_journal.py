"""The run journal: which runs live and which were killed, at every moment of a run and whoever looks."""

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from filelock import FileLock

from concert_assets.defs.journal import RunJournal
from concert_assets_tests.support_demo import report_of

HOLD = (
    "import sys, filelock; lock = filelock.FileLock(sys.argv[1]).acquire(); print('held', flush=True); sys.stdin.read()"
)
# Registers a run but is stopped between making its file and locking it, for as long as the test says.
SLOW_START = """
    import sys
    from filelock import FileLock
    from concert_assets.defs.journal import RunJournal

    acquire = FileLock.acquire

    def slowly(self, *arguments, **options):
        if self.lock_file.endswith(".lock"):
            open(self.lock_file, "w").close()
            print("made", flush=True)
            sys.stdin.readline()
        return acquire(self, *arguments, **options)

    FileLock.acquire = slowly
    RunJournal(home=sys.argv[1])._live(sys.argv[2])
    print("lives", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@dg.op
def work() -> None:
    pass


@dg.job
def working() -> None:
    work()


def started(instance: dg.DagsterInstance, *, has_step_workers: bool = False) -> str:
    """A run that has begun and not ended."""
    run = instance.create_run_for_job(working)
    begun = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, run.job_name)
    instance.report_dagster_event(begun, run_id=run.run_id)
    if has_step_workers:
        kind = dg.DagsterEventType.STEP_WORKER_STARTING.value
        engine = instance.report_engine_event("an executor of a process a step", run)
        worker = dg.DagsterEvent(kind, run.job_name, event_specific_data=engine.event_specific_data)
        instance.report_dagster_event(worker, run_id=run.run_id)
    return run.run_id


def apart(program: str, *arguments: Any) -> subprocess.Popen[str]:
    """A process that runs a program and has said its first word."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def lock_file(home: Path, name: str) -> Path:
    (home / "runs").mkdir(parents=True, exist_ok=True)
    return home / "runs" / f"{name}.lock"


def test_a_run_whose_process_lives_is_left_alone_until_it_is_killed(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    run_id, journal = started(instance), RunJournal(home=str(tmp_path))
    with apart(HOLD, lock_file(tmp_path, run_id)) as holder:
        assert journal.bury(instance, pytest.fail) == []
        holder.kill()
        holder.wait()
        assert journal.bury(instance, pytest.fail) == [run_id]
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.is_failure
    assert report_of(tmp_path)["run"]["status"] == "killed"
    assert journal.bury(instance, pytest.fail) == []
    assert list((tmp_path / "runs").glob("*.lock")) == []


def test_a_run_is_never_taken_for_dead_while_it_says_that_it_lives(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    run_id, journal = started(instance), RunJournal(home=str(tmp_path))
    buried: list[str] = []
    with apart(SLOW_START, tmp_path, run_id) as starting:
        assert lock_file(tmp_path, run_id).exists()
        look = threading.Thread(target=lambda: buried.extend(journal.bury(instance, pytest.fail)))
        look.start()
        look.join(0.3)
        assert look.is_alive(), "it waits for the file to be locked"
        assert starting.stdin is not None
        assert starting.stdout is not None
        starting.stdin.write("\n")
        starting.stdin.flush()
        assert starting.stdout.readline() == "lives\n"
        look.join()
        starting.kill()
    assert buried == []


def test_a_run_of_several_processes_lives_as_long_as_one_of_them(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    run_id, journal = started(instance), RunJournal(home=str(tmp_path))
    with FileLock(str(lock_file(tmp_path, run_id))), apart(SLOW_START, tmp_path, run_id) as second:
        assert second.stdin is not None
        assert second.stdout is not None
        for answer in ("made\n", "lives\n"):  # its first choice is taken, so it makes a file beside it
            second.stdin.write("\n")
            second.stdin.flush()
            assert second.stdout.readline() == answer
        assert journal.bury(instance, pytest.fail) == []
        assert lock_file(tmp_path, f"{run_id}.{second.pid}").exists()
        second.kill()
        second.wait()
        assert journal.bury(instance, pytest.fail) == [], "the first process lives"
    assert journal.bury(instance, pytest.fail) == [run_id]


def test_a_run_between_two_processes_for_its_steps_is_given_time(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = RunJournal(home=str(tmp_path))
    run_id = started(instance, has_step_workers=True)
    lock_file(tmp_path, run_id).touch()
    assert journal.bury(instance, pytest.fail) == []
    assert lock_file(tmp_path, run_id).exists()
    monkeypatch.setattr("concert_assets.defs.journal._GRACE_SECONDS", 0.0)
    assert journal.bury(instance, pytest.fail) == [run_id]


def test_a_run_that_ended_leaves_no_file_and_no_report(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    run_id = started(instance)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    instance.report_run_failed(run)
    lock_file(tmp_path, run_id).touch()
    lock_file(tmp_path, f"{run_id}.{os.getpid()}").touch()
    assert RunJournal(home=str(tmp_path)).bury(instance, pytest.fail) == []
    assert list((tmp_path / "runs").glob("*.lock")) == []
    assert not (tmp_path / "reports").exists()


def test_a_run_that_was_killed_before_it_made_its_file_is_found_after_a_while(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, journal = started(instance), RunJournal(home=str(tmp_path))
    assert journal.bury(instance, pytest.fail) == []
    monkeypatch.setattr("concert_assets.defs.journal._GRACE_SECONDS", -1.0)
    assert journal.bury(instance, pytest.fail) == [run_id]
    assert report_of(tmp_path)["run"]["status"] == "killed"
