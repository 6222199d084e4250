"""A large object through the S3 store against boto3's own transfer, in turn, on one moto server: ratios of the times.

Run as ``python -m concert_assets_tests.benchmarks.objects [MB] [ROUNDS]``; a ratio above 1 means that the store is faster.
Both send a file of the disk and receive into one. Times of the wall, for most of the work is the server's.
"""

import hashlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from concert_assets_tests.support_moto import running

BUCKET = "one"


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(megabytes: int = 200, rounds: int = 9) -> None:
    """Measure and print."""
    with running() as moto, tempfile.TemporaryDirectory() as folder:
        store = moto.empty()
        source, target = Path(folder) / "source", Path(folder) / "target"
        with source.open("wb") as stream:
            for _ in range(megabytes):
                stream.write(os.urandom(1 << 20))
        expected = hashlib.sha256(source.read_bytes()).hexdigest()

        def store_up() -> None:
            with source.open("rb") as whole, store.open_write(BUCKET, "by-store") as sink:
                shutil.copyfileobj(whole, sink, 1 << 20)

        def boto3_up() -> None:
            store.client.upload_file(str(source), BUCKET, "by-boto3")

        def store_down() -> None:
            with store.fetch(BUCKET, "by-store") as path:
                path.replace(target)
                path.touch()  # the store removes what it lent

        def boto3_down() -> None:
            store.client.download_file(BUCKET, "by-boto3", str(target))

        print(f"{megabytes} MB, {rounds} rounds in turn, {os.cpu_count()} cores")
        for what, ours, theirs in (("upload", store_up, boto3_up), ("download", store_down, boto3_down)):
            pairs = []
            for number in range(rounds):
                first, second = (ours, theirs) if number % 2 else (theirs, ours)
                times = {first: _timed(first)}
                times[second] = _timed(second)
                pairs.append((times[ours], times[theirs]))
            if what == "download":
                assert hashlib.sha256(target.read_bytes()).hexdigest() == expected
            ratio = statistics.median(theirs / ours for ours, theirs in pairs)
            mine, other = (megabytes / statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{what:<9} store {mine:7.0f} MB/s   boto3 {other:7.0f} MB/s   ratio {ratio:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
