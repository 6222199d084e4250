"""Sales pacing: sold to date against what comparable shows had sold at the same days out, worked out here by hand."""

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from concert_assets_tests.marts_world import AS_OF, Row, artist, day, make, order, show, venue

ASKED = show("next", 30, 40, "scheduled")
# What each of twenty comparable shows sold of a capacity of 100; the half of it at least 30 days before the show.
SOLD = [10 + 4 * number for number in range(20)]


def played(sold: list[int] = SOLD, prefix: str = "c", **other: Any) -> list[Row]:
    return [show(f"{prefix}{number:02d}", -number, tickets, **other) for number, tickets in enumerate(sold)]


def halves(shows: list[Row], tickets: int = 10, days_before: int = 30) -> list[Row]:
    """Two orders a show of so many tickets each: one so many days before it, one on the day before it."""
    return [
        order(item["concert_id"], item["event_date"] - timedelta(days=days), tickets)
        for item in shows
        for days in (days_before, 1)
    ]


def pacing(concerts: list[Row], sales: list[Row], venues: list[Row] | None = None, **other: Any) -> dict[str, Row]:
    rows = make(
        "sales_pacing", artists=[artist()], venues=venues or [venue()], concerts=concerts, ticket_sales=sales, **other
    )
    return {row["concert_id"]: row for row in rows}


def shares(row: Row) -> list[float]:
    return [row[f"comparable_p{level}_share"] for level in (25, 50, 75)]


def test_percentiles_are_those_of_what_the_shows_had_sold_by_then() -> None:
    row = pacing([*played(), ASKED], halves(played()))["next"]
    # Half of 10, 14, … 86 of a hundred: between the fifth and sixth, the tenth and eleventh, the fifteenth and sixteenth.
    assert shares(row) == pytest.approx([0.145, 0.24, 0.335])
    assert (row["comparable_basis"], row["comparable_shows"]) == ("type_and_size", 20)
    assert (row["days_out"], row["event_date"], row["size_class"]) == (30, day(30), "under 500")
    assert (row["tickets_sold"], row["sell_through_share"]) == (40, 0.4)
    assert (row["tickets_ahead"], row["pace"]) == (16, "ahead")


@pytest.mark.parametrize(("sold", "pace"), [(14, "behind"), (15, "on_pace"), (33, "on_pace"), (34, "ahead")])
def test_pace_is_told_from_the_quartiles(sold: int, pace: str) -> None:
    row = pacing([*played(), ASKED | {"tickets_sold": sold}], halves(played()))["next"]
    assert (row["pace"], row["tickets_ahead"]) == (pace, sold - 24)


@pytest.mark.parametrize("tickets", [3, 10, 20])
def test_a_sample_of_the_orders_gives_the_same_as_all(tickets: int) -> None:
    row = pacing([*played(), ASKED], halves(played(), tickets))["next"]
    assert shares(row) == pytest.approx([0.145, 0.24, 0.335])


def test_an_order_on_the_day_itself_is_counted_and_a_later_one_is_not() -> None:
    by_then = [pacing([*played(), ASKED], halves(played(), 10, days))["next"] for days in (31, 30, 29)]
    assert [row["comparable_p50_share"] for row in by_then] == pytest.approx([0.24, 0.24, 0])


def test_a_show_of_its_own_timing_weighs_more_the_more_is_known_of_it() -> None:
    early, late = played(SOLD[:10], "e"), played(SOLD[10:], "l")
    for tickets in (10, 20):
        bought = [order(item["concert_id"], item["event_date"] - timedelta(days=40), tickets) for item in early]
        bought += [order(item["concert_id"], item["event_date"] - timedelta(days=2), tickets) for item in late]
        known = np.array([(tickets + 5) / (tickets + 10)] * 10 + [5 / (tickets + 10)] * 10) * np.array(SOLD) / 100
        row = pacing([*early, *late, ASKED], bought)["next"]
        assert shares(row) == pytest.approx(list(np.percentile(known, [25, 50, 75])))


