"""Figures, models and predictions of a demo-sized run, made up for the tests of the reports."""

import math
import random
from datetime import UTC, date, datetime, timedelta

from concert_assets.reporting.facts import CurvePoint, DaySales, FigureFacts, ModelFacts, TopArtist, TopVenue


def figures():
    chance = random.Random(7)
    days = [date(2021, 1, 1) + timedelta(days=number) for number in range(1826)]
    level = [
        (1 + 0.35 * math.sin(day.timetuple().tm_yday / 58))
        * (1 + 0.5 * (day.weekday() >= 4))
        * (0.7 + 0.00035 * number)
        for number, day in enumerate(days)
    ]
    daily = [
        DaySales(
            day,
            tickets := int(70 * height * chance.uniform(0.6, 1.4)),
            round(tickets * chance.uniform(62, 84), 2),
            tickets // 2,
        )
        for day, height in zip(days, level, strict=True)
    ]
    places = ("Chicago, IL", "New York, NY", "Austin, TX", "Los Angeles, CA", "Seattle, WA")
    names = ("Meridian Arena", "The Copper Room", "Lakeview Pavilion", "Old Exchange Hall", "Harbor Stadium")
    kinds = ("arena", "club", "amphitheater", "hall", "stadium")
    venues = [
        TopVenue(
            f"{names[n % 5]}{' II' if n > 4 else ''}", places[n % 5], kinds[n % 5], (18200, 900, 9400, 2400, 52000)[n % 5],
            96 - 5 * n, 940_000 - 71_000 * n, 0.94 - 0.03 * n, 61_000_000 / (n + 1), 91.4 - 3.1 * n,
        )
        for n in range(10)
    ]  # fmt: skip
    bands = ("Glass Orchard", "Ana Torres", "The Night Ledger", "Velvet Causeway", "Kofi & the Lanterns", "Sigur Vale", "Ōkami",
             "Paper Cathedral", "Dust Parade", "Marguerite")  # fmt: skip
    artists = [
        TopArtist(
            name,
            ("rock", "pop", "indie", "jazz")[n % 4],
            61 - 4 * n,
            610_000 - 52_000 * n,
            0.97 - 0.02 * n,
            48_000_000 / (n + 1.4),
        )
        for n, name in enumerate(bands)
    ]
    curve = [
        CurvePoint(days, round(max(0.0, 1 - 0.56 * (1 - math.exp(-days / 3)) - 0.44 * (days / 120) ** 0.6), 4))
        for days in range(121)
    ]
    return FigureFacts(daily, venues, artists, curve)


def card(target, unit_scale, importances):
    return {
        "unit": target,
        "estimator": "RandomForestRegressor",
        "as_of": "2026-01-01",
        "settings": {"n_estimators": 100, "max_depth": 10, "test_size": 0.2, "random_state": 42},
        "samples": {
            "train": {
                "rows": 5480,
                "first_cutoff": "2021-01-04",
                "last_cutoff": "2024-06-30",
                "last_target_day": "2024-06-30",
            },
            "calibration": {
                "rows": 1010,
                "first_cutoff": "2024-07-01",
                "last_cutoff": "2024-12-30",
                "last_target_day": "2024-12-30",
            },
            "test": {
                "rows": 1644,
                "first_cutoff": "2025-01-02",
                "last_cutoff": "2025-12-30",
                "last_target_day": "2025-12-30",
            },
        },
        "metrics": {
            "train": {"mae": 0.061 * unit_scale, "rmse": 0.09 * unit_scale, "r2": 0.93},
            "test": {"mae": 0.112 * unit_scale, "rmse": 0.171 * unit_scale, "r2": 0.781},
        },
        "baselines": {
            "type_mean_sell_through": {"mae": 0.188 * unit_scale, "rmse": 0.26 * unit_scale, "r2": 0.512},
            "past_mean_of_artist": {"mae": 0.203 * unit_scale, "rmse": 0.291 * unit_scale, "r2": 0.43},
        },
        "importances": [{"feature": name, "importance": share} for name, share in importances.items()],
        "coverage": {"50": 0.487, "90": 0.894},
    }


def models():
    venue = {
        "last_score": 0.41,
        "utilisation_12m": 0.22,
        "bookings_12m": 0.14,
        "capacity": 0.09,
        "venue_type": 0.06,
        "mean_price_usd": 0.05,
    }
    sales = {
        "capacity": 0.52,
        "artist_popularity": 0.17,
        "venue_trailing_share": 0.11,
        "mean_face_value": 0.06,
        "weekday": 0.05,
        "days_on_sale": 0.03,
    }
    return [
        ModelFacts("venue_popularity", "vp-3fa91c0d", card("score of the coming year", 100, venue)),
        ModelFacts("ticket_sales", "ts-77b0e2aa", card("tickets sold", 4200, sales)),
    ]


def rankings():
    top = figures().top_venues
    return [
        {
            "rank": n + 1, "venue_id": f"v{n:04d}", "venue_name": venue.name, "city": venue.place, "predicted_score": 92.3 - 2.7 * n,
            "score_low_50": 88.1 - 2.8 * n, "score_high_50": 95.0 - 2.5 * n, "score_low_90": 79.5 - 3 * n,
            "score_high_90": min(100, 99.1 - 1.9 * n), "model_version": "vp-3fa91c0d", "as_of": date(2026, 1, 1),
        }
        for n, venue in enumerate(top)
    ]  # fmt: skip


def forecasts():
    facts = figures()
    made = []
    for n, (artist, venue) in enumerate(zip(facts.top_artists, facts.top_venues[::-1], strict=True)):
        capacity = venue.capacity
        made.append(
            {
                "concert_id": f"c{n:05d}", "artist_name": artist.name, "venue_name": venue.name, "event_date": datetime(2026, 1, 9 + n, 1, 0, tzinfo=UTC),
                "capacity": capacity, "tickets_sold": int(capacity * (0.5 - 0.05 * n)), "horizon_days": 8 + n,
                "predicted_tickets": int(capacity * (0.86 - 0.05 * n)), "tickets_low_50": int(capacity * (0.79 - 0.06 * n)),
                "tickets_high_50": int(capacity * (0.92 - 0.04 * n)), "tickets_low_90": int(capacity * (0.66 - 0.06 * n)),
                "tickets_high_90": int(capacity * min(1, 1.01 - 0.03 * n)), "confidence_score": 0.87 - 0.02 * n,
                "model_version": "ts-77b0e2aa", "as_of": date(2026, 1, 1),
            }
        )  # fmt: skip
    return made
