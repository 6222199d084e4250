"""Traces of a person in bytes: in delivered files, and in reports, Dagster's history and stray files of the home.

The platform writes no customer's id into reports and history by design; an error text may have quoted a line of a file.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from concert_assets.deliveries.erasure import Person

_BLOCK_BYTES = 1 << 22
_OVERLAP_BYTES = 1 << 12
# Where the platform writes texts of its own. All else is erased by other means, or is configuration.
_WRITTEN = ("reports", "runs", "dagster")
_CONFIGURATION = {".yaml", ".yml"}
_PARQUET = b"PAR1"
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_SQLITE = b"SQLite format 3\0"


def redact_home(home: Path, person: Person) -> list[Path]:
    """Put something else in the place of a distinctive id, and return the files in which it stood."""
    return [path for path in _files(home) if mentions(path, person) and _redact(path, person)]


def mentions(path: Path, person: Person) -> bool:
    """Whether the bytes of a file hold the id."""
    with path.open("rb") as stream:
        return _is_in(stream.read, person)


def object_mentions(path: Path, person: Person) -> bool:
    """Whether a delivered file holds the id anywhere, also packed; True where that cannot be told."""
    with path.open("rb") as stream:
        magic = stream.read(4)
        stream.seek(0)
        try:
            if magic == _PARQUET:
                return _is_in_parquet(stream, person)
            packing = next((name for begin, name in _PACKED.items() if magic.startswith(begin)), None)
            if packing is None:
                return _is_in(stream.read, person)
            return _is_in(pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), packing).read, person)
        except (pa.ArrowException, OSError, ValueError):
            return True


def _is_in(read: Callable[[int], bytes], person: Person) -> bool:
    held = b""
    while block := read(_BLOCK_BYTES):
        if person.in_bytes.search(held + block):
            return True
        held = block[-_OVERLAP_BYTES:]
    return False


def _is_in_parquet(stream: BinaryIO, person: Person) -> bool:
    file = pq.ParquetFile(stream)
    for batch in file.iter_batches():
        for column in batch.columns:
            if any(value is not None and person.redacted(str(value)) != str(value) for value in column.to_pylist()):
                return True
    return any(person.redacted(name) != name for name in file.schema_arrow.names)


def _files(home: Path) -> Iterator[Path]:
    for path in sorted(home.rglob("*")):
        place = path.relative_to(home).parts
        if path.is_file() and place[0] in _WRITTEN and path.suffix not in _CONFIGURATION:
            yield path


def _redact(path: Path, person: Person) -> bool:
    with path.open("rb") as stream:
        is_database = stream.read(len(_SQLITE)) == _SQLITE
    if is_database:
        _redact_database(path, person)
        return True
    if path.name.endswith(("-wal", "-shm", "-journal")):
        return False  # of a database, which is written whole below
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(person.redacted(text), encoding="utf-8")
    temporary.replace(path)
    return True


def _redact_database(path: Path, person: Person) -> None:
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.create_function("redacted", 1, person.redacted, deterministic=True)
        tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            for _, column, *_ in connection.execute(f'pragma table_info("{table}")').fetchall():
                connection.execute(
                    f'update "{table}" set "{column}" = redacted("{column}") '
                    f'where typeof("{column}") = \'text\' and redacted("{column}") <> "{column}"'
                )
        connection.execute("vacuum")  # what was overwritten stays in free pages otherwise
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
