"""The simulated world: exact counts, the full ledger, formats, settings and reproducibility to the byte."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.simulation.sales import CHUNK_ROWS
from concert_assets.simulation.settings import (
    SettingsError,
    SimulationSettings,
    parse_as_of,
    parse_raw_format,
    parse_sales,
)
from concert_assets.simulation.world import SimulationResult, check_settings, simulate
from concert_assets_tests.simulation_reader import Folder, Row, read_object

TINY = SimulationSettings(artists=25, venues=20, concerts=160, sales=900, defect_rate=0.03, seed=9)


def run(settings: SimulationSettings, path: Path) -> tuple[SimulationResult, Folder, Folder]:
    data, truth = Folder(path / "data"), Folder(path / "truth")
    return simulate(settings, data, truth), data, truth


def tables(result: SimulationResult, data: Folder) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for written in result.objects:
        rows[written.table] += read_object(data.path / written.key)
    return rows


def test_the_same_settings_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    _, first, first_truth = run(TINY, tmp_path / "a")
    _, again, again_truth = run(TINY, tmp_path / "b")
    _, other, _ = run(replace(TINY, seed=10), tmp_path / "c")
    assert first.bytes() == again.bytes()
    assert first_truth.bytes() == again_truth.bytes()
    assert all(first.bytes()[key] != other.bytes()[key] for key in first.bytes())


_HASHES = """
import hashlib, io, json, sys
from contextlib import contextmanager
from datetime import date
from concert_assets.simulation.settings import SimulationSettings
from concert_assets.simulation.world import simulate

class Kept:
    def __init__(self):
        self.hashes = {}
    @contextmanager
    def open(self, key):
        buffer = io.BytesIO()
        yield buffer
        self.hashes[key] = hashlib.sha256(buffer.getvalue()).hexdigest()

