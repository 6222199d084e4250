"""Runs that a daemon or a web server launched, killed at a point and taken up again by the same: the tables are the same.

A daemon works on one home throughout: what is dropped alternates between two contents, and after each the tables must be
those of a home in which the same was loaded by undisturbed runs. A web server works without a daemon on a home that is
emptied for each point; there is nobody but the person who asks for the run and for its re-execution from failure.
"""

import json
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import dagster as dg

from concert_assets.catalog.analytics import MARTS
from concert_assets.deployment import prepare_home
from concert_assets_tests.support_core import CLEAN, CONCERT, SALE
from concert_assets_tests.support_daemon import Daemon, at_work, daemon
from concert_assets_tests.support_demo import PUBLISHED, log_of, raw_bytes, row_hashes, run
from concert_assets_tests.support_kill_location import FOLDER_SETTING, STATEMENTS

LOCATION = "concert_assets_tests.support_kill_location"
EVENTS = ("STEP_START", "ASSET_MATERIALIZATION", "STEP_SUCCESS")
LOADING = ("raw", "curated", "staging", "quality", "warehouse")
TRAINING = ("model_ticket_sales", "model_venue_popularity")
FOLLOWING = (*(f"mart_{table.name}" for table in MARTS), "ticket_sales_forecast", "venue_ranking", "report")
MART_NAMES = [table.name for table in MARTS]
WORLD = {"artists": 60, "venues": 30, "concerts": 600, "sales": "3000", "defect_rate": 0.03}
AS_COMMAND = [f"--{name.replace('_', '-')}={value}" for name, value in WORLD.items()]


