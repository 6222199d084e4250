"""Resolve: what becomes of every row once parents, later versions and later deliveries are known."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets_tests.support_accounts import recount
from concert_assets_tests.support_core import ARTIST, CLEAN, CONCERT, SALE, VENUE, Core, another

ENGINE = DuckDBEngine()


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path, ENGINE)


def accounts(core: Core) -> dict[Any, Any]:
    with core.warehouse.session() as session:
        return recount(session, core.log)


def test_a_clean_delivery_is_published_with_its_origin_and_ledger(core: Core) -> None:
    entry = core.deliver("d", **CLEAN)
    core.process()
    assert [core.keys(table) for table in (*CLEAN, "ticket_prices")] == [["a1"], ["v1"], ["c1"], ["s1"], ["c1"]]
    ((object_id, row_number, price),) = core.rows("ticket_sales", "_object_id", "_row_number", "unit_price")
    assert (object_id, row_number, str(price)) == (entry.objects[3].object_id, 1, "11.00")
    assert {sum(counts.values()) for counts in accounts(core).values()} == {2}
    lines = core.rows(
        "load_ledger", "table_name", "delivery", "sequence", "sha256", "size_bytes", "state", "published_position"
    )
    item = entry.objects[0]
    assert ("artists", "d", 1, item.sha256, item.size_bytes, "live", 1) in lines
    assert len(lines) == 5


def test_every_outcome_is_counted_where_its_rows_are(core: Core) -> None:
    core.deliver("first", **CLEAN | {"ticket_sales": [SALE, SALE, SALE | {"sale_id": "s2", "concert_id": "c9"}]})
    core.deliver(
        "second",
        artists=[ARTIST | {"artist_id": "a2", "popularity_score": 101}, ARTIST | {"name": "Older", "updated_at": None}],
        concerts=[CONCERT | {"concert_id": "c2", "tickets_sold": 11, "ticket_prices": {"vip": 20, "lawn": 5}}],
        ticket_sales=[SALE | {"sale_id": "s3", "quantity": 0}, SALE | {"sale_id": "s4"}],
    )
    core.deliver(
        "third",
        venues=[VENUE | {"venue_id": f"x{number}", "capacity": 0} for number in range(30)]
        + [VENUE | {"venue_id": "v2"}],
    )
    core.settle()
    told = accounts(core)
    sums: dict[str, int] = {}
    for counts in told.values():
        for outcome, rows in counts.items():
            sums[outcome] = sums.get(outcome, 0) + rows
    assert sums == {"in": 45, "published": 6, "rejected": 34, "duplicate": 1, "superseded": 1, "pending": 2, "held": 1}
    assert core.outcomes("ticket_sales") == {
        ("first", 1): ("duplicate", "sale_id_unique"),
        ("first", 3): ("pending", "concert_id_exists"),
        ("second", 1): ("rejected", "quantity_range"),
    }
    assert core.outcomes("concerts") == {("second", 1): ("rejected", "tickets_within_capacity")}
    assert core.outcomes("ticket_prices") == {
        ("second", 1): ("pending", "concert_id_exists"),
        ("second", 2): ("rejected", "ticket_tier_allowed"),
    }


def test_orphans_wait_for_their_parents_and_are_then_published(core: Core) -> None:
    core.deliver("sales", ticket_sales=[SALE])
    core.deliver("concerts", concerts=[CONCERT])
    core.process()
    assert core.outcomes("ticket_sales") == {("sales", 1): ("pending", "concert_id_exists")}
    assert core.outcomes("concerts") == {("concerts", 1): ("pending", "artist_id_exists")}
    assert core.keys("ticket_sales") == core.keys("concerts") == core.keys("ticket_prices") == []
    core.deliver("artists", artists=[ARTIST])
    core.process()
    assert core.outcomes("concerts") == {("concerts", 1): ("pending", "venue_id_exists")}
    core.deliver("venues", venues=[VENUE])
    core.process()
    assert core.keys("ticket_sales") == ["s1"]
    assert core.query("select count(*) from concert_dw.row_outcomes") == [(0,)]
    accounts(core)


def test_children_of_a_refused_parent_wait(core: Core) -> None:
    core.deliver("d", **CLEAN | {"artists": [ARTIST | {"name": ""}]})
    core.process()
    assert core.outcomes("concerts") == {("d", 1): ("pending", "artist_id_exists")}
    assert core.outcomes("ticket_sales") == {("d", 1): ("pending", "concert_id_exists")}
    assert core.outcomes("ticket_prices") == {("d", 1): ("pending", "concert_id_exists")}


def versions(*stamps: str | None) -> list[dict[str, Any]]:
    return [ARTIST | {"name": f"row {number}", "updated_at": stamp} for number, stamp in enumerate(stamps, start=1)]


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (("2024-01-02", "2024-01-01"), (), "row 1 of first"),
        (("2024-01-02",), ("2024-01-01",), "row 1 of first"),
        (("2024-01-02",), ("2024-01-02",), "row 1 of second"),
        (("2024-01-02T00:00:00Z", "2024-01-02"), (), "row 2 of first"),
        ((None,), (None,), "row 1 of second"),
        (("1999-01-01",), (None,), "row 1 of first"),
        (("2024-01-02T01:00:00+02:00", "2024-01-01T22:59:59Z"), (), "row 1 of first"),
        (("2024-01-01", "2024-01-01", "2024-01-01"), ("2023-01-01", "2024-01-01", "2023-01-01"), "row 2 of second"),
    ],
)
def test_the_newest_version_wins(core: Core, first: tuple[Any, ...], second: tuple[Any, ...], winner: str) -> None:
    for delivery, stamps in (("first", first), ("second", second)):
        if stamps:
            core.deliver(
                delivery, artists=[row | {"name": f"{row['name']} of {delivery}"} for row in versions(*stamps)]
            )
    core.process()
    assert core.rows("artists", "name") == [(winner,)]
    lost = core.query("select outcome, rule, winner_row_number from concert_dw.row_outcomes")
    assert set(lost) == {("superseded", "newest_wins", int(winner.split()[1]))}
    assert len(lost) == len(first) + len(second) - 1
    accounts(core)


def test_a_row_that_says_the_same_is_a_duplicate_and_points_at_the_winner(core: Core) -> None:
    entry = core.deliver("d", artists=[ARTIST, ARTIST | {"name": "Else"}, ARTIST])
    core.process()
    assert core.outcomes("artists") == {
        ("d", 1): ("duplicate", "artist_id_unique"),
        ("d", 2): ("superseded", "newest_wins"),
    }
    assert core.query("select distinct winner_object_id, winner_row_number from concert_dw.row_outcomes") == [
        (entry.objects[0].object_id, 3)
    ]


def test_an_empty_value_and_none_are_told_apart_from_any_other(core: Core) -> None:
    core.deliver("d", artists=[ARTIST | {"primary_genre": None}, ARTIST | {"primary_genre": "rock"}])
    core.process()
    assert core.outcomes("artists") == {("d", 1): ("superseded", "newest_wins")}


def test_a_version_that_is_refused_does_not_win(core: Core) -> None:
    newer = CONCERT | {"tickets_sold": 11, "updated_at": "2025-01-01"}
    core.deliver("d", **CLEAN | {"concerts": [CONCERT | {"updated_at": "2024-01-01"}, newer]})
    core.process()
    assert core.rows("concerts", "tickets_sold") == [(8,)]
    assert core.outcomes("concerts") == {("d", 2): ("rejected", "tickets_within_capacity")}


def test_retracting_the_winner_brings_the_loser_back(core: Core) -> None:
    core.deliver("old", **CLEAN)
    core.deliver("new", artists=[ARTIST | {"name": "Newer"}])
    core.process()
    assert core.rows("artists", "name") == [("Newer",)]
    core.log.judge(core.delivery("new"), "retraction", "")
    core.process()
    assert core.rows("artists", "name") == [("Ada",)]
    assert core.query("select count(*) from concert_dw.row_outcomes") == [(0,)]
    states = core.query(
        "select delivery, state, rows_published from concert_dw.load_ledger where table_name = 'artists'"
    )
    assert sorted(states) == [("new", "retracted", 0), ("old", "live", 1)]
    accounts(core)


def test_a_smaller_replacement_takes_the_other_rows_away(core: Core) -> None:
    core.deliver("d", artists=[ARTIST, another("a2"), another("a3")])
    core.process()
    core.deliver("d", artists=[another("a2")])
    core.process()
    assert core.keys("artists") == ["a2"]
    accounts(core)
    core.deliver("d", venues=[VENUE])
    core.process()
    assert core.keys("artists") == []
    assert core.keys("venues") == ["v1"]


def test_the_same_delivery_again_changes_nothing(core: Core) -> None:
    core.deliver("d", **CLEAN)
    _, first = core.process()
    core.deliver("d", **CLEAN)
    _, second = core.process()
    assert first is not None
    assert second is not None
    assert (first.is_new, second.is_new, second.number) == (True, False, first.number)


def test_a_local_time_is_told_in_the_zone_of_its_venue(core: Core) -> None:
    concerts = [
        CONCERT | {"concert_id": "local", "event_date": "2024-05-01T20:00:00"},
        CONCERT | {"concert_id": "winter", "event_date": "2024-01-15 20:00", "on_sale_date": None},
        CONCERT | {"concert_id": "offset", "event_date": "2024-05-01T20:00:00-04:00"},
        CONCERT | {"concert_id": "day", "event_date": "2024-05-01"},
        CONCERT | {"concert_id": "nowhere", "event_date": "2024-05-01T20:00:00", "venue_id": "v2"},
    ]
    venues = [VENUE, VENUE | {"venue_id": "v2", "timezone": None}]
    core.deliver("d", artists=[ARTIST], venues=venues, concerts=concerts)
    core.process()
    assert core.rows("concerts", "concert_id", "event_date", "has_event_time", "event_timezone") == [
        ("day", datetime(2024, 5, 1), False, "America/New_York"),
        ("local", datetime(2024, 5, 2), True, "America/New_York"),
        ("nowhere", datetime(2024, 5, 1, 20), True, None),
        ("offset", datetime(2024, 5, 2), True, "America/New_York"),
        ("winter", datetime(2024, 1, 16, 1), True, "America/New_York"),
    ]


def test_tickets_go_on_sale_no_later_than_the_day_of_the_concert_at_the_venue(core: Core) -> None:
    days = {"sound": "2024-05-01", "late": "2024-05-02"}  # the show begins on 1 May in New York and on 2 May in UTC
    concerts = [
        CONCERT | {"concert_id": name, "event_date": "2024-05-02T00:30:00Z", "on_sale_date": day}
        for name, day in days.items()
    ]
    core.deliver("d", artists=[ARTIST], venues=[VENUE], concerts=concerts)
    core.process()
    assert core.keys("concerts") == ["sound"]
    assert core.outcomes("concerts") == {("d", 2): ("rejected", "on_sale_before_show")}


def test_a_completed_concert_lies_in_the_past(core: Core) -> None:
    statuses = {"c1": "completed", "c2": "scheduled"}
    concerts = [
        CONCERT | {"concert_id": name, "status": status, "event_date": "2999-01-01"}
        for name, status in statuses.items()
    ]
    core.deliver("d", artists=[ARTIST], venues=[VENUE], concerts=concerts)
    core.process()
    assert core.keys("concerts") == ["c2"]
    assert core.outcomes("concerts") == {("d", 1): ("rejected", "completed_in_the_past")}


@pytest.mark.parametrize(
    ("event_date", "accepted", "refused"),
    [
        ("2024-05-01T20:00:00Z", ["2024-05-01T19:59:00Z", "2024-05-01T15:59:00", "2024-05-01"], ["2024-05-01T20:00:00Z", "2024-05-01T16:00:00"]),
        ("2024-05-01T20:00:00", ["2024-05-01T23:59:59Z", "2024-05-01T19:59:59"], ["2024-05-02T00:00:00Z", "2024-05-01T20:00:00", "2024-05-02"]),
        ("2024-05-01", ["2024-05-02T11:59:59Z", "2024-05-01T23:59:59", "2024-05-02"], ["2024-05-02T12:00:00Z", "2024-05-03"]),
    ],
)  # fmt: skip
def test_a_ticket_is_bought_before_the_show(
    core: Core, event_date: str, accepted: list[str], refused: list[str]
) -> None:
    sales = [
        SALE | {"sale_id": moment, "quantity": 1, "total_price": "11.00", "purchase_timestamp": moment}
        for moment in accepted + refused
    ]
    core.deliver("d", **CLEAN | {"concerts": [CONCERT | {"event_date": event_date}], "ticket_sales": sales})
    core.process()
    assert core.keys("ticket_sales") == sorted(accepted)
    numbers = range(len(accepted) + 1, len(sales) + 1)
    assert core.outcomes("ticket_sales") == {("d", number): ("rejected", "purchase_before_show") for number in numbers}


def test_hostile_text_is_stored_as_text(core: Core) -> None:
    names = [
        "'; drop table concert_dw.artists; --",
        '"quoted"',
        ":run_id",
        "{braces}",
        "%s",
        "🎻" * 16,
        "a\\'b",
        "$1",
        "null",
    ]
    core.deliver("it's; --", artists=[ARTIST | {"artist_id": name, "name": name} for name in names])
    core.process()
    assert core.keys("artists") == sorted(names)
    assert core.rows("artists", "name") == sorted(((name,) for name in names), key=repr)
    assert core.query("select distinct delivery from concert_dw.load_ledger") == [("it's; --",)]


def test_a_state_is_published_only_as_far_as_it_is_curated(core: Core) -> None:
    for number in (1, 2, 3):
        core.deliver(f"d{number}", artists=[another(f"a{number}")])
    core.curate(1, 3)
    with core.warehouse.session() as session:
        core.stage(session)
        assert session.query("select position from concert_dw_staging.position") == [(1,)]
        assert session.query("select artist_id from concert_dw_staging.artists") == [("a1",)]
    core.process()
    assert core.keys("artists") == ["a1", "a2", "a3"]
