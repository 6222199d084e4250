"""What automation asks for: that which was made from other content than there is now, once, and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from concert_assets.defs.automation import WITH_ITS_INPUTS, tables_changed

# Dagster says so of its own use of it in evaluate_automation_conditions.
pytestmark = pytest.mark.filterwarnings("ignore:.*include_sources:dagster.BetaWarning")


class Graph:
    """Two tables with contents of the test's choice, a mart of the first, and a report of the mart and the second."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.contents = {"sales": "1", "venues": "1"}
        self.is_mart_broken = False
        self.amid: Callable[[], None] = lambda: None
        self.cursor: Any = None
        self.defs = dg.Definitions([self._table("sales"), self._table("venues"), *self._downstream()])

    def _table(self, name: str) -> dg.AssetsDefinition:
        @dg.asset(name=name)
        def table() -> dg.MaterializeResult[Any]:
            return dg.MaterializeResult(data_version=dg.DataVersion(self.contents[name]))

        return table

    def _downstream(self) -> list[dg.AssetsDefinition]:
        @dg.asset(deps=["sales"])
        def amid() -> None:
            self.amid()

        @dg.asset(deps=["sales", amid], automation_condition=WITH_ITS_INPUTS, code_version="1")
        def mart() -> None:
            assert not self.is_mart_broken

        @dg.asset(deps=["mart", "venues"], automation_condition=WITH_ITS_INPUTS, code_version="1")
        def report() -> None:
            pass

        return [amid, mart, report]

    def make(self, *names: str, **contents: str) -> None:
        """Make these assets in one run."""
        self.contents |= contents
        job = self.defs.resolve_implicit_global_asset_job_def()
        job.execute_in_process(
            instance=self.instance, asset_selection=[dg.AssetKey(name) for name in names], raise_on_error=False
        )

    def tick(self) -> set[str]:
        """What automation asks for now."""
        found = dg.evaluate_automation_conditions(self.defs, self.instance, cursor=self.cursor)
        self.cursor = found.cursor
        return {name for name in ("mart", "report") if found.get_num_requested(dg.AssetKey(name))}

    def make_all(self) -> None:
        self.make("sales", "venues", "amid", "mart", "report")


@pytest.fixture
def graph() -> Iterator[Graph]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Graph(instance)


def test_nothing_is_asked_for_before_there_is_a_table_and_then_once(graph: Graph) -> None:
    assert graph.tick() == set()
    graph.make("sales", "venues", "amid")
    assert graph.tick() == {"mart", "report"}
    graph.make("mart", "report")
    assert graph.tick() == set()


def test_a_run_that_makes_everything_leaves_nothing_to_ask_for(graph: Graph) -> None:
    graph.tick()
    graph.make_all()
    assert graph.tick() == set()
    graph.make_all()
    assert graph.tick() == set()


def test_a_tick_in_the_middle_of_a_run_does_not_ask_for_what_it_is_about_to_make(graph: Graph) -> None:
    asked: list[set[str]] = []
    graph.amid = lambda: asked.append(graph.tick())
    graph.make_all()
    graph.make("sales", "venues", "amid", "mart", "report", sales="2")
    assert asked == [set(), set()]
    assert graph.tick() == set()


def test_the_same_content_again_asks_for_nothing(graph: Graph) -> None:
    graph.make_all()
    assert graph.tick() == set()
    graph.make("sales", "venues")
    assert graph.tick() == set()


def test_other_content_asks_for_what_is_made_of_it_alone(graph: Graph) -> None:
    graph.make_all()
    assert graph.tick() == set()
    graph.make("sales", "venues", sales="2")
    assert graph.tick() == {"mart", "report"}
    graph.make("mart", "report")
    graph.make("sales", "venues", venues="2")
    assert graph.tick() == {"report"}
    graph.make("report")
    assert graph.tick() == set()


def test_a_change_is_not_forgotten_where_all_happened_between_two_ticks(graph: Graph) -> None:
    graph.make_all()
    assert graph.tick() == set()
    graph.make("mart", "report")  # of the old content
    graph.make("sales", "venues", sales="2")
    assert graph.tick() == {"mart", "report"}
    graph.make("mart", "report")
    graph.make("sales", "venues", sales="3")
    graph.make("mart", "report")  # somebody made them already
    assert graph.tick() == set()


def test_a_change_back_before_anybody_looked_asks_for_nothing(graph: Graph) -> None:
    graph.make_all()
    assert graph.tick() == set()
    graph.make("sales", sales="2")
    graph.make("sales", sales="1")
    assert graph.tick() == set()


def test_what_failed_is_not_tried_at_every_tick_but_when_its_input_was_made_anew(graph: Graph) -> None:
    graph.make_all()
    graph.tick()
    graph.make("sales", sales="2")
    assert graph.tick() == {"mart", "report"}
    graph.is_mart_broken = True
    graph.make("mart", "report")
    assert [graph.tick(), graph.tick()] == [set(), set()]
    graph.make("sales")
    assert graph.tick() == {"mart", "report"}
    graph.is_mart_broken = False
    graph.make("mart", "report")
    assert graph.tick() == set()


def test_automation_runs_without_being_switched_on_and_leaves_models_and_tables_alone() -> None:
    from concert_assets.definitions import defs

    assert tables_changed.default_status is dg.DefaultSensorStatus.RUNNING
    governed = {
        spec.key.path[0]
        for asset in defs.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.specs
        if spec.automation_condition is not None
    }
    assert governed == {"mart", "prediction", "report"}
    graph = defs.resolve_asset_graph()
    selected = tables_changed.asset_selection
    assert selected is not None
    assert {key.path[0] for key in selected.resolve(graph)} == governed
