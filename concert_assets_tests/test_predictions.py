"""What the models in use say: the tables, the commands ``predict`` and ``explain``, and what they say where they cannot."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from concert_assets.defs import feature_shift
from concert_assets.defs.feature_shift import future_shift_of
from concert_assets.learning import known, promotion
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets_tests.support_demo import SMALL, query, report_of, run

pytestmark = [
    # Dagster says so of a part of Pipes that its own subprocess client uses.
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),
    # Its own Pipes clients ask contexts for the run in the way that it is about to give up.
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),
]
Said = pytest.CaptureFixture[str]
AS_OF = date(2025, 12, 31)
SALES = "ticket_sales"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world, too small for a model to earn its place in: here each is put in use, whatever it is worth."""
    found = tmp_path_factory.mktemp("predictions") / "home"
    decide: Callable[..., promotion.Decision] = promotion.decide
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promotion, "decide", lambda *a, **k: replace(decide(*a, **k), is_promoted=True))
        assert run("demo", *SMALL, "--home", str(found)) == 0
    return found


def frame(home: Path, sql: str) -> pd.DataFrame:
    with DuckDBWarehouse(home).session() as session:
        return session.query_frame(sql)


def test_every_venue_is_ranked_and_every_concert_to_come_forecast(home: Path) -> None:
    ranking = frame(home, "select * from concert_dw.venue_ranking order by rank")
    assert set(ranking["venue_id"]) == {venue for (venue,) in query(home, "select venue_id from concert_dw.venues")}
    assert list(ranking["rank"]) == list(range(1, len(ranking) + 1))
    assert ranking["predicted_score"].is_monotonic_decreasing
    forecast = frame(home, "select * from concert_dw.ticket_sales_forecast").set_index("concert_id")
    to_come = frame(
        home,
        "select c.concert_id, v.capacity from concert_dw.concerts as c inner join concert_dw.venues as v "
        "on c.venue_id = v.venue_id where c.status = 'scheduled'",
    ).set_index("concert_id")
    assert set(forecast.index) == set(to_come.index)
    assert (forecast["predicted_tickets"] <= to_come["capacity"].reindex(forecast.index)).all()
    assert (forecast["horizon_days"] >= 0).all()


def test_training_again_on_the_same_data_trains_nothing(home: Path, capsys: Said) -> None:
    models = home / "objects" / "concert-data-processed" / "models"

    def written() -> dict[Path, int]:
        files = [path for path in models.rglob("*") if path.is_file() and path.name != "drift.json"]
        return {path: path.stat().st_mtime_ns for path in files}

    before = written()
    assert run("train", "--home", str(home)) == 0
    assert capsys.readouterr().out.count("nothing has changed") == 2
    assert written() == before


def test_what_is_found_of_models_lies_among_the_quality_results(home: Path) -> None:
    rows = query(
        home,
        "select distinct table_name, rule, severity from concert_dw.quality_results where scope = 'model' order by 1, 2",
    )
    tables = ("ticket_sales_forecast", "venue_ranking")
    assert rows == [(table, rule, "warning") for table in tables for rule in ("errors_stable", "features_stable")]
    assert run("status", "--home", str(home)) == 0


