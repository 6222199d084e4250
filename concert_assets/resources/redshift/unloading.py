"""Reading what UNLOAD has written to S3: a place of its own for each, and the rows that its manifest names."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from concert_assets.resources.redshift.loading import place_of
from concert_assets.resources.redshift.protocol import WarehouseBusy
from concert_assets.resources.s3.protocol import ObjectStore

if TYPE_CHECKING:
    import pyarrow as pa

UNLOADS = "redshift-unloads/"


@contextmanager
def unload_prefix(store: ObjectStore, bucket: str) -> Iterator[str]:
    """The URI of a prefix that nobody else writes below; all objects there are removed at the end of the context."""
    prefix = f"{UNLOADS}{uuid4().hex}/"
    try:
        yield store.uri(bucket, prefix)
    finally:
        for item in list(store.list(bucket, prefix)):
            store.delete(bucket, item.key)


def unloaded(store: ObjectStore, prefix_uri: str, rows: int) -> "pa.Table | None":
    """The rows that were unloaded to a prefix, so many of them; None where there are none.

    Redshift writes neither object nor manifest for a result without rows. Raises WarehouseBusy where other rows are
    found than it says that it wrote.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if rows == 0:
        return None
    parts = []
    for entry in json.loads(store.read(*place_of(f"{prefix_uri}manifest")))["entries"]:
        with store.fetch(*place_of(entry["url"])) as path:
            # Nanoseconds, in which 96 bits would be read, end in the year 2262.
            parts.append(pq.read_table(path, coerce_int96_timestamp_unit="us"))
    found = sum(part.num_rows for part in parts)
    if found != rows:
        raise WarehouseBusy(f"Redshift unloaded {rows} rows to {prefix_uri}, but {found} are there")
    return pa.concat_tables(parts)
