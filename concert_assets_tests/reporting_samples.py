"""Facts of a demo-sized run, made up in the shape that the pipeline leaves them in, for the tests of the reports."""

import math
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from concert_assets.catalog.canonical import TABLES
from concert_assets.reporting.facts import (
    CheckFacts,
    CurvePoint,
    DaySales,
    FigureFacts,
    LedgerFacts,
    ModelFacts,
    RunFacts,
    StepFacts,
    TopArtist,
    TopVenue,
)

START = datetime(2026, 1, 1, 9, 30, 0, tzinfo=UTC)
NOW = START + timedelta(seconds=12)
OUTCOMES = ("published", "rejected", "duplicate", "superseded", "pending", "held")
#          table: published, rejected, duplicate, superseded, pending, held
COUNTS = {
    "artists": (1004, 6, 3, 1, 0, 0),
    "venues": (502, 3, 1, 1, 0, 0),
    "concerts": (9874, 58, 22, 19, 144, 0),
    "ticket_prices": (36120, 0, 81, 70, 702, 0),
    "ticket_sales": (49012, 331, 118, 97, 1057, 0),
}
STEPS = (
    ("raw", 1.1, 98_000), ("curated", 2.3, 98_520), ("staging", 0.2, 98_123), ("quality", 0.9, 96),
    ("warehouse", 0.8, 96_512), ("venue_popularity", 0.2, 502), ("artist_performance", 0.2, 1004),
    ("daily_sales_summary", 0.15, 1902), ("model_venue_popularity", 0.9, None), ("model_ticket_sales", 2.1, None),
    ("venue_ranking", 0.1, 502), ("ticket_sales_forecast", 0.2, 1688), ("pipeline_report", 0.1, None),
)  # fmt: skip
RULES = {
    ("ticket_sales", "total_price_arithmetic"): ("rejected", 71), ("ticket_sales", "quantity_range"): ("rejected", 64),
    ("ticket_sales", "concert_id_exists"): ("pending", 1057), ("ticket_sales", "sale_id_unique"): ("duplicate", 118),
    ("ticket_sales", "newest_wins"): ("superseded", 97), ("ticket_sales", "purchase_before_show"): ("rejected", 58),
    ("ticket_sales", "unit_price_required"): ("rejected", 52), ("ticket_sales", "sale_status_allowed"): ("rejected", 86),
    ("ticket_prices", "concert_id_exists"): ("pending", 702), ("ticket_prices", "newest_wins"): ("superseded", 70),
    ("ticket_prices", "concert_id_ticket_tier_unique"): ("duplicate", 81),
    ("concerts", "artist_id_exists"): ("pending", 84), ("concerts", "venue_id_exists"): ("pending", 60),
    ("concerts", "event_date_readable"): ("rejected", 31), ("concerts", "tickets_within_capacity"): ("rejected", 27),
    ("concerts", "concert_id_unique"): ("duplicate", 22), ("concerts", "newest_wins"): ("superseded", 19),
    ("artists", "popularity_score_range"): ("rejected", 6), ("artists", "artist_id_unique"): ("duplicate", 3),
    ("artists", "newest_wins"): ("superseded", 1), ("venues", "capacity_range"): ("rejected", 3),
    ("venues", "venue_id_unique"): ("duplicate", 1), ("venues", "newest_wins"): ("superseded", 1),
}  # fmt: skip


def steps(count=len(STEPS), error=None, is_interrupted=False):
    """The first ``count`` steps; the last of them failed with ``error`` or was interrupted, where asked."""
    made, moment = [], START + timedelta(seconds=0.6)
    for number, (key, seconds, rows) in enumerate(STEPS[:count], start=1):
        end = moment + timedelta(seconds=seconds)
        bad = number == count and (error is not None or is_interrupted)
        made.append(
            StepFacts(
                key,
                "success" if not bad else "running" if is_interrupted else "failure",
                moment,
                None if bad and is_interrupted else end,
                error if bad else None,
                (f"stage/{key}",),
                None if bad else rows,
            )
        )
        moment = end + timedelta(milliseconds=40)
    return tuple(made)


def run(**changes):
    made = RunFacts(
        run_id="8f2c1a90-5c1e-4a8b-9a3f-0c2f7e2d6b11",
        job_name="run_demo",
        status="success",
        started_at=START,
        ended_at=START + timedelta(seconds=10.4),
        home="/home/ana/concerts/.concert",
        settings={"artists": 1000, "venues": 500, "concerts": 10000, "sales": 50000, "seed": 42, "as_of": date(2026, 1, 1)},
        steps=steps(),
        checks=tuple(CheckFacts(f"quality/{table.name}", "audit", True, "error", "All rules passed") for table in TABLES),
        planned_steps=tuple(key for key, *_ in STEPS),
    )
    return replace(made, **changes)


def failed_run():
    error = (
        "concert_assets.quality.AuditFailed: 331 rows of ticket_sales break rules of severity error\n\n"
        '  File "concert_assets/defs/quality_results.py", line 88, in quality\n    raise AuditFailed(table, failing)\n'
    )
    checks = (CheckFacts("quality/ticket_sales", "total_price_arithmetic", False, "ERROR", "the total is quantity times unit price"),)
    return run(status="failure", steps=steps(4, error=error), checks=checks, ended_at=START + timedelta(seconds=6))


def killed_run():
    return run(status="killed", steps=steps(5, is_interrupted=True), ended_at=None)


