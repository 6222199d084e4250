"""The embedded deployment asks nobody for credentials and touches no network: neither the run nor the job that it starts."""

import subprocess
import sys
from pathlib import Path

import pytest

from concert_assets_tests.support_canary import files, leaks
from concert_assets_tests.support_demo import SMALL, report_of
from concert_assets_tests.support_offline import CANARY, told, watched

ROOT = Path(__file__).parents[1]


def test_a_demo_touches_no_network_and_imports_no_sdk(tmp_path: Path) -> None:
    environment, log = watched(tmp_path)
    home = tmp_path / "home"
    command = [sys.executable, "-m", "concert_assets.cli.main", "demo", *SMALL, "--home", str(home)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert report_of(home)["verdict"]
    started = [" ".join(line) for line in told(log, "starts")]
    assert sum("concert_assets.cli.main" in line for line in started) == 1
    assert sum("glue_jobs/curate.py" in line for line in started) == 1, "the job is watched too"
    assert told(log, "asks") == []
    assert told(log, "imports") == []
    found, looked = leaks(files(home), {"a credential of the environment": CANARY.encode()})
    assert found == []
    assert looked > 10
    assert CANARY not in done.stdout + done.stderr


ASKING = {
    "connect": "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
    "getaddrinfo": "import socket; socket.getaddrinfo('localhost', 80)",
    "bind": "import socket; socket.socket().bind(('127.0.0.1', 0))",
    "boto3": "import boto3",
    "psycopg2": "import psycopg2",
}


@pytest.mark.parametrize("what", ASKING)
@pytest.mark.parametrize("where", ["here", "in a child", "in a child with an environment of its own"])
def test_the_watch_sees_what_is_asked(tmp_path: Path, what: str, where: str) -> None:
    """So that silence above means something."""
    environment, log = watched(tmp_path)
    program = ASKING[what]
    if where != "here":
        own = ", env={**os.environ, 'PYTHONPATH': '/elsewhere'}" if "of its own" in where else ""
        program = f"import os, subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}], check=True{own})"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], env=environment, check=True, capture_output=True)
    seen = told(log, "imports") if what in ("boto3", "psycopg2") else told(log, "asks")
    assert any(what in line[1] for line in seen)
    assert len({pid for pid, *_ in told(log, "starts")}) == (1 if where == "here" else 2)


def test_the_watch_lets_pass_what_stays_on_the_machine(tmp_path: Path) -> None:
    environment, log = watched(tmp_path)
    program = f"import socket; socket.socket(socket.AF_UNIX).bind({str(tmp_path / 'here')!r})"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], env=environment, check=True)
    assert told(log, "asks") == []
