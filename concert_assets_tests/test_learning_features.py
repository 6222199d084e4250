"""Features as of their cut-off: right on a world small enough to count by hand, and blind to whatever comes later."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.features import TICKET_SALES, VENUE_POPULARITY, data_sha256, day_number, typed
from concert_assets_tests.learning_world import AS_OF, World, make_world, query, shows, tiny_world

# Beside the features proper, what the model makes features of.
AS_OF_CUT_OFF = {name for name in TICKET_SALES.others if name.startswith("artist_")} | {"paced_tickets"}


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(artists=12, venues=8, concerts=2000)


def test_ticket_sales_features_count_what_was_known_at_the_cut_off() -> None:
    concerts = shows(
        ("old", "a", "v", "2023-01-10 20:00", "2022-12-01", "completed", 40),
        ("near", "a", "w", "2025-03-01 20:00", "2025-01-01", "completed", 200),
        ("gone", "a", "v", "2025-03-05 20:00", "2025-01-01", "cancelled", 5),
        # On the day of the cut-off below: not known yet.
        ("same", "a", "v", "2025-06-01 20:00", None, "completed", 100),
        ("asked", "a", "v", "2025-07-09 20:00", "2025-06-01", "completed", 70),
        # The same city and week, announced before and on the cut-off.
        ("rival", "b", "w", "2025-07-11 20:00", "2025-05-31", "scheduled", 0),
        ("late", "b", "w", "2025-07-07 20:00", "2025-06-01", "completed", 9),
        ("other", "b", "w", "2025-07-06 20:00", "2025-05-01", "completed", 9),
    )
    prices = [("old", "general", 10.0), ("near", "vip", 30.5), ("asked", "vip", 50.25), ("asked", "general", 20.0)]
    table = query(tiny_world(concerts, prices), "ticket_sales")
    rows = table[table["horizon"] == "announcement"].set_index("concert_id")
    asked = rows.loc["asked"]
    assert asked["cutoff_day"] == day_number(date(2025, 6, 1))
    assert (asked["weekday"], asked["event_month"], asked["season"], asked["on_sale_days"]) == (2, 7, 2, 38)
    assert (asked["min_face_value_usd"], asked["mean_face_value_usd"], asked["max_face_value_usd"]) == (
        20,
        35.12,
        50.25,
    )
    assert (asked["artist_past_shows"], asked["artist_past_tickets"]) == (2, 120)
    assert asked["artist_past_sell_through"] == pytest.approx((0.4 + 1) / 2)
    assert asked["artist_year_sell_through"] == pytest.approx(1)
    assert asked["artist_sold_out_share"] == pytest.approx(0.5)
    assert asked["artist_past_price_usd"] == pytest.approx(20.25)
    assert (asked["artist_year_shows"], asked["artist_year_tickets"]) == (1, 200)
    assert asked["artist_year_sold_out_share"] == 1
    assert (asked["venue_past_shows"], asked["venue_year_shows"]) == (1, 0)
    assert asked["venue_past_sell_through"] == pytest.approx(0.4)
    assert np.isnan(asked["venue_year_sell_through"])
    assert asked["city_year_shows"] == 1
    assert asked["type_past_sell_through"] == pytest.approx(0.4)
    assert asked["price_to_type"] == pytest.approx(3.512)
    assert asked["price_to_artist"] == pytest.approx(35.12 / 20.25)
    assert asked["competing_shows"] == 1
    # On the day after, the show announced on the same day competes too; the show itself never does.
    later = table[(table["concert_id"] == "asked") & (table["horizon"] == "30")]
    assert later["competing_shows"].tolist() == [2]
    assert (asked["is_artist_new"], asked["is_venue_new"]) == (0, 0)
    assert (rows.loc["old", "is_artist_new"], rows.loc["old", "is_venue_new"]) == (1, 1)
    unknown = rows.loc["same"]
    assert unknown["cutoff_day"] == day_number(date(2025, 4, 2))
    assert (unknown["is_on_sale_unknown"], unknown["on_sale_days"]) == (1, 60)
    assert "gone" not in rows.index
    # Scheduled once, overdue now: neither a result nor something to forecast.
    assert "rival" not in rows.index


def test_scheduled_shows_are_asked_as_of_today_at_the_latest() -> None:
    concerts = shows(
        ("past", "a", "v", "2025-12-31 20:00", "2025-11-01", "completed", 80),
        ("soon", "a", "v", "2026-01-01 20:00", "2025-11-01", "scheduled", 3),
        ("unannounced", "a", "x", "2026-09-01 20:00", "2026-05-01", "scheduled", None),
    )
    table = query(tiny_world(concerts), "ticket_sales")
    rows = table[table["status"] == "scheduled"].set_index("concert_id")
    assert rows["horizon"].tolist() == ["now", "now"]
    assert (table["cutoff_day"] <= day_number(AS_OF)).all()
    assert rows.loc["unannounced", "cutoff_day"] == day_number(AS_OF)
    assert rows.loc["unannounced", "artist_past_shows"] == 1
    assert rows.loc["unannounced", "competing_shows"] == 0
    assert rows.loc["soon", "artist_past_shows"] == 1
    assert pd.isna(rows.loc["unannounced", "capacity"])


def test_dates_of_the_nineteenth_century_keep_their_weekday() -> None:
    concerts = shows(("first", "a", "v", "1842-12-07", None, "completed", 10))
    rows = query(tiny_world(concerts), "ticket_sales")
    assert len(rows) == 5
    assert set(rows["weekday"]) == {date(1842, 12, 7).weekday()}
    assert set(rows["event_day"]) == {day_number(date(1842, 12, 7))}


def test_horizons_are_asked_after_the_announcement_alone() -> None:
    concerts = shows(
        ("long", "a", "v", "2025-07-09 20:00", "2025-05-01", "completed", 40),
        ("even", "a", "v", "2025-07-09 20:00", "2025-06-09", "completed", 40),
        ("eve", "a", "v", "2025-07-09 20:00", "2025-07-09", "completed", 40),
        ("open", "a", "v", "2025-12-31 20:00", "2025-12-01", "scheduled", 40),
    )
    rows = query(tiny_world(concerts), "ticket_sales")
    asked = rows.groupby("concert_id")["horizon"].agg(set)
    near = {"14", "7", "1"}
    assert asked.to_dict() == {
        "long": {"announcement", "60", "30", *near},
        "even": {"announcement", *near},
        "eve": {"announcement"},
    }
    told = rows[rows["concert_id"] == "long"].set_index("horizon")
    assert told["days_out"].to_dict() == {"announcement": 69, "60": 60, "30": 30, "14": 14, "7": 7, "1": 1}
    assert (told["days_on_sale"] == 69 - told["days_out"]).all()
    assert (rows["event_day"] - rows["days_out"] == rows["cutoff_day"]).all()
    # As of the day of the show itself there is no result yet, and nothing that was completed is asked.
    before = query(tiny_world(concerts), "ticket_sales", date(2025, 7, 9))
    assert before["concert_id"].tolist() == ["open"]


def test_people_go_out_on_the_day_at_the_venue() -> None:
    concerts = shows(
        ("evening", "a", "v", "2025-07-05 01:00", "2025-06-01", "completed", 40),
        ("morning", "b", "v", "2025-06-01 22:00", "2025-06-02", "completed", 40),
    ).assign(has_event_time=True, event_timezone=["America/Chicago", "Australia/Sydney"])
    world = tiny_world(concerts)
    rows = query(replace(world, venues=world.venues.assign(country="US")), "ticket_sales")
    evening = rows[rows["concert_id"] == "evening"].iloc[0]
    assert (evening["weekday"], evening["event_month"], evening["is_holiday"]) == (4, 7, 1)
    assert evening["event_day"] == day_number(date(2025, 7, 5))
    # Put on sale at a date after that of the show in UTC: its own result is still not known.
    morning = rows[rows["concert_id"] == "morning"].iloc[0]
    assert (morning["weekday"], morning["days_out"], morning["artist_past_shows"]) == (0, 0, 0)


def test_holidays_are_those_of_the_country() -> None:
    everywhere = ("2025-01-01", "2024-12-24", "2024-12-25", "2024-12-26", "2024-12-31")
    american = ("2025-05-26", "2025-07-04", "2025-09-01", "2024-11-28")
    neither = ("2025-05-19", "2025-05-27", "2025-09-08", "2024-11-21", "2024-11-29", "2025-01-02")
    days = (*everywhere, *american, *neither)
    concerts = shows(*((day, "a", "v", f"{day} 20:00", None, "completed", 10) for day in days))
    for country, holidays in (("DE", everywhere), ("US", everywhere + american)):
        world = tiny_world(concerts)
        rows = query(replace(world, venues=world.venues.assign(country=country)), "ticket_sales")
        found = rows.groupby("concert_id")["is_holiday"].max()
        assert found.to_dict() == {day: int(day in holidays) for day in days}


def test_venue_score_follows_the_published_formula() -> None:
    before, after = "2024-06-01 20:00", "2025-06-01 20:00"
    concerts = shows(
        ("first", "a", "v", "2021-01-01 20:00", "2020-12-01", "completed", 10),
        ("v1", "a", "v", before, "2024-05-01", "completed", 50),
        ("v2", "b", "v", before, "2024-05-01", "completed", 100),
        ("w1", "a", "w", before, "2024-05-01", "completed", 120),
        ("v3", "a", "v", after, "2025-05-01", "completed", 90),
        ("x1", "a", "x", after, "2024-01-01", "completed", 30),
        ("x2", "a", "x", "2025-07-01 20:00", "2024-12-01", "cancelled", 0),
    )
    rows = query(tiny_world(concerts), "venue_popularity")
    snapshot = AS_OF - timedelta(days=364)
    now = rows[rows["snapshot_day"] == day_number(snapshot)].set_index("venue_id")
    assert now.loc["v", "target_end_day"] == day_number(AS_OF)
    # Last year: v has 2 shows and 1,500 USD, w one and 1,200, x none.
    assert now.loc["v", "year_score"] == pytest.approx(100 * (0.4 * 0.75 + 0.3 + 0.3))
    assert now.loc["w", "year_score"] == pytest.approx(100 * (0.4 * 0.6 + 0.3 * 0.5 + 0.3 * 0.5))
    assert now.loc["x", "year_score"] == pytest.approx(0)
    # The year after: x has a show but no capacity, so no score; v is above w, which has none.
    assert now.loc["v", "target_score"] == pytest.approx(100 * (0.4 * 0.9 + 0.3 + 0.3))
    assert now.loc["w", "target_score"] == pytest.approx(0)
    assert pd.isna(now.loc["x", "target_score"])
    # Both were announced by then; that one was cancelled later was not known.
    assert now.loc["x", "announced_shows"] == 2
    today = rows[rows["snapshot_day"] == day_number(AS_OF)]
    assert sorted(today["venue_id"]) == ["v", "w", "x"]
    assert today["target_score"].isna().all()


def _moved(world: World, day: date) -> World:
    """The same world until ``day``; after it every result is another, shows are cancelled, dropped and repriced."""
    rng = np.random.default_rng(5)
    concerts = world.concerts.copy()
    later = (concerts["event_date"] >= pd.Timestamp(day)).to_numpy()
    capacity = concerts["venue_id"].map(world.venues.set_index("venue_id")["capacity"])
    concerts.loc[later, "tickets_sold"] = (capacity * rng.random(len(concerts))).astype(int)[later]
    concerts.loc[later, "revenue"] = rng.integers(1, 10**6, later.sum())
    turned = later & (concerts["status"] == "completed").to_numpy() & (rng.random(len(concerts)) < 0.3)
    concerts.loc[turned, "status"] = "cancelled"
    # Bookings of a day are seen on it; those of the days after are not.
    after = (pd.to_datetime(concerts["on_sale_date"]) > pd.Timestamp(day)).to_numpy()
    concerts = concerts[~(after & (rng.random(len(concerts)) < 0.5))]
    sales = world.ticket_sales
    is_later_order = sales["purchase_timestamp"] >= pd.Timestamp(day)
    sales = sales.assign(quantity=sales["quantity"].where(~is_later_order, 7 * sales["quantity"] + 1))
    prices = world.ticket_prices
    is_after = (pd.to_datetime(world.concerts["on_sale_date"]) > pd.Timestamp(day)).to_numpy()
    is_later_price = prices["concert_id"].isin(world.concerts["concert_id"][is_after])
    prices = prices.assign(face_value=prices["face_value"].where(~is_later_price, 999.0))
    return replace(world, concerts=concerts, ticket_prices=prices, ticket_sales=sales)


@pytest.mark.parametrize("day", [date(2022, 7, 4), date(2024, 3, 1), AS_OF - timedelta(days=364)])
def test_no_later_fact_enters_the_features(world: World, day: date) -> None:
    for name, features, cutoff, keys in (
        ("ticket_sales", TICKET_SALES, "cutoff_day", ["concert_id", "horizon"]),
        ("venue_popularity", VENUE_POPULARITY, "snapshot_day", ["snapshot_day", "venue_id"]),
    ):
        frames = []
        for each in (world, _moved(world, day)):
            rows = typed(query(each, name), features)
            frames.append(rows[rows[cutoff] <= day_number(day)].set_index(keys))
        shared = frames[0].index.intersection(frames[1].index)
        assert len(shared) >= 8
        before, after = (frame.loc[shared] for frame in frames)
        told = [*features.columns, *(set(features.others) & AS_OF_CUT_OFF)]
        pd.testing.assert_frame_equal(before[told], after[told])
        target = "tickets_sold" if name == "ticket_sales" else "target_score"
        assert (before[target].fillna(-1) != after[target].fillna(-1)).any()


def test_earlier_facts_do_enter_the_features(world: World) -> None:
    day = pd.Timestamp(2024, 3, 1)
    sold = world.concerts["tickets_sold"].where(world.concerts["event_date"] >= day, 1)
    moved = world.with_concerts(tickets_sold=sold)
    for name, features, cutoff in (
        ("ticket_sales", TICKET_SALES, "cutoff_day"),
        ("venue_popularity", VENUE_POPULARITY, "snapshot_day"),
    ):
        before, after = (typed(query(each, name), features) for each in (world, moved))
        later = before[cutoff] >= (day - pd.Timestamp(0)).days
        assert not before[features.columns][later].equals(after[features.columns][later])


def test_typed_rows_do_not_depend_on_order_or_engine_types(world: World) -> None:
    rows = query(world, "ticket_sales")
    other = rows.sample(frac=1, random_state=0).astype(object).where(lambda frame: frame.notna(), None)
    pd.testing.assert_frame_equal(typed(rows, TICKET_SALES), typed(other, TICKET_SALES))
    assert data_sha256(typed(rows, TICKET_SALES)) == data_sha256(typed(other, TICKET_SALES))
    changed = rows.assign(weekday=rows["weekday"].where(rows.index != 3, 6 - rows["weekday"]))
    changed.loc[3, "competing_shows"] += 1
    assert data_sha256(typed(changed, TICKET_SALES)) != data_sha256(typed(rows, TICKET_SALES))
