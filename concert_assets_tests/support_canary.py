"""Looks for secrets wherever the platform leaves something: as they are, quoted, in hexadecimal and in base 64."""

import base64
import gzip
import io
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq

from concert_assets.resources.s3.protocol import ObjectStore


def forms(secret: bytes) -> set[bytes]:
    """The ways in which a secret may be written down."""
    middle = [base64.b64encode(secret[start:])[2:-4] for start in range(3)]  # wherever in a longer text it stands
    return {secret, quote(secret).encode(), secret.hex().encode(), *middle}


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder; of a database the rows too, which may be torn apart between its pages."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield str(path), path.read_bytes()
        if path.suffix == ".db":
            with sqlite3.connect(path) as connection:
                yield f"rows of {path}", "\n".join(connection.iterdump()).encode()
            connection.close()


def objects(store: ObjectStore, buckets: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Every object of the buckets, unpacked where it is packed."""
    for bucket in buckets:
        for info in store.list(bucket):
            data = store.read(bucket, info.key)
            if data[:2] == b"\x1f\x8b":
                data = gzip.decompress(data)
            elif data[:4] == b"PAR1":
                data += str(pq.read_table(io.BytesIO(data)).to_pylist()).encode()
            yield f"s3://{bucket}/{info.key}", data


def leaks(places: Iterable[tuple[str, bytes]], secrets: Mapping[str, bytes]) -> tuple[list[str], int]:
    """Which secret stands in which place, and how many places were looked through."""
    found, looked = [], 0
    sought = {name: forms(secret) for name, secret in secrets.items()}
    for place, data in places:
        looked += 1
        found += [f"{name} in {place}" for name, written in sought.items() if any(form in data for form in written)]
    return found, looked