def test_a_leak_fails_its_blocking_check_and_the_champion_stays(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    leaks_of = known.leaks_of

    def found(model: Any, *arguments: Any) -> Any:
        report = leaks_of(model, *arguments)
        return replace(report, reasons=("price alone explains 99.9% of the target",)) if model.name == SALES else report

    pointer = home / "objects" / "concert-data-processed" / "models" / SALES / "in_use" / "00000001.json"
    before, forecast = pointer.read_bytes(), "select * from concert_dw.ticket_sales_forecast order by concert_id"
    rows = query(home, forecast)
    monkeypatch.setattr(known, "leaks_of", found)
    assert run("train", "--test-size", "0.3", "--home", str(home)) == 1
    assert "leak: price alone explains 99.9% of the target" in capsys.readouterr().out
    report = report_of(home)
    told = {item["key"]: item["status"] for item in report["steps"]}
    assert told["model_ticket_sales"] == "failure"
    assert told["ticket_sales_forecast"] in ("skipped", "not_started")
    assert pointer.read_bytes() == before
    assert query(home, forecast) == rows
    (stored,) = {path.parent.name for path in pointer.parents[1].glob("*/manifest.json")} - {
        json.loads(before)["version"]
    }
    assert json.loads((pointer.parents[1] / "decision.json").read_text())["version"] == stored


# --- predict and explain


@pytest.fixture
def concerts(home: Path) -> dict[str, str]:
    """One concert of each status, not of the last day."""
    rows = query(
        home,
        "select status, min(concert_id) from concert_dw.concerts where cast(event_date as date) <> date '2025-12-31' "
        "and (status <> 'completed' or tickets_sold is not null) group by status",
    )
    return dict(rows)


def test_a_concert_to_come_is_forecast_as_in_the_table(home: Path, concerts: dict[str, str], capsys: Said) -> None:
    assert run("predict", "--concert", concerts["scheduled"], "--home", str(home), "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    (stored,) = query(
        home,
        "select horizon_days, predicted_tickets, tickets_low_50, tickets_high_50, tickets_low_90, tickets_high_90, "
        f"confidence_score from concert_dw.ticket_sales_forecast where concert_id = '{concerts['scheduled']}'",
    )
    assert [tuple(row.values()) for row in told["forecasts"]] == [stored]
    assert run("predict", "--concert", concerts["scheduled"], "--home", str(home)) == 0
    out = capsys.readouterr().out
    assert f"{stored[1]:,}" in out
    assert "forecast as of 2025-12-31" in out


def test_a_past_concert_is_forecast_at_each_horizon(home: Path, concerts: dict[str, str], capsys: Said) -> None:
    assert run("predict", "--concert", concerts["completed"], "--home", str(home), "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    days = [row["horizon_days"] for row in told["forecasts"]]
    assert days == sorted(days, reverse=True)
    assert days[-1] == 1
    assert len(days) >= 3
    for row in told["forecasts"]:
        assert 0 <= row["low_90"] <= row["low_50"] <= row["predicted"] <= row["high_50"] <= row["high_90"]


def test_an_explanation_adds_up_to_the_forecast(home: Path, concerts: dict[str, str], capsys: Said) -> None:
    for status in ("scheduled", "completed"):
        assert run("explain", "--concert", concerts[status], "--home", str(home), "--json") == 0
        told = json.loads(capsys.readouterr().out)
        total = told["base"] + sum(item["adds"] for item in told["contributions"])
        assert total == pytest.approx(told["predicted"])
        sizes = [abs(item["adds"]) for item in told["contributions"]]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[0] > 0
    assert run("explain", "--concert", concerts["scheduled"], "--home", str(home)) == 0
    assert "tickets are forecast by ticket_sales-" in capsys.readouterr().out


def test_concerts_that_have_no_forecast_are_told_in_one_line(
    home: Path, concerts: dict[str, str], capsys: Said
) -> None:
    for command in ("predict", "explain"):
        for concert, said in (
            ("nobody's", 'no concert "nobody\'s" is published'),
            (concerts["cancelled"], "cancelled"),
        ):
            assert run(command, "--concert", concert, "--home", str(home)) == 1
            out, err = capsys.readouterr()
            assert (out, err.count("\n")) == ("", 1)
            assert said in err


def planned(home: Path, **changes: Any) -> dict[str, Any]:
    ((artist, venue),) = query(home, "select min(artist_id), min(venue_id) from concert_dw.concerts")
    concert = {
        "concert_id": "P1", "artist_id": artist, "venue_id": venue, "event_date": "2026-03-14T20:00:00",
        "on_sale_date": "2026-01-10", "status": "scheduled", "ticket_prices": {"general": 40, "vip": 90},
    }  # fmt: skip
    return concert | changes


def test_planned_concerts_of_a_file_are_forecast_and_forgotten(home: Path, tmp_path: Path, capsys: Said) -> None:
    tables = "select table_name from information_schema.tables order by 1"
    before, file = query(home, tables), tmp_path / "planned.jsonl"
    rows = [planned(home), planned(home, concert_id="P2", event_date="2026-06-06T20:00:00", ticket_prices={"vip": 400})]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("predict", "--file", str(file), "--home", str(home), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["concert_id"] for item in told] == ["P1", "P2"]
    assert all(0 <= item["forecasts"][0]["predicted"] <= item["capacity"] for item in told)
    assert told[0]["forecasts"][0]["horizon_days"] < told[1]["forecasts"][0]["horizon_days"]
    assert query(home, tables) == before
    assert query(home, "select count(*) from concert_dw.concerts where concert_id in ('P1', 'P2')") == [(0,)]


def test_a_csv_file_is_read_like_a_delivery(home: Path, tmp_path: Path, capsys: Said) -> None:
    row = planned(home)
    del row["ticket_prices"]
    file = tmp_path / "planned.csv"
    file.write_text(",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n")
    assert run("predict", "--file", str(file), "--home", str(home)) == 0
    assert "P1 · " in capsys.readouterr().out


def test_rows_of_a_file_that_have_no_forecast_are_told_and_the_others_are_forecast(
    home: Path, tmp_path: Path, capsys: Said
) -> None:
    wrong = [
        ({"concert_id": "P2", "artist_id": "nobody", "venue_id": "nowhere"}, "artist 'nobody' and venue 'nowhere'"),
        ({"concert_id": "P3", "event_date": "2020-01-01T20:00:00", "on_sale_date": "2019-01-01"}, "before 2025-12-31"),
        ({"concert_id": "P4", "event_date": "whenever"}, "event_date 'whenever'"),
        ({"concert_id": "P5", "status": "cancelled"}, "it is cancelled"),
        ({"concert_id": "P6", "status": "completed"}, "tickets_sold is not known"),
        ({"concert_id": "P1"}, "it stands twice"),
    ]
    file = tmp_path / "planned.json"
    file.write_text(json.dumps([planned(home), *(planned(home, **changes) for changes, _ in wrong)]))
    assert run("predict", "--file", str(file), "--home", str(home)) == 1
    out, err = capsys.readouterr()
    assert out.count("P1 · ") == 1
    assert len(err.splitlines()) == len(wrong)
    for _, said in wrong:
        assert said in err


@pytest.mark.parametrize(("name", "data", "said"), [
    ("absent.csv", None, "No such file"),
    ("empty.csv", b"", "empty.csv"),
    ("noise.bin", b"\x00\x01\x02", "no list of concerts"),
    ("broken.json", b'[{"concert_id": ', "broken.json"),
    ("header.csv", b"concert_id,artist_id,venue_id,event_date,status\n", "holds no concert"),
])  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_in_one_line(
    home: Path, tmp_path: Path, capsys: Said, name: str, data: bytes | None, said: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    assert run("predict", "--file", str(tmp_path / name), "--home", str(home)) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_without_a_model_to_ask_the_commands_say_so(home: Path, tmp_path: Path, capsys: Said) -> None:
    for command in ("predict", "explain"):
        assert run(command, "--concert", "C1", "--home", str(tmp_path / "none")) == 1
        assert "nothing is published" in capsys.readouterr().err
    pointer = home / "objects" / "concert-data-processed" / "models" / "ticket_sales" / "in_use" / "00000001.json"
    used = json.loads(pointer.read_text())
    stored = pointer.parents[1] / used["version"] / "model.skops"
    for path, data, said in (
        (pointer, json.dumps(used | {"version": "", "skipped_reason": "too few rows"}).encode(), "too few rows"),
        (stored, b"another", "the model in use is refused: the signature does not fit"),
    ):
        kept = path.read_bytes()
        path.write_bytes(data)
        try:
            assert run("predict", "--concert", "C1", "--home", str(home)) == 1
        finally:
            path.write_bytes(kept)
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err


# --- the future-shift test on published tables


@pytest.mark.parametrize("model", ["ticket_sales", "venue_popularity"])
def test_no_later_fact_moves_a_feature_and_nothing_is_left(home: Path, model: str) -> None:
    with DuckDBWarehouse(home).session() as session:
        found = future_shift_of(session, model, AS_OF)
        left = session.query("select table_name from information_schema.tables where table_name like 'shift%'")
    assert found is not None
    assert found.moved == ()
    assert found.rows >= 100
    assert found.targets_moved >= 5
    assert left == []


def test_a_feature_that_sees_the_future_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = feature_shift.feature_rows_over

    def leaking(session: Any, model: str, as_of: date, relations: Any) -> pd.DataFrame:
        rows = over(session, model, as_of, relations)
        sold = session.query_frame(f"select concert_id, tickets_sold as after_all from {relations['concerts']}")
        return rows.merge(sold, on="concert_id").assign(venue_surprise=lambda each: each["after_all"])

    monkeypatch.setattr(feature_shift, "feature_rows_over", leaking)
    with DuckDBWarehouse(home).session() as session:
        found = future_shift_of(session, "ticket_sales", AS_OF)
    assert found is not None
    assert found.moved == ("venue_surprise",)
