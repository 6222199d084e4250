"""Runs the command in this process or one of its own, on worlds small enough for tests, and tells homes apart by rows."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import TABLES
from concert_assets.cli.main import main
from concert_assets.deliveries.log import DeliveryLog
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.s3.folder import FolderObjectStore

SMALL = ("--artists", "60", "--venues", "30", "--concerts", "600", "--sales", "3000", "--defect-rate", "0.03")
RAW = "concert-data-raw"
# What differs between two homes of the same data: instants, and the versions that a store gives to objects.
OF_THE_HOME = {"delivered_at", "object_version", "published_position"}
# Numbers of the log, in which two processes may each have written that they saw the same: their order counts.
NUMBERS = {"sequence": "dense_rank() over (order by sequence)"}


@contextmanager
def clean_environment(**settings: str) -> Iterator[None]:
    """No setting of the machine's, and afterwards none of the command's."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("CONCERT_", "DAGSTER_"))]:
        del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run(*arguments: str, **settings: str) -> int:
    """The exit code of the command, run in this process."""
    with clean_environment(**settings):
        try:
            return main(arguments)
        except SystemExit as end:
            return int(end.code or 0)


def run_apart(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the tests in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONCERT_", "DAGSTER_"))}
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-m", f"concert_assets_tests.{program}", *arguments],
        cwd=root, env=kept, capture_output=True, text=True, check=False,
    )  # fmt: skip


def log_of(home: Path) -> DeliveryLog:
    return DeliveryLog(FolderObjectStore(home / "objects"), RAW)


def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with DuckDBWarehouse(home).session() as session:
        return session.query(sql)


def report_of(home: Path, folder: str = "latest", name: str = "pipeline_report.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "reports" / folder / name).read_text())
    return found


PUBLISHED = [*(table.name for table in TABLES), "load_ledger", "row_outcomes", "identity_map"]
DERIVED = [table.name for table in (*MARTS, *PREDICTIONS)]


def row_hashes(home: Path, names: Sequence[str] = (*PUBLISHED, *DERIVED), ledger: str = "true") -> Mapping[str, str]:
    """A hash of the rows of every table, without what is the home's own; of the ledger, the rows that ``ledger`` says."""
    hashes = {}
    with DuckDBWarehouse(home).session() as session:
        for name in names:
            columns = [
                NUMBERS.get(column, column)
                for (column,) in session.query(
                    "select column_name from information_schema.columns where table_schema = 'concert_dw' "
                    f"and table_name = '{name}' order by ordinal_position"
                )
                if column not in OF_THE_HOME
            ]
            which = f" where {ledger}" if name == "load_ledger" else ""
            found = session.query(f"select {', '.join(columns)} from concert_dw.{name}{which}")
            rows = sorted(repr(row) for row in found)
            hashes[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return hashes


def raw_bytes(home: Path) -> dict[str, str]:
    """The hash of every raw object of a home, the log apart, whose entries tell when they were written."""
    store = FolderObjectStore(home / "objects")
    keys = [info.key for info in store.list(RAW) if not info.key.startswith("log/")]
    return {key: hashlib.sha256(store.read(RAW, key)).hexdigest() for key in keys}
