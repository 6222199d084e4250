"""The sensor matrix in full: every scenario before every design, in a folder and over a moto S3 server.

Run as ``python -m concert_assets_tests.benchmarks.sensor_matrix``; ``--help`` lists the options. Prints a line a scenario
and design: objects missed, loaded twice, and the seconds of the longest tick. Where this project's design misses anything
or loads anything twice, the script ends with status 1.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from concert_assets_tests.sensor_scenarios import scenarios
from concert_assets_tests.support_moto import MotoServer, running
from concert_assets_tests.support_sensor_matrix import DESIGNS, OURS, DroppedFolder, DroppedS3, Place, run


@dataclass(frozen=True)
class Row:
    """One scenario before one design in one place."""

    scenario: str
    place: str
    design: str
    missed: int
    twice: int
    loaded: int
    tick_seconds: float
    seconds: float
    said: str


def matrix(
    server: MotoServer, keys: int, storm_objects: int, with_stock: bool, only: str, only_place: str
) -> list[Row]:
    """Play everything, in turn, and print each line as it is known."""
    places: dict[str, Callable[[Path], Place]] = {
        "folder": lambda home: DroppedFolder(home, is_in_place=False),
        "folder, in place": lambda home: DroppedFolder(home, is_in_place=True),
        "S3": lambda _: DroppedS3(server),
    }
    runs = [(place, OURS) for place in places if only_place in place]
    if with_stock and only_place in "S3":
        runs += [("S3", design) for design in DESIGNS if design != OURS]
    rows = []
    print(
        f"{'scenario':34} {'place':17} {'design':20} {'missed':>7} {'twice':>6} {'loaded':>7} {'tick s':>7} {'all s':>7}"
    )
    for name, scenario in scenarios(keys, storm_objects).items():
        if only not in name:
            continue
        for place, design in runs:
            with tempfile.TemporaryDirectory(prefix="sensor-matrix-") as home:
                started = time.perf_counter()
                found = run(scenario, places[place](Path(home) / "home"), design)
                row = Row(
                    name,
                    place,
                    design,
                    found.missed,
                    found.twice,
                    found.loaded,
                    found.tick_seconds,
                    time.perf_counter() - started,
                    found.said,
                )
            rows.append(row)
            print(
                f"{row.scenario:34} {row.place:17} {row.design:20} {row.missed:7,} {row.twice:6,} {row.loaded:7,} "
                f"{row.tick_seconds:7.2f} {row.seconds:7.1f} {row.said[:60]}",
                flush=True,
            )
    return rows


def main() -> int:
    """Play, print and add up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, default=2_500, help="objects of the scenario of many pages")
    parser.add_argument("--storm", type=int, default=10_000, help="objects of the storm")
    parser.add_argument("--only", default="", help="only scenarios whose name holds this")
    parser.add_argument("--place", default="", help="only places whose name holds this: folder, in place, S3")
    parser.add_argument("--without-stock", action="store_true", help="this project's design alone")
    options = parser.parse_args()
    with running() as server:
        rows = matrix(server, options.keys, options.storm, not options.without_stock, options.only, options.place)
    print()
    for design in dict.fromkeys(row.design for row in rows):
        of_design = [row for row in rows if row.design == design]
        print(
            f"{design}: missed {sum(row.missed for row in of_design):,}, in "
            f"{len({row.scenario for row in of_design if row.missed})} scenarios; "
            f"loaded twice {sum(row.twice for row in of_design):,}; "
            f"longest tick {max(row.tick_seconds for row in of_design):.2f} s"
        )
    return int(any(row.missed or row.twice for row in rows if row.design == OURS))


if __name__ == "__main__":
    sys.exit(main())
