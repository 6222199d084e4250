"""Marts on sell-through, price tiers, net revenue and cold starts, worked out here by hand or by loops."""

import random
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from concert_assets_tests.marts_world import AS_OF, Row, artist, day, make, order, show, venue

# --- sell-through

PLACE = {"city": "Ames", "state": "IA", "country": "US"}


def cells(concerts: list[Row], venues: list[Row]) -> dict[tuple[Any, ...], Row]:
    rows = make("sell_through", artists=[artist()], venues=venues, concerts=concerts)
    found = {(row["event_month"], row["venue_type"], row["city"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_sell_through_counts_what_is_known_of_completed_concerts() -> None:
    venues = [venue(**PLACE), venue("w", capacity=300, **PLACE), venue("x", capacity=None, **PLACE)]
    concerts = [
        show("full", -1, 100, revenue=1500),
        show("half", -2, 150, venue_id="w", revenue=2000.5),
        show("none", -3, 0, revenue=None),
        show("unknown", -4, None, revenue=10),
        show("unsized", -5, 70, venue_id="x", revenue=700),
        show("off", -6, 80, "cancelled", revenue=900),
        show("next", 5, 90, "scheduled", revenue=900),
    ]
    ((key, row),) = cells(concerts, venues).items()
    assert key == (date(2025, 6, 1), "club", "Ames")
    assert (row["concerts"], row["concerts_counted"], row["concerts_sold_out"]) == (5, 3, 1)
    assert (row["tickets_sold"], row["capacity_offered"], row["revenue_usd"]) == (250, 500, Decimal("4210.50"))
    assert row["sell_through_share"] == 0.5


def test_a_month_is_that_of_the_evening_at_the_venue() -> None:
    first_night_utc = datetime(2025, 6, 1, 1)  # the last evening of May in Iowa
    concerts = [
        show("timed", 0, 10, event_date=first_night_utc, has_event_time=True, event_timezone="America/Chicago"),
        show("dated", 0, 20, event_date=date(2025, 6, 1), has_event_time=False, event_timezone="America/Chicago"),
        show("zoneless", 0, 40, event_date=first_night_utc, has_event_time=True),
    ]
    found = cells(concerts, [venue()])
    assert {month: row["tickets_sold"] for (month, *_), row in found.items()} == {
        date(2025, 5, 1): 10,
        date(2025, 6, 1): 60,
    }


def test_what_is_not_known_of_a_venue_is_a_cell_of_its_own() -> None:
    venues = [venue("v", city="Ames"), venue("w", None, city=None), venue("x", "hall", None, city="Ames")]
    concerts = [show(name, -number, 50, venue_id=name) for number, name in enumerate("vwx")]
    month = date(2025, 6, 1)
    found = cells(concerts, venues)
    assert set(found) == {(month, "club", "Ames"), (month, None, None), (month, "hall", "Ames")}
    unsized = found[month, "hall", "Ames"]
    assert (unsized["concerts"], unsized["concerts_counted"], unsized["concerts_sold_out"]) == (1, 0, 0)
    assert unsized["tickets_sold"] is unsized["capacity_offered"] is unsized["sell_through_share"] is None


def test_where_all_is_sold_out_the_share_is_one() -> None:
    (row,) = cells([show(f"c{n}", -n, 100) for n in range(7)], [venue()]).values()
    assert (row["sell_through_share"], row["concerts_sold_out"]) == (1, 7)


# --- price tiers


def tiers(**tables: list[Row]) -> dict[tuple[str | None, str | None], Row]:
    venues = [venue(), venue("w", "hall"), venue("x", None)]
    concerts = [show("c", -9, 5), show("d", -8, 5), show("h", -7, 5, "cancelled", venue_id="w")]
    concerts.append(show("u", 3, 5, "scheduled", venue_id="x"))
    rows = make("price_tiers", artists=[artist()], venues=venues, concerts=concerts, **tables)
    return {(row["venue_type"], row["ticket_tier"]): row for row in rows}


def test_price_tiers_are_told_by_venue_type() -> None:
    found = tiers(
        ticket_prices=[
            {"concert_id": "c", "ticket_tier": "vip", "face_value": 100},
            {"concert_id": "d", "ticket_tier": "vip", "face_value": 50.5},
            {"concert_id": "c", "ticket_tier": "general", "face_value": 20},
        ],
        ticket_sales=[
            order("c", day(-10), 2, 110.0, ticket_tier="vip"),
            order("c", day(-10), 1, 95.0, ticket_tier="vip", sale_status="refunded"),
            order("c", day(-10), 5, 20.0, ticket_tier="general"),
            order("d", day(-10), 4, 20.0, ticket_tier="general"),
            order("h", day(-10), 3, 7.5, ticket_tier="general"),
            order("u", day(-10), 1, 9.0),
        ],
    )
    assert set(found) == {("club", "vip"), ("club", "general"), ("hall", "general"), (None, None)}
    vip, general = found["club", "vip"], found["club", "general"]
    assert (vip["concerts_offering"], vip["mean_face_value_usd"], vip["concerts_sold"]) == (2, 75.25, 1)
    assert (vip["orders"], vip["tickets"], vip["gross_revenue_usd"]) == (2, 3, Decimal(315))
    assert vip["mean_ticket_price_usd"] == 105
    assert (vip["tickets_share"], vip["gross_revenue_share"]) == (3 / 12, 315 / 495)
    assert (general["concerts_sold"], general["tickets"], general["tickets_share"]) == (2, 9, 9 / 12)
    hall = found["hall", "general"]
    assert (hall["mean_face_value_usd"], hall["concerts_offering"]) == (None, 0)
    assert (hall["mean_ticket_price_usd"], hall["tickets_share"], hall["gross_revenue_share"]) == (7.5, 1, 1)
    assert found[None, None]["gross_revenue_usd"] == 9


def test_tiers_that_nobody_bought_have_prices_alone() -> None:
    ((key, row),) = tiers(ticket_prices=[{"concert_id": "c", "ticket_tier": "vip", "face_value": 100}]).items()
    assert key == ("club", "vip")
    assert (row["mean_face_value_usd"], row["orders"], row["tickets"], row["gross_revenue_usd"]) == (100, 0, 0, 0)
    assert row["mean_ticket_price_usd"] is row["tickets_share"] is row["gross_revenue_share"] is None


# --- net revenue


def back(status: str, at: date | datetime | None) -> dict[str, Any]:
    return {"sale_status": status, "refunded_at": at}


def test_net_revenue_is_told_by_purchase_and_by_payment() -> None:
    sales = [
        order("c", datetime(2025, 1, 31, 23, 59), 2, 10.0),
        order("c", date(2025, 1, 5), 1, 30.0, **back("refunded", date(2025, 3, 1))),
        order("c", date(2025, 2, 1), 4, 25.25),
        order("c", date(2025, 2, 2), 1, 8.0, **back("chargeback", date(2025, 2, 28))),
        order("c", date(2025, 2, 3), 1, 5.0, **back("refunded", None)),
        # Known though it comes after the last completed concert.
        order("c", date(2025, 2, 3), 1, 2.0, **back("chargeback", date(2025, 9, 9))),
    ]
    concerts = [show("c", 0, 10)]
    rows = make("net_revenue", artists=[artist()], venues=[venue()], concerts=concerts, ticket_sales=sales)
    assert all(row["revenue_month"].day == 1 for row in rows)
    found = {row["revenue_month"].month: list(row.values())[1:] for row in rows}
    assert found == {
        #   orders, tickets, gross, refunded, charged back, net, refunds paid, chargebacks paid, received, undated
        1: [2, 3, 50, 30, 0, 20, 0, 0, 50, 0],
        2: [4, 7, 116, 5, 10, 101, 0, 8, 108, 5],
        3: [0, 0, 0, 0, 0, 0, 30, 0, -30, 0],
        9: [0, 0, 0, 0, 0, 0, 0, 2, -2, 0],
    }


def test_both_views_of_revenue_come_to_the_same() -> None:
    chance = random.Random(3)
    sales = []
    for _ in range(400):
        bought = chance.randint(-500, -1)
        status = chance.choice(["completed", "refunded", "chargeback"])
        at = None if status == "completed" or chance.random() < 0.1 else day(bought + chance.randint(0, 200))
        sales.append(order("c", day(bought), chance.randint(1, 8), chance.choice([9.99, 25.5]), **back(status, at)))
    rows = make("net_revenue", ticket_sales=sales)
    received: dict[date, Decimal] = defaultdict(Decimal)
    for sale in sales:
        price = Decimal(str(round(sale["total_price"], 2)))
        received[sale["purchase_timestamp"].replace(day=1)] += price
        if sale["refunded_at"]:
            received[sale["refunded_at"].replace(day=1)] -= price
    assert {row["revenue_month"]: row["net_received_usd"] for row in rows} == received
    totals = {name: sum(row[name] for row in rows) for name in rows[0] if name.endswith("_usd")}
    assert totals["net_revenue_usd"] == totals["net_received_usd"] - totals["undated_refunds_usd"]
    assert totals["undated_refunds_usd"] > 0


# --- cold starts


def comparables(
    concerts: list[Row], artists: list[Row], venues: list[Row] | None = None, as_of: date | None = AS_OF
) -> dict[str, list[Row]]:
    rows = make("cold_start_comparables", artists=artists, venues=venues or [venue()], concerts=concerts, as_of=as_of)
    found: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda item: (item["concert_id"], item["comparable_rank"])):
        found[row["concert_id"]].append(row)
        assert row["comparable_rank"] == len(found[row["concert_id"]])
    return found


NEW = artist("new", "jazz", 40)
KNOWN = [artist(f"a{n}", "jazz" if n % 2 else "rock", 10 * n) for n in range(8)]
FIRST = show("first", 30, 0, "scheduled", artist_id="new")


def test_the_nearest_artists_stand_with_their_nearest_shows() -> None:
    venues = [venue(), venue("w", capacity=200), venue("h", "hall")]
    concerts = [show(f"c{n}", -n, 5 * n, artist_id=f"a{n}", revenue=50 * n) for n in range(8)]
    concerts += [
        show("twice", -1, 99, artist_id="a4", venue_id="w"),  # farther than c4, which is of the same capacity
        show("hall", -1, 99, artist_id="a5", venue_id="h"),  # another type
        FIRST,
    ]
    rows = comparables(concerts, [NEW, *KNOWN], venues)["first"]
    # Gap in tens of points, and one more where the genre differs: a3 and a5 1, a4 1, a1 and a7 3, a2 and a6 3.
    assert [(row["comparable_artist_id"], row["distance"]) for row in rows] == [
        ("a3", 1),
        ("a4", 1),
        ("a5", 1),
        ("a1", 3),
        ("a2", 3),
    ]
    second = rows[1]
    assert (second["comparable_concert_id"], second["comparable_artist_name"]) == ("c4", "A4")
    assert (second["comparable_event_date"], second["comparable_capacity"]) == (day(-4), 100)
    assert (second["tickets_sold"], second["sell_through_share"], second["revenue_usd"]) == (20, 0.2, 200)
    assert {(row["comparable_basis"], row["event_date"], row["artist_id"]) for row in rows} == {
        ("type_and_size", day(30), "new")
    }


def test_of_two_shows_alike_the_later_stands() -> None:
    concerts = [show(f"{n}{twice}", -n - twice, 1, artist_id=f"a{n}") for n in range(5) for twice in (0, 9)]
    rows = comparables([*concerts, FIRST], [NEW, *KNOWN])["first"]
    assert sorted(row["comparable_concert_id"] for row in rows) == ["00", "10", "20", "30", "40"]


def test_what_is_not_known_weighs_as_far() -> None:
    artists = [artist("new", None, None), *KNOWN[:4], artist("a4", "jazz", None)]
    venues = [venue(), venue("unsized", capacity=None)]
    concerts = [show(f"c{n}", -n, 5, artist_id=f"a{n}") for n in range(5)]
    rows = comparables([*concerts, FIRST | {"venue_id": "unsized"}], artists, venues)["first"]
    assert {(row["distance"], row["comparable_basis"]) for row in rows} == {(2 + 1 + 1, "type")}
    twice = [venue(), venue("w", capacity=250)]
    rows = comparables([*concerts, FIRST | {"venue_id": "w"}], [NEW, *artists[1:]], twice)["first"]
    assert rows[0]["distance"] == pytest.approx(1 + 1.5)  # a3: ten points, two and a half times the capacity


def test_fallback_is_the_type_then_all_shows() -> None:
    venues = [venue(), venue("big", capacity=900), venue("h", "hall")]
    four = [show(f"c{n}", -n, 5, artist_id=f"a{n}") for n in range(4)]
    same_type = [*four, show("c4", -4, 5, artist_id="a4", venue_id="big")]
    other_type = [*four, show("c4", -4, 5, artist_id="a4", venue_id="h")]
    artists = [NEW, *KNOWN]
    found = [comparables([*shows, FIRST], artists, venues)["first"] for shows in (same_type, other_type, four)]
    assert [({row["comparable_basis"] for row in rows}, len(rows)) for rows in found] == [
        ({"type"}, 5),
        ({"all"}, 5),
        ({"all"}, 4),
    ]


def test_cold_are_scheduled_concerts_of_artists_without_a_completed_one() -> None:
    asked = [
        FIRST,
        show("known", 30, 0, "scheduled", artist_id="a1"),
        show("past", -1, 0, "scheduled", artist_id="new"),
        show("off", 30, 0, "cancelled", artist_id="new"),
        show("dropped", -20, 9, "cancelled", artist_id="new"),
        show("after", 20, 9, "completed", artist_id="new"),  # not yet known on the day asked about
        show("unsold", -3, None, artist_id="shy"),
        show("shown", 30, 0, "scheduled", artist_id="shy"),
    ]
    concerts = [show(f"c{n}", -n, 5, artist_id=f"a{n}") for n in range(6)]
    found = comparables([*concerts, *asked], [NEW, artist("shy"), *KNOWN])
    assert set(found) == {"first"}
    assert {row["comparable_artist_id"] for row in found["first"]} <= {f"a{n}" for n in range(6)}


def test_without_shows_to_compare_with_there_are_no_rows() -> None:
    assert comparables([FIRST], [NEW]) == {}
    assert comparables([FIRST], [NEW], as_of=None) == {}


@pytest.mark.parametrize("name", ["sell_through", "price_tiers", "net_revenue", "cold_start_comparables"])
def test_empty_tables_give_no_rows(name: str) -> None:
    assert make(name) == []
