"""The platform's side of the benchmark ``ingest``: a delivery generated, taken through the core, and compared.

Run as ``python -m concert_assets_tests.benchmarks.ingest_platform run HOME`` it does what a run does from the log on,
without Dagster; ``generate HOME SALES FORMAT [ARTISTS]`` makes the delivery.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from concert_assets.catalog.canonical import BY_NAME, TABLES
from concert_assets.catalog.model import Table
from concert_assets.deliveries.curated import CuratedManifest, read_manifest
from concert_assets.deliveries.log import DELIVERY_PREFIX, DeliveredObject, DeliveryLog, Entry, object_id
from concert_assets.resources.s3.folder import FolderObjectStore

RAW, PROCESSED, RULES, RUN = "raw", "processed", "benchmark", "benchmark"
TRUTH = "truth/"
ROOT = Path(__file__).parents[2]
COUNTS = ("rows_in", "rows_published", "rows_rejected", "rows_duplicate", "rows_superseded", "rows_pending")
OUTCOME = (
    "object_id, row_number, table_name, outcome, rule, column_name, value, reason, winner_object_id, "
    "winner_row_number, cast(json(row_json) as varchar)"
)
REJECT = "object_id, row_number, table_name, rule, column_name, value, reason, cast(json(row_json) as varchar)"


def store_of(home: Path) -> FolderObjectStore:
    return FolderObjectStore(home / "objects")


def generate(home: Path, sales: int, raw_format: str, artists: int = 1_000) -> None:
    """A world of so many sales as a delivery in a home, and the objects as the script is told of them."""
    from concert_assets.simulation.settings import SimulationSettings, parse_raw_format
    from concert_assets.simulation.world import simulate

    store = store_of(home)

    class Sink:
        def __init__(self, prefix: str) -> None:
            self.prefix = prefix

        def open(self, key: str) -> Any:
            return store.open_write(RAW, self.prefix + key)

    prefix = f"{DELIVERY_PREFIX}simulation/1/"
    settings = SimulationSettings(
        artists=artists, concerts=max(10_000, sales // 1_000), sales=sales, raw_format=parse_raw_format(raw_format)
    )
    made = simulate(settings, Sink(prefix), Sink(TRUTH))
    objects = [
        DeliveredObject(
            object_id("simulation", item.key, item.sha256),
            prefix + item.key,
            item.table,
            item.format,
            item.size_bytes,
            item.sha256,
            rows={item.table: item.rows},
        )
        for item in made.objects
    ]
    as_of = settings.as_of.isoformat()
    DeliveryLog(store, RAW).deliver("simulation", objects, source="simulation", settings={"as_of": as_of})
    told = [{"object_id": o.object_id, "table": o.table, "path": store.uri(RAW, o.key)} for o in objects]
    (home / "by_hand.json").write_text(json.dumps({"as_of": as_of, "objects": told}))


def entry_of(home: Path) -> Entry:
    """The one delivery of the home."""
    (entry,) = DeliveryLog(store_of(home), RAW).entries()
    return entry


def manifest_of(home: Path) -> CuratedManifest:
    """What curation made of it."""
    manifest = read_manifest(store_of(home), PROCESSED, entry_of(home).content_id, RULES)
    assert manifest is not None
    return manifest


def staged(home: Path, session: Any) -> None:
    """Stage the delivery as far as it is curated."""
    from concert_assets.warehousing.staging import curated_state, stage

    state = curated_state([entry_of(home)], lambda _: manifest_of(home), "1")
    stage(session, state, lambda key: store_of(home).uri(PROCESSED, key))


def run(home: Path) -> None:
    """What a run does from the log on."""
    curated(home)
    from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
    from concert_assets.warehousing.publish import judge, publish

    warehouse = DuckDBWarehouse(home)
    with warehouse.session() as session:
        staged(home, session)
    with warehouse.session() as session:
        verdict = judge(session, RUN)
    assert verdict.is_passed, verdict.blocking
    with warehouse.session() as session:
        staged(home, session)
        publish(session, RUN)


def curated(home: Path) -> None:
    """The Glue job, as :class:`concert_assets.resources.glue.local.LocalGlue` runs it."""
    from dagster_pipes import encode_param

    entry = entry_of(home)
    request = {
        "name": entry.delivery,
        "content_id": entry.content_id,
        "rules_version": RULES,
        "objects": [asdict(item) for item in entry.objects],
    }
    extras = {
        "store": (home / "objects").as_uri(),
        "raw_bucket": RAW,
        "processed_bucket": PROCESSED,
        "memory_limit": "1GB",
        "deliveries": [request],
    }
    absent = ("asset_keys", "code_version_by_asset_key", "provenance_by_asset_key", "partition_key")
    absent += ("partition_key_range", "partition_time_window", "job_name")
    context = {**dict.fromkeys(absent), "run_id": RUN, "retry_number": 0, "extras": extras}
    (home / "context.json").write_text(json.dumps(context))
    messages = home / "messages.jsonl"
    messages.write_text("")
    pipes = {
        "DAGSTER_PIPES_CONTEXT": encode_param({"path": str(home / "context.json")}),
        "DAGSTER_PIPES_MESSAGES": encode_param({"path": str(messages)}),
    }
    command = [sys.executable, "-P", str(ROOT / "concert_assets" / "glue_jobs" / "curate.py")]
    subprocess.run(command, check=True, env={**os.environ, **pipes, "PYTHONPATH": str(ROOT)})


def tell_by_hand(home: Path) -> None:
    """Tell the script which artists and venues the platform found to be one, and in which words."""
    import duckdb

    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as db:
        same = db.execute(
            "select entity, source_id, canonical_id, concat('the same ', entity, ' as ', canonical_id, ', score ', "
            "score, ': ', evidence) from concert_dw.identity_map order by all"
        ).fetchall()
    told = json.loads((home / "by_hand.json").read_text())
    (home / "by_hand.json").write_text(json.dumps({**told, "same": same}))


def differing(home: Path, by_hand: Path) -> list[str]:
    """Which of the rows that both made are not the same: accepted, refused, published, outcomes, counts by object."""
    import duckdb

    from concert_assets.glue_jobs.statement import output_columns

    store, manifest = store_of(home), manifest_of(home)
    pairs: dict[str, tuple[str, str]] = {}

    def both(what: str, select: str, made: str, clean: str) -> None:
        pairs[what] = (f"select {select} from {made}", f"select {select} from {clean}")

    def parquet(keys: list[str]) -> str:
        return f"read_parquet({[store.uri(PROCESSED, key) for key in keys]!r})"

    for table in _brought(manifest):
        columns = ", ".join(output_columns(table))
        files = parquet([item.key for item in manifest.accepted(table.name)])
        both(f"accepted {table.name}", columns, files, f"'{by_hand}/clean/{table.name}.parquet'")
        both(f"published {table.name}", "*", f"made.concert_dw.{table.name}", f"hand.{table.name}")
    both("refused", REJECT, parquet([item.key for item in manifest.rejects()]), f"'{by_hand}/rejects.parquet'")
    both("outcomes", OUTCOME, "made.concert_dw.row_outcomes", "hand.row_outcomes")
    both("counts", f"object_id, table_name, {', '.join(COUNTS)}", "made.concert_dw.load_ledger", "hand.load_ledger")
    found = []
    with duckdb.connect() as db:
        db.execute(f"attach '{home}/warehouse.duckdb' as made (read_only)")
        db.execute(f"attach '{by_hand}/warehouse.duckdb' as hand (read_only)")
        for what, queries in pairs.items():
            first, second = (_digest(db, query) for query in queries)
            if first != second or not first[0]:
                found.append(f"{what} ({first[0]:,} rows against {second[0]:,} by hand)")
    return found


def _brought(manifest: CuratedManifest) -> list[Table]:
    return [table for table in TABLES if manifest.accepted(table.name)]


def _digest(db: Any, query: str) -> tuple[Any, ...]:
    """How many rows, and a hash of them that does not depend on their order."""
    found = db.execute(f"select count(*), sum(hash(t)::hugeint), bit_xor(hash(t)) from ({query}) as t").fetchall()
    return tuple(found[0])


def same_sales(home: Path, other: Path) -> bool:
    """Whether two homes publish the same sales, but for which object each came from."""
    import duckdb

    query = f"select {', '.join(BY_NAME['ticket_sales'].column_names)}, _row_number from concert_dw.ticket_sales"
    found = []
    for place in (home, other):
        with duckdb.connect(str(place / "warehouse.duckdb"), read_only=True) as db:
            found.append(_digest(db, query))
    return found[0] == found[1]


if __name__ == "__main__":
    task, folder, *numbers = sys.argv[1:]
    if task == "generate":
        generate(Path(folder), int(numbers[0]), numbers[1], *map(int, numbers[2:]))
    else:
        run(Path(folder))
