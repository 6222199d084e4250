"""The command ``evaluate``: what it prints and writes for a generated home, and the one line it has for any other."""

import hashlib
import io
import json
import shutil
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pytest

from concert_assets.cli.evaluate import REPORT
from concert_assets.defs.model_objects import MODEL_PREFIX, InUse
from concert_assets.defs.raw_datasets import SIMULATION, TRUTH_PREFIX
from concert_assets.deliveries.log import DeliveredObject, object_id
from concert_assets.simulation.calendar import day_number
from concert_assets.simulation.settings import SimulationSettings
from concert_assets.simulation.world import simulate
from concert_assets_tests.support_core import PROCESSED, RAW, Core
from concert_assets_tests.support_demo import run
from concert_assets_tests.support_upkeep import BUCKETS, ENGINE, Said

WORLD = SimulationSettings(artists=120, venues=60, concerts=1_500, sales=4_000, raw_format="parquet")
FINGERPRINT = "0123456789abcdef"
SNAPSHOT = day_number(WORLD.as_of) - 364


class Below:
    """A sink that writes below a prefix of the raw bucket."""

    def __init__(self, core: Core, prefix: str) -> None:
        self._core = core
        self.prefix = prefix

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        return self._core.store.open_write(RAW, self.prefix + key)


def generate(core: Core) -> None:
    """Deliver a world as the raw asset does, with its truth."""
    sink = Below(core, f"deliveries/{SIMULATION}/{FINGERPRINT}/")
    made = simulate(WORLD, sink, Below(core, f"{TRUTH_PREFIX}{SIMULATION}/{FINGERPRINT}/"))
    objects = [
        DeliveredObject(
            object_id(SIMULATION, item.key, item.sha256), sink.prefix + item.key, item.table, item.format,
            item.size_bytes, item.sha256,
        )
        for item in made.objects
    ]  # fmt: skip
    settings = {"as_of": WORLD.as_of.isoformat(), "seed": WORLD.seed, "fingerprint": FINGERPRINT}
    core.log.deliver(SIMULATION, objects, source=SIMULATION, settings=settings)


def put_in_use(core: Core, name: str, judged: pd.DataFrame) -> None:
    """Judged rows of a version that is in use, as the registry keeps them."""
    version, kept = f"{name}-v1", io.BytesIO()
    judged.to_parquet(kept, index=False)
    manifest = {"judged_sha256": hashlib.sha256(kept.getvalue()).hexdigest()}
    for key, data in (
        (f"{version}/judged.parquet", kept.getvalue()),
        (f"{version}/manifest.json", json.dumps(manifest).encode()),
        ("in_use/00000001.json", json.dumps(asdict(InUse(name, version, "2025-12-31", "", {}))).encode()),
    ):
        core.store.write(PROCESSED, f"{MODEL_PREFIX}{name}/{key}", data)


