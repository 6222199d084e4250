"""How long it takes to find out which of many artists are one, and how much of it is right by the simulator's key.

Run as ``python -m concert_assets_tests.benchmarks.identities [artists ...]``; the default sizes are 1,000, 10,000 and
100,000. Timed is the merge as a run does it: the staged artists read from the warehouse, names read, pairs compared,
outcomes and map written; not their curation.
"""

import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

from concert_assets_tests.benchmarks import ingest_platform as platform

SIZES = (1_000, 10_000, 100_000)
ROOT = Path(__file__).parents[2]


def measured(home: Path, artists: int) -> str:
    """A line of figures for a world of so many artists, made and measured in a process of its own."""
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "concert_assets_tests.benchmarks.identities", "--child", str(home), str(artists)]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1]


def _child(home: Path, artists: int) -> str:
    import resource

    from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
    from concert_assets.warehousing.identity.merging import ENTITIES, MAP, OUTCOMES, merge
    from concert_assets.warehousing.resolve import resolve

    platform.generate(home, 0, "parquet", artists)
    platform.curated(home)
    with DuckDBWarehouse(home).session() as session:
        platform.staged(home, session)
        resolve(session)  # so that the merge below finds what it finds in a run, and no import is timed
        session.execute(f"delete from {OUTCOMES} where rule = 'same_artist'")
        session.execute(f"delete from {MAP} where entity = 'artist'")
        started, processor = time.perf_counter(), time.process_time()
        merge(session, ENTITIES["artists"], [])
        seconds, processor = time.perf_counter() - started, time.process_time() - processor
        merged = dict(session.query(f"select source_id, canonical_id from {MAP} where entity = 'artist'"))
        ids = [
            identity
            for (identity,) in session.query(
                "select t.artist_id from concert_dw_staging.artists as t where not exists "
                f"(select 1 from {OUTCOMES} as x where x.table_name = 'artists' and x.rule <> 'same_artist' "
                "and x.object_id = t._object_id and x.row_number = t._row_number)"
            )
        ]
    found = _pairs({identity: merged.get(identity, identity) for identity in ids})
    key = _truth(home)
    true = _pairs({identity: key.get(identity, identity) for identity in ids})
    right = len(found & true)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return (
        f"{artists:>9,} artists resolved in {seconds:.2f} s ({processor:.2f} CPU-s): {len(found):,} pairs found of "
        f"{len(true):,}, precision {right / max(1, len(found)):.4f}, recall {right / max(1, len(true)):.4f}, "
        f"peak {peak / 1e6:,.0f} MB with all the rest"
    )


def _pairs(cluster_of: dict[str, str]) -> set[tuple[str, ...]]:
    """The pairs of ids that share a cluster."""
    clusters: dict[str, list[str]] = {}
    for identity in sorted(cluster_of):
        clusters.setdefault(cluster_of[identity], []).append(identity)
    return {pair for members in clusters.values() for pair in combinations(members, 2)}


def _truth(home: Path) -> dict[str, str]:
    """Which artist each near-duplicate is, by the simulator's key."""
    import pyarrow.parquet as pq

    path = platform.store_of(home).path(platform.RAW, f"{platform.TRUTH}near_duplicates.parquet")
    rows = pq.read_table(path).to_pylist()
    return {row["id"]: row["identity_id"] for row in rows if row["table_name"] == "artists"}


def main(sizes: tuple[int, ...]) -> None:
    """Print one line a size."""
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="concert-benchmark-") as folder:
            print(measured(Path(folder), size))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(_child(Path(sys.argv[2]), int(sys.argv[3])))
    else:
        main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
