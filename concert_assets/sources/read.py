"""The one door to the readers: which format is read by which module."""

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from concert_assets.sources import (
    delimited,
    json_document,
    jsonl,
    musicbrainz,
    nyphil,
    parquet,
    raw_rows,
    ticketmaster,
    tickit,
    xml_document,
)
from concert_assets.sources.model import (
    Batches,
    GroupReader,
    Limits,
    Notes,
    RawObject,
    Reader,
    UnreadableObject,
)

FORMATS: dict[str, Reader] = {
    "jsonl": jsonl.read,
    "json": json_document.read,
    "xml": xml_document.read,
    "csv": delimited.read,
    "parquet": parquet.read,
    "raw_rows": raw_rows.read,
    "nyphil": nyphil.read,
    "ticketmaster": ticketmaster.read,
    "musicbrainz": musicbrainz.read,
}
# Formats whose objects make sense only together, so that all of a delivery are read at once.
GROUPED: dict[str, GroupReader] = {"tickit": tickit.read_together}
# Formats whose objects bring several tables, so that ``RawObject.table`` is None.
SEVERAL_TABLES = frozenset({"musicbrainz", "nyphil", "ticketmaster", "tickit"})
_LIMITS = Limits()


def read(obj: RawObject, stream: BinaryIO, limits: Limits = _LIMITS, notes: Notes | None = None) -> Batches:
    """Yield the object's rows as pairs of canonical table name and batch of ``model.raw_schema``.

    ``stream`` is a seekable binary file, left open. Rows are counted from 1 per object and table; unknown columns are
    added to ``notes``. Raises UnreadableObject when the object is refused as a whole, which may come after batches were
    yielded: a caller keeps nothing of an object before the iterator has ended.
    """
    if obj.format in GROUPED:
        yield from GROUPED[obj.format]([(obj, stream)], limits, {obj.object_id: Notes() if notes is None else notes})
        return
    if obj.format not in FORMATS:
        raise UnreadableObject(f"format {obj.format!r} is unknown; formats are {', '.join([*FORMATS, *GROUPED])}")
    yield from FORMATS[obj.format](obj, stream, limits, Notes() if notes is None else notes)


def read_together(
    objects: Sequence[tuple[RawObject, BinaryIO]], notes: Mapping[str, Notes], limits: Limits = _LIMITS
) -> Batches:
    """Yield the rows of objects of one ``GROUPED`` format as ``read`` does, each under its own object's id.

    ``notes`` are by object id. Raises UnreadableObject when the objects are refused, which they are as a whole.
    """
    yield from GROUPED[objects[0][0].format](objects, limits, notes)
