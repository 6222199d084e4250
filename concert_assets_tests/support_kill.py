"""A program for tests: publishes deliveries in copies of a home and dies at a given statement, then runs again.

Every attempt is a child forked before anything is opened, so that what is imported is paid for once. Prints a JSON line
per attempt: where it died, what another process then found published, and what was published after the next run.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from concert_assets.glue_jobs import curation, engine
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.resources.redshift import duckdb as embedded
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.sql import files
from concert_assets_tests.support_core import Core, published_hashes

WATCHED = (
    (embedded.DuckDBSession, ("execute", "query", "insert_rows", "stage", "replace_table", "publication_made")),
    (embedded.DuckDBWarehouse, ("_note_publication",)),
    (FolderObjectStore, ("open_write", "create", "read")),
    (DuckDBEngine, ("run",)),
)


class Count:
    """Counts the calls of everything that reaches the outside, and dies at one of them: before it or after it."""

    def __init__(self, at: int) -> None:
        self.calls = 0
        self.at = at
        self.names: list[str] = []

    def watch(self) -> None:
        for owner, names in WATCHED:
            for name in names:
                setattr(owner, name, self._watched(getattr(owner, name), f"{owner.__name__}.{name}"))

    def _watched(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            self.names.append(name)
            if self.calls == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return watched


def in_child(work: Callable[[], Any]) -> Any:
    """What ``work`` returns in a process of its own; the negative signal where that died."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as pipe:
                json.dump(work(), pipe)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(told) if code == 0 else code


def run(home: Path, at: int) -> list[str]:
    count = Count(at)
    count.watch()
    Core(home).process()
    return count.names


def calm_run(home: Path) -> tuple[list[str], list[tuple[str, str, str]]]:
    """The calls of an undisturbed run, and the statements that it had translated."""
    translated = []
    for module in (embedded, engine):

        def translate(sql: str, read: Any, write: Any) -> str:
            translated.append((sql, read, write))
            return files.translate(sql, read, write)

        module.translate = translate  # type: ignore[attr-defined]
    return run(home, 0), translated


def main(home: Path, points: int) -> None:
    curation.CHUNK_ROWS = 2
    before = in_child(lambda: published_hashes(Core(home)))
    calm = home.with_name("calm")
    shutil.copytree(home, calm)
    names, translated = in_child(lambda: calm_run(calm))
    for sql, read, write in translated:
        files.translate(sql, read, write)  # remembered, so that no child does it again
    after = in_child(lambda: published_hashes(Core(calm)))
    print(json.dumps({"calls": len(names), "before": before, "after": after}), flush=True)
    chosen = sorted({1 + round(point * (len(names) - 1) / max(1, points - 1)) for point in range(points)})
    for at in chosen:
        attempt = home.with_name(f"attempt-{at}")
        shutil.copytree(home, attempt)
        code = in_child(lambda attempt=attempt, at=at: run(attempt, at))
        found = in_child(lambda attempt=attempt: published_hashes(Core(attempt)))
        in_child(lambda attempt=attempt: run(attempt, 0))
        ended = in_child(lambda attempt=attempt: published_hashes(Core(attempt)))
        shutil.rmtree(attempt)
        print(json.dumps({"at": at, "name": names[at - 1], "code": code, "found": found, "ended": ended}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
