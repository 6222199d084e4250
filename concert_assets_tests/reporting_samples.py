"""Facts of a demo-sized run, made up in the shape that the pipeline leaves them in, for the tests of the reports."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from concert_assets.catalog.canonical import BY_NAME, TABLES
from concert_assets.reporting.facts import CheckFacts, LedgerFacts, RunFacts, StepFacts

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


def steps(count=None, error=None, is_interrupted=False):
    """The first ``count`` steps; the last of them failed with ``error`` or was interrupted, where asked."""
    count = count or len(STEPS)
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
        settings={
            "artists": 1000,
            "venues": 500,
            "concerts": 10000,
            "sales": 50000,
            "seed": 42,
            "as_of": date(2026, 1, 1),
        },
        steps=steps(),
        checks=tuple(
            CheckFacts(f"quality/{table.name}", "audit", True, "error", "All rules passed") for table in TABLES
        ),
        planned_steps=tuple(key for key, *_ in STEPS),
    )
    return replace(made, **changes)


def failed_run():
    error = (
        "concert_assets.quality.AuditFailed: 331 rows of ticket_sales break rules of severity error\n\n"
        '  File "concert_assets/defs/quality_results.py", line 88, in quality\n    raise AuditFailed(table, failing)\n'
    )
    checks = (
        CheckFacts(
            "quality/ticket_sales", "total_price_arithmetic", False, "ERROR", "the total is quantity times unit price"
        ),
    )
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
    return ledger_rows(
        "drop-2026-01-01", 2, "held", counts, "audit: total_price_arithmetic failed on 488 rows of ticket_sales"
    )


def quality_rows():
    made = []
    for table in (BY_NAME[name] for name in COUNTS):
        total = sum(COUNTS[table.name])
        for scope in ("delivered", "candidate"):
            for rule in table.rules():
                outcome, failing = RULES.get((table.name, rule.name), ("", 0))
                failing = failing if scope == "delivered" or (rule.severity == "warning" and outcome) else 0
                made.append(
                    {
                        "table_name": table.name, "rule": rule.name, "category": rule.category, "scope": scope,
                        "severity": "warning" if scope == "delivered" else rule.severity, "failing_rows": failing, "total_rows": total, "is_passed": failing == 0,
                        "score": 100 * (1 - failing / total), "sample": _sample(table, rule) if failing else "[]",
                        "description": rule.description,
                    }
                )  # fmt: skip
    for name, counts in [*COUNTS.items(), ("all", [sum(column) for column in zip(*COUNTS.values(), strict=True)])]:
        failing, total = sum(counts[1:]), sum(counts)
        made.append(
            {
                "table_name": name, "rule": "faultless_rows", "category": "conservation", "scope": "delivered", "severity": "warning",
                "failing_rows": failing, "total_rows": total, "is_passed": failing == 0, "score": 100 * (1 - failing / total),
                "sample": "[]", "description": "rows that break no rule; the score of the table",
            }
        )  # fmt: skip
    return made


def _sample(table, rule):
    return json.dumps([f"{value!r} in row {118 + 31 * n} of o00105" for n, value in enumerate(("-3", "n/a", "0"))])


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
            **{
                f"concert_dw_staging.{table}": sum(counts) - counts[1] + counts[1] // 4
                for table, counts in COUNTS.items()
            },
            "concert_dw.daily_sales_summary": 1902,
        },
        accepted={table: sum(counts) - counts[1] + counts[1] // 4 for table, counts in COUNTS.items()},
    )
    return replace(made, **changes)