def ledger_rows(delivery="demo-42", sequence=1, state="live", counts=COUNTS, note=""):
    rows = []
    for number, (table, outcomes) in enumerate(counts.items(), start=1):
        source = "concerts" if table == "ticket_prices" else table
        rows.append(
            {
                "object_id": f"o{sequence:03d}{number:02d}", "table_name": table, "delivery": delivery, "sequence": sequence,
                "object_key": f"{delivery}/{source}.jsonl.gz", "object_version": "1", "sha256": f"{sequence * 7919 + number:064x}",
                "size_bytes": 41_000 * number, "rows_in": sum(outcomes),
                **{f"rows_{name}": count for name, count in zip(OUTCOMES, outcomes, strict=True)},
                "state": state, "delivered_at": START - timedelta(days=3 - sequence), "published_position": 1, "note": note,
            }
        )  # fmt: skip
    return rows


def held_rows():
    counts = {"ticket_sales": (0, 12, 0, 0, 0, 488)}
    return ledger_rows("drop-2026-01-01", 2, "held", counts, "audit: total_price_arithmetic failed on 488 rows of ticket_sales")


def quality_rows():
    made = []
    for table in TABLES:
        total = sum(COUNTS[table.name])
        for scope in ("delivered", "candidate"):
            for rule in table.rules():
                outcome, failing = RULES.get((table.name, rule.name), ("", 0))
                failing = failing if scope == "delivered" or (rule.severity == "warning" and outcome) else 0
                made.append(
                    {
                        "table_name": table.name, "rule": rule.name, "category": rule.category, "scope": scope,
                        "severity": rule.severity, "failing_rows": failing, "total_rows": total, "is_passed": failing == 0,
                        "score": 100 * (1 - failing / total), "sample": _sample(table, rule) if failing else "[]",
                    }
                )  # fmt: skip
    return made


def _sample(table, rule):
    return [{"_object_id": "o00105", "_row_number": 118 + 31 * n, rule.column: ["-3", "n/a", "0"][n]} for n in range(3)]


def ledger(**changes):
    made = LedgerFacts(
        ledger=ledger_rows(),
        quality=quality_rows(),
        outcomes=[
            {"table_name": table, "outcome": outcome, "rule": rule, "count": count}
            for (table, rule), (outcome, count) in RULES.items()
        ],
        table_counts={
            **{f"concert_dw.{table}": counts[0] for table, counts in COUNTS.items()},
            **{f"concert_dw_staging.{table}": sum(counts) - counts[1] + counts[1] // 4 for table, counts in COUNTS.items()},
            "concert_dw.daily_sales_summary": 1902,
        },
        accepted={table: sum(counts) - counts[1] + counts[1] // 4 for table, counts in COUNTS.items()},
    )
    return replace(made, **changes)


def figures():
    chance = random.Random(7)
    days = [date(2021, 1, 1) + timedelta(days=number) for number in range(1826)]
    level = [
        (1 + 0.35 * math.sin(day.timetuple().tm_yday / 58)) * (1 + 0.5 * (day.weekday() >= 4)) * (0.7 + 0.00035 * number)
        for number, day in enumerate(days)
    ]
    daily = [
        DaySales(day, tickets := int(70 * height * chance.uniform(0.6, 1.4)), round(tickets * chance.uniform(62, 84), 2), tickets // 2)
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
        TopArtist(name, ("rock", "pop", "indie", "jazz")[n % 4], 61 - 4 * n, 610_000 - 52_000 * n, 0.97 - 0.02 * n, 48_000_000 / (n + 1.4))
        for n, name in enumerate(bands)
    ]
    curve = [CurvePoint(days, round(max(0.0, 1 - 0.56 * (1 - math.exp(-days / 3)) - 0.44 * (days / 120) ** 0.6), 4)) for days in range(121)]
    return FigureFacts(daily, venues, artists, curve)


def card(target, unit_scale, importances):
    return {
        "target": target,
        "settings": {"estimator": "RandomForestRegressor", "n_estimators": 100, "max_depth": 10, "test_size": 0.2, "random_state": 42},
        "samples": {
            "train": {"rows": 5480, "from": "2021-01-04", "to": "2024-06-30"},
            "calibration": {"rows": 1010, "from": "2024-07-01", "to": "2024-12-30"},
            "test": {"rows": 1644, "from": "2025-01-02", "to": "2025-12-30"},
        },
        "metrics": {
            "train": {"mae": 0.061 * unit_scale, "rmse": 0.09 * unit_scale, "r2": 0.93},
            "test": {"mae": 0.112 * unit_scale, "rmse": 0.171 * unit_scale, "r2": 0.781},
        },
        "baselines": {
            "type_mean_sell_through": {"mae": 0.188 * unit_scale, "rmse": 0.26 * unit_scale, "r2": 0.512},
            "past_mean_of_artist": {"mae": 0.203 * unit_scale, "rmse": 0.291 * unit_scale, "r2": 0.43},
        },
        "importances": importances,
        "coverage": {"50": 0.487, "90": 0.894},
    }


def models():
    venue = {"last_score": 0.41, "utilisation_12m": 0.22, "bookings_12m": 0.14, "capacity": 0.09, "venue_type": 0.06, "mean_price_usd": 0.05}
    sales = {"capacity": 0.52, "artist_popularity": 0.17, "venue_trailing_share": 0.11, "mean_face_value": 0.06, "weekday": 0.05, "days_on_sale": 0.03}
    return [
        ModelFacts("venue_popularity", "vp-3fa91c0d", card("score points", 100, venue)),
        ModelFacts("ticket_sales", "ts-77b0e2aa", card("tickets", 4200, sales)),
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
