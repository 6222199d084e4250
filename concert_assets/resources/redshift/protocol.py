"""What the platform asks of a warehouse. Standard library only at run time, so that every room may name it.

SQL is Redshift's; a backend that speaks another dialect translates it. Values are bound as ``:name``.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

Parameters = Mapping[str, Any]


class WarehouseBusy(Exception):
    """Another process holds the warehouse and did not let go in time."""


class WarehouseDamaged(Exception):
    """The warehouse has lost something it had acknowledged."""


class Session(Protocol):
    """One connection, held by one process at a time where the backend admits one writer."""

    def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run one statement."""
        ...

    def query(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        ...

    def query_frame(self, sql: str, parameters: Parameters | None = None, *, is_large: bool = False) -> "pd.DataFrame":
        """The rows of a query as a frame; DECIMAL comes as double precision, for analysis.

        With ``is_large`` a way may be taken that many rows are worth; it keeps no order.
        """
        ...

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Append rows to a table, their values in the order of ``columns``."""
        ...

    def stage(self, relation: str, columns: Mapping[str, str], uris: Sequence[str]) -> None:
        """Make ``relation`` hold the rows of these Parquet objects, in place of what it held.

        ``columns`` maps names to catalog types and is the whole schema, also where there is no object.
        """
        ...

    def replace_table(self, table: str, replacement: str) -> None:
        """Let ``table`` be what ``replacement`` is, which is gone then. Both are schema.table of one schema."""
        ...

    def table_exists(self, table: str) -> bool:
        """Whether there is a table or view of that name."""
        ...

    def content_hash(self, table: str) -> str:
        """A hash of the rows of a table, whatever their order. Hashes of different backends are not comparable."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All statements within take effect together, or none where the context ends with an error."""
        ...

    def publication_made(self) -> None:
        """Called after a publication is committed: make it durable and note it outside the warehouse."""
        ...


class Warehouse(Protocol):
    """A warehouse that sessions can be opened on."""

    def session(self) -> AbstractContextManager[Session]:
        """A session; WarehouseBusy or WarehouseDamaged where there can be none."""
        ...

    def published_position(self) -> int:
        """The position of the log that was published last, as it was acknowledged; 0 where nothing is published."""
        ...

    def location(self, table: str) -> str:
        """Where a table lies, for people: without credentials."""
        ...
