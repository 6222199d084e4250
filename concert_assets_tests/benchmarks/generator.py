"""Rows a second and peak memory of the generator, each size in a process of its own.

Run as ``python -m concert_assets_tests.benchmarks.generator [sales ...]``; the default sizes are 1 and 10 million.
"""

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

SIZES = (1_000_000, 10_000_000)


@dataclass(frozen=True)
class Measurement:
    """One run: wall and processor seconds, of them those before the first sale, bytes written and peak memory."""

    sales: int
    raw_format: str
    seconds: float
    first_seconds: float
    cpu_seconds: float
    size_bytes: int
    peak_bytes: int

    @property
    def rows_per_second(self) -> float:
        return self.sales / self.seconds


def measure(sales: int, raw_format: str = "parquet") -> Measurement:
    """Generate a world with so many sales in a fresh process and say what it took; imports are not timed."""
    done = subprocess.run(
        [sys.executable, "-m", "concert_assets_tests.benchmarks.generator", "--child", str(sales), raw_format],
        check=True,
        capture_output=True,
        text=True,
    )
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def _child(sales: int, raw_format: str) -> Measurement:
    from concert_assets.simulation.settings import SimulationSettings, parse_raw_format
    from concert_assets.simulation.world import check_settings, simulate

    class Folder:
        def __init__(self, path: Path) -> None:
            self.path = path

        @contextmanager
        def open(self, key: str):
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / key).open("wb") as handle:
                yield handle

    home = Path(tempfile.mkdtemp(prefix="concert-benchmark-"))
    warm = SimulationSettings(artists=10, venues=10, concerts=10, sales=10)
    check_settings(warm)
    firsts: list[float] = []

    def tell(table: str, done: int, _total: int) -> None:
        if table == "concerts" and done:
            firsts.append(time.perf_counter())

    try:
        # enough concerts for the sales at about 1,400 orders each, and never fewer than the default
        settings = SimulationSettings(
            concerts=max(10_000, sales // 1_000), sales=sales, raw_format=parse_raw_format(raw_format)
        )
        started, cpu = time.perf_counter(), time.process_time()
        result = simulate(settings, Folder(home / "data"), Folder(home / "truth"), tell)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    finally:
        shutil.rmtree(home)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    size = sum(written.size_bytes for written in result.objects)
    return Measurement(sales, raw_format, seconds, firsts[0] - started, cpu, size, peak)


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Print one line a size, and the ratio of the last peak to the first."""
    runs = [measure(size) for size in sizes]
    for run in runs:
        print(
            f"{run.sales:>11,} sales to Parquet: {run.seconds:6.2f} s ({run.first_seconds:.2f} s before the first sale), "
            f"{run.rows_per_second / 1e6:.2f} M rows/s, {run.cpu_seconds:.1f} CPU-s, {run.size_bytes / 1e6:,.0f} MB, "
            f"peak {run.peak_bytes / 1e6:,.0f} MB"
        )
    print(f"peak memory, largest over smallest: {runs[-1].peak_bytes / runs[0].peak_bytes:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(asdict(_child(int(sys.argv[2]), sys.argv[3]))))
    else:
        main(tuple(int(size) for size in sys.argv[1:]) or SIZES)
