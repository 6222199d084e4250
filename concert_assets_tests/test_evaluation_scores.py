"""The ceilings of venue popularity, and the figures that forecasts are compared by."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concert_assets.evaluation.popularity import YEAR_DAYS, score_ceilings, scores
from concert_assets.evaluation.rooms import rooms
from concert_assets.evaluation.scoring import (
    evaluate_ticket_sales,
    evaluate_venue_popularity,
    ndcg,
    spearman,
)
from concert_assets.evaluation.tickets import beliefs
from concert_assets.evaluation.truth import Truth, TruthMissing, read_truth
from concert_assets.evaluation.weights import artist_weights, venue_weights
from concert_assets.learning.metrics import regression_metrics
from concert_assets.simulation.calendar import day_number
from concert_assets.simulation.truth import write_truth
from concert_assets_tests.evaluation_world import Home, make_home, questions
from concert_assets_tests.learning_world import AS_OF, make_world, query
from concert_assets_tests.simulation_reader import Folder

TODAY = day_number(date(2026, 1, 1))
SNAPSHOT = TODAY - YEAR_DAYS


@pytest.fixture(scope="module")
def home() -> Home:
    return make_home(orders_share=0.01)


def year_scores(home: Home, first: int) -> np.ndarray:
    """The scores of all venues over the year from a day on, by the published concerts."""
    seen = home.seen
    rows = np.flatnonzero(seen.is_held & (seen.event_day >= first) & (seen.event_day < first + YEAR_DAYS))
    venue, sold = seen.venue[rows], seen.sold[rows]
    revenue = home.concerts["revenue"].astype(float).to_numpy()[rows]
    sums = [
        np.bincount(venue, weights=values, minlength=len(seen.capacity))
        for values in (sold, seen.capacity[venue], revenue, np.ones(len(rows)))
    ]
    return scores(*sums)


def judged_venues(home: Home) -> pd.DataFrame:
    last, actual = year_scores(home, SNAPSHOT - YEAR_DAYS), year_scores(home, SNAPSHOT)
    return pd.DataFrame(
        {
            "venue_id": home.seen.venue_ids,
            "horizon": "year",
            "cutoff_day": SNAPSHOT,
            "actual": actual,
            "predicted": 0.5 * last + 0.5 * last.mean(),
            "naive__last_year_score": last,
            "reference__random_forest": np.full(len(last), last.mean()),
        }
    )


def test_scores_are_the_published_ones() -> None:
    world = make_world()
    rows = query(world, "venue_popularity")
    snapshot = int(rows["snapshot_day"][rows["target_score"].notna()].max())
    known = rows[(rows["snapshot_day"] == snapshot) & rows["target_score"].notna()].set_index("venue_id")
    shows = world.concerts.merge(world.venues, on="venue_id")
    day = (shows["event_date"] - pd.Timestamp("1970-01-01")).dt.days
    end = min(snapshot + YEAR_DAYS, (AS_OF - date(1970, 1, 1)).days)
    shows = shows[(shows["status"] == "completed") & (day >= snapshot) & (day < end)].assign(shows=1.0)
    sums = shows.groupby("venue_id")[["tickets_sold", "capacity", "revenue", "shows"]].sum().astype(float)
    sums = sums.reindex(known.index).fillna(0)
    found = scores(*(sums[column].to_numpy() for column in sums.columns))
    assert len(found) > 20
    assert found == pytest.approx(known["target_score"].to_numpy(), abs=1e-9)


def test_the_knowable_score_lies_between_last_year_and_the_oracle(home: Home) -> None:
    told = evaluate_venue_popularity(judged_venues(home), home.seen, home.truth, seed=1)
    (year,) = told["horizons"]
    by_name = {item["name"]: item for item in year["forecasts"]}
    assert [item["kind"] for item in year["forecasts"]] == ["naive", "reference", "model", "ceiling", "ceiling"]
    assert year["rows"] == 200
    oracle, knowable, naive = by_name["oracle"], by_name["knowable"], by_name["last_year_score"]
    # noise of the sample: two hundred venues
    assert oracle["r2"] > knowable["r2"] - 0.02
    assert oracle["mae"] < 1.04 * knowable["mae"]
    assert oracle["spearman"] > knowable["spearman"] - 0.02
    assert knowable["r2"] > 0.1 + max(naive["r2"], by_name["model"]["r2"])
    assert knowable["mae"] < 0.8 * naive["mae"]
    assert knowable["spearman"] > 0.1 + naive["spearman"]
    assert year["r2_share"]["knowable"] == pytest.approx(by_name["model"]["r2"] / knowable["r2"])
    for name in ("knowable", "oracle"):
        low, high = year["r2_share_interval_90"][name]
        assert low < year["r2_share"][name] < high < low + 0.6
    assert year["best_naive_mae"] == naive["mae"]
    assert year["mae_gain_share"]["oracle"] == pytest.approx(
        (naive["mae"] - by_name["model"]["mae"]) / (naive["mae"] - oracle["mae"])
    )


def test_the_knowable_score_uses_nothing_after_the_snapshot(home: Home) -> None:
    day = SNAPSHOT
    shows = home.concerts.copy()
    later = (shows["event_date"] >= np.datetime64(day, "D")).to_numpy()
    shows.loc[later, "tickets_sold"] = "1"
    shows.loc[later & (np.arange(len(shows)) % 2 == 0), "status"] = "cancelled"
    unannounced = (shows["on_sale_date"] >= np.datetime64(day, "D")).to_numpy()
    shows.loc[unannounced, "venue_id"] = home.venues["venue_id"].iloc[0]
    moved = home.with_frames(concerts=shows)
    venue, days = np.arange(50), np.full(50, day)
    found = [
        score_ceilings(one.seen, home.truth.latents, home.truth.log_expected_demand, venue, days, seed=3, redraws=1)
        for one in (home, moved)
    ]
    assert unannounced.sum() > 100
    assert np.array_equal(found[0].knowable.mean, found[1].knowable.mean)
    shows.loc[~later, "venue_id"] = home.venues["venue_id"].iloc[0]
    seen = home.with_frames(concerts=shows).seen
    other = score_ceilings(seen, home.truth.latents, home.truth.log_expected_demand, venue, days, seed=3, redraws=1)
    assert not np.array_equal(found[0].knowable.mean, other.knowable.mean), "what came before is used"


def test_counts_of_bookings_tell_of_weights(home: Home) -> None:
    seen, truth = home.seen, home.truth.latents
    none = np.zeros(0, dtype=np.int64)
    _, _, held = beliefs(seen, none, none, np.array([TODAY]))
    past = seen.event_day < TODAY
    acts = artist_weights(held[TODAY], np.bincount(seen.artist[past], minlength=len(seen.popularity)))
    bookings = np.bincount(seen.venue[past], minlength=len(seen.capacity))
    pulls = venue_weights(held[TODAY], bookings, rooms(seen.capacity), acts.mean(), np.random.default_rng(1))
    for weights, actual, least in ((acts, truth.act_booking, 0.9), (pulls, truth.room_booking, 0.8)):
        log_mean = (weights.share * weights.at).sum(axis=1)
        variance = (weights.share * weights.at**2).sum(axis=1) - log_mean**2
        assert np.corrcoef(log_mean, actual)[0, 1] > least
        # weights count against each other alone, so that their level is free
        off = (log_mean - log_mean.mean()) - (actual - actual.mean())
        assert (off**2 / variance).mean() == pytest.approx(1, abs=0.45)
        drawn = np.mean([weights.draw(np.random.default_rng(seed)) for seed in range(200)], axis=0)
        assert drawn == pytest.approx(log_mean, abs=0.35)


def test_sales_are_compared_by_horizon_on_the_judged_rows(home: Home) -> None:
    seen = home.seen
    parts = [
        pd.DataFrame(
            {
                "concert_id": seen.concert_ids[rows],
                "horizon": horizon,
                "cutoff_day": days,
                "actual": seen.sold[rows],
                "predicted": seen.sold[rows],
                "naive__half": seen.capacity[seen.venue[rows]] / 2,
            }
        )
        for horizon, (rows, days) in questions(seen).items()
        if horizon in ("announcement", "7")
    ]
    gone = parts[0].head(3).assign(concert_id=["X1", "X2", "X3"])
    judged = pd.concat([*parts[::-1], gone], ignore_index=True)
    told = evaluate_ticket_sales(judged, seen, home.sales, home.truth)
    assert told["rows_left_out"] == 3
    assert [(item["horizon"], item["rows"]) for item in told["horizons"]] == [
        ("announcement", len(parts[0])),
        ("7", len(parts[1])),
    ]
    for item in told["horizons"]:
        by_name = {forecast["name"]: forecast for forecast in item["forecasts"]}
        assert by_name["model"]["r2"] == 1
        assert by_name["model"]["mae"] == 0
        assert item["mae_below_best_naive_share"] == 1
        assert item["r2_share"]["oracle"] == pytest.approx(1 / by_name["oracle"]["r2"])
        half = regression_metrics(
            judged["actual"][judged["horizon"] == item["horizon"]][: item["rows"]].to_numpy(),
            judged["naive__half"][judged["horizon"] == item["horizon"]][: item["rows"]].to_numpy(),
        )
        assert by_name["half"]["mae"] == pytest.approx(half.mae)
        assert 0 < by_name["oracle"]["mae"] < by_name["half"]["mae"]
    nothing = evaluate_ticket_sales(gone, seen, home.sales, home.truth)
    assert (nothing["rows_left_out"], nothing["horizons"]) == (3, [])
    venues = judged_venues(home).head(2).assign(venue_id=["X1", "X2"])
    assert evaluate_venue_popularity(venues, seen, home.truth, seed=1)["horizons"] == []


def test_rankings_by_hand() -> None:
    actual = np.array([10.0, 20.0, 30.0, 40.0])
    assert spearman(actual, np.array([1.0, 2.0, 3.0, 9.0])) == pytest.approx(1)
    assert spearman(actual, np.array([4.0, 3.0, 2.0, 1.0])) == pytest.approx(-1)
    assert spearman(actual, np.zeros(4)) is None
    assert ndcg(actual, actual) == 1
    ideal = 40 + 30 / np.log2(3)
    assert ndcg(actual, np.array([9.0, 8.0, 1.0, 1.0]), best=2) == pytest.approx((10 + 20 / np.log2(3)) / ideal)
    assert ndcg(np.zeros(3), np.arange(3.0)) is None


def test_the_truth_is_found_by_published_ids(home: Home, tmp_path: Path) -> None:
    published = make_home(orders_share=0.01, artists=100, venues=100, concerts=200, defect_rate=0.02)
    world = published.world
    write_truth(world, Folder(tmp_path))
    frames = {file.stem: pd.read_parquet(file) for file in tmp_path.iterdir()}
    near = frames["near_duplicates"].set_index("table_name")
    assert set(near.index) == {"artists", "venues"}
    twin = near.loc["venues"]
    # the near-duplicate is published in its place
    seen = published.with_frames(venues=published.venues[published.venues["venue_id"] != twin["identity_id"]]).seen
    truth = read_truth(seen, frames)
    assert isinstance(truth, Truth)
    original = int(twin["identity_id"].removeprefix("V")) - 1
    place = seen.venue_ids.get_loc(twin["id"])
    assert truth.latents.quality[place] == world.venues.quality[original]
    assert len(truth.log_expected_demand) == seen.shows
    with pytest.raises(TruthMissing, match="another world"):
        read_truth(home.seen, frames)
