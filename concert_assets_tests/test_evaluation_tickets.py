"""The ceilings of ticket sales: calibrated, above what is naive, below the oracle, and blind to what comes later."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from concert_assets.evaluation.filtering import NOISE_VARIANCE, popularity_prior
from concert_assets.evaluation.pacing import MEAN_ORDER, Pace, pace
from concert_assets.evaluation.published import known_terms
from concert_assets.evaluation.rooms import rooms
from concert_assets.evaluation.tickets import Ceilings, beliefs, ceilings, forecast_tickets
from concert_assets.learning.metrics import regression_metrics
from concert_assets.simulation.booking import book
from concert_assets.simulation.demand import expected_tickets
from concert_assets_tests.evaluation_world import Home, make_home, questions


def unseen(count: int) -> Pace:
    """No ledger at all."""
    return Pace(np.zeros(count), 0.0, np.zeros(count), np.zeros(count), np.zeros(count))


@dataclass(frozen=True)
class Found:
    """The ceilings of the questions of one horizon, and what came true."""

    actual: np.ndarray
    log_demand: np.ndarray
    naive: np.ndarray
    ceilings: Ceilings


@pytest.fixture(scope="module")
def home() -> Home:
    return make_home()


def found_in(home: Home) -> dict[str, Found]:
    seen, shows = home.seen, home.world.concerts
    asked = questions(seen)
    rows, days = (np.concatenate([pair[place] for pair in asked.values()]) for place in (0, 1))
    both = ceilings(seen, home.sales, home.truth.log_expected_demand, rows, days)
    past = seen.is_held & (seen.event_day < days.min())
    share = seen.sold[past].sum() / seen.capacity[seen.venue[past]].sum()
    found, first = {}, 0
    for horizon, (mine, _) in asked.items():
        part = slice(first, first + len(mine))
        first += len(mine)
        cut = [type(item)(item.mean[part], item.median[part]) for item in (both.oracle, both.knowable)]
        found[horizon] = Found(
            actual=seen.sold[mine],
            log_demand=(shows.log_demand + shows.log_noise)[mine],
            naive=share * seen.capacity[seen.venue[mine]],
            ceilings=Ceilings(*cut, both.belief_mean[part], both.belief_variance[part]),
        )
    return found


@pytest.fixture(scope="module")
def found(home: Home) -> dict[str, Found]:
    return found_in(home)


def r2(actual: np.ndarray, predicted: np.ndarray) -> float:
    return regression_metrics(actual, predicted).r2 or 0.0


def mae(actual: np.ndarray, predicted: np.ndarray) -> float:
    return regression_metrics(actual, predicted).mae


def test_the_knowable_lies_between_the_naive_and_the_oracle(found: dict[str, Found]) -> None:
    for horizon, item in found.items():
        oracle, knowable = item.ceilings.oracle, item.ceilings.knowable
        # noise of the sample: a few hundred shows
        assert r2(item.actual, knowable.mean) < r2(item.actual, oracle.mean) + 0.01, horizon
        assert mae(item.actual, oracle.median) < mae(item.actual, knowable.median) * 1.03, horizon
        assert mae(item.actual, knowable.median) < 0.6 * mae(item.actual, item.naive), horizon
        assert r2(item.actual, knowable.mean) > 0.9, horizon


def test_later_horizons_know_more(found: dict[str, Found]) -> None:
    announced, last = found["announcement"], found["1"]
    assert mae(last.actual, last.ceilings.knowable.median) < 0.9 * mae(
        announced.actual, announced.ceilings.knowable.median
    )


def test_beliefs_are_as_wide_as_they_are_wrong(found: dict[str, Found]) -> None:
    for horizon, item in found.items():
        off = item.log_demand - item.ceilings.belief_mean
        assert (off**2 / item.ceilings.belief_variance).mean() == pytest.approx(1, abs=0.2), horizon
        assert abs(off.mean()) < 0.06, horizon
    assert (found["announcement"].ceilings.belief_variance > NOISE_VARIANCE).all()


def test_the_full_ledger_leaves_little_open() -> None:
    full = found_in(make_home(orders_share=1.0, artists=120, venues=60, concerts=1_200))
    for horizon, least in (("announcement", 0.85), ("60", 0.98), ("7", 0.99), ("1", 0.995)):
        assert r2(full[horizon].actual, full[horizon].ceilings.knowable.mean) > least
    both = full["1"].ceilings
    assert mae(full["1"].actual, both.knowable.median) < 0.03 * full["1"].actual.mean()


def test_without_noise_everything_is_known(home: Home) -> None:
    seen = home.seen
    exact = home.world.concerts.log_demand + home.world.concerts.log_noise
    played = np.flatnonzero(seen.is_held)
    forecast = forecast_tickets(
        exact[played], np.full(len(played), 1e-12), seen.capacity[seen.venue[played]].astype(float), unseen(len(played))
    )
    assert np.abs(forecast.mean - seen.sold[played]).max() <= 1
    assert np.abs(forecast.median - seen.sold[played]).max() <= 1


def test_before_any_sale_the_oracle_is_the_mean_over_the_noise() -> None:
    log_demand, capacity = np.array([5.0, 6.0, 7.0]), np.array([10_000, 400, 300])
    forecast = forecast_tickets(log_demand, np.full(3, NOISE_VARIANCE), capacity.astype(float), unseen(3))
    assert forecast.mean == pytest.approx(expected_tickets(log_demand, capacity), rel=5e-3)
    assert forecast.median == pytest.approx(np.minimum(np.exp(log_demand), capacity), rel=1e-3)
    assert len(forecast_tickets(np.zeros(0), np.zeros(0), np.zeros(0), unseen(0)).mean) == 0


def test_nothing_that_comes_after_the_cut_off_is_used(home: Home) -> None:
    seen = home.seen
    day = int(np.quantile(seen.event_day, 0.6))
    rows = np.flatnonzero((seen.on_sale_day < day) & (seen.event_day > day) & seen.is_held)
    days = np.full(len(rows), day)
    shows, sales = home.concerts.copy(), home.sales.copy()
    later = (shows["event_date"] >= np.datetime64(day, "D")).to_numpy()
    shows.loc[later, "tickets_sold"] = "1"
    shows.loc[later & (np.arange(len(shows)) % 3 == 0), "status"] = "cancelled"
    unannounced = (shows["on_sale_date"] >= np.datetime64(day, "D")).to_numpy()
    shows.loc[unannounced, "venue_id"] = home.venues["venue_id"].iloc[0]
    shows.loc[unannounced, "artist_id"] = home.artists["artist_id"].iloc[0]
    prices = home.prices.copy()
    prices.loc[prices["concert_id"].isin(shows["concert_id"][unannounced]), "face_value"] = 500.0
    sales = sales[sales["purchase_timestamp"] < np.datetime64(day, "D")]
    moved = home.with_frames(concerts=shows, prices=prices, sales=sales)
    assert later.sum() > 500
    assert unannounced.sum() > 300
    assert len(rows) > 50
    truth = home.truth.log_expected_demand
    before, after = (ceilings(one.seen, one.sales, truth, rows, days) for one in (home, moved))
    assert np.array_equal(before.belief_mean, after.belief_mean)
    assert np.array_equal(before.belief_variance, after.belief_variance)
    assert np.array_equal(before.knowable.mean, after.knowable.mean)
    assert np.array_equal(before.oracle.median, after.oracle.median)
    shows.loc[~later, "tickets_sold"] = "1"
    earlier = ceilings(home.with_frames(concerts=shows).seen, home.sales, truth, rows, days)
    assert not np.allclose(before.belief_mean, earlier.belief_mean), "what came before is used"


def test_what_is_published_tells_all_of_demand_but_what_is_hidden(home: Home) -> None:
    seen, shows = home.seen, home.world.concerts
    terms = known_terms(seen)
    hidden = terms.follows * shows.terms.following + shows.terms.momentum + shows.terms.quality
    # face values are rounded to whole dollars, so that the price of a house is known to a percent or two
    assert np.abs(terms.constant + hidden + shows.terms.competition - shows.log_demand).max() < 0.03
    assert seen.years() * home.world.artists.momentum[seen.artist] == pytest.approx(shows.terms.momentum, abs=1e-6)
    without = home.with_frames(prices=home.prices.iloc[:0]).seen
    assert np.isnan(without.price_usd).all()
    open_terms = known_terms(without)
    off = shows.log_demand - open_terms.constant - shows.terms.following - shows.terms.momentum
    off = off - shows.terms.quality - shows.terms.competition
    assert off.std() == pytest.approx(np.sqrt(open_terms.spread.mean()), rel=0.1)


def test_the_prior_of_artists_is_calibrated(home: Home) -> None:
    acts = home.world.artists
    prior = popularity_prior(home.seen.popularity)
    assert ((acts.following - prior.following) ** 2 / prior.following_variance).mean() == pytest.approx(1, abs=0.2)
    assert ((acts.momentum - prior.momentum) ** 2 / prior.momentum_variance).mean() == pytest.approx(1, abs=0.2)
    blind = popularity_prior(np.array([np.nan]))
    assert blind.following_variance[0] == pytest.approx(acts.following.var(), rel=0.2)
    assert blind.momentum_variance[0] == pytest.approx(0.01)


def test_rooms_are_looked_at_as_the_generator_looks(home: Home) -> None:
    acts, places = home.world.artists, home.world.venues
    one = replace(acts, following=np.full(acts.count, 7.0))
    even = replace(places, booking=np.zeros(places.count))
    drawn = book(one, even, 40_000, home.world.settings.as_of, np.random.default_rng(1)).venue
    found = np.bincount(drawn, minlength=places.count) / len(drawn)
    expected = rooms(places.capacity).considered_by(np.array([7.0]), np.ones(1))
    assert expected.sum() == pytest.approx(1)
    assert np.abs(found - expected).sum() < 0.05


def test_orders_come_as_the_pace_expects(home: Home) -> None:
    seen, shows = home.seen, home.world.concerts
    exact = np.exp(shows.log_demand + shows.log_noise)
    asked = questions(seen)
    for horizon, (rows, days) in asked.items():
        sold = pace(seen, home.sales, rows, days)
        assert sold.rate == pytest.approx(0.05, rel=0.1)
        capacity = seen.capacity[seen.venue[rows]]
        come = sold.early * sold.burst + (1 - sold.early) * sold.share * exact[rows] / np.minimum(exact[rows], capacity)
        come = np.where(sold.share * exact[rows] >= capacity, 1.0, np.minimum(come, 1.0))
        expected = sold.rate * come * seen.sold[rows] / MEAN_ORDER
        if horizon == "announcement":
            assert sold.orders.sum() == 0
            continue
        assert sold.orders.sum() == pytest.approx(expected.sum(), rel=0.05), horizon
        many = expected > 2
        assert ((sold.orders - expected)[many] ** 2 / expected[many]).mean() == pytest.approx(1, abs=0.3), horizon


def test_a_world_without_sales_or_past_is_forecast_too(home: Home) -> None:
    nothing = pd.DataFrame({"concert_id": [], "purchase_timestamp": pd.to_datetime([])})
    seen = home.seen
    rows = np.array([int(np.argmin(seen.on_sale_day))])
    found = ceilings(seen, nothing, home.truth.log_expected_demand, rows, seen.on_sale_day[rows])
    assert np.isfinite(found.knowable.mean).all()
    none = np.zeros(0, dtype=np.int64)
    mean, variance, held = beliefs(seen, none, none, none)
    assert (len(mean), len(variance), held) == (0, 0, {})
