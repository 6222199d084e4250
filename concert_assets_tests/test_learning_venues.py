"""What a venue may expect of the coming year, counted by hand, and the model that forecasts its score from that."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.features import VENUE_POPULARITY, day_number, typed
from concert_assets.learning.folds import of_unknown
from concert_assets.learning.model import Candidate
from concert_assets.learning.ranking import ranking_quality
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets.learning.venues import (
    RANKING_COLUMNS,
    feature_frame,
    predict_rows,
    rank_venues,
    train_venue_popularity,
)
from concert_assets_tests.learning_world import AS_OF, World, make_world, query

SNAPSHOT = AS_OF - timedelta(days=364)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(venues=120, concerts=3600)


@pytest.fixture(scope="module")
def rows(world: World) -> pd.DataFrame:
    return query(world, "venue_popularity")


@pytest.fixture(scope="module")
def candidate(rows: pd.DataFrame) -> Candidate:
    outcome = train_venue_popularity(rows, AS_OF)
    assert isinstance(outcome, Candidate)
    return outcome


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


def test_what_is_judged_lies_wholly_after_what_is_learned(candidate: Candidate) -> None:
    samples = candidate.model.card["samples"]
    assert samples["train"]["last_target_day"] < samples["test"]["first_cutoff"]
    assert samples["calibration"]["last_target_day"] < samples["test"]["first_cutoff"]
    assert samples["test"]["last_target_day"] < AS_OF.isoformat()


def test_the_model_is_nearer_than_every_naive_score_and_orders_better(candidate: Candidate) -> None:
    card = candidate.model.card
    assert set(card["baselines"]) == {"last_year_score", "venue_mean", "venue_type_mean"}
    assert set(card["references"]) == {"random_forest"}
    own = card["metrics"]["test"]
    assert own["r2"] > max(each["r2"] for each in card["baselines"].values())
    assert own["mae"] < min(each["mae"] for each in card["baselines"].values())
    (horizon,) = card["horizons"]
    ranking = horizon["ranking"]
    assert ranking["model"]["spearman"] > ranking["last_year_score"]["spearman"]
    judged = candidate.judged
    assert ranking["model"] == ranking_quality(
        judged["actual"].to_numpy(), judged["predicted"].to_numpy(), judged["cutoff_day"].to_numpy()
    )


def test_intervals_cover_what_comes(candidate: Candidate) -> None:
    """360 rows of 120 venues: three standard errors of a share of so few are 14 and 8 points."""
    judged, covered = candidate.judged, candidate.model.card["coverage"]
    assert covered["50"] == pytest.approx(0.5, abs=0.14)
    assert covered["90"] == pytest.approx(0.9, abs=0.08)
    within = (judged["actual"] >= judged["low_90"]) & (judged["actual"] <= judged["high_90"])
    assert covered["90"] == pytest.approx(within.mean())
    order = ["low_90", "low_50", "predicted", "high_50", "high_90"]
    assert (np.diff(judged[order].to_numpy(), axis=1) >= 0).all()


def test_rows_predicted_anew_are_those_judged(candidate: Candidate, rows: pd.DataFrame) -> None:
    keys = ["venue_id", "horizon", "cutoff_day"]
    again = predict_rows(candidate.model, rows.sample(frac=1, random_state=1))
    assert len(again) == len(rows)
    both = candidate.judged[keys].merge(again, on=keys, validate="one_to_one")
    pd.testing.assert_frame_equal(both, candidate.judged[both.columns], check_dtype=False)
    assert list(feature_frame(candidate.model, rows).columns) == ["venue_id", "cutoff_day", *VENUE_POPULARITY.columns]


def test_naive_scores_are_of_the_past(candidate: Candidate, rows: pd.DataFrame) -> None:
    """The mean is over the whole years that end at the snapshot; who has not played is taken for one of its type."""
    scores = rows.set_index(["venue_id", "snapshot_day"])["year_score"]
    one = candidate.judged.iloc[-1]
    days = range(int(one["cutoff_day"]), int(rows["snapshot_day"].min()) - 1, -364)
    past = [scores.get((one["venue_id"], day), np.nan) for day in days]
    assert len(past) > 2
    assert one["naive__venue_mean"] == pytest.approx(np.nanmean(past))
    assert one["naive__last_year_score"] == pytest.approx(past[0])
    strangers = rows.assign(past_shows=0)
    outcome = train_venue_popularity(strangers, AS_OF)
    assert isinstance(outcome, Candidate)
    naive = [f"naive__{name}" for name in ("last_year_score", "venue_mean", "venue_type_mean")]
    assert (outcome.judged[naive].nunique(axis=1) == 1).all()


def test_years_after_the_boundary_change_what_is_measured_alone(candidate: Candidate, rows: pd.DataFrame) -> None:
    first = candidate.judged["cutoff_day"].min()
    later = rows["target_end_day"] > first
    other = train_venue_popularity(
        rows.assign(target_score=rows["target_score"].where(~later, 100 - rows["target_score"])), AS_OF
    )
    assert isinstance(other, Candidate)
    columns = ["predicted", "low_50", "high_50", "low_90", "high_90", "reference__random_forest"]
    pd.testing.assert_frame_equal(candidate.judged[columns], other.judged[columns])
    assert other.model.card["metrics"]["test"] != candidate.model.card["metrics"]["test"]
    assert other.model.version != candidate.model.version


def test_training_twice_gives_the_same_version(candidate: Candidate, rows: pd.DataFrame) -> None:
    again = train_venue_popularity(rows.sample(frac=1, random_state=3), AS_OF)
    assert isinstance(again, Candidate)
    assert (again.model.version, again.model.card) == (candidate.model.version, candidate.model.card)
    pd.testing.assert_frame_equal(again.judged, candidate.judged)


def test_ranking_holds_every_venue_in_order(candidate: Candidate, rows: pd.DataFrame, world: World) -> None:
    ranking = rank_venues(candidate.model, rows, AS_OF)
    assert list(ranking.columns) == list(RANKING_COLUMNS)
    assert sorted(ranking["venue_id"]) == sorted(world.venues["venue_id"])
    assert ranking["rank"].tolist() == list(range(1, len(ranking) + 1))
    order = ["score_low_90", "score_low_50", "predicted_score", "score_high_50", "score_high_90"]
    assert (np.diff(ranking[order].to_numpy(), axis=1) >= 0).all()
    assert ranking[order].to_numpy().min() >= 0
    assert ranking[order].to_numpy().max() <= 100
    assert ranking["predicted_score"].is_monotonic_decreasing


def test_tied_venues_and_types_never_seen_are_ranked(candidate: Candidate, rows: pd.DataFrame) -> None:
    today = rows[rows["snapshot_day"] == rows["snapshot_day"].max()]
    one = today.iloc[[0] * 3].assign(venue_id=["z", "a", "m"], venue_type=["stadium", "stadium", None])
    one["venue_type"] = one["venue_type"].astype(object)
    assert "stadium" not in set(rows["venue_type"])
    ranking = rank_venues(candidate.model, one, AS_OF)
    assert ranking["venue_id"].tolist() == ["a", "m", "z"]


def _reason(outcome: Candidate | NotTrainable) -> str:
    assert isinstance(outcome, NotTrainable)
    assert "\n" not in outcome.reason
    return outcome.reason


def test_what_cannot_be_trained_says_why(world: World, rows: pd.DataFrame) -> None:
    archive = replace(
        world,
        venues=world.venues.assign(capacity=None, venue_type=None),
        concerts=world.concerts.assign(tickets_sold=None, revenue=None, on_sale_date=None),
    )
    popularity = query(archive, "venue_popularity")
    no_scores = train_venue_popularity(popularity, AS_OF)
    assert _reason(no_scores) == "no venue has shows with tickets_sold, capacity and revenue"
    assert isinstance(no_scores, NotTrainable)
    ranking = rank_venues(no_scores, popularity, AS_OF)
    assert (list(ranking.columns), len(ranking)) == (list(RANKING_COLUMNS), 0)
    empty = query(replace(world, concerts=world.concerts.iloc[:0]), "venue_popularity")
    assert "no venue" in _reason(train_venue_popularity(empty, AS_OF))
    assert "no quarterly snapshot" in _reason(train_venue_popularity(rows, date(2020, 1, 1)))
    first = rows[rows["snapshot_day"] == rows["snapshot_day"].min()]
    assert _reason(train_venue_popularity(first, AS_OF)).startswith("0 rows are complete before")
    equal = rows.assign(target_score=rows["target_score"].where(rows["target_score"].isna(), 5.0))
    assert "same score" in _reason(train_venue_popularity(equal, AS_OF))


def test_a_single_venue_is_a_reason_or_a_model_but_no_crash(rows: pd.DataFrame) -> None:
    one = rows[rows["venue_id"] == rows["venue_id"].min()]
    assert "rows can be learned from" in _reason(train_venue_popularity(one, AS_OF))
    many = rows[rows["target_score"].notna()].head(40).assign(venue_id="v")
    many["snapshot_day"] = day_number(AS_OF) - 364 - 91 * np.arange(40)
    many["target_end_day"] = many["snapshot_day"] + 364
    assert isinstance(train_venue_popularity(many, AS_OF, TrainingSettings(minimum_rows=10)), Candidate)


def test_each_row_is_told_by_models_that_do_not_know_its_venue() -> None:
    entities = np.array(list("abcdefg") * 3, dtype=object)
    rows = np.arange(2, 21)

    def predict(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
        assert not set(entities[known]) & set(entities[asked])
        assert set(known) | set(asked) == set(rows)
        return asked * 10.0

    assert of_unknown(predict, rows, entities).tolist() == (rows * 10.0).tolist()


def test_ranking_quality_is_that_of_the_definitions() -> None:
    day = np.repeat([1, 2, 3], 4)
    actual = np.array([4.0, 3, 2, 1, 10, 20, 30, 40, 7, 7, 7, 7])
    predicted = np.array([9.0, 8, 6, 7, 4, 3, 2, 1, 1, 2, 3, 4])
    discount = 1 / np.log2(np.arange(2, 6))
    first = (np.array([4, 3, 1, 2]) @ discount) / (np.array([4, 3, 2, 1]) @ discount)
    second = (np.array([10, 20, 30, 40]) @ discount) / (np.array([40, 30, 20, 10]) @ discount)
    found = ranking_quality(actual, predicted, day)
    assert found["ndcg_at_10"] == pytest.approx((first + second) / 2)
    assert found["spearman"] == pytest.approx((0.8 - 1) / 2)
    assert ranking_quality(np.ones(4), predicted[:4], day[:4]) == {"spearman": None, "ndcg_at_10": None}
