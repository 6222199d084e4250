"""Parquet: every column made text, whatever its type."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from concert_assets.sources.batches import PriceMaps, RawTable
from concert_assets.sources.columns import Columns
from concert_assets.sources.json_values import Number, as_text, json_text, number_text
from concert_assets.sources.model import (
    PRICE_MAP,
    Batches,
    Limits,
    Notes,
    RawObject,
    RowFault,
    UnreadableObject,
    table_of,
)
from concert_assets.sources.parquet_pages import check_pages
from concert_assets.sources.streams import one_line, size_of

_AS_ARROW_WRITES = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_date,
    pa.types.is_string,
    pa.types.is_large_string,
)


# A batch is cut into smaller ones where its values come to more than so many of the longest lines.
_BATCH_LINES = 4
# A column in which a value repeats is packed so many times better than text.
_MORE_THAN_TEXT = 100


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield the rows of a Parquet object as text.

    Integers, decimals and dates as usual; floats in their shortest form; timestamps as ISO 8601, with ``Z`` where the
    type has a zone and without where it has none; lists, structs and maps as compact JSON. Raises UnreadableObject for
    a damaged file, also after batches were yielded, and for a missing required column or one given twice.
    """
    table = table_of(obj)
    columns = Columns(table)
    size = size_of(stream)
    with _refusals():
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow
    paths = _paths(schema, columns)
    names = [".".join(path) for path in paths]
    matched = columns.match(names)
    if matched.twice:
        raise UnreadableObject(f"{table.name}: column {matched.twice[0].strip()!r} is there twice")
    columns.require(matched.chosen, names)
    for name in matched.unknown:
        notes.unknown(table.name, name)
    chosen = {name: paths[names.index(spelling)] for name, spelling in matched.chosen.items()}
    fields = sorted({path[0] for path in chosen.values()})
    pages = check_pages(stream, file.metadata, fields, limits)
    raw, prices = RawTable(obj, table), PriceMaps(obj)
    with _refusals():
        # Text stays in dictionaries until it is known what it comes to: one long value may stand in every row. Where
        # there are none the pages hold each value in full, and making some would take longer than all the rest.
        texts_of_file = [
            leaf.path
            for leaf in _leaves(file.schema)
            if leaf.physical_type == "BYTE_ARRAY" and leaf.path in pages.with_dictionary
        ]
        file = pq.ParquetFile(stream, metadata=file.metadata, read_dictionary=texts_of_file)
        for batch in _bounded(file.iter_batches(limits.batch_rows, columns=fields), size, limits):
            found = {name: _column(batch, path) for name, path in chosen.items()}
            maps = found.pop(PRICE_MAP, None)
            texts = {name: _text(array, is_number=name in columns.numbers) for name, array in found.items()}
            is_good = _without_nul(texts)
            faults = _faults(texts, is_good)
            if faults:
                texts = {name: array.filter(pa.array(is_good)) for name, array in texts.items()}
            good = batch.num_rows - len(faults)
            yield table.name, raw.batch(texts, good, faults)
            if maps is not None:
                nulls = pa.nulls(good, pa.string())
                concerts, updated = (texts.get(name, nulls) for name in ("concert_id", "updated_at"))
                yield from prices.batches(_price_maps(maps.filter(pa.array(is_good))), concerts, updated)


def _leaves(schema: pq.ParquetSchema) -> list[pq.ColumnSchema]:
    return [schema.column(number) for number in range(len(schema))]


def _bounded(batches: Iterator[pa.RecordBatch], size: int, limits: Limits) -> Iterator[pa.RecordBatch]:
    """The batches, cut into smaller ones where one would take too much memory; UnreadableObject beyond the limits."""
    total, most = 0, _BATCH_LINES * limits.max_line_bytes
    for whole in batches:
        waiting = [whole]
        while waiting:
            batch = waiting.pop()
            weight = sum(map(_weight, batch.columns))
            if weight > most and batch.num_rows > 1:
                half = batch.num_rows // 2
                waiting += [batch.slice(half), batch.slice(0, half)]
                continue
            if weight > most:
                raise UnreadableObject(f"a row is longer than {most:,} bytes")
            total += weight
            if total > limits.max_decompressed_bytes:
                raise UnreadableObject(f"the object decompresses to more than {limits.max_decompressed_bytes:,} bytes")
            ratio = limits.max_ratio * _MORE_THAN_TEXT
            if total > max(limits.ratio_free_bytes, ratio * size):
                raise UnreadableObject(f"the object decompresses to more than {ratio:,} times its {size:,} bytes")
            yield batch


