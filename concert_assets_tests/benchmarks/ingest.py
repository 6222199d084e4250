"""Ingestion from raw files to published tables, against a script that a good engineer writes by hand for one delivery.

Run as ``python -m concert_assets_tests.benchmarks.ingest``; ``--help`` lists the options. Both are cold processes on
the same raw objects, in turn, and a pair that does not make the same rows ends the run. In the platform's figure: the
Glue job in a process of its own (hashing what was delivered, curation, durable writes), then staging, resolve, audit
and publication in the warehouse's process, each step in a session of its own as in a run. Not in it: Dagster itself
(the benchmark ``demo`` tells what it costs) and the making of the raw files. Which artists and venues are one the
script is told, and the platform finds out.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from concert_assets_tests.benchmarks import identities
from concert_assets_tests.benchmarks.demo import Measured, measure
from concert_assets_tests.benchmarks.ingest_platform import PROCESSED, differing, same_sales, tell_by_hand

ROOT = Path(__file__).parents[2]
MODULE = "concert_assets_tests.benchmarks.ingest"


def generated(home: Path, sales: int, raw_format: str) -> Path:
    """A home with a delivery of so many sales, made where it is not there yet."""
    if not (home / "by_hand.json").exists():
        home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", f"{MODULE}_platform", "generate", str(home), str(sales), raw_format]
        subprocess.run(command, check=True, cwd=ROOT)
    return home


def run_platform(home: Path) -> Measured:
    """The platform on the home's delivery; what an earlier run made is removed first."""
    shutil.rmtree(home / "objects" / PROCESSED, ignore_errors=True)
    for path in home.glob("warehouse.*"):
        path.unlink()
    return measure([sys.executable, "-m", f"{MODULE}_platform", "run", str(home)], home)


def run_by_hand(home: Path) -> Measured:
    """The script on the same raw objects."""
    out = home / "by_hand"
    shutil.rmtree(out, ignore_errors=True)
    return measure([sys.executable, "-m", f"{MODULE}_by_hand", str(home / "by_hand.json"), str(out)], home)


def pair(home: Path, is_platform_first: bool) -> tuple[Measured, Measured]:
    """Platform and script, and the proof that they made the same rows."""
    runs = {"platform": run_platform, "by hand": run_by_hand}
    order = ("platform", "by hand") if is_platform_first else ("by hand", "platform")
    found = {name: runs[name](home) for name in order}
    if unlike := differing(home, home / "by_hand"):
        sys.exit(f"the two did not make the same rows, so their times cannot be compared: {'; '.join(unlike)}")
    return found["platform"], found["by hand"]


def _line(what: str, run: Measured) -> str:
    memory = " ".join(f"{size / 1e6:9,.0f}" for size in (run.own_bytes, run.child_bytes, run.total_bytes))
    return f"{what:<18}{run.seconds:8.2f} {run.cpu_seconds:8.2f} {memory}"


def compare(home: Path, sales: int, pairs: int) -> None:
    """Print the pairs and the median of their ratios."""
    print(f"{sales:,} ticket sales as parquet; the same rows made by both, compared by hash")
    print(f"{'cold process':<18}{'wall s':>8} {'CPU s':>8} {'own MB':>9} {'child MB':>9} {'total MB':>9}")
    generated(home, sales, "parquet")
    run_platform(home)  # not counted: it finds out which artists and venues are one, and warms the cache for both
    tell_by_hand(home)
    made = []
    for number in range(pairs):
        made.append(pair(home, is_platform_first=number % 2 == 0))
        print(_line("platform", made[-1][0]))
        print(_line("by hand", made[-1][1]), f"  ratio {made[-1][0].seconds / made[-1][1].seconds:.2f}")
    wall = statistics.median(platform.seconds / by_hand.seconds for platform, by_hand in made)
    processor = statistics.median(platform.cpu_seconds / by_hand.cpu_seconds for platform, by_hand in made)
    most = max(platform.total_bytes for platform, _ in made)
    print(
        f"median of {pairs}: ratio {wall:.2f} ({processor:.2f} in processor time), "
        f"at most {most / 1e6:,.0f} MB in all processes of the platform at once"
    )


def other_formats(home: Path, sales: int, runs: int) -> None:
    """Print what the same sales take where they come as Parquet, JSON lines and CSV."""
    print(f"{sales:,} ticket sales in each format, the same sales published of each; median of {runs}")
    homes = {kind: generated(home / kind, sales, kind) for kind in ("parquet", "jsonl", "csv")}
    times: dict[str, list[Measured]] = {kind: [] for kind in homes}
    for _ in range(runs):
        for kind, place in homes.items():
            times[kind].append(run_platform(place))
    if unlike := [kind for kind, place in homes.items() if not same_sales(homes["parquet"], place)]:
        sys.exit(f"other sales were published of {', '.join(unlike)} than of parquet")
    first = statistics.median(run.seconds for run in times["parquet"])
    for kind, found in times.items():
        middle = sorted(found, key=lambda run: run.seconds)[len(found) // 2]
        print(_line(kind, middle), f"  {middle.seconds / first:.2f} of parquet")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--sales", type=int, default=1_000_000, help="ticket sales to generate (default 1 million)")
    parser.add_argument("--pairs", type=int, default=3, help="platform and script so often, in turn (default 3)")
    parser.add_argument("--formats", type=int, default=0, help="so many sales in every format as well (default none)")
    parser.add_argument(
        "--artists", type=int, default=0, help="artists whose names are resolved as well (default none)"
    )
    parser.add_argument("--home", type=Path, help="folder to work in and keep; what was generated there is used again")
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp(prefix="concert-benchmark-"))
    try:
        if options.pairs:
            compare(home / "sales", options.sales, options.pairs)
        if options.formats:
            other_formats(home / "formats", options.formats, max(1, options.pairs))
        if options.artists:
            print(identities.measured(home / "artists", options.artists))
    finally:
        if options.home is None:
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
