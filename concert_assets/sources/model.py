"""What every reader shares: the object to be read, its limits, the schema of raw rows, and how a refusal is said."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

import pyarrow as pa

from concert_assets.catalog import canonical
from concert_assets.catalog.model import Table

OBJECT_ID = "_object_id"
ROW_NUMBER = "_row_number"
ROW_ERROR = "_row_error"
ROW_TEXT = "_row_text"

# A concert may bring its prices as a map of this name; its entries become rows of the table of the same name.
PRICE_MAP = canonical.TICKET_PRICES.name

MAX_ROW_TEXT = 4_000
MAX_NOTED_COLUMNS = 200


class UnreadableObject(Exception):
    """The whole object is refused. The message is one line: what was expected, what came."""


@dataclass(frozen=True, slots=True)
class RawObject:
    """One delivered object.

    ``object_id`` is carried by every row; ``table`` is the canonical table, None where the format brings several, such
    as ``nyphil``; ``format`` is a key of ``read.FORMATS``; ``name`` is what a person calls the object.
    """

    object_id: str
    table: str | None
    format: str
    name: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds within which any object is read in bounded memory, whatever it holds.

    ``max_line_bytes`` bounds one line or record; ``max_document_bytes`` a document that must be held whole;
    ``max_decompressed_bytes`` and ``max_ratio`` (bytes out per byte in, judged once ``ratio_free_bytes`` are out) stop
    decompression bombs; ``max_nesting`` bounds the depth of a JSON value; ``batch_rows`` the rows of one batch;
    ``max_pending_errors`` the malformed CSV rows that may follow one another without a readable one among them.
    """

    max_line_bytes: int = 16 << 20
    max_document_bytes: int = 128 << 20
    max_decompressed_bytes: int = 256 << 30
    max_ratio: int = 100
    ratio_free_bytes: int = 64 << 20
    max_nesting: int = 64
    batch_rows: int = 50_000
    max_pending_errors: int = 200_000


@dataclass(slots=True)
class Notes:
    """What the ledger should know of an object beside its rows.

    Columns that no table knows, as spelled, per table; and remarks, a sentence each, such as what is no row of ours.
    """

    unknown_columns: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def unknown(self, table: str, column: str) -> None:
        """Note an unknown column once; beyond ``MAX_NOTED_COLUMNS`` names per table no more are kept."""
        noted = self.unknown_columns.setdefault(table, [])
        if column not in noted and len(noted) < MAX_NOTED_COLUMNS:
            noted.append(column[:200])


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why the row at ``position`` (from 0, among the rows of its batch) could not be taken apart, and its text."""

    position: int
    reason: str
    text: str


Batches = Iterator[tuple[str, pa.RecordBatch]]
Reader = Callable[[RawObject, BinaryIO, Limits, Notes], Batches]
# Reads objects that make sense only together; the notes are by object id.
GroupReader = Callable[[Sequence[tuple[RawObject, BinaryIO]], Limits, Mapping[str, Notes]], Batches]


class Readable(Protocol):
    """The part of a binary file that the readers of text formats need."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; fewer only at the end, none after it."""
        ...


def raw_schema(table: Table) -> pa.Schema:
    """Every canonical column as text, then object id, row number from 1, row error and row text.

    ``_row_error`` is null for a row that was taken apart; else it reads ``<rule>: <reason>``, every canonical column is
    null, and ``_row_text`` holds the row's text, cut at ``MAX_ROW_TEXT`` characters. Rules are ``malformed_json``,
    ``malformed_csv``, ``malformed_xml``, ``malformed_map``, ``malformed_concert``, ``column_given_twice`` and
    ``forbidden_character``, or a rule of the catalog that a reader finds broken before there is a row.
    """
    fields = [pa.field(name, pa.string()) for name in table.column_names]
    fields += [
        pa.field(OBJECT_ID, pa.string()),
        pa.field(ROW_NUMBER, pa.int64()),
        pa.field(ROW_ERROR, pa.string()),
        pa.field(ROW_TEXT, pa.string()),
    ]
    return pa.schema(fields)


def table_of(obj: RawObject) -> Table:
    """The canonical table the object brings; UnreadableObject where it names none or an unknown one."""
    if obj.table is None or obj.table not in canonical.BY_NAME:
        raise UnreadableObject(f"table {obj.table!r} is unknown; tables are {', '.join(canonical.BY_NAME)}")
    return canonical.BY_NAME[obj.table]
