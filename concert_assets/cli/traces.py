"""Traces of a person in bytes: in delivered files, and in reports, Dagster's history and stray files of the home.

The platform writes no customer's id into reports and history by design; an error text may have quoted a line of a file.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from concert_assets.catalog.canonical import TABLES
from concert_assets.deliveries.erasure import Person, named_keys
from concert_assets.deliveries.log import DeliveryLog
from concert_assets.resources.s3.protocol import INBOX_PREFIX, KeyRefused, ObjectNotFound

_BLOCK_BYTES = 1 << 22
_OVERLAP_BYTES = 1 << 12
# Where the platform writes texts of its own. All else is erased by other means, or is configuration.
_WRITTEN = ("reports", "runs", "dagster")
_CONFIGURATION = {".yaml", ".yml"}
_PARQUET = b"PAR1"
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_SQLITE = b"SQLite format 3\0"
_OF_PERSONS = {column.name for table in TABLES for column in table.columns if column.is_personal}
_REFUSED = "row_json"


def redact_home(home: Path, person: Person) -> list[Path]:
    """Put something else in the place of a distinctive id, and return the files in which it stood."""
    return [path for path in _files(home) if mentions(path, person) and _redact(path, person)]


def mentions(path: Path, person: Person) -> bool:
    """Whether the bytes of a file hold the id."""
    with path.open("rb") as stream:
        return _is_in(stream.read, person)


def object_mentions(path: Path, person: Person) -> bool | None:
    """Whether a delivered file holds the id anywhere, also packed; None where that cannot be told."""
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
            return True if mentions(path, person) else None


def curated_holds(path: Path, person: Person) -> bool:
    """Whether a curated object holds the id as the value of a column of persons, in accepted or refused rows."""
    with path.open("rb") as stream:
        if stream.read(4) != _PARQUET:
            return False  # a manifest
    try:
        names = [name for name in pq.read_schema(path).names if name in {*_OF_PERSONS, _REFUSED}]
        for batch in pq.ParquetFile(path).iter_batches(columns=names):
            for name in names:
                for value in batch.column(name).drop_null().to_pylist():
                    row = json.loads(value) if name == _REFUSED else {name: value}
                    if any(Person.of(str(row[key])) == person for key in _OF_PERSONS & row.keys()):
                        return True
    except (pa.ArrowException, OSError, ValueError):
        return True  # it is damaged, and may
    return False


def tell_traces(log: DeliveryLog, person: Person, alike: Iterable[str], is_rehearsal: bool) -> bool:
    """Tell of what stays and may hold the customer; whether files of the inbox do, of which a run knows nothing."""
    entries = log.recorded()
    for key in sorted(named_keys(log.entries()).intersection(alike)):
        print(
            f"{key} holds text that could not be taken apart, and in it what reads like the id; it stays: look at it",
            file=sys.stderr,
        )
    for entry in entries:
        keys = [key for item in entry.objects for key in (item.key, item.source_key)]
        if any(map(person.is_in, [entry.delivery, entry.note, *(key.rsplit("/", 1)[-1] for key in keys)])):
            names = "names" if person.is_distinctive else "may name"
            print(
                f"entry {entry.sequence} of the log {names} the customer, in a name or note, and stays", file=sys.stderr
            )
    if is_rehearsal or not person.is_distinctive:
        return False
    known = {(item.source_key, item.source_version) for entry in entries for item in entry.objects}
    is_left = False
    for info in log.store.list(log.bucket, INBOX_PREFIX):
        if (info.key, info.version) in known:
            continue
        try:
            with log.store.fetch(log.bucket, info.key) as path:
                holds = object_mentions(path, person)
        except ObjectNotFound:
            continue
        except (OSError, KeyRefused):
            holds = None
        if holds is not False:
            what = "holds the customer" if holds else "cannot be looked through and may hold the customer"
            print(f"{info.key} was not taken in and {what}: delete it or mend it", file=sys.stderr)
            is_left = True
    return is_left


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
            if any(value is not None and person.is_in(str(value)) for value in column.to_pylist()):
                return True
    return any(map(person.is_in, file.schema_arrow.names))


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
