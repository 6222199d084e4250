"""The comparison of the engines finds what differs, so that none is a statement."""

from decimal import Decimal

import pyarrow as pa
import pytest

from concert_assets_tests.conformance.compare import differences

ROWS = pa.table(
    {
        "_object_id": ["o", "o", "o"],
        "_row_number": pa.array([1, 2, 3], pa.int64()),
        "price": pa.array([Decimal("1.00"), None, Decimal("3.00")], pa.decimal128(10, 2)),
        "share": pa.array([float("nan"), 0.5, None]),
    }
)


def changed(name: str, values: pa.Array) -> pa.Table:
    return ROWS.set_column(ROWS.column_names.index(name), name, values)


def test_the_same_rows_in_another_order_are_the_same() -> None:
    assert differences(ROWS, ROWS.take(pa.array([2, 0, 1]))) == []


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (changed("price", pa.array([Decimal("1.00"), Decimal(0), Decimal("3.00")], pa.decimal128(10, 2))), "price of"),
        (changed("price", pa.array([Decimal("1.01"), None, Decimal("3.00")], pa.decimal128(10, 2))), "price of"),
        (changed("share", pa.array([float("nan"), 0.5, 0.0])), "share of"),
        (changed("share", pa.array([1.0, 0.5, None])), "share of"),
        (changed("price", pa.array([1.0, None, 3.0])), "type of price"),
        (changed("_row_number", pa.array([1, 2, 4], pa.int64())), "_row_number of"),
        (ROWS.slice(1), "3 rows and 2"),
        (ROWS.drop_columns(["share"]), "columns"),
    ],
)
def test_what_differs_is_told(other: pa.Table, found: str) -> None:
    lines = differences(ROWS, other)
    assert len(lines) == 1
    assert lines[0].startswith(found)
