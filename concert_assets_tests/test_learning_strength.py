"""What an artist draws, counted by hand: strength, what was to be expected, the surprise, what is fair, and the trend."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.features import day_number
from concert_assets_tests.learning_world import query, shows, tiny_world


def _log(value: float) -> int:
    return math.floor(math.log(value) * 10_000)


CLUB, HALL = _log(100), _log(200)
HISTORY = [
    # 730 days before s3 is announced: it counts among the last two years for the last time.
    ("s1", "a", "v", "2022-12-02 20:00", "2022-11-01", "completed", 40),
    ("r1", "b", "v", "2024-01-01 20:00", "2023-11-01", "completed", 80),
    ("s2", "a", "w", "2024-06-01 20:00", "2024-03-01", "completed", 200),
    ("s3", "a", "v", "2025-02-01 20:00", "2024-12-01", "completed", 60),
    ("gone", "a", "w", "2025-03-05 20:00", "2025-01-01", "cancelled", 5),
    ("asked", "a", "v", "2025-07-09 20:00", "2025-06-01", "completed", 70),
    ("late", "a", "w", "2025-12-09 20:00", "2025-06-02", "completed", 90),
    ("far", "a", "w", "2026-12-09 20:00", "2025-07-02", "scheduled", None),
]
PRICES = [
    ("s1", "general", 10.0),
    ("s1", "vip", 30.0),
    ("r1", "general", 30.0),
    ("s2", "general", 40.0),
    ("s3", "general", 30.0),
    ("asked", "general", 999.0),
]
# A club's show is set beside the prices of the clubs before it: none, then 20, then the mean of 20 and 30.
S1 = _log(40)
R1 = _log(80) + _log(30 / 20)
# Sold out, in the first hall whose price is known.
S2 = _log(200) + 1500
S3 = _log(60) + _log(30 / 25)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return query(tiny_world(shows(*HISTORY), PRICES), "ticket_sales").set_index(["concert_id", "horizon"])


def test_strength_tells_sold_out_houses_and_dear_tickets(rows: pd.DataFrame) -> None:
    asked = rows.loc["asked", "announcement"]
    assert rows.loc[("s2", "announcement"), "artist_strength"] == pytest.approx(S1 / 1e4)
    assert asked["artist_strength"] == pytest.approx((S1 + S2 + S3) / 3e4)
    assert rows.loc[("late", "announcement"), "artist_strength"] == pytest.approx((S1 + S2 + S3) / 3e4)


def test_a_price_tells_no_more_than_a_factor_of_e_to_the_0_6() -> None:
    concerts = [
        ("first", "b", "v", "2024-01-10 20:00", "2023-12-01", "completed", 50),
        ("dear", "a", "v", "2024-03-10 20:00", "2024-02-01", "completed", 50),
        ("cheap", "a", "v", "2024-04-10 20:00", "2024-03-20", "completed", 50),
        ("asked", "a", "w", "2024-07-10 20:00", "2024-06-01", "completed", 50),
    ]
    prices = [("first", "general", 20.0), ("dear", "general", 200.0), ("cheap", "general", 1.0)]
    rows = query(tiny_world(shows(*concerts), prices), "ticket_sales").set_index(["concert_id", "horizon"])
    assert rows.loc[("cheap", "announcement"), "artist_strength"] == pytest.approx((_log(50) + 6000) / 1e4)
    assert rows.loc[("asked", "announcement"), "artist_strength"] == pytest.approx(_log(50) / 1e4)


def test_years_are_taken_back_after_their_days(rows: pd.DataFrame) -> None:
    # s2 was 365 days before the announcement: it counts on that day for the last time; s1 was over two years ago.
    asked = rows.loc["asked"]
    assert (asked.loc["announcement", "artist_year_shows"], asked.loc["30", "artist_year_shows"]) == (2, 1)
    assert asked.loc["announcement", "artist_year_strength"] == pytest.approx((S2 + S3) / 2e4)
    assert asked.loc["30", "artist_year_strength"] == pytest.approx(S3 / 1e4)
    assert asked["artist_two_year_shows"].tolist() == [2] * len(asked)
    assert asked["artist_two_year_strength"].tolist() == pytest.approx([(S2 + S3) / 2e4] * len(asked))
    assert asked["artist_past_shows"].tolist() == [3] * len(asked)


def _surprises() -> dict[str, int]:
    """Strength less what was expected at the announcement: recent shows count 1.5, the rooms booked once at 60 % full."""
    return {
        "s1": S1 - (CLUB - 5000),
        "r1": R1 - (CLUB - 5000),
        "s2": S2 - math.floor((1.5 * S1 + (CLUB + HALL) / 2 - 5000) / 2.5),
        "s3": S3 - math.floor((1.5 * (S1 + S2) + (2 * CLUB + HALL) / 3 - 5000) / 4),
    }


def test_venues_and_cities_are_told_by_their_surprises(rows: pd.DataFrame) -> None:
    surprise, asked = _surprises(), rows.loc["asked", "announcement"]
    in_club = surprise["s1"] + surprise["r1"] + surprise["s3"]
    assert asked["venue_surprise"] == pytest.approx(in_club / 1e4 / (3 + 4))
    assert asked["city_surprise"] == pytest.approx((in_club + surprise["s2"]) / 1e4 / (4 + 10))
    assert rows.loc[("s1", "announcement"), "venue_surprise"] == 0


def test_fair_strength_leaves_the_venue_out(rows: pd.DataFrame) -> None:
    surprise, asked = _surprises(), rows.loc["asked", "announcement"]
    fair_s3 = S3 - math.floor((surprise["s1"] + surprise["r1"]) / (2 + 4))
    fair_r1 = R1 - math.floor(surprise["s1"] / (1 + 4))
    assert asked["artist_fair_strength"] == pytest.approx((S1 + S2 + fair_s3) / 3e4)
    assert asked["artist_two_year_fair_strength"] == pytest.approx((S2 + fair_s3) / 2e4)
    other = [("again", "b", "w", "2025-07-09 20:00", "2025-06-01", "completed", 70)]
    of_b = query(tiny_world(shows(*HISTORY, *other), PRICES), "ticket_sales")
    again = of_b[(of_b["concert_id"] == "again") & (of_b["horizon"] == "announcement")]
    assert again["artist_fair_strength"].tolist() == pytest.approx([fair_r1 / 1e4])


def test_the_trend_is_a_line_drawn_towards_the_level(rows: pd.DataFrame) -> None:
    days = np.array([day_number(day) for day in (date(2022, 12, 2), date(2024, 6, 1), date(2025, 2, 1))])
    strength = np.array([S1, S2, S3]) / 1e4
    away = days - days.mean()
    slope = (away * strength).sum() / ((away**2).sum() + 2 * 365**2)
    expected = strength.mean() + slope * (day_number(date(2025, 7, 9)) - days.mean())
    assert rows.loc[("asked", "announcement"), "artist_strength_trend"] == pytest.approx(expected)
    # One show has no slope; none has no level.
    assert rows.loc[("s2", "announcement"), "artist_strength_trend"] == pytest.approx(S1 / 1e4)
    assert math.isnan(rows.loc[("s1", "announcement"), "artist_strength_trend"])


def test_rooms_are_those_announced_by_then(rows: pd.DataFrame) -> None:
    first, asked = rows.loc["s1", "announcement"], rows.loc["asked"]
    assert (first["artist_announced_shows"], first["artist_room"]) == (1, pytest.approx(CLUB / 1e4))
    # Its own room, and that of the show that was called off later; from the day after, that of the late one too.
    assert asked.loc["announcement", "artist_announced_shows"] == 5
    assert asked.loc["announcement", "artist_room"] == pytest.approx((3 * CLUB + 2 * HALL) / 5e4)
    assert asked.loc["30", "artist_announced_shows"] == 6
    assert asked.loc["7", "artist_announced_shows"] == 7
    assert asked.loc["7", "artist_room"] == pytest.approx((3 * CLUB + 4 * HALL) / 7e4)
