"""The two JSON reports: what they say of good, failed and killed runs, that counts add up, and that they are documented."""

import json
import math
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from concert_assets.reporting.build import build_model_report, build_pipeline_report
from concert_assets.reporting.facts import CheckFacts, LedgerFacts, ModelFacts, StepFacts
from concert_assets.reporting.plain import plain
from concert_assets_tests import reporting_music as music
from concert_assets_tests import reporting_samples as samples

OUTCOMES = ("published", "rejected", "duplicate", "superseded", "pending", "held")


def pipeline(run=None, ledger=None):
    return build_pipeline_report(
        run or samples.run(), samples.ledger() if ledger is None else ledger, generated_at=samples.NOW
    )


def trained():
    return build_model_report(music.models(), music.rankings(), music.forecasts(), generated_at=samples.NOW)


def test_every_row_has_one_outcome_per_table_and_in_total():
    report = pipeline()
    for name, counts in samples.COUNTS.items():
        row = report["tables"][name]
        assert row["delivered"] == sum(counts)
        assert tuple(row[outcome] for outcome in OUTCOMES) == counts
        assert row["is_balanced"]
        assert row["in_warehouse"] == counts[0]
    assert report["totals"]["delivered"] == sum(map(sum, samples.COUNTS.values()))
    assert report["totals"]["published"] == sum(counts[0] for counts in samples.COUNTS.values())
    assert list(report["tables"]) == ["artists", "venues", "concerts", "ticket_prices", "ticket_sales"]


def test_a_row_without_outcome_is_said_in_the_table_the_ledger_and_the_verdict():
    rows = samples.ledger_rows()
    rows[0]["rows_in"] += 2
    report = pipeline(ledger=samples.ledger(ledger=rows))
    assert report["tables"]["artists"]["unaccounted"] == 2
    assert not report["totals"]["is_balanced"]
    assert [row["is_balanced"] for row in report["ledger"]].count(False) == 1
    assert report["verdict"] == {"level": "bad", "text": "The run succeeded, but 2 rows have no outcome of their own."}


def test_withdrawn_deliveries_are_listed_and_not_counted():
    old = samples.ledger_rows("demo-41", 0, "replaced")
    report = pipeline(ledger=samples.ledger(ledger=[*samples.ledger_rows(), *old]))
    assert report["totals"]["delivered"] == sum(map(sum, samples.COUNTS.values()))
    assert [(item["delivery"], item["state"]) for item in report["deliveries"]] == [
        ("demo-41", "replaced"),
        ("demo-42", "live"),
    ]


def test_a_held_delivery_is_counted_with_its_reason():
    report = pipeline(ledger=samples.ledger(ledger=samples.ledger_rows() + samples.held_rows()))
    held = report["deliveries"][1]
    assert (held["state"], held["rows_in"], held["rows_rejected"], held["rows_held"]) == ("held", 500, 12, 488)
    assert held["notes"] == ["audit: total_price_arithmetic failed on 488 rows of ticket_sales"]
    assert report["totals"]["held"] == 488
    assert report["totals"]["is_balanced"]
    assert report["verdict"]["level"] == "attention"
    assert "drop-2026-01-01" in report["verdict"]["text"]


def test_an_unreadable_object_leaves_its_delivery_live():
    rows = samples.ledger_rows()
    rows[0].update(state="refused", rows_in=None, note="not UTF-8", **{f"rows_{name}": None for name in OUTCOMES})
    delivery = pipeline(ledger=samples.ledger(ledger=rows))["deliveries"][0]
    assert (delivery["state"], delivery["objects_refused"], delivery["notes"]) == ("live", 1, ["not UTF-8"])


