"""The reports on what learning really returns: its cards, rankings and forecasts, and its refusals."""

import pandas as pd
import pytest

from concert_assets.defs.watching import figures
from concert_assets.learning.model import Candidate
from concert_assets.learning.sales import forecast_ticket_sales, train_ticket_sales
from concert_assets.learning.settings import NotTrainable
from concert_assets.learning.venues import rank_venues, train_venue_popularity
from concert_assets.reporting.build import build_model_report, build_pipeline_report, render_html
from concert_assets.reporting.facts import ModelFacts
from concert_assets.resources.watch import METRICS
from concert_assets_tests import reporting_samples as samples
from concert_assets_tests.learning_world import AS_OF, make_world, query


@pytest.fixture(scope="module")
def rows():
    world = make_world(concerts=600)
    return query(world, "venue_popularity"), query(world, "ticket_sales")


# What is only there once a version was judged, or refused, or has many test rows.
VERDICT = {"skipped_reason", "leaks", "promotion", "last_decision", "segments"}


def facts(outcome):
    if isinstance(outcome, NotTrainable):
        return ModelFacts(outcome.model, skipped_reason=outcome.reason)
    return ModelFacts(outcome.name, outcome.version, outcome.card)


def records(frame: pd.DataFrame):
    return frame.to_dict("records")


def test_real_cards_fill_the_report_and_the_page(rows):
    trained = train_venue_popularity(rows[0], AS_OF), train_ticket_sales(rows[1], AS_OF)
    assert all(isinstance(each, Candidate) for each in trained)
    venue, sales = (each.model for each in trained)
    report = build_model_report(
        [facts(venue), facts(sales)],
        records(rank_venues(venue, rows[0], AS_OF)),
        records(forecast_ticket_sales(sales, rows[1], AS_OF)),
        generated_at=samples.NOW,
    )
    for entry, model in zip(report["models"], (venue, sales), strict=True):
        assert all(value not in (None, {}, []) for name, value in entry.items() if name not in VERDICT)
        assert entry["test_metrics"]["mae"] == model.card["metrics"]["test"]["mae"]
        assert sum(item["importance"] for item in entry["importances"]) == pytest.approx(1)
    assert [row["rank"] for row in report["venue_rankings"]] == list(range(1, 11))
    pipeline = build_pipeline_report(samples.run(), samples.ledger(), generated_at=samples.NOW)
    announced = report["models"][1]["horizons"][0]
    told = figures(pipeline, report)  # the metrics of the run
    assert told["ModelError"] == announced["metrics"]["mae"] > 0
    assert set(told) == set(METRICS)
    page = render_html(pipeline, report)
    models = page[page.index('<section id="models">') : page.index('<section id="run">')]
    assert report["venue_rankings"][0]["venue_id"] in models
    assert report["concert_forecasts"][9]["concert_id"] in models
    for model in report["models"]:
        assert f"R² {model['test_metrics']['r2']:.2f} against".replace("-", "−") in models
        assert model["samples"]["train"]["first_cutoff"] in models
        assert model["samples"]["test"]["last_target_day"] in models


def test_a_refusal_to_train_is_shown_with_its_reason(rows):
    outcome = train_ticket_sales(rows[1].assign(tickets_sold=None), AS_OF)
    assert isinstance(outcome, NotTrainable)
    report = build_model_report([facts(outcome)], generated_at=samples.NOW)
    page = render_html(build_pipeline_report(samples.run(), samples.ledger(), generated_at=samples.NOW), report)
    assert f"Skipped: {outcome.reason.rstrip('.')}." in page
