"""The demo as a cold process against the same work without Dagster, in turn, and the generator at large sizes.

Run as ``python -m concert_assets_tests.benchmarks.demo``; ``--help`` lists the options. What it prints is measured in one
run on one machine, so ratios tell more than seconds. A pair whose published tables differ ends the run.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import TABLES
from concert_assets_tests.benchmarks import generator
from concert_assets_tests.benchmarks.folder import fingerprints

ROOT = Path(__file__).parents[2]
SAME = [table.qualified for table in (*TABLES, *MARTS, *PREDICTIONS)]
SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Measured:
    """One cold process: wall and processor seconds, and peak memory of itself, of its largest child, of all at once."""

    seconds: float
    cpu_seconds: float
    own_bytes: int
    child_bytes: int
    total_bytes: int


def _status(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field)), 0)


def _descendants(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in path.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *_descendants(child)]
    return found


def measure(command: list[str], folder: Path) -> Measured:
    """Run a command to its end in an empty folder; a command that fails ends the benchmark with what it said."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("CONCERT_", "DAGSTER_"))}
    # Without bytecode every process would compile its packages anew, which no user's does.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    log = folder / "log.txt"
    own = child = total = 0
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env={**kept, "PYTHONPATH": str(ROOT)}, stdout=output, stderr=subprocess.STDOUT
        )
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            below = _descendants(process.pid)
            own = max(own, _status(process.pid, "VmHWM:"))
            child = max([child, *(_status(item, "VmHWM:") for item in below)])
            total = max(total, sum(_status(item, "VmRSS:") for item in (process.pid, *below)))
            time.sleep(SAMPLE_SECONDS)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text()[-4000:]}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, own, child, total)


def pair(volumes: list[int], is_demo_first: bool) -> tuple[Measured, Measured]:
    """The demo and its baseline, each as a cold process on an empty home."""
    numbers = [str(volume) for volume in volumes]
    names = ("--artists", "--venues", "--concerts", "--sales")
    options = [word for name, number in zip(names, numbers, strict=True) for word in (name, number)]
    home = Path(tempfile.mkdtemp(prefix="concert-benchmark-"))
    try:
        (home / "demo").mkdir()
        (home / "plain").mkdir()
        command = str(Path(sys.executable).with_name("concert-assets"))
        runs = {
            "demo": [command, "demo", "--home", str(home / "demo" / "home"), *options],
            "plain": [
                sys.executable,
                "-m",
                "concert_assets_tests.benchmarks.without_dagster",
                str(home / "plain"),
                *numbers,
            ],
        }
        order = ("demo", "plain") if is_demo_first else ("plain", "demo")
        found = {name: measure(runs[name], home / name) for name in order}
        made = fingerprints(home / "demo" / "home" / "warehouse.duckdb", SAME)
        plain = fingerprints(home / "plain" / "warehouse.duckdb", SAME)
        if differing := [name for name in SAME if made[name] != plain[name]]:
            sys.exit(f"the two made different tables, so their times cannot be compared: {', '.join(differing)}")
    finally:
        shutil.rmtree(home)
    return found["demo"], found["plain"]


def _line(what: str, run: Measured) -> str:
    memory = " ".join(f"{size / 1e6:9,.0f}" for size in (run.own_bytes, run.child_bytes, run.total_bytes))
    return f"{what:<18}{run.seconds:8.2f} {run.cpu_seconds:8.2f} {memory}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m concert_assets_tests.benchmarks.demo", description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="demo and baseline so often, in turn (default 5)")
    for name, default in (("artists", 1_000), ("venues", 500), ("concerts", 10_000), ("sales", 50_000)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"to generate (default {default})")
    parser.add_argument("--generator", type=int, nargs="*", default=generator.SIZES, help="sales (default 1 and 10 M)")
    options = parser.parse_args()
    volumes = [options.artists, options.venues, options.concerts, options.sales]
    pairs = []
    print("artists, venues, concerts, sales:", ", ".join(f"{volume:,}" for volume in volumes))
    print(f"{'cold process':<18}{'wall s':>8} {'CPU s':>8} {'own MB':>9} {'child MB':>9} {'total MB':>9}")
    for number in range(options.pairs):
        pairs.append(pair(volumes, is_demo_first=number % 2 == 0))
        print(_line("demo", pairs[-1][0]))
        print(_line("without Dagster", pairs[-1][1]), f"  ratio {pairs[-1][0].seconds / pairs[-1][1].seconds:.2f}")
    if pairs:
        demo = statistics.median(run.seconds for run, _ in pairs)
        plain = statistics.median(run.seconds for _, run in pairs)
        ratio = statistics.median(run.seconds / baseline.seconds for run, baseline in pairs)
        processor = statistics.median(run.cpu_seconds / baseline.cpu_seconds for run, baseline in pairs)
        print(
            f"median of {len(pairs)}: demo {demo:.2f} s, without Dagster {plain:.2f} s, ratio {ratio:.2f} "
            f"({processor:.2f} in processor time)"
        )
    if options.generator:
        generator.main(tuple(options.generator))


if __name__ == "__main__":
    main()
