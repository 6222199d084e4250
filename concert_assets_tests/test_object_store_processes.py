"""The promises of every object store between processes: one creator, and nothing of a writer that was killed."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from concert_assets.resources.s3.protocol import ObjectStore

BUCKET = "raw"
# How a process of its own opens the same store, by implementation.
OPENERS = {
    "folder": "from pathlib import Path\n"
    "from concert_assets.resources.s3.folder import FolderObjectStore\n"
    "store = FolderObjectStore(Path(sys.argv[1]))\n",
    "moto": "from concert_assets_tests.support_moto import open_store\nstore = open_store(sys.argv[1])\n",
}


@pytest.fixture
def opener(store_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Code by which another process opens the store, and its argument."""
    place = str(tmp_path / "root") if store_kind == "folder" else request.getfixturevalue("moto").url
    return OPENERS[store_kind], place


def keys(store: ObjectStore) -> list[str]:
    return [info.key for info in store.list(BUCKET)]


def process(opener: tuple[str, str], body: str, *arguments: str) -> subprocess.Popen[bytes]:
    code = "import sys, time\n" + opener[0] + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", code, opener[1], *arguments], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )


def test_of_eight_racing_processes_one_creates_each_object(store: ObjectStore, opener: tuple[str, str]) -> None:
    body = """
        from concert_assets.resources.s3.protocol import ObjectExists
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(20):
            try:
                store.create("raw", f"once/{number}", sys.argv[2].encode() * 5000)
                print(number)
            except ObjectExists:
                pass
    """
    racers = [process(opener, body, str(racer)) for racer in range(8)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == b"ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
    won = [racer.communicate()[0].split() for racer in racers]
    assert sorted(int(number) for numbers in won for number in numbers) == list(range(20))
    for racer, numbers in enumerate(won):
        for number in numbers:
            assert store.read(BUCKET, f"once/{int(number)}") == str(racer).encode() * 5000
    assert len(keys(store)) == 20


def test_a_killed_writer_leaves_nothing_in_sight(store: ObjectStore, opener: tuple[str, str], tmp_path: Path) -> None:
    store.write(BUCKET, "old", b"as it was")
    body = """
        old, new = store.open_write("raw", "old"), store.open_write("raw", "new")
        with old as first, new as second:
            for stream in (first, second):
                stream.write(b"half of it" * 100_000)
                stream.flush()
            print("midway", flush=True)
            time.sleep(600)
    """
    writer = process(opener, body)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"midway\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    assert keys(store) == ["old"]
    assert store.read(BUCKET, "old") == b"as it was"
    store.write(BUCKET, "new", b"afterwards")
    assert store.read(BUCKET, "new") == b"afterwards"
