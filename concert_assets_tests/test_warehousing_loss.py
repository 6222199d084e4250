"""Nothing is lost unseen: what a delivery does to others, what cannot be read, rows that were stated and did not come."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from concert_assets.deliveries.curated import is_intact, older_manifest
from concert_assets_tests.support_core import ARTIST, CLEAN, CONCERT, PROCESSED, RAW, RULES, SALE, VENUE, Core, as_jsonl


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path)


def many(count: int) -> dict[str, list[dict[str, object]]]:
    """A delivery of as many concerts and sales, each concert at a venue of ten seats."""
    concerts = [CONCERT | {"concert_id": f"c{n}"} for n in range(count)]
    sales = [SALE | {"sale_id": f"s{n}", "concert_id": f"c{n}"} for n in range(count)]
    return {"artists": [ARTIST], "venues": [VENUE], "concerts": concerts, "ticket_sales": sales}


def test_a_parent_that_makes_others_unfit_is_held_and_not_what_it_made_unfit(core: Core) -> None:
    core.deliver("all", **many(60))
    core.process()
    core.deliver("venues", venues=[VENUE | {"capacity": 1, "updated_at": "2025-01-01"}])
    verdict, _ = core.process(must_pass=False)
    assert {r.rule for r in verdict.blocking} >= {"published_rows_kept"}
    assert core.delivery("venues").state == "held"
    assert core.delivery("all").state == "live"
    core.process()
    assert len(core.keys("concerts")) == 60
    assert len(core.keys("ticket_sales")) == 60


def test_a_correction_that_costs_a_few_rows_is_no_accident(core: Core) -> None:
    core.deliver("all", **many(60))
    core.process()
    core.deliver("fix", concerts=[CONCERT | {"concert_id": "c3", "status": "cancelled", "updated_at": "2025-01-01"}])
    core.process()
    assert len(core.keys("concerts")) == 60


def test_a_retraction_of_a_parent_is_meant_and_blocks_nothing(core: Core) -> None:
    core.deliver("parents", artists=[ARTIST], venues=[VENUE])
    core.deliver("children", **{name: rows for name, rows in many(60).items() if name in ("concerts", "ticket_sales")})
    core.process()
    core.log.judge(core.delivery("parents"), "retraction", "")
    core.process()
    assert core.keys("concerts") == []
    assert set(core.outcomes("concerts").values()) == {("pending", "artist_id_exists")}


def test_orders_made_too_many_by_a_smaller_venue_are_not_at_fault(core: Core) -> None:
    core.deliver("all", **CLEAN | {"concerts": [CONCERT | {"tickets_sold": 1, "total_attendance": 1}]})
    core.process()
    core.deliver("venues", venues=[VENUE | {"capacity": 1, "updated_at": "2025-01-01"}])
    verdict, _ = core.process(must_pass=False)
    assert {r.rule for r in verdict.blocking} == {"sales_within_capacity"}
    assert (core.delivery("venues").state, core.delivery("all").state) == ("held", "live")


def test_a_delivery_of_which_nothing_can_be_read_does_not_replace_one_that_could(core: Core) -> None:
    core.deliver("d", artists=[ARTIST])
    core.process()
    core.deliver("d", artists=b'{"name": "without a key"}\n')
    verdict, _ = core.process(must_pass=False)
    assert {r.rule for r in verdict.blocking} == {"objects_readable"}
    core.process()
    assert core.keys("artists") == ["a1"]
    assert core.delivery("d").state == "held"


def test_rows_that_were_stated_and_did_not_come_are_missed(core: Core) -> None:
    stated = replace(core.put("d", "artists", as_jsonl([ARTIST])), rows={"artists": 2})
    core.log.deliver("d", [stated], source="test")
    verdict, _ = core.process(must_pass=False)
    (broken,) = verdict.blocking
    assert (broken.rule, broken.failing_rows) == ("rows_conserved", 1)
    assert "1 rows in, 2 stated" in broken.sample[0]


def test_a_completed_concert_of_the_future_is_refused(core: Core) -> None:
    late = CONCERT | {"concert_id": "c2", "event_date": "2095-01-01T20:00:00Z"}
    core.deliver("d", **CLEAN | {"concerts": [CONCERT, late]})
    core.process()
    assert core.keys("concerts") == ["c1"]
    assert core.outcomes("concerts") == {("d", 2): ("rejected", "completed_in_the_past")}


def test_the_day_tickets_go_on_sale_is_told_at_the_venue(core: Core) -> None:
    tokyo = VENUE | {"timezone": "Asia/Tokyo"}
    morning = CONCERT | {"event_date": "2024-05-10T08:00:00", "on_sale_date": "2024-05-10"}
    after = CONCERT | {"concert_id": "c2", "event_date": "2024-05-10T08:00:00", "on_sale_date": "2024-05-11"}
    core.deliver("d", artists=[ARTIST], venues=[tokyo], concerts=[morning, after])
    core.process()
    assert core.rows("concerts", "concert_id", "event_date") == [("c1", datetime(2024, 5, 9, 23))]
    assert core.outcomes("concerts") == {("d", 2): ("rejected", "on_sale_before_show")}


def test_what_was_curated_is_found_under_older_rules_and_its_bytes_are_known(core: Core) -> None:
    entry = core.deliver("d", **CLEAN)
    assert older_manifest(core.store, PROCESSED, entry.content_id) is None
    made = core.curate_one(entry)
    assert older_manifest(core.store, PROCESSED, entry.content_id) == made
    assert made.rules_version == RULES
    assert is_intact(core.store, PROCESSED, made)
    key = made.files[0].key
    data = core.store.read(PROCESSED, key)
    core.store.write(PROCESSED, key, data[:40] + bytes([data[40] ^ 1]) + data[41:])
    assert core.manifest(entry.content_id) == made  # the size is what it was
    assert not is_intact(core.store, PROCESSED, made)


def test_a_held_delivery_gives_way_to_a_later_held_one_of_its_name(core: Core) -> None:
    bad = [ARTIST | {"artist_id": f"a{n}", "popularity_score": "-1"} for n in range(30)]
    for rows in (bad, [*bad, ARTIST], bad):
        core.deliver("d", artists=rows)
        core.process(must_pass=False)
    assert [item.state for item in core.log.deliveries()] == ["replaced", "replaced", "held"]
    core.deliver("e", artists=[ARTIST])
    core.process()
    assert core.keys("artists") == ["a1"]
    assert list(core.store.list(RAW, "deliveries/d/"))
