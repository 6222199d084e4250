"""The pace of orders, counted by hand: tickets before the cut-off, the usual pace of the kind of venue, what they come to."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from concert_assets.learning.features import TICKET_SALES, typed
from concert_assets_tests.learning_world import make_world, query, shows, tiny_world

# 40 of 80 tickets are in the ledger: 4, 10, 20, 28 and 32 of them before the days 60, 30, 14, 7 and 1 before the show.
TOLD = ("told", "b", "v", "2025-01-31 20:00", "2024-10-01", "completed", 80)
ORDERS = [
    ("told", "2024-11-20 12:00", 4),
    ("told", "2024-12-02 00:00", 6),
    ("told", "2025-01-16 23:59", 10),
    ("told", "2025-01-20 12:00", 8),
    ("told", "2025-01-29 12:00", 4),
    ("told", "2025-01-30 00:00", 8),
]
ASKED = ("asked", "a", "v", "2025-07-09 20:00", "2025-04-01", "completed", 70)
HORIZONS = ["announcement", "60", "30", "14", "7", "1"]


def _asked(orders: list[tuple[str, str, int]]) -> pd.DataFrame:
    rows = query(tiny_world(shows(TOLD, ASKED), orders=[*ORDERS, *orders]), "ticket_sales")
    return rows[rows["concert_id"] == "asked"].set_index("horizon").loc[HORIZONS]


def test_tickets_to_date_lie_before_the_day_of_the_cut_off() -> None:
    rows = _asked(
        [("asked", "2025-04-01 10:00", 1), ("asked", "2025-06-08 23:59", 2), ("asked", "2025-06-09 00:30", 3)]
    )
    assert rows["ledger_tickets_to_date"].tolist() == [0, 1, 3, 6, 6, 6]


def test_the_usual_pace_is_that_of_the_shows_before() -> None:
    rows = _asked([("asked", "2025-06-08 23:59", 2)])
    assert rows["ledger_share"].tolist() == pytest.approx([0.5] * 6)
    assert rows["pace_share"].tolist() == pytest.approx([0, 0.1, 0.25, 0.5, 0.7, 0.8])
    assert math.isnan(rows["paced_tickets"].iloc[0])
    assert rows["paced_tickets"].tolist()[1:] == pytest.approx(
        [0, *(2 / (0.5 * pace) for pace in (0.25, 0.5, 0.7, 0.8))]
    )


def test_orders_from_the_cut_off_on_do_not_show() -> None:
    before = _asked([("asked", "2025-06-08 23:59", 2)])
    after = _asked([("asked", "2025-06-08 23:59", 2), ("asked", "2025-06-25 00:00", 50)])
    changed = (typed(before.reset_index(), TICKET_SALES) != typed(after.reset_index(), TICKET_SALES)) & (
        typed(before.reset_index(), TICKET_SALES).notna()
    )
    names = changed.columns[changed.any()].tolist()
    assert sorted(names) == ["ledger_tickets_to_date", "paced_tickets"]
    horizons = typed(before.reset_index(), TICKET_SALES).loc[changed.any(axis=1), "horizon"]
    # The cut-off 14 days before the show is the day of that order.
    assert sorted(horizons) == ["1", "7"]


@pytest.mark.parametrize(
    ("event", "on_sale", "share"),
    [
        ("2026-04-01", "2025-12-02", 4 * 30 / 60 / 40),  # 90 days out, 30 of the 60 days before day 60 are over
        ("2026-03-02", "2025-12-02", 4 / 40),
        ("2026-02-15", "2025-10-01", (4 + 6 * 15 / 30) / 40),
        ("2026-01-23", "2025-10-01", (10 + 10 * 8 / 16) / 40),
        ("2026-01-11", "2025-10-01", (20 + 8 * 4 / 7) / 40),
        ("2026-01-05", "2025-10-01", (28 + 4 * 3 / 6) / 40),
        ("2026-01-02", "2025-10-01", 32 / 40),
        ("2026-01-01", "2025-10-01", 32 / 40),
        ("2026-01-23", "2026-01-01", 0),  # on sale today
        ("2026-08-23", "2026-05-01", 0),
    ],
)
def test_the_pace_of_shows_to_come_lies_on_lines_between_the_days(event: str, on_sale: str, share: float) -> None:
    coming = ("soon", "a", "v", f"{event} 20:00", on_sale, "scheduled", None)
    orders = [*ORDERS, ("soon", "2025-12-31 23:59", 3), ("soon", "2026-01-01 00:00", 5)]
    rows = query(tiny_world(shows(TOLD, coming), orders=orders), "ticket_sales")
    (row,) = rows[rows["concert_id"] == "soon"].to_dict("records")
    assert row["horizon"] == "now"
    assert row["ledger_tickets_to_date"] == 3
    assert row["pace_share"] == pytest.approx(share)
    if share > 0:
        assert row["paced_tickets"] == pytest.approx(3 / (0.5 * share))
    else:
        assert math.isnan(row["paced_tickets"])


def test_a_kind_of_venue_without_orders_has_no_pace() -> None:
    (hall,) = (
        query(
            tiny_world(shows(TOLD, ("soon", "a", where, "2026-02-01 20:00", None, "scheduled", 1)), orders=ORDERS),
            "ticket_sales",
        )
        .query("horizon == 'now'")
        .to_dict("records")[0]
        for where in ("w",)
    )
    assert math.isnan(hall["pace_share"])
    assert math.isnan(hall["ledger_share"])
    assert math.isnan(hall["paced_tickets"])
    assert hall["ledger_tickets_to_date"] == 0


def test_a_complete_ledger_has_every_ticket() -> None:
    world = make_world(concerts=200, ledger=1.0)
    rows = query(world, "ticket_sales")
    last = rows[(rows["status"] == "completed") & rows["ledger_share"].notna()]
    assert last["ledger_share"].tolist() == pytest.approx([1.0] * len(last))
    assert (last["ledger_tickets_to_date"] <= last["tickets_sold"]).all()
    none = query(replace(world, ticket_sales=world.ticket_sales.iloc[:0]), "ticket_sales")
    assert (none["ledger_tickets_to_date"] == 0).all()
    assert none[["pace_share", "paced_tickets"]].isna().all().all()
    assert len(none) == len(rows)
