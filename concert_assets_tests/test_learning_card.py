"""The card's page tells what the card holds, and nothing that it does not."""

from typing import Any

import pytest

from concert_assets.learning.card import model_card
from concert_assets.learning.model import Candidate, TrainedModel
from concert_assets.learning.sales import train_ticket_sales
from concert_assets_tests.learning_world import AS_OF, make_world, query

CARD: dict[str, Any] = {
    "model": "ticket_sales",
    "version": "ticket_sales-abc",
    "as_of": "2026-01-01",
    "data_sha256": "d" * 64,
    "unit": "tickets sold",
    "estimator": "HistGradientBoostingRegressor",
    "code_version": "9",
    "libraries": {"numpy": "2.0"},
    "settings": {"test_size": 0.2},
    "hyperparameters": {"chosen": {"learning_rate": 0.05}, "tried": []},
    "samples": {"train": {"rows": 12345, "first_cutoff": "2021-01-01"}, "test": {"rows": 700}},
    "metrics": {"test": {"mae": 101.5, "rmse": 200.25, "r2": 0.8124}},
    "baselines": {"artist_mean": {"mae": 300.0, "rmse": 400.0, "r2": 0.2}},
    "references": {"gradient_boosting": {"mae": 140.0, "rmse": 240.0, "r2": 0.7}},
    "coverage": {"50": 0.512, "90": 0.895},
    "segments": [{"segment": "a|b", "rows": 600, "coverage": {"50": 0.49, "90": 0.91}}],
    "horizons": [
        {"horizon": "7", "rows": 90, "metrics": {"mae": 33.25, "rmse": 1.0, "r2": None},
         "baselines": {"pace": {"mae": 44.5}, "type": {"mae": 99.0}}, "coverage": {"50": 0.5, "90": 0.9}},
    ],
    "backtest": [{"origin": "2024-01-01", "rows": 80, "mae": 55.5, "r2": 0.6, "best_baseline_mae": 66.5}],
    "importances": [{"feature": "capacity", "importance": 0.251}],
    "promotion": {"is_promoted": False, "reasons": ["not better than the naive pace"]},
}  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "# ticket_sales-abc",
        "| train | 12,345 | 2021-01-01 |  |  |",
        "| this model | 101.5 | 200.2 | 0.812 |",
        "| naive: artist_mean | 300.0 | 400.0 | 0.200 |",
        "| baseline: gradient_boosting | 140.0 | 240.0 | 0.700 |",
        "| 7 | 90 | 33.2 | 44.5 |  | 50.0 % | 90.0 % |",
        "| all | 700 | 51.2 % | 89.5 % |",
        "| a\\|b | 600 | 49.0 % | 91.0 % |",
        "| 2024-01-01 | 80 | 55.5 | 0.600 | 66.5 |",
        "## Verdict at training",
        "Not promoted.",
        "- not better than the naive pace",
        "| learning_rate | 0.050 |",
        "| capacity | 25.1 % |",
        "## Limits",
    ],
)
def test_the_page_has_what_the_card_holds(line: str) -> None:
    assert line in model_card(CARD).splitlines()


def test_parts_that_are_not_there_are_left_out() -> None:
    few = {name: CARD[name] for name in ("model", "version", "as_of", "data_sha256", "samples", "metrics")}
    page = model_card(few)
    assert "this model" in page
    assert [title for title in ("Backtest", "Verdict", "By horizon", "Intervals") if title in page] == []


def test_a_real_card_has_a_page() -> None:
    outcome = train_ticket_sales(query(make_world(artists=20, venues=25, concerts=400), "ticket_sales"), AS_OF)
    model = outcome.model if isinstance(outcome, Candidate) else outcome
    assert isinstance(model, TrainedModel)
    page = model_card(model.card)
    assert page.startswith(f"# {model.version}\n")
    assert "None" not in page
    for name in model.card["baselines"]:
        assert f"| naive: {name} |" in page
