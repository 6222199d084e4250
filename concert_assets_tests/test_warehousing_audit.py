"""The audit: what blocks, who is held for it, how a hold ends, and what is told of it."""

from pathlib import Path
from typing import Any

import pytest

from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets_tests.support_accounts import recount
from concert_assets_tests.support_core import (
    ARTIST,
    CLEAN,
    CONCERT,
    SALE,
    VENUE,
    Core,
    another,
    artists,
    as_jsonl,
    broken,
    published_hashes,
)

ENGINE = DuckDBEngine()
CANONICAL = ("artists", "venues", "concerts", "ticket_prices", "ticket_sales")


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path, ENGINE)


def states(core: Core) -> dict[str, str]:
    return {item.name: item.state for item in core.log.deliveries()}


@pytest.mark.parametrize(
    ("good", "bad", "is_held"),
    [(0, 19, False), (0, 20, True), (60, 20, False), (59, 20, True), (76, 25, False), (0, 200, True)],
)
def test_a_delivery_that_is_mostly_refused_is_held(core: Core, good: int, bad: int, is_held: bool) -> None:
    core.deliver("d", artists=artists(good, bad), venues=[VENUE])
    verdict, made = core.process(must_pass=False)
    assert broken(verdict) == ({("artists", "refused_share")} if is_held else set())
    assert states(core) == {"d": "held" if is_held else "live"}
    assert (made is None) == is_held


def test_a_held_delivery_changes_nothing_and_the_next_good_one_is_published(core: Core) -> None:
    core.deliver("good", **CLEAN)
    core.process()
    before = published_hashes(core)
    core.deliver("bad", artists=artists(10, 30), venues=[VENUE | {"name": "New name"}])
    verdict, made = core.process(must_pass=False)
    assert made is None
    assert set(verdict.holds) == {2}
    assert published_hashes(core) == before
    core.deliver("better", artists=[another("a2")])
    core.process()
    assert core.keys("artists") == ["a1", "a2"]
    assert core.rows("venues", "name") == [("Hall",)]
    held = core.query("select outcome, count(*) from concert_dw.row_outcomes group by outcome order by outcome")
    assert held == [("held", 11), ("rejected", 30)]
    ((note,),) = core.query(
        "select distinct note from concert_dw.load_ledger where state = 'held' and table_name = 'artists'"
    )
    assert "25% of the rows of a delivery are refused" in note
    with core.warehouse.session() as session:
        recount(session, core.log)


def test_a_release_publishes_what_was_held_and_keeps_it_in_sight(core: Core) -> None:
    core.deliver("bad", artists=artists(10, 30))
    core.process(must_pass=False)
    core.log.judge(core.delivery("bad"), "release", "looked at it")
    verdict, made = core.process()
    assert made is not None
    assert made.is_new
    assert len(core.keys("artists")) == 10
    (result,) = [item for item in verdict.results if item.rule == "refused_share" and not item.is_passed]
    assert (result.table, result.severity, result.failing_rows) == ("artists", "warning", 30)
    assert states(core) == {"bad": "live"}
    core.process()
    assert states(core) == {"bad": "live"}, "a released delivery is not held again"


def test_a_retraction_ends_a_hold(core: Core) -> None:
    core.deliver("good", **CLEAN)
    core.process()
    core.deliver("bad", artists=artists(10, 30))
    core.process(must_pass=False)
    core.log.judge(core.delivery("bad"), "retraction", "")
    core.process()
    assert core.keys("artists") == ["a1"]
    assert core.query("select count(*) from concert_dw.row_outcomes") == [(0,)]


def test_a_corrected_delivery_of_the_name_takes_the_place_of_the_held_one(core: Core) -> None:
    core.deliver("d", artists=artists(10, 30))
    core.process(must_pass=False)
    core.deliver("d", artists=artists(40, 0))
    core.process()
    assert len(core.keys("artists")) == 40
    assert [item.state for item in core.log.deliveries()] == ["replaced", "live"]


def test_a_held_replacement_leaves_the_earlier_delivery_published_also_where_they_share_an_object(core: Core) -> None:
    shared = core.put("d", "artists", as_jsonl([ARTIST, ARTIST | {"artist_id": "a2", "popularity_score": 101}]))
    core.log.deliver("d", [shared], source="test")
    core.process()
    worse = core.put(
        "d", "venues", as_jsonl([VENUE | {"venue_id": f"v{number}", "capacity": 0} for number in range(30)])
    )
    core.log.deliver("d", [shared, worse], source="test")
    core.process(must_pass=False)
    assert [item.state for item in core.log.deliveries()] == ["live", "held"]
    core.process()
    assert core.keys("artists") == ["a1"]
    lines = core.rows("load_ledger", "sequence", "table_name", "state", "rows_published", "rows_rejected")
    assert lines == [(1, "artists", "live", 1, 1), (2, "artists", "replaced", 0, 0), (2, "venues", "held", 0, 30)]
    core.log.judge(core.log.find("2"), "release", "")
    core.process()
    assert core.keys("artists") == ["a1"]
    lines = core.rows("load_ledger", "sequence", "table_name", "state", "rows_published", "rows_rejected")
    assert lines == [(1, "artists", "replaced", 0, 0), (2, "artists", "live", 1, 1), (2, "venues", "live", 0, 30)]


