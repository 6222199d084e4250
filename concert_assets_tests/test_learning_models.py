"""The sales model on a small synthetic world: judged on the future by horizon, the same twice, and open about it."""

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.metrics import coverage, regression_metrics
from concert_assets.learning.model import Candidate, TrainedModel, canonical_json
from concert_assets.learning.sales import (
    FEATURES,
    FORECAST_COLUMNS,
    feature_frame,
    forecast_ticket_sales,
    predict_rows,
    span_of,
    train_ticket_sales,
)
from concert_assets.learning.settings import LearningSettingsError, TrainingSettings
from concert_assets_tests.learning_world import AS_OF, World, make_world, query

HORIZONS = ["announcement", "60", "30", "14", "7", "1"]
BOUNDS = ["low_90", "low_50", "high_50", "high_90"]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(concerts=600, seed=2)


@pytest.fixture(scope="module")
def sales_rows(world: World) -> pd.DataFrame:
    return query(world, "ticket_sales")


@pytest.fixture(scope="module")
def candidate(sales_rows: pd.DataFrame) -> Candidate:
    outcome = train_ticket_sales(sales_rows, AS_OF)
    assert isinstance(outcome, Candidate)
    return outcome


@pytest.fixture(scope="module")
def sales_model(candidate: Candidate) -> TrainedModel:
    return candidate.model


def test_sales_model_beats_the_naive_baselines_on_the_future(candidate: Candidate) -> None:
    card = candidate.model.card
    assert card["metrics"]["test"]["r2"] > max(each["r2"] for each in card["baselines"].values())
    assert card["mae_below_best_baseline_share"] > 0.1
    assert card["best_baseline"] == min(card["baselines"], key=lambda name: card["baselines"][name]["mae"])
    samples = card["samples"]
    assert samples["train"]["last_target_day"] < samples["test"]["first_cutoff"]
    assert sum(each["importance"] for each in card["importances"]) == pytest.approx(1)
    assert [each["feature"] for each in card["importances"]] != FEATURES.columns
    assert {each["feature"] for each in card["importances"]} == set(FEATURES.columns)


def test_judged_rows_are_those_of_the_last_concerts_at_every_horizon(
    candidate: Candidate, sales_rows: pd.DataFrame
) -> None:
    judged, card = candidate.judged, candidate.model.card
    naive = ["venue_type_mean", "artist_mean", "artist_last_year", "artist_sell_through", "pacing_ratio"]
    keys = ["concert_id", "horizon", "cutoff_day", "target_end_day", "segment", "is_cold_start", "scale", "actual"]
    assert list(judged.columns) == [
        *keys,
        "predicted",
        *("low_50", "high_50", "low_90", "high_90"),
        *(f"naive__{name}" for name in naive),
        "reference__gradient_boosting",
    ]
    assert not judged.duplicated(["concert_id", "horizon"]).any()
    assert not judged.isna().any().any()
    assert set(judged["horizon"]) == set(HORIZONS)
    done = sales_rows[sales_rows["status"] == "completed"]
    own = done[done["concert_id"].isin(judged["concert_id"])]
    both = judged.merge(own, on=["concert_id", "horizon"], suffixes=("", "_told"))
    assert len(both) == len(judged) == len(own)
    assert (both["actual"] == both["tickets_sold"]).all()
    assert (both["scale"] == both["capacity"]).all()
    assert (both["segment"] == both["venue_type"]).all()
    assert (both["cutoff_day"] == both["cutoff_day_told"]).all()
    assert (both["target_end_day"] == both["event_day"] + 1).all()
    assert (both["is_cold_start"] == both["is_artist_new"]).all()
    # The last fifth by time, and every concert announced from its first day on.
    first = done.groupby("concert_id")["cutoff_day"].min()
    assert set(own["concert_id"]) == set(first.index[first >= judged["cutoff_day"].min()])
    assert len(judged) >= 0.2 * len(done)
    assert card["samples"]["test"]["rows"] == len(judged)
    assert card["samples"]["test"]["entities"] == judged["concert_id"].nunique()
    known = done[done["event_day"] < judged["cutoff_day"].min()]
    assert card["samples"]["train"]["rows"] == len(known)
    assert card["samples"]["purged"]["rows"] == len(done) - len(known) - len(judged)


