"""Keeps Dagster's SQLite event log open for the length of a run, so that it does not wait for the disk at every event.

Dagster opens a connection an event and closes it again. Closing the last connection of a database in WAL mode writes
the log back and waits for the disk, some nine hundred times a run; a connection that stays open leaves that to SQLite's
own rhythm. ``synchronous = normal`` gives up nothing against a killed process, only the last events against a power
cut.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
from sqlalchemy import event
from sqlalchemy.engine import Engine


def _relax(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = normal")


def keep_open(instance: dg.DagsterInstance, run_id: str) -> Sequence[sqlite3.Connection]:
    """Open the databases of the event log and return the connections; none where Dagster stores events elsewhere."""
    if instance.is_ephemeral:
        return []
    history = Path(instance.root_directory) / "history"
    paths = [history / "runs.db", history / "runs" / "index.db", history / "runs" / f"{run_id}.db"]
    kept = []
    for path in paths:
        if path.exists():
            connection = sqlite3.connect(path, check_same_thread=False)
            # The file is attached to only when it is read from.
            with suppress(sqlite3.OperationalError):
                connection.execute("select count(*) from sqlite_master").fetchall()
                kept.append(connection)
    if kept and not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)
    return kept
