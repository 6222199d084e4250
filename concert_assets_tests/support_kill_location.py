"""A code location for tests: the platform's own, whose runs die at the points that are ordered by files.

Whoever launches runs (a daemon, a web server) is started with ``FOLDER_SETTING`` and loads this in place of
``concert_assets.definitions``. A file in that folder, named like a point, kills the first process that comes by; it goes
first, so that the next one passes. Points are ``EVENT.STEP`` and, for every statement of a publication and what follows
on it, ``publish.NUMBER``; ``statements.json`` tells what these were in the last publication.
"""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg

from concert_assets.definitions import defs
from concert_assets.defs import redshift_tables
from concert_assets.resources.redshift.duckdb import DuckDBSession, DuckDBWarehouse

__all__ = ["defs"]

FOLDER_SETTING = "CONCERT_TEST_KILLS"
STATEMENTS = "statements.json"

_statements: list[str] | None = None  # of the publication that this process is at


def die_at(point: str) -> None:
    """End this process as kill -9 does, where that is ordered."""
    try:
        (Path(os.environ[FOLDER_SETTING]) / point).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _before(statement: str) -> None:
    if _statements is not None:
        _statements.append(" ".join(statement.split())[:70])
        die_at(f"publish.{len(_statements)}")


class _Watched:
    """A connection whose statements are counted."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, *values: Any) -> Any:
        _before(sql)
        return self._connection.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def _watch() -> None:
    handle, open_session = dg.DagsterInstance.handle_new_event, DuckDBSession.__init__
    note, publish = DuckDBWarehouse._note_publication, redshift_tables.publish

    def handle_and_die(self: dg.DagsterInstance, event: dg.EventLogEntry, **options: Any) -> None:
        handle(self, event, **options)
        if event.dagster_event is not None and event.dagster_event.step_key:
            die_at(f"{event.dagster_event.event_type_value}.{event.dagster_event.step_key}")

    def open_watched(self: DuckDBSession, connection: Any, note_publication: Callable[[int, str, int], None]) -> None:
        open_session(self, _Watched(connection), note_publication)  # type: ignore[arg-type]

    def note_watched(self: DuckDBWarehouse, *publication: Any) -> None:
        _before("(write the witness)")
        note(self, *publication)

    def publish_watched(*arguments: Any) -> Any:
        global _statements
        _statements = []
        published = publish(*arguments)
        _before("(published)")
        Path(os.environ[FOLDER_SETTING], STATEMENTS).write_text(json.dumps(_statements))
        _statements = None
        return published

    dg.DagsterInstance.handle_new_event = handle_and_die  # type: ignore[assignment, method-assign]
    DuckDBSession.__init__ = open_watched  # type: ignore[method-assign]
    DuckDBWarehouse._note_publication = note_watched  # type: ignore[method-assign, assignment]
    redshift_tables.publish = publish_watched


if FOLDER_SETTING in os.environ:
    _watch()