def test_naive_baselines_are_those_of_their_definitions(candidate: Candidate, sales_rows: pd.DataFrame) -> None:
    judged = candidate.judged
    done = sales_rows[sales_rows["status"] == "completed"]
    known = done[(done["event_day"] < judged["cutoff_day"].min()) & (done["horizon"] == "announcement")]
    fill = (known["tickets_sold"] / known["capacity"]).groupby(known["venue_type"]).mean()
    for row in judged.merge(done, on=["concert_id", "horizon"]).to_dict("records"):
        room = row["capacity"]
        usual = fill[row["venue_type"]] * room
        past, year, share, paced = (
            row[name]
            for name in ("artist_past_tickets", "artist_year_tickets", "artist_past_sell_through", "paced_tickets")
        )
        mean = usual if np.isnan(past) else min(past, room)
        expected = {
            "venue_type_mean": usual,
            "artist_mean": mean,
            "artist_last_year": usual if np.isnan(year) else min(year, room),
            "artist_sell_through": usual if np.isnan(share) else share * room,
            "pacing_ratio": mean if np.isnan(paced) else min(paced, room),
        }
        assert {name: row[f"naive__{name}"] for name in expected} == pytest.approx(expected)


def test_the_card_tells_what_the_judged_rows_show(candidate: Candidate) -> None:
    judged, card = candidate.judged, candidate.model.card
    canonical_json(card)
    assert (card["model"], card["unit"], card["features"]) == ("ticket_sales", "tickets sold", FEATURES.columns)
    assert card["version"] == candidate.model.version
    assert [each["horizon"] for each in card["horizons"]] == HORIZONS
    for told in card["horizons"]:
        rows = judged[judged["horizon"] == told["horizon"]]
        assert told["rows"] == len(rows)
        assert told["metrics"] == regression_metrics(rows["actual"].to_numpy(), rows["predicted"].to_numpy()).to_dict()
        assert told["baselines"]["artist_mean"]["mae"] == pytest.approx(
            (rows["actual"] - rows["naive__artist_mean"]).abs().mean()
        )
        assert set(told["references"]) == {"gradient_boosting"}
    assert card["metrics"]["test"] == card["horizons"][0]["metrics"]
    assert card["baselines"] == card["horizons"][0]["baselines"]
    for level in ("50", "90"):
        inside = coverage(*(judged[name].to_numpy() for name in ("actual", f"low_{level}", f"high_{level}")))
        assert card["coverage"][level] == pytest.approx(inside)
    segments = {each["segment"]: each["rows"] for each in card["segments"]}
    counts = judged["segment"].value_counts()
    assert {name: segments.get(name, 0) for name in counts.index} == {
        name: count if count >= 100 else 0 for name, count in counts.items()
    }
    assert segments["known"] == (judged["is_cold_start"] == 0).sum()
    origins = [each["origin"] for each in card["backtest"]]
    assert len(origins) == 3
    assert origins == sorted(origins)
    assert origins[-1] < card["samples"]["test"]["first_cutoff"]
    assert card["hyperparameters"]["chosen"] in [
        {name: value for name, value in each.items() if name != "mae"} for each in card["hyperparameters"]["tried"]
    ]


def test_training_twice_gives_the_same_model(sales_rows: pd.DataFrame, candidate: Candidate) -> None:
    again = train_ticket_sales(sales_rows.sample(frac=1, random_state=3), AS_OF)
    assert isinstance(again, Candidate)
    assert (again.model.version, again.model.card) == (candidate.model.version, candidate.model.card)
    assert again.model.calibration == candidate.model.calibration
    pd.testing.assert_frame_equal(again.judged, candidate.judged)
    pd.testing.assert_frame_equal(
        forecast_ticket_sales(again.model, sales_rows, AS_OF), forecast_ticket_sales(candidate.model, sales_rows, AS_OF)
    )


def test_other_settings_are_another_version(sales_rows: pd.DataFrame, candidate: Candidate) -> None:
    other = train_ticket_sales(sales_rows, AS_OF, TrainingSettings(test_size=0.5))
    assert isinstance(other, Candidate)
    assert other.model.version != candidate.model.version
    assert len(other.judged) > len(candidate.judged)


def test_rows_predicted_again_are_as_they_were_judged(candidate: Candidate, sales_rows: pd.DataFrame) -> None:
    model, keys = candidate.model, ["concert_id", "horizon", "cutoff_day"]
    again = predict_rows(model, sales_rows.sample(frac=1, random_state=4))
    assert len(again) == len(sales_rows)
    columns = [*keys, "predicted", *BOUNDS]
    both = candidate.judged[columns].merge(again[columns], on=keys, suffixes=("", "_again"))
    assert len(both) == len(candidate.judged)
    for name in ("predicted", *BOUNDS):
        assert (both[name] == both[f"{name}_again"]).all()
    # Some of the rows alone are told the same.
    some = predict_rows(model, sales_rows.iloc[5:25]).set_index(keys)
    pd.testing.assert_frame_equal(some, again.set_index(keys).loc[some.index])