def test_fallback_is_the_type_then_all_then_nothing() -> None:
    halls = [venue(), venue("big", capacity=900), venue("hall", "hall")]
    few = played(SOLD[:19])
    same_type = [*few, *played([450], "b", venue_id="big")]
    of_all = [*few, *played([50], "h", venue_id="hall")]
    found = [pacing([*shows, ASKED], halves(shows), halls)["next"] for shows in (same_type, of_all, few)]
    assert [(row["comparable_basis"], row["comparable_shows"]) for row in found] == [
        ("type", 20),
        ("all", 20),
        ("none", 0),
    ]
    assert [row["pace"] for row in found] == ["ahead", "ahead", "not_comparable"]
    assert shares(found[2]) == [None] * 3
    assert found[2]["tickets_ahead"] is None


def test_fewer_than_a_hundred_ordered_tickets_tell_of_no_course() -> None:
    enough, thin = halves(played(), 3)[:34], halves(played(), 3)[:33]  # 102 and 99 tickets
    assert pacing([*played(), ASKED], enough)["next"]["comparable_basis"] == "type_and_size"
    assert pacing([*played(), ASKED], thin)["next"]["pace"] == "not_comparable"
    assert pacing([*played(), ASKED], [])["next"]["comparable_shows"] == 0


def test_compared_are_the_latest_shows_that_were_on_sale_and_whose_result_is_known() -> None:
    known = [
        *played(),
        *played([99] * 5, "short", on_sale_date=None) # sold since ever, as far as is known
    ]  # fmt: skip
    known[0]["on_sale_date"] = known[0]["event_date"] - timedelta(days=29)  # not on sale 30 days out
    other = [
        *played([100] * 9, "off", status="cancelled"),
        show("unknown", -3, None),
        show("later", 1, 100),
        *played([100] * 9, "none", venue_id="unsized"),
    ]
    venues = [venue(), venue("unsized", capacity=None)]
    row = pacing([*known, *other, ASKED], halves(known) + halves(other), venues, as_of=AS_OF)["next"]
    assert row["comparable_shows"] == 24
    assert shares(row) == pytest.approx(list(np.percentile([*SOLD[1:], *[99] * 5], [25, 50, 75]) / 200))


def test_the_two_hundred_latest_are_enough() -> None:
    old, new = played([100] * 60, "old"), played([50] * 200, "new")
    for item in old:
        item["event_date"] -= timedelta(days=400)
    row = pacing([*old, *new, ASKED], halves(old + new))["next"]
    assert row["comparable_shows"] == 200
    assert shares(row) == pytest.approx([0.25, 0.25, 0.25])


def test_shows_that_all_sold_out_early_leave_no_room_ahead() -> None:
    shows = played([100] * 20)
    sold_out = [order(item["concert_id"], item["event_date"] - timedelta(days=90), 10) for item in shows]
    rows = pacing([*shows, ASKED, ASKED | {"concert_id": "full", "tickets_sold": 100}], sold_out)
    assert shares(rows["full"]) == [1, 1, 1]
    assert (rows["full"]["pace"], rows["full"]["tickets_ahead"]) == ("on_pace", 0)
    assert (rows["next"]["pace"], rows["next"]["tickets_ahead"]) == ("behind", -60)


def test_what_cannot_be_compared_says_why() -> None:
    asked = [
        ASKED | {"concert_id": "unsized", "venue_id": "unsized"},
        ASKED | {"concert_id": "unsold", "tickets_sold": None},
        ASKED | {"concert_id": "early", "on_sale_date": day(1)},
        ASKED | {"concert_id": "today", "on_sale_date": AS_OF},
        ASKED | {"concert_id": "undated", "on_sale_date": None},
        ASKED | {"concert_id": "untyped", "venue_id": "untyped"},
    ]
    venues = [venue(), venue("unsized", capacity=None), venue("untyped", None)]
    rows = pacing([*played(), *asked], halves(played()), venues)
    assert {name: (row["pace"], row["comparable_basis"]) for name, row in rows.items()} == {
        "unsized": ("not_comparable", "none"),
        "unsold": ("not_comparable", "none"),
        "early": ("not_on_sale", "none"),
        "today": ("ahead", "type_and_size"),
        "undated": ("ahead", "type_and_size"),
        "untyped": ("ahead", "all"),
    }
    assert rows["unsized"]["sell_through_share"] is rows["unsized"]["size_class"] is None