def test_a_failed_run_says_where_why_and_what_next():
    report = pipeline(samples.failed_run())
    failure = report["failure"]
    assert (failure["kind"], failure["step"], failure["last_finished_step"]) == ("failure", "quality", "staging")
    assert failure["error"].startswith("concert_assets.quality.AuditFailed: 331 rows")
    assert failure["failed_checks"] == [{"asset": "quality/ticket_sales", "name": "total_price_arithmetic"}]
    assert any("concert-assets release" in line for line in failure["next"])
    assert report["verdict"] == {"level": "bad", "text": "The run failed at step quality."}
    statuses = {step["key"]: step["status"] for step in report["steps"]}
    assert (statuses["staging"], statuses["quality"], statuses["warehouse"]) == ("success", "failure", "not_started")
    assert len(statuses) == len(samples.STEPS)


def test_the_first_of_several_failures_is_the_cause():
    late, early = (samples.START + timedelta(seconds=seconds) for seconds in (9, 3))
    steps = (StepFacts("b", "failure", early, late, "second"), StepFacts("a", "failure", early, early, "first"))
    assert pipeline(samples.run(status="failure", steps=steps))["failure"]["error"] == "first"


def test_a_failure_outside_any_step_keeps_its_error():
    run = samples.run(status="failure", steps=(), started_at=None, error="no such home")
    report = build_pipeline_report(run, None, generated_at=samples.NOW)
    assert report["failure"]["error"] == "no such home"
    assert report["verdict"]["text"] == "The run failed outside any step."
    assert report["run"]["duration_seconds"] is None


def test_a_killed_run_says_what_it_was_doing_and_for_how_long_it_lived():
    report = pipeline(samples.killed_run())
    assert (report["failure"]["step"], report["failure"]["last_finished_step"]) == ("warehouse", "quality")
    assert {step["key"]: step["status"] for step in report["steps"]}["warehouse"] == "interrupted"
    assert report["run"]["end"] is None
    assert report["run"]["duration_seconds"] == pytest.approx(5.26)
    assert report["verdict"]["text"] == "The run was killed during step warehouse."


def test_a_run_that_goes_on_is_no_failure():
    report = pipeline(samples.run(status="running", ended_at=None, steps=samples.steps(3, is_interrupted=True)))
    assert report["failure"] is None
    assert report["steps"][2]["status"] == "running"


def test_failed_checks_of_severity_warning_do_not_count_as_the_cause():
    checks = (
        CheckFacts("a", "late", False, "WARN"),
        CheckFacts("a", "bad", False, "ERROR"),
        CheckFacts("a", "fine", True, "ERROR"),
    )
    failed = pipeline(replace(samples.failed_run(), checks=checks))["failure"]["failed_checks"]
    assert failed == [{"asset": "a", "name": "bad"}]


def test_skipped_parts_state_their_reason():
    skipped = StepFacts(
        "ticket_sales_forecast",
        "success",
        samples.START,
        samples.START,
        rows=0,
        metadata={"skipped_reason": "no sales"},
    )
    report = pipeline(samples.run(steps=(*samples.steps(), skipped)))
    assert report["skipped"] == [{"step": "ticket_sales_forecast", "assets": [], "reason": "no sales"}]


def test_quality_shows_what_failed_first_and_scores_by_the_audits_own_rule():
    report = pipeline()
    results = report["quality"]["results"]
    assert [item["is_passed"] for item in results] == sorted(item["is_passed"] for item in results)
    assert len(results[0]["sample"]) == 3 or results[0]["rule"] == "faultless_rows"
    scores = report["quality"]["scores"]["delivered"]
    counts = samples.COUNTS["ticket_sales"]
    assert scores["ticket_sales"] == pytest.approx(100 * counts[0] / sum(counts))
    assert scores["overall"] == pytest.approx(100 * report["totals"]["published"] / report["totals"]["delivered"])


def test_scores_without_the_audits_rule_are_means():
    row = {
        "table_name": "artists",
        "rule": "a",
        "scope": "candidate",
        "severity": "error",
        "is_passed": True,
        "score": 100.0,
    }
    rows = [row, row | {"rule": "b", "score": 80.0}, row | {"table_name": "venues", "score": 50.0}]
    scores = pipeline(ledger=LedgerFacts(quality=rows))["quality"]["scores"]
    assert scores == {"candidate": {"artists": 90.0, "venues": 50.0, "overall": 70.0}}


