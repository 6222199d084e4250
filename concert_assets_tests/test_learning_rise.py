"""Artists who are more popular than their strength lets expect, and the time since the shows that tell of it."""

import numpy as np
import pandas as pd
import pytest

from concert_assets.learning import sales

ROWS = 300


def _frame(popularity: np.ndarray, strength: np.ndarray, age_days: float) -> pd.DataFrame:
    columns = {f"artist_{name}": strength for name in sales._STRENGTHS}
    columns |= {"artist_popularity": popularity, "artist_strength_age_days": np.full(len(strength), age_days)}
    columns |= dict.fromkeys(
        ("artist_past_tickets", "paced_tickets", "ledger_share", "pace_share"), np.zeros(len(strength))
    )
    return pd.DataFrame(columns)


def _usual() -> dict:
    strength = np.linspace(4.0, 9.0, ROWS)
    usual = sales._usual_popularity(_frame(10 * strength, strength, 100.0))
    assert usual is not None
    return usual


def test_the_usual_popularity_is_told_by_the_first_third_alone() -> None:
    strength = np.tile(np.linspace(4.0, 9.0, ROWS // 3), 3)
    popularity = 10 * strength
    changed = popularity.copy()
    changed[ROWS // 3 :] += 30
    assert sales._usual_popularity(_frame(popularity, strength, 1.0)) == sales._usual_popularity(
        _frame(changed, strength, 1.0)
    )
    changed[: ROWS // 3] += 30
    assert sales._usual_popularity(_frame(popularity, strength, 1.0)) != sales._usual_popularity(
        _frame(changed, strength, 1.0)
    )


def test_who_is_more_popular_than_usual_has_risen_by_that_a_year() -> None:
    usual = _usual()
    strength = np.array([5.0, 5.0, 5.0])
    found = sales._beside_the_room(_frame(np.array([50.0, 60.0, 45.0]), strength, 730.5), np.full(3, 1000.0), usual)
    assert found["artist_popularity_beyond_strength"].tolist() == pytest.approx([0, 10, -5], abs=0.05)
    assert found["artist_popularity_rise"].tolist() == pytest.approx([0, 20, -10], abs=0.1)


def test_nothing_is_said_of_artists_without_strength_or_where_too_few_are_known() -> None:
    few = _frame(np.arange(20.0), np.arange(20.0), 10.0)
    assert sales._usual_popularity(few) is None
    found = sales._beside_the_room(few, np.full(20, 100.0), None)
    assert found["artist_popularity_rise"].isna().all()
    unknown = _frame(np.array([50.0]), np.array([np.nan]), np.nan)
    assert sales._beside_the_room(unknown, np.array([100.0]), _usual())["artist_popularity_rise"].isna().all()


def test_a_strength_beyond_those_seen_is_taken_for_the_nearest() -> None:
    usual = _usual()
    frame = _frame(np.array([90.0, 90.0]), np.array([usual["high"], 50.0]), 365.25)
    found = sales._beside_the_room(frame, np.full(2, 100.0), usual)["artist_popularity_beyond_strength"]
    assert found[0] == pytest.approx(found[1])