@dataclass
class Kills:
    """The folder of orders to die."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()

    @property
    def settings(self) -> dict[str, str]:
        return {FOLDER_SETTING: str(self.folder)}

    def order(self, point: str) -> None:
        (self.folder / point).touch()

    def is_done(self, point: str) -> bool:
        return not (self.folder / point).exists()

    def statements(self) -> dict[str, str]:
        """The points within the last publication, and the statement before which each is."""
        found = json.loads((self.folder / STATEMENTS).read_text())
        return {f"publish.{number}": statement for number, statement in enumerate(found, 1)}


def boundaries(*steps: str) -> list[str]:
    return [f"{event}.{step}" for step in steps for event in EVENTS]


def _quiet(served: Daemon) -> bool:
    return all(run.is_finished for run in served.instance.get_runs(limit=20))


# By sensor ------------------------------------------------------------------------------------------------------------


def dropped(state: int) -> dict[str, list[dict[str, Any]]]:
    """What is dropped over what was dropped before: each table of each mart changes with it."""
    sale = SALE | {"sale_id": "s2", "quantity": 1 + state, "total_price": f"{11 * (1 + state)}.00"}
    concert = CONCERT | {"revenue": f"{90 + state}.00", "ticket_prices": {"general": 11 + state}}
    return {"ticket_sales": [SALE, sale], "concerts": [concert]}


def of_state(home: Path, names: list[str]) -> Mapping[str, str]:
    # What was replaced stays in the ledger; how often depends on how many drops there were before.
    return row_hashes(home, names, "state = 'live'")


@contextmanager
def sensors(folder: Path) -> Iterator["Sensors"]:
    """A daemon with its sensors on a home into which something was loaded."""
    kills = Kills(folder / "kills")
    calm = folder / "calm"
    run("ingest", "--home", str(calm))  # makes the home
    expected = []
    for drop in (CLEAN, dropped(0), dropped(1)):
        for table, rows in drop.items():
            path = calm / "objects" / "concert-data-raw" / "inbox" / table / f"{table}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        time.sleep(2.5)  # until they have settled
        assert run("ingest", "--home", str(calm)) == 0
        expected.append(of_state(calm, PUBLISHED + MART_NAMES))
    with daemon(folder / "home", location=LOCATION, settings=kills.settings) as served:
        found = Sensors(served, kills, expected[1:])
        found.drop(CLEAN)
        served.wait_for("first tables", lambda: served.made("report/pipeline_report") and _quiet(served))
        yield found


@dataclass
class Sensors:
    """A daemon at work whose runs are killed, and the hashes of the two states that it is brought to in turn."""

    served: Daemon
    kills: Kills
    expected: list[Mapping[str, str]]
    times: int = 0

    def drop(self, tables: Mapping[str, list[dict[str, Any]]]) -> None:
        for table, rows in tables.items():
            self.served.drop(table, f"{table}.jsonl", rows)

    def survive(self, point: str) -> str:
        """Order a kill, drop files, and wait until the tables are as they would be without it; what happened."""
        home = self.served.deployment.home
        expected = self.expected[self.times % 2]
        # Other kills need not wait until marts have followed, the next drop may come before.
        with_marts = point.endswith((*FOLLOWING, f"{EVENTS[-1]}.{LOADING[-1]}"))
        names = PUBLISHED + MART_NAMES if with_marts else PUBLISHED
        wanted = {name: expected[name] for name in names}
        self.served.wait_for("quiet", lambda: _quiet(self.served))
        before = {run.run_id for run in self.served.instance.get_runs()}
        self.kills.order(point)
        self.drop(dropped(self.times % 2))
        self.times += 1
        self.served.wait_for(f"death at {point}", lambda: self.kills.is_done(point))

        def new() -> list[dg.DagsterRun]:
            return [run for run in self.served.instance.get_runs() if run.run_id not in before]

        # Of a run that died when all its steps were done nothing is made again.
        is_done = point in (f"{EVENTS[-1]}.{LOADING[-1]}", f"{EVENTS[-1]}.{FOLLOWING[-1]}")

        def is_taken_up() -> bool:
            killed = {run.run_id for run in new() if run.is_failure}
            again = {run.parent_run_id for run in new() if run.is_success}
            return bool(killed) and (is_done or killed <= again) and _quiet(self.served)

        self.served.wait_for(f"rerun after {point}", is_taken_up)
        if with_marts:
            self.served.wait_for(f"marts after {point}", lambda: of_state(home, names) == wanted)
        assert of_state(home, names) == wanted, point
        (killed,) = [run for run in new() if run.is_failure]
        again = [run for run in new() if run.parent_run_id == killed.run_id]
        assert len(again) == (not is_done), point
        steps = [stats.step_key for run in again for stats in self.served.instance.get_run_step_stats(run.run_id)]
        return f"run {killed.run_id[:8]} killed, the next one made {', '.join(sorted(steps)) or 'nothing'}"


# By UI ----------------------------------------------------------------------------------------------------------------

_SELECTOR = '{repositoryName: "__repository__", repositoryLocationName: "concert_assets", pipelineName: "run_demo"}'
_LAUNCH = f"""mutation($config: RunConfigData!) {{ started: launchRun(executionParams:
    {{selector: {_SELECTOR}, runConfigData: $config}}) {{ __typename ... on LaunchRunSuccess {{ run {{ runId }} }} }} }}"""
_AGAIN = """mutation($run: String!, $strategy: ReexecutionStrategy!) { started: launchRunReexecution(reexecutionParams:
    {parentRunId: $run, strategy: $strategy}) { __typename ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message } } }"""


@contextmanager
def web(folder: Path) -> Iterator["Web"]:
    """A web server alone on a home, and beside it a home of the same world in which nothing was killed."""
    kills = Kills(folder / "kills")
    assert run("demo", *AS_COMMAND, "--home", str(folder / "calm")) == 0
    home = folder / "home"
    (home / "dagster").mkdir(parents=True)
    (home / "dagster" / "dagster.yaml").write_text(  # what is launched starts at once, for there is no daemon
        "telemetry: {enabled: false}\n"
        "run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ("dagster-webserver", "-h", "127.0.0.1", "-p", str(port))
    with at_work(home, *command, location=LOCATION, settings=kills.settings) as served:
        found = Web(served, kills, f"http://127.0.0.1:{port}/graphql", folder / "calm")
        served.wait_for("answer", found.answers)
        yield found


@dataclass
class Web:
    """A web server whose runs are killed."""

    served: Daemon
    kills: Kills
    url: str
    calm: Path

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        with urlopen(Request(self.url, body, {"Content-Type": "application/json"}), timeout=60) as answer:
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def answers(self) -> bool:
        with suppress(URLError, ConnectionError):
            found = self.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }")
            return bool(found["repositoriesOrError"].get("nodes"))
        return False

    def launch(self, query: str, **variables: Any) -> dg.DagsterRun:
        """The run that a mutation launched, at its end."""
        started = self.ask(query, **variables)["started"]
        assert started["__typename"] == "LaunchRunSuccess", started

        def ended() -> dg.DagsterRun | None:
            found = self.served.instance.get_run_by_id(started["run"]["runId"])
            return found if found is not None and found.is_finished else None

        return self.served.wait_for("end of the run", ended)

    def empty(self) -> None:
        """Nothing in the home but Dagster's history."""
        for path in self.served.deployment.home.iterdir():
            if path.name == "dagster":
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        prepare_home(self.served.deployment)

    def undisturbed(self) -> None:
        """Launch a run that nothing happens to."""
        assert self.launch(_LAUNCH, config=json.dumps({"ops": {"raw": {"config": WORLD}}})).is_success

    def survive(self, point: str) -> str:
        """Launch a run that is killed at a point, and re-execute it from failure; what happened."""
        self.empty()
        self.kills.order(point)
        killed = self.launch(_LAUNCH, config=json.dumps({"ops": {"raw": {"config": WORLD}}}))
        assert killed.is_failure, killed.status
        assert self.kills.is_done(point), point
        # Of a run that died when all its steps were done Dagster finds none to make from the failure on.
        strategy = "ALL_STEPS" if point == f"{EVENTS[-1]}.report" else "FROM_FAILURE"
        again = self.launch(_AGAIN, run=killed.run_id, strategy=strategy)
        assert again.is_success, f"{point}: {again.status}"
        home = self.served.deployment.home
        assert raw_bytes(home) == raw_bytes(self.calm), point
        assert row_hashes(home) == row_hashes(self.calm), point
        assert [item.state for item in log_of(home).deliveries()] == ["live"]
        steps = [stats.step_key for stats in self.served.instance.get_run_step_stats(again.run_id)]
        return f"run {killed.run_id[:8]} killed, {again.run_id[:8]} made {', '.join(sorted(steps)) or 'nothing'}"
