"""The code location as the server loads it, the graph as a reviewer reads it, and what its assets tell when made."""

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.identity import IDENTITY_MAP
from concert_assets.catalog.model import OWNER
from concert_assets.catalog.operational import LOAD_LEDGER, ROW_OUTCOMES
from concert_assets.definitions import build_definitions, defs
from concert_assets.defs.raw_datasets import TRUTH_PREFIX
from concert_assets.deployment import Deployment
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets_tests.definitions_text import SNAPSHOT, definitions_text

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "concert_assets"
SPECS = {spec.key.to_user_string(): spec for asset in defs.assets or () for spec in asset.specs}  # type: ignore[union-attr]
pytestmark = [
    # Dagster says so of a part of Pipes that its own subprocess client uses.
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),
    # Its own Pipes clients, and our journal, ask contexts for the run id in the way that it is about to give up.
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),
]
WORLD = {"artists": 15, "venues": 8, "concerts": 60, "sales": "300", "defect_rate": 0.05}


# --- loading


def test_the_definitions_can_be_loaded() -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_server_can_load_the_code_location(tmp_path: Path) -> None:
    shutil.copy(ROOT / "workspace.yaml", tmp_path)
    (tmp_path / "concert_assets").symlink_to(PACKAGE)
    (tmp_path / "dagster").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CONCERT_", "DAGSTER_"))}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dagster")), "definitions", "validate", "-w", "workspace.yaml"],
        cwd=tmp_path,
        env={**kept, "DAGSTER_HOME": str(tmp_path / "dagster"), "DAGSTER_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Validation successful for code location concert_assets" in done.stderr + done.stdout


# --- the graph


def test_the_graph_is_the_one_that_was_reviewed() -> None:
    found, reviewed = definitions_text(defs), SNAPSHOT.read_text(encoding="utf-8")
    assert found == reviewed, "a change on purpose is written down by python -m concert_assets_tests.definitions_text"


@pytest.mark.parametrize("key", sorted(SPECS))
def test_an_asset_says_what_it_is(key: str) -> None:
    spec = SPECS[key]
    assert spec.description is not None
    assert spec.description.endswith(".")
    assert ". " not in spec.description  # one sentence about the data
    assert list(spec.owners) == [OWNER]
    assert spec.kinds
    assert spec.group_name == key.partition("/")[0]
    assert spec.code_version


@pytest.mark.parametrize(
    "key", [key for key in sorted(SPECS) if key.split("/")[0] in {"warehouse", "mart", "prediction"}]
)
def test_a_table_shows_name_and_columns_before_it_is_made(key: str) -> None:
    metadata = SPECS[key].metadata
    assert metadata["dagster/table_name"] == f"concert_dw.{key.partition('/')[2]}"
    columns = metadata["dagster/column_schema"].columns
    assert all(column.type and column.description for column in columns)


@pytest.mark.parametrize("job", list(defs.jobs or ()), ids=lambda job: job.name)
def test_a_job_says_what_it_makes(job: Any) -> None:
    assert job.description
    assert job.description.endswith(".")


# --- what is told when assets are made


@dataclass(frozen=True)
class Made:
    """A run that made everything in a home: what each asset told, and every table's rows in an order of their own."""

    home: Path
    told: dict[str, Any]
    tables: dict[str, list[tuple[Any, ...]]]


def make(home: Path, generate: str) -> Made:
    """Everything, in this home."""
    definitions = build_definitions(Deployment(home=home))
    raw = {"config": {"generate": generate, **WORLD}}
    with dg.DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def("run_demo").execute_in_process(
            instance=instance, run_config={"ops": {"raw": raw}}
        )
    events = [event.step_materialization_data.materialization for event in done.get_asset_materialization_events()]
    told = {event.asset_key.to_user_string(): {k: v.value for k, v in event.metadata.items()} for event in events}
    with DuckDBWarehouse(home).session() as session:
        tables = {
            table.name: sorted(session.query(f"select * from {table.qualified}"), key=repr)
            for table in (*TABLES, LOAD_LEDGER, ROW_OUTCOMES, IDENTITY_MAP, *MARTS, *PREDICTIONS)
        }
    return Made(home, told, tables)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A small world, made from an empty home."""
    return make(tmp_path_factory.mktemp("with_truth"), "auto")


def test_every_asset_tells_rows_and_place(made: Made) -> None:
    assert set(made.told) == set(SPECS)
    assert [key for key, metadata in made.told.items() if not metadata["dagster/uri"]] == []
    assert [key for key, metadata in made.told.items() if not isinstance(metadata.get("dagster/row_count"), int)] == [
        "raw/ticket_prices"  # they come inside the concerts, uncounted until these are read
    ]
    counted = {table: len(rows) for table, rows in made.tables.items()}
    tables = {key: key.partition("/")[2] for key in SPECS if key.split("/")[0] in {"warehouse", "mart", "prediction"}}
    assert {key: made.told[key]["dagster/row_count"] for key in tables} == {
        key: counted[table] for key, table in tables.items()
    }


LINEAGE = [
    ("staging/concerts", "event_date", {("curated/concerts", "event_date")}),
    (
        "warehouse/concerts",
        "event_date",
        {
            ("staging/concerts", "event_date"),
            ("staging/concerts", "event_date_basis"),
            ("warehouse/identity_map", "timezone"),
            ("warehouse/venues", "timezone"),
        },
    ),
    (
        "warehouse/concerts",
        "artist_id",
        {("staging/concerts", "artist_id"), ("warehouse/identity_map", "canonical_id")},
    ),
    ("warehouse/ticket_sales", "quantity", {("staging/ticket_sales", "quantity")}),
    ("mart/daily_sales_summary", "orders", set()),
    ("mart/daily_sales_summary", "tickets", {("warehouse/ticket_sales", "quantity")}),
    ("mart/artist_performance", "name", {("warehouse/artists", "name")}),
]


@pytest.mark.parametrize(
    ("key", "column", "sources"), LINEAGE, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_column_tells_what_it_is_made_from(made: Made, key: str, column: str, sources: set[tuple[str, str]]) -> None:
    deps = made.told[key]["dagster/column_lineage"].deps_by_column[column]
    assert {(dep.asset_key.to_user_string(), dep.column_name) for dep in deps} == sources


def test_lineage_covers_every_column_and_leads_to_assets(made: Made) -> None:
    for key in SPECS:
        stage, _, table = key.partition("/")
        if stage in {"staging", "mart"} or (stage == "warehouse" and table in {item.name for item in TABLES}):
            deps = made.told[key]["dagster/column_lineage"].deps_by_column
            schema = SPECS[key].metadata["dagster/column_schema"].columns
            assert {column.name for column in schema} == set(deps), key
            assert {dep.asset_key.to_user_string() for found in deps.values() for dep in found} <= set(SPECS)
            assert sum(bool(found) for found in deps.values()) > len(deps) / 2, key


# --- the truth stays out


def test_the_truth_is_written_by_the_generator_and_read_by_evaluate_alone() -> None:
    named = []
    for file in sorted(PACKAGE.rglob("*.py")):
        place = str(file.relative_to(PACKAGE))
        if place.startswith(("simulation/", "evaluation/")) or place == "cli/evaluate.py":
            continue  # which nothing else may import, see test_rooms.py
        tree = ast.parse(file.read_text("utf-8"))
        sinks = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "_Sink"]
        written = {id(node) for sink in sinks for node in ast.walk(sink)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else getattr(node, "id", getattr(node, "module", ""))
            if re.search(r"\btruth\b|TRUTH", str(text or "")) and id(node) not in written:
                named.append(f"{place}: {text}")
    assert named == ["defs/raw_datasets.py: TRUTH_PREFIX", f"defs/raw_datasets.py: {TRUTH_PREFIX}"]


def test_without_the_truth_the_same_tables_are_made(made: Made, tmp_path: Path) -> None:
    raw = Path("objects") / Deployment().raw_bucket
    assert any((made.home / raw / TRUTH_PREFIX).rglob("*.*")), "there is a truth to do without"
    shutil.copytree(made.home / raw, tmp_path / raw)
    shutil.rmtree(tmp_path / raw / TRUTH_PREFIX)
    again = make(tmp_path, "never")
    assert {name: len(rows) for name, rows in again.tables.items()} == {
        name: len(rows) for name, rows in made.tables.items()
    }
    assert again.tables == made.tables
    assert again.tables["row_outcomes"], "defects were injected and found without their answer key"
    assert not (tmp_path / raw / TRUTH_PREFIX).exists()
