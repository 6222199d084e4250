"""Ingestion from raw files to published tables, against a script that a good engineer writes by hand for one delivery.

Run as ``python -m concert_assets_tests.benchmarks.ingest``; ``--help`` lists the options. Both are cold processes on
the same raw objects, in turn, and a pair that does not make the same rows ends the run. In the platform's figure: the
Glue job in a process of its own (hashing what was delivered, curation, durable writes), then staging, resolve, audit
and publication in the warehouse's process, each step in a session of its own as in a run. Not in it: Dagster itself
(the benchmark ``demo`` tells what it costs) and the making of the raw files.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from concert_assets.catalog.canonical import TABLES
from concert_assets.deliveries.curated import read_manifest
from concert_assets.deliveries.log import DELIVERY_PREFIX, DeliveredObject, DeliveryLog, object_id
from concert_assets.glue_jobs.statement import output_columns
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets_tests.benchmarks.demo import Measured, measure

RAW, PROCESSED, RULES, RUN = "raw", "processed", "benchmark", "benchmark"
ROOT = Path(__file__).parents[2]
MODULE = "concert_assets_tests.benchmarks.ingest"
COUNTS = ("rows_in", "rows_published", "rows_rejected", "rows_duplicate", "rows_superseded", "rows_pending")
OUTCOME = (
    "object_id, row_number, table_name, outcome, rule, column_name, value, reason, winner_object_id, "
    "winner_row_number, cast(json(row_json) as varchar)"
)
REJECT = "object_id, row_number, table_name, rule, column_name, value, reason, cast(json(row_json) as varchar)"


def generate(home: Path, sales: int, raw_format: str) -> None:
    """A world of so many sales as a delivery in a home."""
    from concert_assets.simulation.settings import SimulationSettings, parse_raw_format
    from concert_assets.simulation.world import simulate

    store = FolderObjectStore(home / "objects")

    class Sink:
        def __init__(self, prefix: str) -> None:
            self.prefix = prefix

        def open(self, key: str) -> Any:
            return store.open_write(RAW, self.prefix + key)

    prefix = f"{DELIVERY_PREFIX}simulation/1/"
    settings = SimulationSettings(
        concerts=max(10_000, sales // 1_000), sales=sales, raw_format=parse_raw_format(raw_format)
    )
    made = simulate(settings, Sink(prefix), Sink("truth/"))
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


def platform(home: Path) -> None:
    """What a run does from the log on, without Dagster: the Glue job, staging, audit, publication."""
    store = FolderObjectStore(home / "objects")
    entries = DeliveryLog(store, RAW).entries()
    _run_job(home, store, entries[0].content_id, [asdict(item) for item in entries[0].objects])

    from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
    from concert_assets.warehousing.publish import judge, publish
    from concert_assets.warehousing.staging import curated_state, stage

    def staged(session: Any) -> None:
        def manifest_of(content_id: str) -> Any:
            return read_manifest(store, PROCESSED, content_id, RULES)

        stage(session, curated_state(entries, manifest_of, "1"), lambda key: store.uri(PROCESSED, key))

    warehouse = DuckDBWarehouse(home)
    with warehouse.session() as session:
        staged(session)
    with warehouse.session() as session:
        verdict = judge(session, RUN)
    assert verdict.is_passed, verdict.blocking
    with warehouse.session() as session:
        staged(session)
        publish(session, RUN)


def _run_job(home: Path, store: FolderObjectStore, content_id: str, objects: list[dict[str, Any]]) -> None:
    """The Glue job as :class:`concert_assets.resources.glue.local.LocalGlue` runs it."""
    from dagster_pipes import encode_param

    context = dict.fromkeys(
        ("asset_keys", "code_version_by_asset_key", "provenance_by_asset_key", "partition_key", "partition_key_range")
    ) | {"partition_time_window": None, "run_id": RUN, "job_name": None, "retry_number": 0}
    request = {"name": "simulation", "content_id": content_id, "rules_version": RULES, "objects": objects}
    extras = {
        "store": (home / "objects").as_uri(),
        "raw_bucket": RAW,
        "processed_bucket": PROCESSED,
        "memory_limit": "1GB",
        "deliveries": [request],
    }
    (home / "context.json").write_text(json.dumps({**context, "extras": extras}))
    messages = home / "messages.jsonl"
    messages.write_text("")
    pipes = {
        "DAGSTER_PIPES_CONTEXT": encode_param({"path": str(home / "context.json")}),
        "DAGSTER_PIPES_MESSAGES": encode_param({"path": str(messages)}),
    }
    command = [sys.executable, "-P", str(ROOT / "concert_assets" / "glue_jobs" / "curate.py")]
    subprocess.run(command, check=True, env={**os.environ, **pipes, "PYTHONPATH": str(ROOT)})


def differing(home: Path, by_hand: Path) -> list[str]:
    """Which of the rows that both made are not the same: accepted, refused, published, outcomes, counts by object."""
    import duckdb

    store = FolderObjectStore(home / "objects")
    (entry,) = DeliveryLog(store, RAW).entries()
    manifest = read_manifest(store, PROCESSED, entry.content_id, RULES)
    assert manifest is not None
    pairs: dict[str, tuple[str, str]] = {}

    def files(uris: list[str]) -> str:
        return f"read_parquet({uris!r})"

    for table in TABLES:
        columns = ", ".join(output_columns(table))
        made = files([store.uri(PROCESSED, item.key) for item in manifest.accepted(table.name)])
        clean = files([str(by_hand / "clean" / f"{table.name}.parquet")])
        pairs[f"accepted {table.name}"] = (f"select {columns} from {made}", f"select {columns} from {clean}")
        published = f"select * from {{}}.{table.name}"
        pairs[f"published {table.name}"] = (published.format("made.concert_dw"), published.format("hand.main"))
    made = files([store.uri(PROCESSED, item.key) for item in manifest.rejects()])
    clean = files([str(by_hand / "rejects.parquet")])
    pairs["refused"] = (f"select {REJECT} from {made}", f"select {REJECT} from {clean}")
    outcomes = f"select {OUTCOME} from {{}}.row_outcomes"
    pairs["outcomes"] = (outcomes.format("made.concert_dw"), outcomes.format("hand.main"))
    counts = f"select object_id, table_name, {', '.join(COUNTS)} from {{}}.load_ledger"
    pairs["counts"] = (counts.format("made.concert_dw"), counts.format("hand.main"))
    found = []
    with duckdb.connect() as db:
        db.execute(f"attach '{home}/warehouse.duckdb' as made (read_only)")
        db.execute(f"attach '{by_hand}/warehouse.duckdb' as hand (read_only)")
        for what, queries in pairs.items():
            # A hash of each row, summed and joined by exclusive or, does not depend on the rows' order.
            first, second = (
                db.execute(f"select count(*), sum(hash(t)::hugeint), bit_xor(hash(t)) from ({query}) as t").fetchall()
                for query in queries
            )
            if first != second:
                found.append(f"{what} ({first[0][0]:,} rows against {second[0][0]:,} by hand)")
    return found


def pair(home: Path, is_platform_first: bool) -> tuple[Measured, Measured]:
    """Platform and script on the same raw objects; what an earlier pair made is removed first."""
    by_hand = home / "by_hand"
    shutil.rmtree(by_hand, ignore_errors=True)
    shutil.rmtree(home / "objects" / PROCESSED, ignore_errors=True)
    for path in home.glob("warehouse.*"):
        path.unlink()
    runs = {
        "platform": [sys.executable, "-m", MODULE, "--platform", str(home)],
        "by hand": [sys.executable, "-m", f"{MODULE}_by_hand", str(home / "by_hand.json"), str(by_hand)],
    }
    order = ("platform", "by hand") if is_platform_first else ("by hand", "platform")
    found = {name: measure(runs[name], home) for name in order}
    if unlike := differing(home, by_hand):
        sys.exit(f"the two did not make the same rows, so their times cannot be compared: {'; '.join(unlike)}")
    return found["platform"], found["by hand"]


def _line(what: str, run: Measured) -> str:
    memory = " ".join(f"{size / 1e6:9,.0f}" for size in (run.own_bytes, run.child_bytes, run.total_bytes))
    return f"{what:<18}{run.seconds:8.2f} {run.cpu_seconds:8.2f} {memory}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--sales", type=int, default=1_000_000, help="ticket sales to generate (default 1 million)")
    parser.add_argument("--format", default="parquet", choices=("parquet", "jsonl", "csv"), help="of the raw objects")
    parser.add_argument("--pairs", type=int, default=3, help="platform and script so often, in turn (default 3)")
    parser.add_argument("--home", type=Path, help="folder to work in and keep; a home generated there is used again")
    parser.add_argument("--generate", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--platform", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.platform:
        return platform(options.platform)
    if options.generate:
        return generate(options.generate, options.sales, options.format)
    home = options.home or Path(tempfile.mkdtemp(prefix="concert-benchmark-"))
    try:
        if not (home / "by_hand.json").exists():
            command = [sys.executable, "-m", MODULE, "--generate", str(home), "--sales", str(options.sales)]
            subprocess.run([*command, "--format", options.format], check=True, cwd=ROOT)
        print(f"{options.sales:,} ticket sales as {options.format}; the same rows made by both, compared by hash")
        print(f"{'cold process':<18}{'wall s':>8} {'CPU s':>8} {'own MB':>9} {'child MB':>9} {'total MB':>9}")
        pairs = []
        for number in range(options.pairs):
            pairs.append(pair(home, is_platform_first=number % 2 == 0))
            print(_line("platform", pairs[-1][0]))
            print(_line("by hand", pairs[-1][1]), f"  ratio {pairs[-1][0].seconds / pairs[-1][1].seconds:.2f}")
    finally:
        if options.home is None:
            shutil.rmtree(home)
    wall = statistics.median(made.seconds / by_hand.seconds for made, by_hand in pairs)
    processor = statistics.median(made.cpu_seconds / by_hand.cpu_seconds for made, by_hand in pairs)
    most = max(made.total_bytes for made, _ in pairs)
    print(
        f"median of {len(pairs)}: ratio {wall:.2f} ({processor:.2f} in processor time), "
        f"at most {most / 1e6:,.0f} MB in all processes of the platform at once"
    )


if __name__ == "__main__":
    main()
