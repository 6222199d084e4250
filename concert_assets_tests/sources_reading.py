"""Reading for the tests of the sources: bytes in, plain rows out."""

import io
from dataclasses import dataclass
from typing import Any

import pytest

from concert_assets.catalog import canonical
from concert_assets.sources.model import Limits, Notes, RawObject, UnreadableObject, raw_schema
from concert_assets.sources.read import read

ORIGIN = ("_object_id", "_row_number", "_row_error", "_row_text")


@dataclass
class Read:
    """What came of one object: full rows per table, and what was noted."""

    tables: dict[str, list[dict[str, Any]]]
    notes: Notes
    batch_sizes: list[int]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables.get(table, [])

    def values(self, table: str) -> list[dict[str, Any]]:
        """The canonical values that are not null, row by row; a faulty row has none."""
        return [
            {name: value for name, value in row.items() if name not in ORIGIN and value is not None}
            for row in self.rows(table)
        ]

    def errors(self, table: str) -> dict[int, str]:
        return {row["_row_number"]: row["_row_error"] for row in self.rows(table) if row["_row_error"] is not None}


def read_bytes(data: bytes, format: str, table: str | None, **limits: int) -> Read:
    """Read the bytes and hold every batch to the promises that all readers make."""
    found = Read({}, Notes(), [])
    obj = RawObject("object-7", table, format, "some file")
    for name, batch in read(obj, io.BytesIO(data), Limits(**limits), found.notes):
        batch.validate(full=True)
        assert batch.schema == raw_schema(canonical.BY_NAME[name])
        found.batch_sizes.append(batch.num_rows)
        found.tables.setdefault(name, []).extend(batch.to_pylist())
    for rows in found.tables.values():
        assert [row["_row_number"] for row in rows] == list(range(1, len(rows) + 1))
        assert {row["_object_id"] for row in rows} <= {"object-7"}
        for row in rows:
            assert (row["_row_error"] is None) == (row["_row_text"] is None)
            if row["_row_error"] is not None:
                assert all(row[name] is None for name in row if name not in ORIGIN)
                assert len(row["_row_text"]) <= 4_000
    return found


def refusal(data: bytes, format: str, table: str | None, **limits: int) -> str:
    """The reason for which the object is refused; fails where it is not."""
    with pytest.raises(UnreadableObject) as raised:
        read_bytes(data, format, table, **limits)
    reason = str(raised.value)
    assert reason
    assert "\n" not in reason
    return reason
