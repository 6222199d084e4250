"""Objects hold the text that was handed to their writers, whatever it is."""

import gzip
import io
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from concert_assets.simulation.batches import replaced, small_batch
from concert_assets.simulation.near_duplicates import near_name, near_venue_name
from concert_assets.simulation.settings import SimulationSettings
from concert_assets.simulation.text import numbered_array, timestamp_array
from concert_assets.simulation.world import simulate
from concert_assets.simulation.writers import EXTENSIONS, ObjectWriter, json_lines
from concert_assets_tests.simulation_reader import Folder, read_object

HOSTILE = {
    "artist_id": ["1", "2", "3", "4", "5"],
    "name": ['Say "Hi"', "back\\slash, comma", "new\nline\ttab\x01", "Béyöncé 漢字 🎸", None],
    "popularity_score": ["0.50", "-3", "1e5", "007", None],
    "genres": ['["rock", "r&b"]', "[]", '["a\\"b"]', None, '["ü"]'],
}


def test_json_lines_are_json_whatever_the_text() -> None:
    lines = json_lines(small_batch(HOSTILE), "artists").decode().split("}\n")
    rows = [json.loads(line + "}") for line in lines[:-1]]
    assert lines[-1] == ""
    assert [row["name"] for row in rows] == HOSTILE["name"]
    assert [row["artist_id"] for row in rows] == HOSTILE["artist_id"], "an identifier is text though it is a number"
    assert [row["popularity_score"] for row in rows] == [0.5, -3, "1e5", "007", None]
    assert [row["genres"] for row in rows] == [["rock", "r&b"], [], ['a"b'], None, ["ü"]]


@pytest.mark.parametrize("raw_format", ["jsonl", "csv", "parquet"])
def test_batches_follow_each_other(raw_format: str, tmp_path: Path) -> None:
    sink = Folder(tmp_path)
    first, second = ({"artist_id": [f"{part}{n}" for n in range(3)], "name": ["x", None, "z, z"]} for part in "ab")
    key = f"artists.{EXTENSIONS[raw_format]}"
    with ObjectWriter(sink, key, "artists", raw_format, small_batch(first).schema) as writer:
        writer.write(small_batch(first))
        writer.write(small_batch(second))
    assert writer.result().rows == 6
    rows = read_object(tmp_path / key)
    assert [row["artist_id"] for row in rows] == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert [row["name"] for row in rows] == ["x", None, "z, z"] * 2


def test_an_object_carries_no_time_of_writing(tmp_path: Path) -> None:
    sink = Folder(tmp_path)
    batch = small_batch({"artist_id": ["1"]})
    with ObjectWriter(sink, "artists.jsonl.gz", "artists", "jsonl", batch.schema) as writer:
        writer.write(batch)
    content = (tmp_path / "artists.jsonl.gz").read_bytes()
    assert content[4:8] == bytes(4)
    assert gzip.decompress(content) == b'{"artist_id": "1"}\n'


def test_a_failed_object_is_told_to_its_sink(tmp_path: Path) -> None:
    seen: list[object] = []

    class Failing(Folder):
        def open(self, key: str):
            inner = super().open(key)

            class Context:
                def __enter__(self):
                    return inner.__enter__()

                def __exit__(self, *error: object):
                    seen.append(error[0])
                    return inner.__exit__(*error)

            return Context()

    batch = small_batch({"artist_id": ["1"]})
    for raw_format in ("jsonl", "parquet"):
        with pytest.raises(KeyError), ObjectWriter(Failing(tmp_path), raw_format, "artists", raw_format, batch.schema):
            raise KeyError("broken off")
    assert seen == [KeyError, KeyError]


@pytest.mark.parametrize("kind", ["plain", "dictionary"])
def test_replacing_values_touches_no_other(kind: str) -> None:
    column = pa.array(["a", "b", None, "a", "c"])
    column = column.dictionary_encode() if kind == "dictionary" else column
    changed = replaced(column, np.array([3, 0, 2]), ["x", None, "y"])
    assert changed.to_pylist() == [None, "b", "y", "x", "c"]
    assert column.to_pylist() == ["a", "b", None, "a", "c"]


def test_numbers_and_instants_are_spelled_in_full() -> None:
    assert numbered_array("S", np.array([0, 7, 123_456_789])).to_pylist() == ["S000000000", "S000000007", "S123456789"]
    instants = np.array([0, 951_782_399, 4_102_444_799])
    assert timestamp_array(instants).to_pylist() == [
        "1970-01-01T00:00:00Z",
        "2000-02-28T23:59:59Z",
        "2099-12-31T23:59:59Z",
    ]


@pytest.mark.parametrize(
    "name", ["The Velvet Wolves", "Ann Lee", "Xy", "Q", "R & B Kings", "Grand Theater", "Vogue Room"]
)
def test_a_near_duplicate_is_never_spelled_alike(name: str) -> None:
    for number in range(200):
        assert near_name(name, number) != name
        assert near_venue_name(name, number) != name


def test_a_generation_that_breaks_off_leaves_the_error_to_every_sink(tmp_path: Path) -> None:
    class Full(Folder):
        def open(self, key: str):
            if key.startswith("ticket_sales"):
                raise OSError("no space left")
            return super().open(key)

    left: list[str] = []

    class Watched(Folder):
        @contextmanager
        def open(self, key: str):
            try:
                with super().open(key) as handle:
                    yield handle
            except OSError:
                left.append(key)
                raise

    settings = SimulationSettings(artists=5, venues=5, concerts=20, sales=50, raw_format="parquet")
    with pytest.raises(OSError, match="no space left"):
        simulate(settings, Full(tmp_path / "data"), Watched(tmp_path / "truth"))
    assert left == ["defects.parquet"]


def test_a_disk_that_fills_while_an_object_is_closed_is_told_to_its_sink(tmp_path: Path) -> None:
    told: list[str] = []

    class Filling(Folder):
        @contextmanager
        def open(self, key: str):
            class Disk(io.BytesIO):
                def write(self, data) -> int:
                    if bytes(data).endswith(b"PAR1") and self.tell():
                        raise OSError("no space left")
                    return super().write(data)

            try:
                yield Disk()
            except OSError:
                told.append(key)
                raise

    batch = small_batch({"artist_id": ["1"]})
    with (
        pytest.raises(OSError, match="no space left"),
        ObjectWriter(Filling(tmp_path), "artists.parquet", "artists", "parquet", batch.schema) as writer,
    ):
        writer.write(batch)
    assert told == ["artists.parquet"]
