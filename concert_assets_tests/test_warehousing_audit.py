"""The audit and publication: what blocks, who is held for it, and how a hold ends; nothing is published twice."""

from pathlib import Path
from typing import Any

import pytest

from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.warehousing.audit import Verdict
from concert_assets.warehousing.publish import NothingStaged, NotPublishable, judge, publication, publish
from concert_assets.warehousing.staging import curated_state, stage
from concert_assets_tests.support_accounts import recount
from concert_assets_tests.support_core import (
    ARTIST,
    CLEAN,
    CONCERT,
    PROCESSED,
    SALE,
    VENUE,
    Core,
    as_jsonl,
    published_hashes,
    table_hashes,
)

ENGINE = DuckDBEngine()
CANONICAL = ("artists", "venues", "concerts", "ticket_prices", "ticket_sales")


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path, ENGINE)


def artists(good: int, bad: int, prefix: str = "x") -> list[dict[str, Any]]:
    rows = [ARTIST | {"artist_id": f"{prefix}{number}"} for number in range(good)]
    return rows + [ARTIST | {"artist_id": f"{prefix}-bad{number}", "popularity_score": 101} for number in range(bad)]


def broken(verdict: Verdict) -> set[tuple[str, str]]:
    return {(result.table, result.rule) for result in verdict.blocking}


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
    core.deliver("better", artists=[ARTIST | {"artist_id": "a2"}])
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


def test_a_candidate_that_breaks_a_rule_is_not_published(core: Core) -> None:
    """The audit looks at the candidate itself, not only at what resolve says of it."""
    core.deliver("d", **CLEAN)
    core.process()
    before = published_hashes(core)
    core.deliver("e", artists=[ARTIST | {"artist_id": "a2"}])
    core.curate()
    with core.warehouse.session() as session:
        core.stage(session)
        (uri,) = [
            core.store.uri(PROCESSED, item.key)
            for delivery in core.log.deliveries()
            if delivery.name == "e" and (manifest := core.manifest(delivery.entry.content_id))
            for item in manifest.accepted("artists")
        ]
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pq.read_table(uri)
    index = rows.column_names.index("popularity_score")
    pq.write_table(rows.set_column(index, rows.field(index), pa.array([101], rows.field(index).type)), uri)
    with core.warehouse.session() as session:
        verdict = judge(session, "run")
        assert broken(verdict) == {("artists", "popularity_score_range")}
        assert set(verdict.holds) == {2}
        with pytest.raises(NotPublishable, match=r"artists\.popularity_score_range"):
            publish(session, "run")
    assert published_hashes(core) == before


def test_a_lost_row_is_found_by_conservation(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    from concert_assets.warehousing import resolve

    whole = resolve.candidate_statement
    monkeypatch.setattr(resolve, "candidate_statement", lambda table: f"{whole(table)} and f._row_number <> 2")
    core.deliver("d", artists=artists(3, 0))
    core.curate()
    with core.warehouse.session() as session:
        core.stage(session)
        verdict = judge(session, "run")
    assert broken(verdict) == {("artists", "rows_conserved")}
    assert "3 rows in, 2 outcomes" in str(verdict.blocking[0].sample)


def test_publishing_twice_makes_one_publication(core: Core) -> None:
    core.deliver("d", **CLEAN)
    core.curate()
    with core.warehouse.session() as session:
        assert publication(session) is None
        with pytest.raises(NothingStaged):
            publish(session, "run")
        core.stage(session)
        first, second = publish(session, "run"), publish(session, "run")
        assert (first.is_new, second.is_new, first.number, second.number) == (True, False, 1, 1)
        core.stage(session)
        assert not publish(session, "run").is_new
    core.code_version = "code-2"
    _, third = core.process()
    assert third is not None
    assert (third.is_new, third.number, third.position) == (True, 2, 1)


def test_an_older_position_never_overwrites_a_newer_one(core: Core) -> None:
    core.deliver("d", **CLEAN)
    core.deliver("e", artists=[ARTIST | {"artist_id": "a2"}])
    core.process()
    with core.warehouse.session() as session:
        before = table_hashes(session)
        core.stage(session, core.log.entries()[:1])
        assert judge(session, "late").is_passed
        late = publish(session, "late")
        assert (late.is_new, late.position) == (False, 2)
        assert table_hashes(session) == before


def test_what_was_staged_after_the_audit_is_audited_before_it_is_published(core: Core) -> None:
    core.deliver("good", artists=[ARTIST])
    core.curate()
    with core.warehouse.session() as session:
        core.stage(session)
        assert judge(session, "run").is_passed
    core.deliver("bad", artists=artists(0, 25))
    core.curate()
    with core.warehouse.session() as session:
        core.stage(session)
        with pytest.raises(NotPublishable, match="refused_share"):
            publish(session, "run")
        assert publication(session) is None


def test_the_fingerprint_is_that_of_what_is_live_and_of_the_code(core: Core) -> None:
    core.deliver("d", artists=[ARTIST])
    core.deliver("e", venues=[VENUE])
    core.curate()

    def fingerprint(code: str = "code") -> str:
        return curated_state(core.log.entries(), core.manifest, code).fingerprint

    seen = [fingerprint(), fingerprint("other code")]
    assert fingerprint() == seen[0]
    for kind in ("hold", "release", "retraction"):
        core.log.judge(core.delivery("e"), kind, "")  # type: ignore[arg-type]
        seen.append(fingerprint())
    assert len(set(seen)) == len(seen)


def test_staging_takes_effect_whole_or_not_at_all(core: Core) -> None:
    core.deliver("d", artists=[ARTIST])
    core.process()
    core.deliver("e", artists=[ARTIST | {"artist_id": "a2"}], venues=[VENUE])
    core.curate()
    state = curated_state(core.log.entries(), core.manifest, "code")
    calls = 0

    def uri(key: str) -> str:
        nonlocal calls
        calls += 1
        if "venues" in key:
            raise RuntimeError("the store is gone")
        return core.store.uri(PROCESSED, key)

    with core.warehouse.session() as session:
        with pytest.raises(RuntimeError, match="the store is gone"):
            stage(session, state, uri)
        assert calls > 1
        assert session.query("select artist_id from concert_dw_staging.artists") == [("a1",)]
        assert session.query("select position from concert_dw_staging.position") == [(1,)]
    assert core.keys("artists") == ["a1"]