def _weight(array: pa.Array) -> int:
    """Bytes that an array takes once its dictionaries are decoded, about."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary) if _is_binary(kind.value_type) else None
        if lengths is not None:
            return int(pc.sum(lengths.take(array.indices).cast(pa.int64())).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(map(_weight, array.flatten()))
    if pa.types.is_map(kind):
        start, end = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return _weight(array.keys.slice(start, end - start)) + _weight(array.items.slice(start, end - start))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _weight(array.flatten()) + int(array.offsets.nbytes)
    size: int = array.nbytes
    return size


def _is_binary(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """Arrow's complaints about the file as the refusal of the object."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        raise UnreadableObject(f"the Parquet file is damaged or cannot be read: {one_line(error)}") from error


def _paths(schema: pa.Schema, columns: Columns) -> list[tuple[str, ...]]:
    """The columns, with structs that may hold canonical columns taken apart."""
    paths: list[tuple[str, ...]] = []
    for field in schema:
        if pa.types.is_struct(field.type) and columns.is_parent(field.name):
            paths += [(field.name, child.name) for child in field.type]
        else:
            paths.append((field.name,))
    return paths


def _column(batch: pa.RecordBatch, path: tuple[str, ...]) -> pa.Array:
    column = batch.column(path[0])
    return column if len(path) == 1 else pc.struct_field(column, path[1])


def _text(array: pa.Array, *, is_number: bool = False) -> pa.Array:
    """The array as text; nulls stay null. Of a column of numbers a decimal is spelled as ``number_text`` does."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _text(array.storage, is_number=is_number)
    if pa.types.is_dictionary(kind):
        return _text(array.dictionary_decode(), is_number=is_number)
    if any(is_kind(kind) for is_kind in _AS_ARROW_WRITES):
        text = array.cast(pa.string())
        text.validate(full=True)  # Parquet does not promise that what it calls text is UTF-8
        return text
    if pa.types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        text = pc.replace_substring(array.cast(pa.timestamp(kind.unit)).cast(pa.string()), " ", "T")
        return pc.binary_join_element_wise(_without_zero_fraction(text), zone, "")
    if pa.types.is_time(kind):
        return _without_zero_fraction(array.cast(pa.string()))
    to_text = number_text if is_number else as_text
    return pa.array([to_text(_plain(value)) for value in array.to_pylist(maps_as_pydicts="strict")], pa.string())


def _without_zero_fraction(text: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(text, r"\.0+$", "")


def _plain(value: Any) -> Any:
    """A Python value of a Parquet cell as JSON holds it; numbers as their text, so that none is rounded."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, Decimal):
        return Number(format(value, "f"))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Number(value)
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, bool)) else str(value)


def _price_maps(maps: pa.Array) -> list[Any]:
    """Maps and structs as dicts, a struct's null fields left out since every row has every field; else JSON text."""
    kind = maps.type
    if not (pa.types.is_struct(kind) or pa.types.is_map(kind)):
        return list(_text(maps).to_pylist())
    found = [_plain(value) for value in maps.to_pylist(maps_as_pydicts="strict")]
    if pa.types.is_map(kind):
        return found
    return [None if m is None else {tier: value for tier, value in m.items() if value is not None} for m in found]


def _without_nul(texts: dict[str, pa.Array]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows hold no NUL character, which no warehouse takes in text."""
    is_good = np.ones(len(next(iter(texts.values()))), dtype=bool)
    for array in texts.values():
        if _has_zero_byte(array):
            found = pc.match_substring(array, "\0").fill_null(False)
            is_good &= ~found.to_numpy(zero_copy_only=False)
    return is_good


def _has_zero_byte(array: pa.Array) -> bool:
    """Whether there is a zero byte anywhere in the text; a look at all of it takes no time beside a search in each."""
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return False
    first, last = np.frombuffer(offsets, np.int32)[[array.offset, array.offset + len(array)]]
    return not np.frombuffer(data, np.uint8)[first:last].all()


def _faults(texts: dict[str, pa.Array], is_good: np.ndarray[Any, np.dtype[np.bool_]]) -> list[RowFault]:
    faults = []
    for position in np.flatnonzero(~is_good).tolist():
        row = {name: array[position].as_py() for name, array in texts.items()}
        name = next(name for name, value in row.items() if value is not None and "\0" in value)
        faults.append(RowFault(position, f"forbidden_character: {name}: it holds a NUL character", json_text(row)))
    return faults
