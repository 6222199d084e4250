"""Models on a small synthetic world: judged on the future, the same twice, and honest where they cannot be."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.metrics import regression_metrics
from concert_assets.learning.model import TrainedModel
from concert_assets.learning.sales import FORECAST_COLUMNS, forecast_ticket_sales, train_ticket_sales
from concert_assets.learning.settings import LearningSettingsError, NotTrainable, TrainingSettings
from concert_assets_tests.learning_world import AS_OF, World, make_world, query


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def sales_rows(world: World) -> pd.DataFrame:
    return query(world, "ticket_sales")


@pytest.fixture(scope="module")
def sales_model(sales_rows: pd.DataFrame) -> TrainedModel:
    model = train_ticket_sales(sales_rows, AS_OF)
    assert isinstance(model, TrainedModel)
    return model


def test_sales_model_beats_the_naive_baselines_on_the_future(sales_model: TrainedModel) -> None:
    card = sales_model.card
    assert card["metrics"]["test"]["r2"] > max(each["r2"] for each in card["baselines"].values())
    assert card["metrics"]["test"]["mae"] < card["baselines"][card["best_baseline"]]["mae"]
    assert card["samples"]["train"]["last_target_day"] < card["samples"]["test"]["first_cutoff"]
    assert sum(each["importance"] for each in card["importances"]) == pytest.approx(1)


def test_training_twice_gives_the_same_model(sales_rows: pd.DataFrame, sales_model: TrainedModel) -> None:
    again = train_ticket_sales(sales_rows.sample(frac=1, random_state=3), AS_OF)
    assert isinstance(again, TrainedModel)
    assert (again.version, again.card) == (sales_model.version, sales_model.card)
    pd.testing.assert_frame_equal(
        forecast_ticket_sales(again, sales_rows, AS_OF), forecast_ticket_sales(sales_model, sales_rows, AS_OF)
    )
    other = train_ticket_sales(sales_rows, AS_OF, TrainingSettings(test_size=0.3))
    assert isinstance(other, TrainedModel)
    assert other.version != sales_model.version


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
    full = sales_rows.assign(tickets_sold=sales_rows["capacity"])
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


def test_a_category_never_seen_is_forecast(sales_model: TrainedModel, sales_rows: pd.DataFrame) -> None:
    assert "stadium" not in set(sales_rows["venue_type"])
    strange = sales_rows.assign(venue_type="stadium", primary_genre="polka")
    forecast = forecast_ticket_sales(sales_model, strange, AS_OF)
    assert len(forecast) == len(forecast_ticket_sales(sales_model, sales_rows, AS_OF))
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


def _reason(outcome: TrainedModel | NotTrainable) -> str:
    assert isinstance(outcome, NotTrainable)
    assert "\n" not in outcome.reason
    return outcome.reason


def test_an_archive_without_sales_trains_nothing(world: World) -> None:
    venues = world.venues.assign(capacity=None, venue_type=None)
    concerts = world.concerts.assign(tickets_sold=None, revenue=None, on_sale_date=None)
    archive = replace(world, venues=venues, concerts=concerts, ticket_prices=world.ticket_prices.iloc[:0])
    sales = query(archive, "ticket_sales")
    no_sales = train_ticket_sales(sales, AS_OF)
    assert _reason(no_sales) == "no completed concert has tickets_sold"
    forecast = forecast_ticket_sales(no_sales, sales, AS_OF)
    assert (list(forecast.columns), len(forecast)) == (list(FORECAST_COLUMNS), 0)


def test_too_little_history_is_a_reason_not_a_crash(sales_rows: pd.DataFrame) -> None:
    completed = sales_rows[sales_rows["status"] == "completed"]
    assert "49 rows can be learned from" in _reason(train_ticket_sales(completed.head(49), AS_OF))


def test_equal_targets_and_unknown_capacities_are_reasons(sales_rows: pd.DataFrame) -> None:
    assert "same tickets sold" in _reason(train_ticket_sales(sales_rows.assign(tickets_sold=5), AS_OF))
    assert "known capacity" in _reason(train_ticket_sales(sales_rows.assign(capacity=np.nan), AS_OF))


def test_missing_feature_columns_are_named(sales_rows: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"the features lack weekday, season;"):
        train_ticket_sales(sales_rows.drop(columns=["season", "weekday"]), AS_OF)


def test_empty_tables_are_reasons(world: World) -> None:
    empty = replace(world, concerts=world.concerts.iloc[:0], ticket_prices=world.ticket_prices.iloc[:0])
    sales = query(empty, "ticket_sales")
    assert len(sales) == 0
    assert "tickets_sold" in _reason(train_ticket_sales(sales, AS_OF))


def test_metrics_are_those_of_the_definition() -> None:
    actual, predicted = np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 4.0])
    metrics = regression_metrics(actual, predicted)
    assert metrics.mae == pytest.approx(1)
    assert metrics.rmse == pytest.approx((5 / 3) ** 0.5)
    assert metrics.r2 == pytest.approx(1 - 5 / 14)
    assert regression_metrics(np.ones(3), predicted).r2 is None
