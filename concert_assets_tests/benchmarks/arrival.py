"""From a file in the inbox to the published table and to the mart, in seconds, while a real daemon runs.

Run as ``python -m concert_assets_tests.benchmarks.arrival``; ``--help`` lists the options. Files are dropped one after the
other, each when the one before is in the mart, at moments that do not follow the sensor's. What is waited for by design is
printed beside: the time that a file must have been left alone, and the intervals of the sensors.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from concert_assets.defs.arrivals import INTERVAL_SECONDS
from concert_assets.defs.automation import tables_changed
from concert_assets.resources.s3.resource import FolderS3
from concert_assets_tests.support_core import CLEAN, SALE, VENUE
from concert_assets_tests.support_daemon import Daemon, daemon
from concert_assets_tests.support_demo import SMALL, query, run

PUBLISHED, MART = "warehouse/ticket_sales", "mart/daily_sales_summary"
BASE = CLEAN | {"venues": [VENUE | {"capacity": 10_000}]}


def _seen(at_work: Daemon, key: str, after: float) -> float | None:
    """When the asset was made first after a moment."""
    return next((entry.timestamp for entry in at_work.made(key) if entry.timestamp > after), None)


def measure(at_work: Daemon, number: int) -> tuple[float, float]:
    """Seconds from the rename of a file of one order to the published table, and to the mart."""
    # Before its row is dropped nothing may be left to do, or another run's work would be taken for this one's.
    at_work.wait_for(
        "quiet", lambda: not any(not run.is_finished for run in at_work.instance.get_runs(limit=20)) or None
    )
    time.sleep(random.uniform(0, INTERVAL_SECONDS))
    dropped = at_work.drop("ticket_sales", f"{number}.jsonl", [SALE | {"sale_id": f"order-{number}"}])
    published = at_work.wait_for("publication", lambda: _seen(at_work, PUBLISHED, dropped))
    made = at_work.wait_for("mart", lambda: _seen(at_work, MART, dropped))
    found = query(
        at_work.deployment.home, f"select count(*) from concert_dw.ticket_sales where sale_id = 'order-{number}'"
    )
    assert found == [(1,)], "what was published is not the row that was dropped"
    return published - dropped, made - dropped


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m concert_assets_tests.benchmarks.arrival", description=__doc__)
    parser.add_argument("--drops", type=int, default=10, help="files to drop (default 10)")
    parser.add_argument("--world", action="store_true", help="on a small generated world with trained models")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="concert-benchmark-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        if options.world:
            run("demo", *SMALL, "--home", str(home))
        with daemon(home) as at_work:
            for table, rows in BASE.items():
                at_work.drop(table, "base.jsonl", rows)
            at_work.wait_for("first orders", lambda: _seen(at_work, MART, 0))
            settle = FolderS3.model_fields["settle_seconds"].default
            print(f"a file counts after {settle:.0f} s; sensors look every {INTERVAL_SECONDS} s (inbox) and "
                  f"{tables_changed.minimum_interval_seconds} s (tables)")  # fmt: skip
            print(f"{'drop':<8}{'published s':>12}{'mart s':>12}")
            found = []
            for number in range(options.drops):
                found.append(measure(at_work, number))
                print(f"{number + 1:<8}{found[-1][0]:>12.1f}{found[-1][1]:>12.1f}", flush=True)
            published, marts = ([pair[place] for pair in found] for place in (0, 1))
            print(f"{'median':<8}{statistics.median(published):>12.1f}{statistics.median(marts):>12.1f}")
            print(f"{'longest':<8}{max(published):>12.1f}{max(marts):>12.1f}")


if __name__ == "__main__":
    main()
