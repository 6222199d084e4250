"""The resource ``journal``: knows which runs are alive, writes the report of one that was killed, and where reports go.

A run holds a lock on a file of its own for as long as its process lives. The system lets go of it however the process
ends, so a lock that can be taken marks a run that died without a word; the next run, however launched, finds it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock, Timeout
from pydantic import Field, PrivateAttr

from concert_assets.defs.event_log import keep_open
from concert_assets.defs.report_files import PIPELINE_REPORT, write_report_files
from concert_assets.defs.run_facts import run_facts

# The locks of this process's runs, held until it ends.
_ALIVE: dict[str, FileLock] = {}


class RunJournal(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The runs of one home and their reports."""

    home: str = Field(description="Folder of the home")
    deployment: str = Field(default="embedded", description="Name of the deployment, for the reports")
    _event_log: Any = PrivateAttr(default=())

    @property
    def reports(self) -> Path:
        """The folder of the reports."""
        return Path(self.home) / "reports"

    @property
    def _runs(self) -> Path:
        return Path(self.home) / "runs"

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Mark the run as alive and write the reports of those that are not."""
        self._runs.mkdir(parents=True, exist_ok=True)
        run_id = context.run.run_id if context.run else ""
        if run_id and run_id not in _ALIVE:
            lock = FileLock(str(self._runs / f"{run_id}.lock"))
            # Taken already: another process of the same run, under a multiprocess executor.
            with suppress(Timeout):
                lock.acquire(timeout=0)
                _ALIVE[run_id] = lock
        if context.instance is not None:
            self._event_log = keep_open(context.instance, run_id)
            self.bury(context.instance, _warn(context))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the event log. The lock stays with the process: the run is not over until its last event is written."""
        for connection in self._event_log:
            connection.close()
        self._event_log = ()

    def bury(self, instance: dg.DagsterInstance, warn: Callable[[str], None]) -> Sequence[str]:
        """Find the runs whose process is gone without an end, mark them as failed and write their reports.

        Returns their ids. A report that cannot be written is told to ``warn`` and keeps nothing else from happening.
        """
        buried = []
        for path in sorted(self._runs.glob("*.lock")):
            lock = FileLock(str(path))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                run = instance.get_run_by_id(path.stem)
                if run is not None and not run.is_finished:
                    self._bury_one(instance, run, warn)
                    buried.append(run.run_id)
                path.unlink(missing_ok=True)
            finally:
                lock.release()
        return buried

    def _bury_one(self, instance: dg.DagsterInstance, run: dg.DagsterRun, warn: Callable[[str], None]) -> None:
        from concert_assets.reporting.build import build_pipeline_report, render_html

        facts = run_facts(instance, run.run_id, self.deployment, self.home, is_killed=True)
        instance.report_run_failed(run, "the process of this run ended without a word; it was killed")
        try:
            pipeline = build_pipeline_report(facts, None, generated_at=datetime.now(UTC))
            write_report_files(self.reports, run.run_id, {PIPELINE_REPORT: pipeline}, render_html(pipeline, None))
        except Exception as error:  # a report of the past must not keep a run from beginning
            warn(f"the report of the killed run {run.run_id} cannot be written: {error}")


def _warn(context: dg.InitResourceContext) -> Callable[[str], None]:
    def warn(message: str) -> None:
        if context.log is not None:
            context.log.warning(message)

    return warn
