"""Kill -9 at every step boundary and at every statement of a publication, taken up by the sensors or by the web UI.

Run as ``python -m concert_assets_tests.benchmarks.kills ui`` or ``… sensors``; ``--help`` lists the options. Prints a line a
point: what was killed and what the rerun made, after which all tables were those of an undisturbed run, hash by hash. By
the command the same is tested by ``test_demo.py`` with ``CONCERT_TEST_KILL_EACH_STEP=1``.
"""

import argparse
import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from concert_assets_tests.support_kill_launched import FOLLOWING, LOADING, TRAINING, boundaries, sensors, web


def survive_all(points: Mapping[str, str], survive: Callable[[str], str]) -> int:
    """Go through the points; how many of them ended otherwise than they should."""
    failed = 0
    for number, (point, what) in enumerate(points.items(), 1):
        started = time.monotonic()
        try:
            told = survive(point)
        except AssertionError as error:
            failed += 1
            told = f"FAILED: {error}"
        print(f"{number:>3} {point:<48} {time.monotonic() - started:5.1f} s  {what}{told}", flush=True)
    print(f"{len(points)} points, {failed} of them not as an undisturbed run")
    return failed


def main() -> int:
    """Kill, rerun, compare."""
    parser = argparse.ArgumentParser(prog="python -m concert_assets_tests.benchmarks.kills", description=__doc__)
    parser.add_argument("launcher", choices=("ui", "sensors"))
    parser.add_argument("--only", default="", help="points that begin with this (default: all)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()

    def chosen(steps: Mapping[str, str]) -> dict[str, str]:
        return {point: f"({what}) " if what else "" for point, what in steps.items() if point.startswith(options.only)}

    with tempfile.TemporaryDirectory(prefix="concert-kills-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if options.launcher == "ui":
            with web(folder) as by_hand:
                by_hand.undisturbed()  # tells the statements
                steps = dict.fromkeys(boundaries(*LOADING, *TRAINING, *FOLLOWING), "")
                return survive_all(chosen(steps | by_hand.kills.statements()), by_hand.survive)
        with sensors(folder) as by_sensor:
            steps = dict.fromkeys(boundaries(*LOADING, *FOLLOWING), "")
            return survive_all(chosen(steps | by_sensor.kills.statements()), by_sensor.survive)


if __name__ == "__main__":
    raise SystemExit(min(main(), 1))