def test_there_is_a_row_for_each_concert_scheduled_on_or_after_the_day_of_the_data() -> None:
    others = [
        show("past", -1, 5, "scheduled"),
        show("now", 0, 5, "scheduled"),
        show("off", 9, 5, "cancelled"),
        show("moved", 9, 5, "postponed"),
    ]
    rows = pacing([*played(), *others, ASKED], halves(played()))
    assert set(rows) == {"now", "next"}
    assert shares(rows["now"]) == pytest.approx([0.29, 0.48, 0.67])  # all that the shows sold


def test_empty_tables_give_no_rows() -> None:
    assert make("sales_pacing") == []
    assert pacing([ASKED], []) == {}  # nothing says which day it is


def test_a_world_of_all_kinds_agrees_with_loops() -> None:
    chance = random.Random(11)
    sizes = (80, 499, 500, 1499, 1500, 4999, 5000, 14999, 15000, 40000)
    venues = [venue(f"v{n}", chance.choice(["club", "hall", None]), sizes[n % 10]) for n in range(12)]
    concerts, sales = [], []
    for number in range(700):
        place = chance.choice(venues)
        on, lead = chance.randint(-900, 60), chance.randint(3, 90)
        sold = chance.randint(0, place["capacity"]) if chance.random() > 0.05 else None
        concerts.append(
            show(f"c{number:03d}", on, sold, "completed" if on <= 0 else "scheduled", venue_id=place["venue_id"],
                 on_sale_date=None if chance.random() < 0.1 else day(on - lead))
        )  # fmt: skip
        sales += [
            order(f"c{number:03d}", day(on - int(lead * chance.random() ** 2)), chance.randint(1, 6))
            for _ in range(chance.choice([0, 1, 3, 8]) if on <= 0 else 2)
        ]
    found = pacing(concerts, sales, venues, as_of=AS_OF)
    expected = _by_loops(concerts, sales, {item["venue_id"]: item for item in venues})
    assert set(found) == set(expected)
    assert len({basis for basis, *_ in expected.values()}) == 4
    for name, (basis, *rest) in expected.items():
        row = found[name]
        assert row["comparable_basis"] == basis, name
        assert [row["comparable_shows"], *shares(row)] == (pytest.approx(rest) if rest else [0, None, None, None])


def _by_loops(concerts: list[Row], sales: list[Row], venues: dict[str, Row]) -> dict[str, list[Any]]:
    def size(item: Row) -> int:
        return sum(venues[item["venue_id"]]["capacity"] >= bound for bound in (500, 1500, 5000, 15000, 40000))

    def lead(item: Row) -> float:
        return (item["event_date"] - item["on_sale_date"]).days if item["on_sale_date"] else np.inf

    done = [item for item in concerts if item["status"] == "completed" and item["tickets_sold"] is not None]
    done.sort(key=lambda item: (-item["event_date"].toordinal(), item["concert_id"]))
    result: dict[str, list[Any]] = {}
    for asked in concerts:
        if asked["status"] != "scheduled":
            continue
        out = (asked["event_date"] - AS_OF).days
        kind = venues[asked["venue_id"]]["venue_type"]
        result[asked["concert_id"]] = ["none"]
        if lead(asked) < out or asked["tickets_sold"] is None:
            continue
        same = [item for item in done if kind and venues[item["venue_id"]]["venue_type"] == kind]
        for basis, members in (
            ("type_and_size", [item for item in same if size(item) == size(asked)]),
            ("type", same),
            ("all", done),
        ):
            shows = [item for item in members[:200] if lead(item) >= out]
            ordered = [[s for s in sales if s["concert_id"] == item["concert_id"]] for item in shows]
            total = [sum(s["quantity"] for s in mine) for mine in ordered]
            by_then = [
                sum(s["quantity"] for s in mine if (item["event_date"] - s["purchase_timestamp"]).days >= out)
                for item, mine in zip(shows, ordered, strict=True)
            ]
            if len(shows) < 20 or sum(total) < 100:
                continue
            pooled = sum(by_then) / sum(total)
            had_sold = [
                item["tickets_sold"] / venues[item["venue_id"]]["capacity"] * (bought + 10 * pooled) / (every + 10)
                for item, bought, every in zip(shows, by_then, total, strict=True)
            ]
            result[asked["concert_id"]] = [basis, len(shows), *np.percentile(had_sold, [25, 50, 75])]
            break
    return result