def judged_sales(core: Core) -> pd.DataFrame:
    """Shows of the last year at announcement and on the day before, forecast as half of the room."""
    rows = core.query(
        "select c.concert_id, cast(c.event_date as date), c.on_sale_date, c.tickets_sold, v.capacity from"
        " concert_dw.concerts c join concert_dw.venues v on c.venue_id = v.venue_id"
        f" where c.status = 'completed' and c.on_sale_date >= date '{WORLD.as_of.year - 1}-01-01' order by 1"
    )
    parts = []
    for horizon in ("announcement", "1"):
        days = [day_number(show) - 1 if horizon == "1" else day_number(announced) for _, show, announced, *_ in rows]
        half = [row[4] / 2 for row in rows]
        parts.append(
            pd.DataFrame(
                {
                    "concert_id": [row[0] for row in rows], "horizon": horizon, "cutoff_day": days,
                    "actual": [row[3] for row in rows], "predicted": half, "naive__third": [2 * x / 3 for x in half],
                    "reference__gradient_boosting": half,
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def judged_venues(core: Core) -> pd.DataFrame:
    """Venues with a score of their own, which the figures of the command need not care about."""
    ids = core.keys("venues")
    actual = np.random.default_rng(1).uniform(0, 100, len(ids))
    columns = {"actual": actual, "predicted": actual / 2, "naive__last_year_score": 50.0, "reference__forest": 50.0}
    return pd.DataFrame({"venue_id": ids, "horizon": "year", "cutoff_day": SNAPSHOT, **columns})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    core = Core(tmp_path_factory.mktemp("evaluate") / "home", ENGINE)
    generate(core)
    core.process()
    put_in_use(core, "ticket_sales", judged_sales(core))
    put_in_use(core, "venue_popularity", judged_venues(core))
    return core.home


def evaluate(home: Path) -> int:
    return run("evaluate", "--home", str(home), *BUCKETS)


def refusal(home: Path, said: Said) -> str:
    """What the command says where it cannot go on, which is one line."""
    said.readouterr()
    assert evaluate(home) == 1
    told = said.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert not (home / "reports" / REPORT).exists()
    return told.err


def deliver(home: Path, name: str, source: str) -> None:
    item = DeliveredObject("id", f"deliveries/{name}/x", "artists", "jsonl", 0, "0" * 64)
    Core(home, ENGINE).log.deliver(name, [item], source=source, settings={})


def test_the_figures_are_printed_and_written(home: Path, capsys: Said) -> None:
    capsys.readouterr()
    assert evaluate(home) == 0
    page = capsys.readouterr().out
    report = json.loads((home / "reports" / REPORT).read_text(encoding="utf-8"))
    assert report["generated"]["seed"] == WORLD.seed
    sales, venues = report["models"]["ticket_sales"], report["models"]["venue_popularity"]
    assert [item["horizon"] for item in sales["horizons"]] == ["announcement", "1"]
    assert [item["horizon"] for item in venues["horizons"]] == ["year"]
    for model in (sales, venues):
        assert model["version"] in page
        assert model["skipped_reason"] == ""
        for horizon in model["horizons"]:
            by_kind = {kind: [item for item in horizon["forecasts"] if item["kind"] == kind] for kind in
                       ("naive", "reference", "model", "ceiling")}  # fmt: skip
            assert all(by_kind.values())
            assert [item["name"] for item in by_kind["ceiling"]] == ["knowable", "oracle"]
            assert f"{horizon['rows']:,} rows" in page
            for item in horizon["forecasts"]:
                assert f"{item['mae']:,.2f}" in page
    first = sales["horizons"][0]
    by_name = {item["name"]: item for item in first["forecasts"]}
    assert by_name["oracle"]["r2"] > 0.8, "what was sold is what the truth says of these very concerts"
    assert by_name["knowable"]["mae"] < first["best_naive_mae"]
    assert "1 day before the show" in page


def test_without_the_truth_nothing_is_told(home: Path, tmp_path: Path, capsys: Said) -> None:
    again = tmp_path / "home"
    shutil.copytree(home, again, ignore=shutil.ignore_patterns(REPORT))
    shutil.rmtree(again / "objects" / RAW / TRUTH_PREFIX)
    assert "the truth of the generated world is gone" in refusal(again, capsys)


def test_judged_rows_that_are_not_those_of_the_version_are_refused(home: Path, tmp_path: Path, capsys: Said) -> None:
    again = tmp_path / "home"
    shutil.copytree(home, again, ignore=shutil.ignore_patterns(REPORT))
    rows = again / "objects" / PROCESSED / MODEL_PREFIX / "ticket_sales" / "ticket_sales-v1" / "judged.parquet"
    rows.write_bytes(rows.read_bytes()[:-1] + b"x")
    assert "are not those of its manifest" in refusal(again, capsys)
    rows.unlink()
    assert "train again" in refusal(again, capsys)


def test_a_model_without_a_version_in_use_is_told_as_skipped(home: Path, tmp_path: Path, capsys: Said) -> None:
    again = tmp_path / "home"
    shutil.copytree(home, again)
    (again / "objects" / PROCESSED / MODEL_PREFIX / "venue_popularity" / "in_use" / "00000001.json").unlink()
    capsys.readouterr()
    assert evaluate(again) == 0
    assert "venue_popularity · skipped: the model was never trained" in capsys.readouterr().out
    report = json.loads((again / "reports" / REPORT).read_text(encoding="utf-8"))
    assert report["models"]["venue_popularity"]["horizons"] == []
    assert report["models"]["ticket_sales"]["horizons"]


def test_a_home_that_nothing_was_generated_for_has_no_truth(tmp_path: Path, capsys: Said) -> None:
    assert "holds no generated data" in refusal(tmp_path / "empty", capsys)
    deliver(tmp_path / "own", "mine", "ingest")
    assert "holds no generated data" in refusal(tmp_path / "own", capsys)


def test_other_deliveries_beside_the_generated_are_refused(tmp_path: Path, capsys: Said) -> None:
    deliver(tmp_path, SIMULATION, SIMULATION)
    assert "no model is in use" in refusal(tmp_path, capsys)
    deliver(tmp_path, "mine", "ingest")
    assert "holds other deliveries beside the generated data (mine)" in refusal(tmp_path, capsys)
