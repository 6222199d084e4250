"""What cannot be trained on says why in one line, and what is merely poor is trained on: no orders, one venue."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning.model import Candidate
from concert_assets.learning.sales import FORECAST_COLUMNS, forecast_ticket_sales, predict_rows, train_ticket_sales
from concert_assets.learning.settings import NotTrainable
from concert_assets_tests.learning_world import AS_OF, World, make_world, query


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(concerts=250)


@pytest.fixture(scope="module")
def sales_rows(world: World) -> pd.DataFrame:
    return query(world, "ticket_sales")


def _reason(outcome: Candidate | NotTrainable) -> str:
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
    first = completed["concert_id"].drop_duplicates()
    few = completed[completed["concert_id"].isin(first.head(49))]
    assert len(few) > 200
    # Enough is counted in concerts, not in the horizons at which they are asked.
    assert "49 rows can be learned from; at least 50" in _reason(train_ticket_sales(few, AS_OF))
    assert "tickets_sold" in _reason(train_ticket_sales(sales_rows, date(2019, 1, 1)))
    at_once = completed.assign(cutoff_day=20_000, event_day=20_050)
    assert _reason(train_ticket_sales(at_once, AS_OF)).startswith("0 rows are complete before the test rows begin on")


def test_no_orders_at_all_train_without_a_pace(world: World) -> None:
    rows = query(replace(world, ticket_sales=world.ticket_sales.iloc[:0]), "ticket_sales")
    assert rows["pace_share"].isna().all()
    outcome = train_ticket_sales(rows, AS_OF)
    assert isinstance(outcome, Candidate)
    judged = outcome.judged
    assert (judged["naive__pacing_ratio"] == judged["naive__artist_mean"]).all()
    shares = {each["feature"]: each["importance"] for each in outcome.model.card["importances"]}
    assert shares["pace_share"] == shares["paced_share"] == shares["ledger_tickets_to_date"] == 0
    forecast = forecast_ticket_sales(outcome.model, rows, AS_OF)
    assert len(forecast) == (rows["status"] == "scheduled").sum() > 0
    # Orders that come later are read by a model that never saw any.
    assert np.isfinite(predict_rows(outcome.model, query(world, "ticket_sales"))["predicted"]).all()


def test_one_venue_is_enough() -> None:
    rows = query(make_world(venues=1, concerts=150), "ticket_sales")
    outcome = train_ticket_sales(rows, AS_OF)
    assert isinstance(outcome, Candidate)
    assert outcome.judged["scale"].nunique() == 1
    assert len(forecast_ticket_sales(outcome.model, rows, AS_OF)) == (rows["status"] == "scheduled").sum()


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