def sales(*tickets: int, prefix: str, status: str = "completed") -> list[dict[str, Any]]:
    return [
        SALE | {"sale_id": f"{prefix}{number}", "quantity": count, "total_price": count * 11, "sale_status": status}
        for number, count in enumerate(tickets)
    ]


def test_orders_for_more_tickets_than_the_venue_admits_hold_the_delivery_that_brought_the_last(core: Core) -> None:
    core.deliver("hall", **CLEAN | {"ticket_sales": sales(5, 5, prefix="first")})
    core.deliver(
        "returned", ticket_sales=sales(5, prefix="r", status="refunded") + sales(3, prefix="b", status="chargeback")
    )
    core.process()
    assert len(core.keys("ticket_sales")) == 4, "just full; refunded and charged back orders take no place"
    core.deliver("late", ticket_sales=sales(1, prefix="late"))
    verdict, made = core.process(must_pass=False)
    assert broken(verdict) == {("ticket_sales", "sales_within_capacity")}
    assert (made, set(verdict.holds)) == (None, {3})
    (result,) = verdict.blocking
    assert "c1" in str(result.sample)
    core.process()
    assert core.outcomes("ticket_sales") == {("late", 1): ("held", "delivery_held")}
    core.log.judge(core.delivery("late"), "release", "standing room")
    core.process()
    assert len(core.keys("ticket_sales")) == 5


def test_several_faulty_deliveries_are_held_at_once_and_the_rest_goes_on(core: Core) -> None:
    core.deliver("good", artists=[ARTIST])
    core.deliver("bad", artists=artists(0, 25, "b"))
    core.deliver("worse", artists=artists(0, 25, "w"), venues=[VENUE])
    core.settle()
    assert states(core) == {"good": "live", "bad": "held", "worse": "held"}
    assert core.keys("artists") == ["a1"]


def test_results_are_kept_for_every_run_and_tell_what_broke(core: Core) -> None:
    core.deliver("d", artists=[*artists(3, 1), ARTIST, ARTIST], concerts=[CONCERT])
    core.process("run-1")
    core.process("run-2")
    core.process("run-2")
    told = core.query(
        "select rule, scope, severity, failing_rows, total_rows, is_passed, score, position, sample "
        "from concert_dw.quality_results where run_id = 'run-1' and table_name = 'artists' and not is_passed"
    )
    by_rule = {row[0]: row[1:] for row in told}
    assert set(by_rule) == {"popularity_score_range", "artist_id_unique", "faultless_rows"}
    assert by_rule["popularity_score_range"][:7] == (
        "delivered",
        "warning",
        1,
        6,
        False,
        pytest.approx(100 * 5 / 6, abs=1e-4),
        1,
    )
    assert "'101' in row 4" in by_rule["popularity_score_range"][7]
    assert by_rule["faultless_rows"][2:4] == (2, 6)
    runs = dict(core.query("select run_id, count(*) from concert_dw.quality_results group by run_id"))
    assert runs["run-1"] == runs["run-2"]
    pending = core.query(
        "select failing_rows from concert_dw.quality_results where rule = 'venue_id_exists' and scope = 'delivered' and run_id = 'run-1'"
    )
    assert pending == [(1,)]


def test_an_emptied_value_is_told_and_takes_nothing_from_the_score_of_rows(core: Core) -> None:
    core.deliver("d", artists=[ARTIST | {"formation_date": "long ago"}])
    core.process()
    told = core.query(
        "select severity, failing_rows, total_rows from concert_dw.quality_results where rule = 'formation_date_readable'"
    )
    assert told == [("warning", 1, 1)]
    assert core.query("select score from concert_dw.quality_results where table_name = 'all'") == [(100.0,)]


def test_an_older_version_that_gives_way_is_no_fault_and_a_repeated_row_is(core: Core) -> None:
    core.deliver("d", artists=[ARTIST, ARTIST | {"name": "Newer"}])
    core.process()
    failing = (
        "select rule, failing_rows from concert_dw.quality_results where not is_passed and run_id = 'run' order by rule"
    )
    assert core.query(failing) == []
    core.deliver("e", artists=[ARTIST | {"name": "Newer"}])
    core.process()
    assert core.query(failing) == [("artist_id_unique", 1), ("faultless_rows", 1), ("faultless_rows", 1)]