def test_secrets_in_settings_are_withheld_at_any_depth():
    settings = {"seed": 42, "db_password": "hunter2", "aws": {"Secret_Access_Key": "abc", "region": "x"}}
    report = pipeline(samples.run(settings=settings))
    assert report["settings"] == {
        "seed": 42,
        "db_password": "withheld",
        "aws": {"Secret_Access_Key": "withheld", "region": "x"},
    }


def test_a_long_error_keeps_its_ends():
    run = samples.run(status="failure", steps=samples.steps(2, error="first line\n" + "x" * 100_000 + "\nlast line"))
    error = pipeline(run)["failure"]["error"]
    assert len(error) <= 20_000
    assert error.startswith("first line")
    assert error.endswith("last line")


@pytest.mark.parametrize("run", [samples.run(), samples.failed_run(), samples.killed_run()])
def test_reports_are_strict_json(run):
    report = pipeline(run)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("12.50"), 12.5),
        (Decimal("3"), 3),
        (Decimal("12345678901234567.89"), "12345678901234567.89"),
        (Decimal("NaN"), None),
        (math.inf, None),
        (float("nan"), None),
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (np.array([1.5, np.nan]), [1.5, None]),
        (pd.NaT, None),
        (pd.NA, None),
        (pd.Timestamp("2026-01-01T10:00:00"), "2026-01-01T10:00:00.000Z"),
        (datetime(2026, 1, 1, 10, tzinfo=timezone(timedelta(hours=-5))), "2026-01-01T15:00:00.000Z"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000Z"),
        (date(1842, 12, 7), "1842-12-07"),
        (timedelta(seconds=1.5), 1.5),
        ({1: {"b", "a"}}, {"1": ["a", "b"]}),
        (Path("x"), "x"),
    ],
)
def test_values_become_plain(value, expected):
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)


def test_models_carry_metrics_beside_the_best_naive_rule():
    model = trained()["models"][1]
    assert model["best_baseline"] == "type_mean_sell_through"
    assert model["is_better_than_baseline"] is True
    assert model["test_metrics"]["r2"] == 0.781
    assert trained()["venue_rankings"][0]["as_of"] == "2026-01-01"
    worse = music.models()[0]
    worse = replace(worse, card=worse.card | {"metrics": {"test": {"mae": 99.0}}})
    assert build_model_report([worse], generated_at=samples.NOW)["models"][0]["is_better_than_baseline"] is False


def test_a_skipped_model_has_the_same_fields_and_its_reason():
    report = build_model_report([ModelFacts("ticket_sales", skipped_reason="no tickets")], generated_at=samples.NOW)
    model = report["models"][0]
    assert (model["status"], model["skipped_reason"]) == ("skipped", "no tickets")
    assert set(model) == set(trained()["models"][0])


def test_ten_samples_are_kept():
    rows = [{"rank": rank} for rank in range(1, 31)]
    report = build_model_report([], rows, rows, generated_at=samples.NOW)
    assert (
        [row["rank"] for row in report["venue_rankings"]]
        == list(range(1, 11))
        == [row["rank"] for row in report["concert_forecasts"]]
    )


def test_every_field_is_documented_and_no_other():
    text = (Path(__file__).parent.parent / "docs" / "reports.md").read_text()
    _, of_pipeline, of_models, _ = re.split(r"^## .*$", text, flags=re.M)  # the last tells of lineage
    report = pipeline(samples.failed_run())
    kept = {f"{name}[]": report[name][0] for name in ("steps", "deliveries")} | {
        name: report[name] for name in ("run", "verdict", "failure")
    }
    kept |= {
        "tables.*": report["tables"]["artists"],
        "quality": report["quality"],
        "quality.results[]": report["quality"]["results"][0],
    }
    assert documented(of_pipeline) == set(report) | {
        f"{place}.{name}" for place, value in kept.items() for name in value
    }
    models = trained()
    assert documented(of_models) == set(models) | {f"models[].{name}" for name in models["models"][0]}


def documented(text):
    rows = (line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
