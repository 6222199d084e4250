"""A process killed at any statement leaves the old state or the new one, and the next run ends as if nothing had been."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from concert_assets_tests.support_core import CLEAN, SALE, VENUE, Core, another

POINTS = int(os.environ.get("CONCERT_TEST_KILL_POINTS", "12"))  # as many as there are statements: kill at each


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of runs killed at points spread over a publication that changes every table."""
    core = Core(tmp_path_factory.mktemp("killed") / "home")
    core.deliver("d", **CLEAN)
    core.process()
    core.deliver(
        "e",
        artists=[another(f"a{number}") for number in range(2, 6)],
        venues=[VENUE | {"name": "Newer"}],
    )
    core.deliver("f", ticket_sales=[SALE | {"sale_id": "s2"}, SALE | {"sale_id": "s3", "quantity": 0}])
    program = Path(__file__).with_name("support_kill.py")
    done = subprocess.run(
        [sys.executable, str(program), str(core.home), str(POINTS)],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_attempt_died_where_it_should(attempts: list[dict[str, Any]]) -> None:
    calm, *killed = attempts
    assert calm["calls"] > 60
    assert len(killed) == min(POINTS, calm["calls"])
    assert {attempt["code"] for attempt in killed} == {-9}
    assert len({attempt["name"] for attempt in killed}) >= 3, "not all at the same kind of statement"


def test_a_killed_run_leaves_the_old_state_or_the_new_one(attempts: list[dict[str, Any]]) -> None:
    calm, *killed = attempts
    assert calm["before"] != calm["after"]
    for attempt in killed:
        assert attempt["found"] in (calm["before"], calm["after"]), attempt
    assert killed[0]["found"] == calm["before"]
    assert killed[-1]["found"] == calm["after"]


def test_the_next_run_ends_as_one_that_was_never_disturbed(attempts: list[dict[str, Any]]) -> None:
    calm, *killed = attempts
    assert [attempt["ended"] for attempt in killed] == [calm["after"]] * len(killed)
