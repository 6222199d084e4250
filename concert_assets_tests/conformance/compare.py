"""Whether two Arrow tables hold the same rows, types and all."""

import pyarrow as pa
import pyarrow.compute as pc

ORDER = (
    ("_object_id", "ascending"),
    ("object_id", "ascending"),
    ("table_name", "ascending"),
    ("_row_number", "ascending"),
    ("row_number", "ascending"),
)


def differences(one: pa.Table, other: pa.Table) -> list[str]:
    """A line for each row and column that is not the same in both, and for each that only one has.

    Rows are found again by their origin, since no engine keeps an order. Two nulls are the same and so are two NaN;
    nothing is rounded, and a type that differs is a difference.
    """
    if one.column_names != other.column_names:
        return [f"columns {one.column_names} and {other.column_names}"]
    found = [
        f"type of {name}: {one[name].type} and {other[name].type}"
        for name in one.column_names
        if one[name].type != other[name].type
    ]
    if found:
        return found
    if one.num_rows != other.num_rows:
        return [f"{one.num_rows:,} rows and {other.num_rows:,}"]
    order = [(name, way) for name, way in ORDER if name in one.column_names]
    one, other = one.sort_by(order), other.sort_by(order)
    for name in one.column_names:
        unlike = _unlike(one[name], other[name])
        for row in pc.indices_nonzero(unlike).to_pylist():
            origin = {key: one[key][row].as_py() for key, _ in order}
            found.append(f"{name} of {origin}: {one[name][row].as_py()!r} and {other[name][row].as_py()!r}")
    return found


def _unlike(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where one is empty and the other is not, or both are filled and not equal."""
    empty, other_empty = pc.is_null(one, nan_is_null=True), pc.is_null(other, nan_is_null=True)
    unequal = pc.and_not(pc.fill_null(pc.not_equal(one, other), False), empty)
    return pc.or_(pc.xor(empty, other_empty), unequal)