data, truth = Kept(), Kept()
simulate(SimulationSettings(**json.loads(sys.argv[1])), data, truth)
print(json.dumps([data.hashes, truth.hashes]))
"""


def cpu_features() -> list[str]:
    """The processor features that numpy found here and could do without."""
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # type: ignore[index,call-overload]
    return found


def test_processor_features_do_not_change_a_byte(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"artists": 200, "venues": 100, "concerts": 3_000, "sales": 20_000, "defect_rate": 0.02}
    _, data, truth = run(SimulationSettings(**settings), tmp_path)
    features = cpu_features()
    assert features or platform.machine() not in ("x86_64", "AMD64"), "there is nothing to switch off"
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(features)}
    done = subprocess.run(
        [sys.executable, "-c", _HASHES, json.dumps(settings)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    here = [{key: hashlib.sha256(kept).hexdigest() for key, kept in sink.bytes().items()} for sink in (data, truth)]
    assert json.loads(done.stdout) == here


def test_more_sales_change_neither_artist_nor_venue_nor_concert(tmp_path: Path) -> None:
    _, few, _ = run(TINY, tmp_path / "few")
    _, many, _ = run(replace(TINY, sales=2_000), tmp_path / "many")
    for key in ("artists.jsonl.gz", "venues.jsonl.gz", "concerts.jsonl.gz"):
        assert few.bytes()[key] == many.bytes()[key]


def test_what_is_reported_is_what_was_written(tmp_path: Path) -> None:
    result, data, truth = run(TINY, tmp_path)
    for written in result.objects:
        content = (data.path / written.key).read_bytes()
        assert (written.size_bytes, written.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert written.rows == len(read_object(data.path / written.key))
    assert [written.key for written in result.objects] == data.opened
    assert sorted(truth.opened) == sorted(set(truth.opened))
    assert result.sample_rate == 900 / result.sellable_orders


def test_the_three_formats_carry_equal_rows(tmp_path: Path) -> None:
    read = {}
    for raw_format in ("jsonl", "csv", "parquet"):
        result, data, _ = run(replace(TINY, raw_format=raw_format), tmp_path / raw_format)
        read[raw_format] = tables(result, data)
    assert read["jsonl"] == read["csv"] == read["parquet"]
    for table, rows in read["csv"].items():
        names = list(BY_NAME[table].column_names) + ["ticket_prices"] * (table == "concerts")
        assert list(rows[0]) == names


def test_json_numbers_are_numbers_and_lists_are_lists(tmp_path: Path) -> None:
    import gzip

    _, data, _ = run(replace(TINY, defect_rate=0), tmp_path)
    rows = {
        table: [json.loads(line) for line in gzip.decompress(data.bytes()[f"{table}.jsonl.gz"]).splitlines()]
        for table in ("artists", "venues", "concerts", "ticket_sales")
    }
    assert {type(row["genres"]) for row in rows["artists"]} == {list}
    assert {type(row["latitude"]) for row in rows["venues"]} == {float}
    assert {type(row["ticket_prices"]) for row in rows["concerts"]} == {dict}
    assert {type(row["quantity"]) for row in rows["ticket_sales"]} == {int}
    assert {type(row["purchase_timestamp"]) for row in rows["ticket_sales"]} == {str}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    settings = SimulationSettings(artists=120, venues=40, concerts=30, sales="full", defect_rate=0, seed=4)
    result, data, _ = run(settings, tmp_path_factory.mktemp("full"))
    assert result.sample_rate == 1.0
    return tables(result, data)


def test_the_full_ledger_adds_up_to_every_concert(full: dict[str, list[Row]]) -> None:
    tickets: Counter[str] = Counter()
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    for sale in full["ticket_sales"]:
        tickets[sale["concert_id"]] += int(sale["quantity"])
        revenue[sale["concert_id"]] += Decimal(sale["total_price"])
    assert sum(tickets.values()) > 10_000
    for concert in full["concerts"]:
        assert tickets[concert["concert_id"]] == int(concert["tickets_sold"])
        assert revenue[concert["concert_id"]] == Decimal(concert["revenue"])


def test_sales_are_at_face_value_between_on_sale_and_show(full: dict[str, list[Row]]) -> None:
    concerts = {concert["concert_id"]: concert for concert in full["concerts"]}
    for sale in full["ticket_sales"]:
        concert = concerts[sale["concert_id"]]
        prices = json.loads(concert["ticket_prices"], parse_float=str)
        assert sale["unit_price"] == prices[sale["ticket_tier"]]
        assert concert["on_sale_date"] <= sale["purchase_timestamp"][:10]
        assert sale["purchase_timestamp"] < min(concert["event_date"], "2026-01-01T00:00:00Z")
        assert sale["purchase_timestamp"] < sale["updated_at"] <= "2026-01-01T00:00:00Z"
        assert (sale["refunded_at"] is None) == (sale["sale_status"] == "completed")


def test_status_follows_the_day_of_the_delivery(tmp_path: Path) -> None:
    settings = replace(TINY, concerts=2_000, defect_rate=0, as_of=date(2024, 2, 29))
    result, data, _ = run(settings, tmp_path)
    concerts = tables(result, data)["concerts"]
    now = "2024-02-29T00:00:00Z"
    found = Counter(concert["status"] for concert in concerts)
    assert set(found) == {"completed", "scheduled", "cancelled", "postponed"}
    for concert in concerts:
        if concert["status"] in ("completed", "scheduled"):
            assert (concert["status"] == "completed") == (concert["event_date"] < now)
        assert (concert["total_attendance"] is not None) == (concert["status"] == "completed")
        assert concert["updated_at"] <= now
        assert "2019-02-28" <= concert["event_date"][:10] <= "2025-03-01"
    ahead = [concert for concert in concerts if concert["on_sale_date"] >= "2024-02-29"]
    assert ahead
    assert {concert["tickets_sold"] for concert in ahead} == {"0"}


def test_shows_begin_in_the_evening_where_they_are_played(tmp_path: Path) -> None:
    result, data, _ = run(replace(TINY, concerts=600, venues=80, defect_rate=0), tmp_path)
    read = tables(result, data)
    zones = {venue["venue_id"]: ZoneInfo(venue["timezone"]) for venue in read["venues"]}
    for concert in read["concerts"]:
        start = datetime.strptime(concert["event_date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        local = start.astimezone(zones[concert["venue_id"]])
        assert 19 <= local.hour <= 21
        assert local.minute in (0, 30)
    assert len({zone.key for zone in zones.values()}) > 3


def test_a_smaller_delivery_is_the_beginning_of_a_larger_one(tmp_path: Path) -> None:
    world = replace(TINY, concerts=12, defect_rate=0)
    few_result, few, _ = run(replace(world, sales=500), tmp_path / "few")
    many_result, many, _ = run(replace(world, sales="full"), tmp_path / "many")
    small, large = tables(few_result, few)["ticket_sales"], tables(many_result, many)["ticket_sales"]
    assert small == large[: len(small)]
    assert len(large) == many_result.sellable_orders == len({sale["sale_id"] for sale in large})


def test_a_large_delivery_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("concert_assets.simulation.sales.CHUNK_ROWS", 250)
    monkeypatch.setattr("concert_assets.simulation.world.CHUNK_ROWS", 250)
    monkeypatch.setattr("concert_assets.simulation.world.PART_ROWS", 500)
    told: list[tuple[str, int, int]] = []
    data, truth = Folder(tmp_path / "data"), Folder(tmp_path / "truth")
    result = simulate(replace(TINY, defect_rate=0), data, truth, lambda *step: told.append(step))
    parts = [(written.key, written.rows) for written in result.objects if written.table == "ticket_sales"]
    assert parts == [("ticket_sales-0001.jsonl.gz", 500), ("ticket_sales-0002.jsonl.gz", 400)]
    assert [done for table, done, total in told if table == "ticket_sales"] == [250, 500, 750, 900]
    assert told[-1] == ("ticket_sales", 900, 900)
    assert CHUNK_ROWS > 900, "or the other tests would not have been in one part"


def test_no_sales_are_an_object_without_rows(tmp_path: Path) -> None:
    for raw_format in ("jsonl", "csv", "parquet"):
        result, data, _ = run(replace(TINY, sales=0, raw_format=raw_format), tmp_path / raw_format)
        (written,) = [written for written in result.objects if written.table == "ticket_sales"]
        assert written.rows == 0
        assert read_object(data.path / written.key) == []
        assert result.sample_rate == 0


def test_more_sales_than_can_be_sold_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    asked = replace(TINY, sales=100_000_000)
    with pytest.raises(SettingsError, match=r"^--sales: 100000000 is not allowed; .*--concerts \d+\)") as refusal:
        run(asked, tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SettingsError, match="--sales: 100000000"):
        check_settings(asked)
    few = replace(TINY, concerts=12, sales="full")
    sellable = run(few, tmp_path / "full")[0].sellable_orders
    with pytest.raises(SettingsError) as refusal:
        run(replace(few, sales=sellable + 1), tmp_path / "refused")
    concerts = int(str(refusal.value).split("--concerts ")[1].split(")")[0])
    check_settings(replace(few, sales=sellable))
    assert run(replace(few, sales=sellable + 1, concerts=concerts), tmp_path / "enough")[0].sellable_orders > sellable


@pytest.mark.parametrize(
    ("changed", "option", "came", "allowed"),
    [
        ({"artists": 0}, "--artists", "0", "from 1"),
        ({"venues": -3}, "--venues", "-3", "from 1"),
        ({"concerts": 2.5}, "--concerts", "2.5", "whole number"),
        ({"sales": -1}, "--sales", "-1", "or full"),
        ({"sales": "some"}, "--sales", "some", "or full"),
        ({"seed": -1}, "--seed", "-1", "from 0"),
        ({"defect_rate": 1.01}, "--defect-rate", "1.01", "from 0 to 1"),
        ({"defect_rate": float("nan")}, "--defect-rate", "nan", "from 0 to 1"),
        ({"raw_format": "xml"}, "--raw-format", "xml", "jsonl, csv, parquet"),
        ({"as_of": date(1989, 12, 31)}, "--as-of", "1989-12-31", "1990-01-01"),
        ({"as_of": "2026-01-01"}, "--as-of", "2026-01-01", "a date"),
        ({"seed": "a\nb"}, "--seed", "a b", "whole number"),
    ],
)
def test_a_setting_that_cannot_be_is_named_in_one_line(
    changed: dict[str, Any], option: str, came: str, allowed: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refusal:
        run(replace(TINY, **changed), tmp_path)
    line = str(refusal.value)
    assert line.startswith(f"{option}: {came} ")
    assert allowed in line
    assert "\n" not in line
    assert list(tmp_path.iterdir()) == []


def test_options_are_read_as_they_are_typed() -> None:
    assert (parse_sales("full"), parse_sales("0"), parse_sales("50000")) == ("full", 0, 50_000)
    assert parse_as_of("2024-02-29") == date(2024, 2, 29)
    assert parse_raw_format("parquet") == "parquet"
    for parse, text in ((parse_sales, "1e3"), (parse_sales, "-1"), (parse_as_of, "2025-02-29"), (parse_as_of, "soon")):
        with pytest.raises(SettingsError):
            parse(text)
    with pytest.raises(SettingsError, match="--raw-format"):
        parse_raw_format("avro")
