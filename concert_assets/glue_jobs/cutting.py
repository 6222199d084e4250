"""Cuts a table into what tasks of Spark are given."""

from collections.abc import Iterator

import pyarrow as pa

# Few enough to spread and enough to be worth a task, or fewer where rows are long: Spark refuses to send a task more
# than 128 MiB (spark.rpc.message.maxSize).
_ROWS = 50_000
_BYTES = 32 << 20


def tasks(table: pa.Table, rows: int = _ROWS, size_bytes: int = _BYTES) -> Iterator[pa.Table]:
    """The table in order, cut to at most so many rows, and halved while a part has more bytes than that.

    A row is never cut, however long; a table without rows is one part.
    """
    if table.num_rows > rows:
        for start in range(0, table.num_rows, rows):
            yield from tasks(table.slice(start, rows), rows, size_bytes)
    elif table.nbytes > size_bytes and table.num_rows > 1:
        half = table.num_rows // 2
        yield from tasks(table.slice(0, half), rows, size_bytes)
        yield from tasks(table.slice(half), rows, size_bytes)
    else:
        yield table
