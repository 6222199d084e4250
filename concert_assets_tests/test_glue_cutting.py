"""What tasks of Spark are given: few rows, few bytes, and together the table as it was."""

import pyarrow as pa
import pytest

from concert_assets.glue_jobs.cutting import tasks


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ([], [0]),
        ([1] * 10, [10]),
        ([1] * 11, [10, 1]),
        ([1] * 25, [10, 10, 5]),
        ([600] * 4, [1, 1, 1, 1]),
        ([5000], [1]),
        ([1, 1, 1, 900], [2, 1, 1]),
    ],
)
def test_parts_have_few_rows_and_bytes_and_are_the_table(lengths: list[int], sizes: list[int]) -> None:
    table = pa.table({"text": pa.array(["x" * length for length in lengths], pa.string())})
    parts = list(tasks(table, rows=10, size_bytes=800))
    assert [part.num_rows for part in parts] == sizes
    assert pa.concat_tables(parts).equals(table)
    assert all(part.nbytes <= 800 or part.num_rows == 1 for part in parts)
