"""The leak check is red where the target is among the features, and green on features that only know the past."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.features import TICKET_SALES, VENUE_POPULARITY, FeatureSet, day_number, typed
from concert_assets.learning.leaks import LeakReport, future_shift, leak_report
from concert_assets_tests.learning_world import AS_OF, World, make_world, query


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(concerts=1200, venues=50, artists=80)


@pytest.fixture(scope="module")
def sales(world: World) -> pd.DataFrame:
    frame = typed(query(world, "ticket_sales"), TICKET_SALES)
    frame = frame[frame["horizon"] == "announcement"]
    is_known = (frame["status"] == "completed") & frame["tickets_sold"].notna() & frame["capacity"].notna()
    return frame[is_known].reset_index(drop=True)


@pytest.fixture(scope="module")
def venues(world: World) -> pd.DataFrame:
    frame = typed(query(world, "venue_popularity"), VENUE_POPULARITY)
    return frame[frame["target_score"].notna()].reset_index(drop=True)


OURS = replace(TICKET_SALES, numbers=("capacity", *TICKET_SALES.numbers))


def report(frame: pd.DataFrame, target: Any, features: FeatureSet, **changes: Any) -> LeakReport:
    is_sales = "concert_id" in frame
    options: dict[str, Any] = {
        "numbers": features.numbers,
        "categories": features.categories,
        "entity": (frame["concert_id"] if is_sales else pd.Series(range(len(frame)))).to_numpy(object),
        "group": np.full(len(frame), "all", dtype=object),
        "cutoff_day": frame["cutoff_day" if is_sales else "snapshot_day"].to_numpy(np.int64),
        "target_end_day": (frame["event_day"] + 1 if is_sales else frame["target_end_day"]).to_numpy(np.int64),
    }
    return leak_report(frame, np.asarray(target, dtype=float), **options | changes)


def share(frame: pd.DataFrame) -> pd.Series:
    return frame["tickets_sold"] / frame["capacity"]


def test_ours_are_green(sales: pd.DataFrame, venues: pd.DataFrame) -> None:
    for found in (
        report(sales, share(sales), OURS),
        report(venues, venues["target_score"], VENUE_POPULARITY),
    ):
        assert found.reasons == ()
        assert found.is_passed
        assert found.linear_r2 is not None
        assert found.shuffled_r2 is not None
        assert -0.3 < found.shuffled_r2 < 0.1
        assert all(value is None or value < 0.95 for value in found.by_feature.values())
    assert 0.3 < max(value for value in report(sales, share(sales), OURS).by_feature.values() if value) < 0.95


def test_the_venue_formula_of_the_descended_system_is_red(world: World) -> None:
    """Its target is 0.4 utilisation + 0.3 revenue + 0.3 bookings of the very columns that it gives its model."""
    shows = world.concerts.merge(world.venues, on="venue_id").query("status == 'completed'")
    quarter = shows.assign(quarter=shows["event_date"].dt.to_period("Q")).groupby(["quarter", "venue_id"])
    frame = quarter.agg(
        utilisation=("tickets_sold", "sum"), offered=("capacity", "sum"), revenue=("revenue", "sum"),
        bookings=("concert_id", "size"), venue_type=("venue_type", "first"), capacity=("capacity", "first"),
    ).reset_index()  # fmt: skip
    frame["utilisation"] /= frame["offered"]
    for name in ("revenue", "bookings"):
        frame[name] = frame.groupby("quarter")[name].rank(pct=True)
    days = (frame["quarter"].dt.end_time - pd.Timestamp(0)).dt.days.to_numpy(np.int64)
    found = leak_report(
        frame,
        (0.4 * frame["utilisation"] + 0.3 * frame["revenue"] + 0.3 * frame["bookings"]).to_numpy(),
        numbers=("utilisation", "revenue", "bookings", "capacity"),
        categories=("venue_type",),
        entity=np.arange(len(frame)).astype(object),
        group=np.full(len(frame), "year", dtype=object),
        cutoff_day=days,
        target_end_day=days,
    )
    assert not found.is_passed
    assert found.linear_r2 == pytest.approx(1)
    assert found.reasons == ("a linear formula of the features explains 100.0% of the target",)


@pytest.mark.parametrize(
    ("name", "leak", "said"),
    [
        ("artist_past_shows", lambda rows: share(rows), "artist_past_shows alone explains"),
        ("artist_past_shows", lambda rows: np.exp(5 * share(rows)), "artist_past_shows alone explains"),
        ("artist_past_shows", lambda rows: (share(rows) + 0.5) % 1, "artist_past_shows alone explains"),
        ("artist_past_shows", lambda rows: share(rows).where(rows.index % 2 == 0), "artist_past_shows alone explains"),
        ("artist_past_shows", lambda rows: rows["tickets_sold"], "linear formula"),
    ],
    ids=["the target", "a curve of it", "no longer monotone", "null in every other row", "in another unit"],
)
def test_the_target_among_the_features_is_red(sales: pd.DataFrame, name: str, leak: Any, said: str) -> None:
    found = report(sales.assign(**{name: leak(sales)}), share(sales), OURS)
    assert any(said in reason for reason in found.reasons), found


def test_a_category_that_tells_the_target_is_red(sales: pd.DataFrame) -> None:
    steps = pd.cut(share(sales), 40).astype(str)
    found = report(sales.assign(primary_genre=steps), share(sales), OURS)
    assert found.reasons[0].startswith("primary_genre alone explains")


def test_rows_of_one_concert_on_both_sides_are_red(sales: pd.DataFrame) -> None:
    """A split that scatters the horizons of a concert lets a model remember it: shuffled targets show it."""
    twice = pd.concat([sales, sales], ignore_index=True)
    rng = np.random.default_rng(0)
    scattered = rng.permutation(len(twice)).astype(np.int64)
    found = report(twice, share(twice), OURS, cutoff_day=scattered, target_end_day=scattered)
    assert [reason[:25] for reason in found.reasons] == ["a fit to shuffled targets"]


def test_groups_are_judged_apart(sales: pd.DataFrame) -> None:
    late = sales.index % 2 == 0
    groups = np.where(late, "7", "announcement").astype(object)
    leaking = sales.assign(venue_past_shows=share(sales).where(late, sales["venue_past_shows"]))
    found = report(leaking, share(sales), OURS, group=groups)
    assert found.reasons
    assert all("(7)" in reason for reason in found.reasons)


def test_a_target_without_variance_is_no_leak(sales: pd.DataFrame) -> None:
    found = report(sales, np.full(len(sales), 0.5), OURS)
    assert found.is_passed
    assert (found.linear_r2, found.shuffled_r2) == (None, None)


def test_a_report_is_plain_and_the_same_twice(sales: pd.DataFrame) -> None:
    one, other = (report(sales, share(sales), OURS) for _ in range(2))
    assert one == other
    plain = one.to_dict()
    assert plain["is_passed"] is True
    assert len(plain["by_feature"]) == 10


def test_a_feature_that_later_facts_move_is_named(sales: pd.DataFrame) -> None:
    day = day_number(AS_OF) - 200
    columns = TICKET_SALES.columns
    moved = sales.assign(tickets_sold=sales["tickets_sold"] + 1)

    def shifted(after: pd.DataFrame) -> Any:
        return future_shift(
            sales,
            after,
            key=["concert_id", "horizon"],
            columns=columns,
            target="tickets_sold",
            cutoff="cutoff_day",
            day=day,
        )

    clean = shifted(moved)
    assert clean.moved == ()
    assert clean.rows == clean.targets_moved == (sales["cutoff_day"] <= day).sum()
    is_early = moved["cutoff_day"] <= day
    wrong = shifted(moved.assign(weekday=moved["weekday"].where(~is_early | (moved.index % 50 != 0), 9)))
    assert wrong.moved == ("weekday",)
    found = report(sales, share(sales), OURS, shift=wrong)
    assert found.reasons == ("facts after the cut-off change weekday",)
    later_alone = shifted(moved.assign(weekday=moved["weekday"].where(is_early, 9)))
    assert later_alone.moved == ()
