"""Looking at Parquet objects before COPY: what they hold, by name and type, and whether their texts fit."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from concert_assets.resources.redshift.statements import manifest
from concert_assets.resources.s3.protocol import ObjectStore

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MANIFESTS = "redshift-manifests/"


class NotLoadable(Exception):
    """An object does not fit the table that it is to be loaded into; nothing was loaded."""


@dataclass(frozen=True, slots=True)
class Loadable:
    """An object, its size, and names and types of its columns as Redshift writes them, in the order of the file."""

    uri: str
    size_bytes: int
    columns: tuple[tuple[str, str], ...]


def place_of(uri: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://`` URI as the store writes it; ValueError for any other."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not key:
        raise ValueError(f"expected s3://bucket/key, got {uri!r}; Redshift loads from S3 alone")
    return bucket, key


def inspect(store: ObjectStore, uri: str, wanted: Mapping[str, str]) -> Loadable:
    """What an object holds. ``wanted`` maps names to types of the table's columns.

    Raises NotLoadable, with object, column and what to expect, where a type is another or a text takes more bytes than
    its VARCHAR: Redshift counts bytes, and its own error names neither row nor column of a columnar object.
    """
    import pyarrow.parquet as pq

    bucket, key = place_of(uri)
    with store.fetch(bucket, key) as path, pq.ParquetFile(path) as file:
        columns = tuple((field.name, _kind(field, uri)) for field in file.schema_arrow)
        for name, kind in columns:
            if name in wanted and not _holds(wanted[name], kind):
                raise NotLoadable(f"{uri}: column {name} holds {kind}, expected {wanted[name]}; curate it anew")
        for name, kind in columns:
            if name in wanted and kind.startswith("varchar"):
                _check_bytes(file, uri, name, int(wanted[name].removeprefix("varchar(").removesuffix(")")))
        return Loadable(uri, path.stat().st_size, columns)


Shape = tuple[tuple[str, str], ...]


def by_shape(store: ObjectStore, wanted: Mapping[str, str], uris: Sequence[str]) -> dict[Shape, list[Loadable]]:
    """The objects by their columns, each looked at; NotLoadable names the first that does not fit."""
    shapes: dict[Shape, list[Loadable]] = {}
    for uri in uris:
        found = inspect(store, uri, wanted)
        shapes.setdefault(found.columns, []).append(found)
    return shapes


def emptied(relation: str, columns: Mapping[str, str]) -> list[str]:
    """Statements that make a relation an empty table of these columns."""
    body = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return [f"drop table if exists {relation}", f"create table {relation} ({body})"]


def landing(relation: str, columns: Mapping[str, str], shape: Shape) -> tuple[str, list[str], list[str]]:
    """The table that objects of a shape are copied into, by position, and the statements before and after that."""
    names = [name for name, _ in shape]
    if names == list(columns):
        return relation, [], []
    common = ", ".join(name for name in names if name in columns)
    return (
        "landing",
        [f"create temporary table landing ({', '.join(f'{name} {kind}' for name, kind in shape)})"],
        [f"insert into {relation} ({common}) select {common} from landing", "drop table landing"],
    )


@contextmanager
def manifest_of(store: ObjectStore, objects: list[Loadable]) -> Iterator[str]:
    """The URI of a manifest of these objects beside the first of them, which is removed at the end of the context."""
    bucket = place_of(objects[0].uri)[0]
    key = f"{MANIFESTS}{uuid4().hex}.json"
    store.write(bucket, key, manifest([(item.uri, item.size_bytes) for item in objects]))
    try:
        yield f"s3://{bucket}/{key}"
    finally:
        store.delete(bucket, key)


def _holds(wanted: str, kind: str) -> bool:
    """Whether a column takes each value of a type as it is. A narrower decimal would be rounded without a word."""
    is_text = wanted.startswith("varchar") and kind.startswith("varchar")
    return is_text or wanted.replace(" ", "") == kind.replace(" ", "") or (wanted, kind) == ("bigint", "integer")


def _kind(field: "pa.Field", uri: str) -> str:
    import pyarrow as pa

    kind = field.type
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return "timestamp"
    kinds = {
        pa.string(): "varchar(65535)",
        pa.large_string(): "varchar(65535)",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.float64(): "double precision",
        pa.date32(): "date",
        pa.bool_(): "boolean",
    }
    if kind not in kinds:
        raise NotLoadable(f"{uri}: column {field.name} holds {kind}, which no table of the catalog has; curate it anew")
    return kinds[kind]


def _check_bytes(file: "pq.ParquetFile", uri: str, name: str, width: int) -> None:
    import pyarrow.compute as pc

    before = 0
    for batch in file.iter_batches(columns=[name]):
        lengths = pc.binary_length(batch.column(0))
        most = pc.max(lengths).as_py()
        if most is not None and most > width:
            row = before + pc.index(lengths, most).as_py() + 1
            raise NotLoadable(
                f"{uri}: row {row} of column {name} takes {most} bytes in UTF-8, but varchar({width}) holds {width}; "
                "curate it anew, which refuses such a row"
            )
        before += batch.num_rows
