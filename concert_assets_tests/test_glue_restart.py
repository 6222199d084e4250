"""A Dagster process that ends in the middle of a Glue run: told to, the run ends with it; killed, the run is taken up."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from concert_assets.resources.glue.protocol import GlueJobFailed
from concert_assets_tests.support_faults import fault_line
from concert_assets_tests.support_glue import GlueDouble, glue_double
from concert_assets_tests.support_glue_jobs import WAITS, launch, resource
from concert_assets_tests.support_moto import MotoServer, open_store

BOTH = [{"delivery": "one"}, {"delivery": "two"}]


@pytest.fixture
def double(moto: MotoServer, tmp_path: Path) -> Iterator[GlueDouble]:
    moto.empty()
    with glue_double(moto.url, tmp_path / "runs") as double:
        yield double


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def launcher(double: GlueDouble, folder: Path, extras: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that launches a job and waits for it; entered when the job has reported."""
    process = subprocess.Popen(
        [sys.executable, "-m", "concert_assets_tests.support_glue_jobs", double.url, str(folder), json.dumps(extras)],
        env={**os.environ, "DAGSTER_DISABLE_TELEMETRY": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: bool(double.runs) and reported(double, double.runs[-1].arguments["--concert-prefix"]))
        yield process
    finally:
        process.kill()
        process.wait()


def reported(double: GlueDouble, prefix: str) -> bool:
    store = open_store(double.moto_url)
    try:
        return any(True for _ in store.list("processed", f"{prefix}messages/"))
    finally:
        store.client.close()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_told_to_end_stops_its_run(double: GlueDouble, tmp_path: Path, sign: signal.Signals) -> None:
    resource(double, tmp_path, WAITS)
    with launcher(double, tmp_path, {"gate": str(tmp_path / "gate")}) as process:
        process.send_signal(sign)
        process.wait(60)
    assert [run.state for run in double.runs] == ["STOPPED"]
    fault_line(f"Glue: Dagster gets {sign.name}", "run stopped", 0, len(double.orphans()))


def test_a_run_that_is_given_up_ends_and_its_reports_are_kept(double: GlueDouble, tmp_path: Path) -> None:
    glue = resource(double, tmp_path, WAITS, patience_seconds=0)

    def fail_when_it_has_reported() -> None:
        until(lambda: bool(double.runs) and reported(double, double.runs[-1].arguments["--concert-prefix"]))
        double.plan("GetJobRun", "ThrottlingException")

    thread = threading.Thread(target=fail_when_it_has_reported)
    thread.start()
    done = launch(glue, {"gate": str(tmp_path / "never")})
    thread.join()
    assert isinstance(done.failure, GlueJobFailed)
    assert [run.state for run in double.runs] == ["STOPPED"]
    lost = abs(len(done.failure.messages) - 1)
    assert done.failure.messages == BOTH[:1]
    fault_line("Glue: GetJobRun throttles after a report", "run stopped, report kept", lost, len(double.orphans()))


def test_a_run_whose_process_was_killed_is_taken_up_by_the_next(double: GlueDouble, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    glue = resource(double, tmp_path, WAITS)
    with launcher(double, tmp_path, {"gate": str(gate)}) as process:
        process.kill()
        process.wait()
    assert double.orphans() != [], "nobody could stop it"
    looks = double.calls.count("GetJobRun")

    def open_when_it_is_followed() -> None:
        until(lambda: double.calls.count("GetJobRun") > looks)  # before that it might end before anybody joins
        gate.touch()

    thread = threading.Thread(target=open_when_it_is_followed)
    thread.start()
    done = launch(glue, {"gate": str(gate)})
    thread.join()
    assert done.failure is None
    assert done.messages == BOTH, "from the first one on"
    assert done.logged("joined it")
    doubled = len(double.runs) - 1
    fault_line("Glue: Dagster is killed", "run joined by the next, all reports read", doubled, len(double.orphans()))


def test_a_run_that_was_joined_goes_on_where_its_joiner_gives_up(double: GlueDouble, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    glue = resource(double, tmp_path, WAITS, patience_seconds=0)
    with launcher(double, tmp_path, {"gate": str(gate)}) as process:
        process.kill()
        process.wait()
    double.plan("GetJobRun", "ThrottlingException")
    done = launch(glue, {"gate": str(gate)})
    assert isinstance(done.failure, GlueJobFailed)
    assert done.logged("was joined only and goes on")
    assert [run.state for run in double.runs] == ["RUNNING"]
    gate.touch()
    until(lambda: double.orphans() == [])
    assert [run.state for run in double.runs] == ["SUCCEEDED"]
    fault_line("Glue: who joined a run gives up", "the run goes on to its end", 0, len(double.orphans()))


def test_a_run_of_another_request_is_waited_for(double: GlueDouble, tmp_path: Path) -> None:
    gate, other = tmp_path / "gate", tmp_path / "other"
    glue = resource(double, tmp_path, WAITS)
    with launcher(double, tmp_path, {"gate": str(gate)}) as process:
        process.kill()
        process.wait()
    gate.touch()
    other.touch()
    done = launch(glue, {"gate": str(other)})
    assert (done.failure, done.messages) == (None, BOTH)
    assert [run.state for run in double.runs] == ["SUCCEEDED", "SUCCEEDED"]
    fault_line("Glue: another run is at work", "waited for, both ended well", 0, len(double.orphans()))
