"""What the tests of upkeep share: the command on a home that is driven by hand, and files of rows to mend."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets_tests.support_core import PROCESSED, RAW, SALE, Core
from concert_assets_tests.support_demo import run

ENGINE = DuckDBEngine()
BUCKETS = ("--raw-bucket", RAW, "--processed-bucket", PROCESSED)
Said = pytest.CaptureFixture[str]


def ask(core: Core, *options: str) -> int:
    """The exit code of rejects."""
    return run("rejects", "--home", str(core.home), *BUCKETS, *options)


def told(core: Core, said: Said, *options: str) -> dict[str, Any]:
    said.readouterr()
    assert ask(core, "--json", *options) == 0
    found: dict[str, Any] = json.loads(said.readouterr().out)
    return found


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def sales(*faults: dict[str, Any]) -> list[dict[str, Any]]:
    return [SALE | {"sale_id": f"x{number}"} | fault for number, fault in enumerate(faults)]
