"""What a venue may expect of the coming year, counted by hand, and the model that forecasts its score from that."""

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from concert_assets.learning.features import VENUE_POPULARITY, day_number, typed
from concert_assets_tests.learning_world import AS_OF, World, make_world, query

SNAPSHOT = AS_OF - timedelta(days=364)


def _world(
    concerts: list[tuple[str, str, str, str, int | None]], capacity: dict[str, tuple[str | None, int | None]]
) -> World:
    """``concerts``: venue, event date, on-sale date, status, tickets sold at 10 USD; ``capacity``: venue -> type, seats."""
    frame = pd.DataFrame(concerts, columns=["venue_id", "event_date", "on_sale_date", "status", "tickets_sold"])
    return World(
        artists=pd.DataFrame({"artist_id": ["a"], "name": ["A"], "primary_genre": ["jazz"], "popularity_score": [50]}),
        venues=pd.DataFrame(
            [(name, name, kind, "Ulm", "DE", seats) for name, (kind, seats) in capacity.items()],
            columns=["venue_id", "name", "venue_type", "city", "country", "capacity"],
        ),
        concerts=frame.assign(
            concert_id=[f"c{number}" for number in range(len(frame))],
            artist_id="a",
            event_date=pd.to_datetime(frame["event_date"]),
            revenue=frame["tickets_sold"] * 10.0,
        ),
        ticket_prices=pd.DataFrame(columns=["concert_id", "ticket_tier", "face_value"]),
    )


def _expected(world: World) -> pd.DataFrame:
    rows = query(world, "venue_popularity")
    return rows[rows["snapshot_day"] == day_number(SNAPSHOT)].set_index("venue_id")


def test_expectations_are_drawn_towards_the_type_as_if_by_two_shows() -> None:
    first = SNAPSHOT - timedelta(days=728)  # two years of history
    concerts = [
        ("v", f"{first} 20:00", "2022-01-01", "completed", 50),
        ("v", "2024-06-01 20:00", "2024-05-01", "completed", 100),
        ("v", "2024-07-01 20:00", "2024-06-01", "completed", 90),
        # Announced before the year in which it was played began.
        ("v", "2024-08-01 20:00", "2023-06-01", "completed", 80),
        ("w", "2025-06-01 20:00", "2024-05-01", "scheduled", 70),
        ("x", "2024-06-01 20:00", "2024-05-01", "completed", 300),
    ]
    rows = _expected(_world(concerts, {"v": ("club", 100), "w": ("club", 200), "x": ("hall", 600)}))
    v, w, x = (rows.loc[name] for name in "vwx")
    # Clubs: 4 shows of 2 venues in 2 years, sell-through 0.8; of the last year's 3 shows 1 was announced before it.
    unannounced = 2 / 3
    assert v["expected_shows"] == pytest.approx(unannounced * (4 + 2) / (2 * (1 + 2 / 2)))
    assert w["expected_shows"] == pytest.approx(1 + unannounced * (0 + 2) / (2 * (1 + 2 / 2)))
    assert v["show_utilisation"] == pytest.approx((320 + 2 * 80) / (400 + 2 * 100))
    assert w["show_utilisation"] == pytest.approx(0.8)
    # A show of w is announced; of v the number of shows is uncertain, and may be none.
    assert w["expected_utilisation"] == pytest.approx(0.8)
    assert v["expected_utilisation"] == pytest.approx(0.8 * (1 - 4 / (2 + v["expected_shows"]) ** 2))
    # The hall's own type: 1 show in 2 years, half full, nothing announced a year ahead.
    assert x["expected_shows"] == pytest.approx((1 + 2) / (2 * (1 + 2 / 1)))
    assert x["show_utilisation"] == pytest.approx(0.5)
    # By revenue a show: x 3,000, w 1,600, v 800 USD; by shows expected: w, v, x.
    assert rows["show_revenue_rank"].to_dict() == {"v": 0, "w": 0.5, "x": 1}
    assert rows["expected_shows_rank"].to_dict() == {"v": 0.5, "w": 1, "x": 0}
    assert rows["expected_revenue_rank"].to_dict() == {"v": 0, "w": 1, "x": 0.5}
    assert w["expected_score"] == pytest.approx(100 * (0.4 * 0.8 + 0.3 + 0.3))


def test_a_venue_of_unknown_type_or_capacity_expects_what_the_others_do() -> None:
    concerts = [
        ("v", "2023-06-01 20:00", "2023-05-01", "completed", 60),
        ("v", "2024-06-01 20:00", "2024-05-01", "completed", 80),
        ("w", "2025-06-01 20:00", "2024-05-01", "scheduled", None),
        ("x", "2025-06-01 20:00", "2024-05-01", "scheduled", None),
    ]
    rows = _expected(_world(concerts, {"v": ("club", 100), "w": (None, 50), "x": ("club", None)}))
    assert rows.loc[["w", "x"], "show_utilisation"].tolist() == [pytest.approx(0.7)] * 2
    assert rows["show_revenue_rank"].to_dict() == {"v": 1, "w": 0.5, "x": 0}
    assert rows["announced_shows"].to_dict() == {"v": 0, "w": 1, "x": 1}


@pytest.mark.parametrize("day", [date(2023, 1, 5), SNAPSHOT])
def test_moving_every_later_fact_leaves_what_is_expected_alone(day: date) -> None:
    """Later shows go to other days and venues, sell something else or are dropped; what was announced keeps its day."""
    world = make_world(artists=12, venues=8, concerts=3000)
    concerts = world.concerts
    later = (concerts["event_date"] >= pd.Timestamp(day)).to_numpy()
    unannounced = (pd.to_datetime(concerts["on_sale_date"]) >= pd.Timestamp(day)).to_numpy()
    moved = concerts.assign(
        venue_id=concerts["venue_id"].where(~unannounced, "v0000"),
        event_date=concerts["event_date"].where(~unannounced, concerts["event_date"] + pd.Timedelta(days=50)),
        tickets_sold=concerts["tickets_sold"].where(~later, 1),
        revenue=concerts["revenue"].where(~later, 10**7),
        status=concerts["status"].where(~later, "cancelled"),
    )
    frames = []
    for each in (concerts, moved):
        rows = typed(query(replace(world, concerts=each), "venue_popularity"), VENUE_POPULARITY)
        frames.append(rows[rows["snapshot_day"] <= day_number(day)].set_index(["snapshot_day", "venue_id"]))
    # Days are counted back from the last snapshot, and history starts with the first show: both are as before.
    before, after = frames
    columns = [*VENUE_POPULARITY.columns, "expected_shows"]
    assert len(before) >= 8
    pd.testing.assert_frame_equal(before[columns], after[columns])
    assert (before["target_score"].fillna(-1) != after["target_score"].fillna(-1)).any()
