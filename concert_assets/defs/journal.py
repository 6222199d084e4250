"""The resource ``journal``: knows which runs are alive, writes the report of one that was killed, and where reports go.

A run holds a lock on a file of its own for as long as its process lives. The system lets go of it however the process
ends, so a lock that can be taken marks a run that died without a word; the next run, however launched, or the next tick
of the sensor ``run_killed`` finds it. Under an executor of a process a step each process of the run holds a file.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock, Timeout
from pydantic import Field, PrivateAttr

from concert_assets.defs.event_log import keep_open
from concert_assets.defs.report_files import PIPELINE_REPORT, write_report_files
from concert_assets.defs.run_facts import run_facts
from concert_assets.defs.watching import Watchers, tell, tell_lineage
from concert_assets.resources.openlineage import OpenLineage
from concert_assets.resources.watch import Watch

# The locks of this process's runs, held until it ends.
_ALIVE: dict[str, FileLock] = {}
# A run that has just begun has no file yet; one whose steps are processes of their own holds none between two of them.
_GRACE_SECONDS = 120.0


class RunJournal(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The runs of one home and their reports."""

    home: str = Field(description="Folder of the home")
    deployment: str = Field(default="embedded", description="Name of the deployment, for the reports")
    aws: dict[str, str] = Field(default={}, description="Who on AWS is told of runs, see Watch; empty for nobody")
    lineage: dict[str, str] = Field(default={}, description="Who is told of lineage, see OpenLineage; empty for nobody")
    _event_log: Any = PrivateAttr(default=())

    @property
    def reports(self) -> Path:
        """The folder of the reports."""
        return Path(self.home) / "reports"

    @property
    def watchers(self) -> Watchers:
        """Who is told of runs."""
        return Watchers(Watch(**self.aws) if self.aws else None, OpenLineage(**self.lineage) if self.lineage else None)

    @property
    def _runs(self) -> Path:
        return Path(self.home) / "runs"

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Mark the run as alive and write the reports of those that are not. Sensors say themselves what they want."""
        run_id = context.run.run_id if context.run else ""
        if run_id and run_id not in _ALIVE:
            self._live(run_id)
        if run_id and context.instance is not None:
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
        buried: list[dg.DagsterRun] = []
        with self._guard():
            files: dict[str, list[Path]] = defaultdict(list)
            for path in sorted(self._runs.glob("*.lock")):
                files[path.name.partition(".")[0]].append(path)
            for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
                # Killed before it came to make its file.
                if time.time() - (record.start_time or 0) > _GRACE_SECONDS:
                    files.setdefault(record.dagster_run.run_id, [])
            for run_id, paths in files.items():
                with ExitStack() as taken:
                    if not _take(paths, taken):
                        continue
                    run = instance.get_run_by_id(run_id)
                    if run is not None and not run.is_finished:
                        if _is_between_steps(instance, run_id):
                            continue
                        instance.report_run_failed(run, "the process of this run ended without a word; it was killed")
                        buried.append(run)
                    for path in paths:
                        path.unlink(missing_ok=True)
        for run in buried:  # no run that starts meanwhile has to wait for who is told
            self.tell_killed(instance, run, warn)
        return [run.run_id for run in buried]

    def alive(self) -> Sequence[str]:
        """The ids of the runs that other processes are at."""
        found = []
        with self._guard():
            for path in sorted(self._runs.glob("*.lock")):
                with ExitStack() as taken:
                    if not _take([path], taken):
                        found.append(path.name.partition(".")[0])
        return sorted(set(found) - set(_ALIVE))

    def _live(self, run_id: str) -> None:
        """Hold a file that says that the run lives: its own, or beside it where another process of the run has that."""
        with self._guard():
            for name in (run_id, f"{run_id}.{os.getpid()}"):
                lock = FileLock(str(self._runs / f"{name}.lock"))
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
                _ALIVE[run_id] = lock
                return

    def _guard(self) -> FileLock:
        """Held while files are made or looked at, for one that is there and not locked yet looks like a dead run's."""
        self._runs.mkdir(parents=True, exist_ok=True)
        return FileLock(str(self._runs / "guard"))

    def tell_killed(self, instance: dg.DagsterInstance, run: dg.DagsterRun, warn: Callable[[str], None]) -> None:
        """Write the report of a run that was killed, as far as it had come."""
        from concert_assets.reporting.build import build_pipeline_report, render_html

        try:
            facts = run_facts(instance, run.run_id, self.deployment, self.home, is_killed=True)
            pipeline = build_pipeline_report(facts, None, generated_at=datetime.now(UTC))
            write_report_files(self.reports, run.run_id, {PIPELINE_REPORT: pipeline}, render_html(pipeline, None))
            tell(instance, run.run_id, self.watchers, pipeline, None, warn)
            tell_lineage(instance, run.run_id, self.watchers, "killed", warn)
        except Exception as error:  # a report of the past must not keep a run from beginning
            warn(f"the report of the killed run {run.run_id} cannot be written: {error}")


def _take(paths: Iterable[Path], taken: ExitStack) -> bool:
    """Take all these locks; False where a process holds one."""
    for path in paths:
        lock = FileLock(str(path))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        taken.callback(lock.release)
    return True


def _is_between_steps(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether the run has processes for its steps and may be about to start the next one."""
    starting = {dg.DagsterEventType.STEP_WORKER_STARTING}
    if not instance.get_records_for_run(run_id, of_type=starting, limit=1).records:
        return False
    (last,) = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    return time.time() - last.timestamp < _GRACE_SECONDS


def _warn(context: dg.InitResourceContext) -> Callable[[str], None]:
    def warn(message: str) -> None:
        if context.log is not None:
            context.log.warning(message)

    return warn
