"""The raw rows of delivered objects, whose bytes are verified before a row is believed."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import BinaryIO

import pyarrow as pa

from concert_assets.deliveries.log import DeliveredObject
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets.sources.model import Notes, RawObject
from concert_assets.sources.read import GROUPED, read, read_together


class ObjectAltered(Exception):
    """A raw object is not what was delivered: gone, or of other bytes than the log says."""


def units(objects: Sequence[DeliveredObject]) -> list[list[DeliveredObject]]:
    """The objects by what is read at once: those of a grouped format together, every other one by itself."""
    found: dict[str | int, list[DeliveredObject]] = {}
    for position, item in enumerate(objects):
        found.setdefault(item.format if item.format in GROUPED else position, []).append(item)
    return list(found.values())


def raw_rows(
    store: ObjectStore, bucket: str, unit: Sequence[DeliveredObject], notes: Mapping[str, Notes]
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The raw batches of objects that are read at once, with their tables; ``notes`` are by object id.

    Raises ObjectAltered or ObjectNotFound where an object is not what was delivered, and UnreadableObject, also after
    batches were yielded, where the objects cannot be read.
    """
    with ExitStack() as stack:
        opened = []
        for item in unit:
            stream = stack.enter_context(stack.enter_context(store.fetch(bucket, item.key)).open("rb"))
            _verify(item, stream)
            raw = RawObject(item.object_id, item.table or None, item.format, item.key.rsplit("/", 1)[-1])
            opened.append((raw, stream))
        if unit[0].format in GROUPED:
            yield from read_together(opened, notes)
        else:
            yield from read(*opened[0], notes=notes[unit[0].object_id])


def _verify(item: DeliveredObject, stream: BinaryIO) -> None:
    """Raise ObjectAltered where the bytes are not those that were delivered, and go back to their beginning."""
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    if digest.hexdigest() != item.sha256:
        raise ObjectAltered(f"raw object {item.key} is not what was delivered; restore it, or deliver it again")
    stream.seek(0)