def test_what_the_pipeline_sees_gives_the_predictions(sales_model: TrainedModel, sales_rows: pd.DataFrame) -> None:
    seen, told = feature_frame(sales_model, sales_rows), predict_rows(sales_model, sales_rows)
    assert list(seen.columns) == ["concert_id", "horizon", *FEATURES.columns]
    assert (seen[["concert_id", "horizon"]] == told[["concert_id", "horizon"]]).all().all()
    found = sales_model.predict(seen[FEATURES.columns], span_of(sales_model, sales_rows))
    assert found.predicted.tolist() == told["predicted"].tolist()
    assert found.bounds[90][0].tolist() == told["low_90"].tolist()


def test_predictions_are_nearer_the_nearer_the_show(candidate: Candidate) -> None:
    """A third of the orders is known: on the eve they tell more than at the announcement."""
    error = (
        (candidate.judged["predicted"] - candidate.judged["actual"]).abs().groupby(candidate.judged["horizon"]).mean()
    )
    assert error["1"] < error["announcement"]


def test_forecast_covers_every_scheduled_concert_within_bounds(
    sales_model: TrainedModel, sales_rows: pd.DataFrame
) -> None:
    forecast = forecast_ticket_sales(sales_model, sales_rows, AS_OF)
    scheduled = sales_rows[sales_rows["status"] == "scheduled"].set_index("concert_id").sort_index()
    assert list(forecast.columns) == list(FORECAST_COLUMNS)
    assert forecast["concert_id"].tolist() == scheduled.index.tolist()
    sold, capacity = scheduled["tickets_sold"].to_numpy(), scheduled["capacity"].to_numpy()
    order = ["tickets_low_90", "tickets_low_50", "predicted_tickets", "tickets_high_50", "tickets_high_90"]
    values = np.column_stack([sold, forecast[order], capacity])
    assert (np.diff(values, axis=1) >= 0).all()
    assert forecast["confidence_score"].between(0, 1).all()
    assert (forecast["horizon_days"] >= 0).all()


def test_forecast_does_not_fall_below_tickets_already_sold(sales_model: TrainedModel, sales_rows: pd.DataFrame) -> None:
    coming = sales_rows[sales_rows["status"] == "scheduled"]
    full = coming.assign(tickets_sold=coming["capacity"])
    forecast = forecast_ticket_sales(sales_model, full, AS_OF).set_index("concert_id")
    capacity = full.set_index("concert_id")["capacity"].reindex(forecast.index)
    assert (forecast["predicted_tickets"] == capacity).all()
    assert (forecast["confidence_score"] == 1).all()


def test_unknown_capacity_is_forecast_without_confidence(sales_model: TrainedModel, sales_rows: pd.DataFrame) -> None:
    unknown = sales_rows.assign(capacity=pd.array([None] * len(sales_rows), dtype="Int32"), venue_type=None)
    forecast = forecast_ticket_sales(sales_model, unknown, AS_OF)
    assert len(forecast) > 0
    assert (forecast["confidence_score"] == 0).all()
    assert (forecast["predicted_tickets"] > 0).all()
    assert (forecast["tickets_high_90"] < 10**6).all()


def test_a_category_never_seen_is_forecast(sales_model: TrainedModel, sales_rows: pd.DataFrame) -> None:
    assert "stadium" not in set(sales_rows["venue_type"])
    strange = sales_rows.assign(venue_type="stadium", primary_genre="polka")
    forecast = forecast_ticket_sales(sales_model, strange, AS_OF)
    assert len(forecast) == len(forecast_ticket_sales(sales_model, sales_rows, AS_OF))
    assert set(predict_rows(sales_model, strange)["horizon"]) == {*HORIZONS, "now"}
    assert forecast["confidence_score"].between(0, 1).all()


def test_nothing_to_forecast_is_a_table_without_rows(sales_model: TrainedModel, sales_rows: pd.DataFrame) -> None:
    past = sales_rows[sales_rows["status"] == "completed"]
    forecast = forecast_ticket_sales(sales_model, past, AS_OF)
    assert (list(forecast.columns), len(forecast)) == (list(FORECAST_COLUMNS), 0)


@pytest.mark.parametrize("size", [0, 1, -0.1, 1.5, float("nan"), float("inf"), True])
def test_test_size_outside_its_range_is_one_clear_line(size: float) -> None:
    with pytest.raises(LearningSettingsError, match=r"^--test-size: .* above 0 and below 1$"):
        TrainingSettings(test_size=size)


def test_settings_accept_what_is_inside_the_range() -> None:
    assert TrainingSettings(test_size=0.01).to_dict()["test_size"] == 0.01


def test_metrics_are_those_of_the_definition() -> None:
    actual, predicted = np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 4.0])
    metrics = regression_metrics(actual, predicted)
    assert metrics.mae == pytest.approx(1)
    assert metrics.rmse == pytest.approx((5 / 3) ** 0.5)
    assert metrics.r2 == pytest.approx(1 - 5 / 14)
    assert regression_metrics(np.ones(3), predicted).r2 is None
