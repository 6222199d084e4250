"""Raw batches put together: origin columns, malformed rows in their places, and price maps made rows of their own."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from concert_assets.catalog import canonical
from concert_assets.catalog.model import Table
from concert_assets.sources.json_values import EXACT_JSON, forbidden, json_text, number_text
from concert_assets.sources.model import MAX_ROW_TEXT, Batches, RawObject, RowFault, raw_schema


class RawTable:
    """Makes the raw batches of one table of one object and counts its rows."""

    def __init__(self, obj: RawObject, table: Table) -> None:
        """Start at row 1."""
        self.table = table
        self.rows = 0
        self._object_id = obj.object_id
        self._schema = raw_schema(table)

    def batch(self, columns: Mapping[str, pa.Array], good: int, faults: Sequence[RowFault] = ()) -> pa.RecordBatch:
        """The next batch: ``good`` rows of canonical ``columns`` in order, with the faulty rows between them.

        Columns not given are null. The batch has ``good + len(faults)`` rows; faults come in order of position.
        """
        count = good + len(faults)
        errors = texts = pa.nulls(count, pa.string())
        order: pa.Array | None = None
        if faults:
            is_good = np.ones(count, dtype=bool)
            is_good[[fault.position for fault in faults]] = False
            order = pa.array(np.cumsum(is_good) - 1, pa.int64(), mask=~is_good)
            reasons: list[str | None] = [None] * count
            kept: list[str | None] = [None] * count
            for fault in faults:
                reasons[fault.position] = fault.reason
                kept[fault.position] = fault.text[:MAX_ROW_TEXT].replace("\0", "\ufffd")
            errors, texts = text_array(reasons), text_array(kept)
        arrays = []
        for name in self.table.column_names:
            column = columns.get(name)
            if column is None:
                arrays.append(pa.nulls(count, pa.string()))
            else:
                arrays.append(column if order is None else column.take(order))
        numbers = pa.array(np.arange(self.rows + 1, self.rows + count + 1))
        self.rows += count
        arrays += [pa.repeat(pa.scalar(self._object_id, pa.string()), count), numbers, errors, texts]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def text_array(values: Sequence[str | None]) -> pa.Array:
    """An array of text; a lone surrogate, which no encoding can carry, becomes the replacement character."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        mended = [None if v is None else v.encode("utf-8", "replace").decode("utf-8") for v in values]
        return pa.array(mended, pa.string())


class PriceMaps:
    """Turns the price maps of concerts into rows of ``ticket_prices``, one for each entry, null maps into none."""

    def __init__(self, obj: RawObject) -> None:
        """Start at row 1."""
        self._raw = RawTable(obj, canonical.TICKET_PRICES)

    def batches(self, maps: Sequence[Any], concerts: pa.Array, updated: pa.Array) -> Batches:
        """The rows of the concerts' maps, each a dict, its JSON text, or None; beside them concert_id and updated_at.

        A map that cannot be read gives one row with a row error.
        """
        columns: dict[str, list[str | None]] = {name: [] for name in self._raw.table.column_names}
        faults: list[RowFault] = []
        good = 0
        for index, price_map in enumerate(maps):
            if price_map is None:
                continue
            concert, changed = concerts[index].as_py(), updated[index].as_py()
            try:
                entries = _entries(price_map)
            except ValueError as error:
                shown = price_map if isinstance(price_map, str) else json_text(price_map)
                reason = f"malformed_map: ticket_prices of concert {concert}: {error}"
                faults.append(RowFault(good + len(faults), reason, shown))
                continue
            good += len(entries)
            for tier, value in entries.items():
                columns["concert_id"].append(concert)
                columns["ticket_tier"].append(tier)
                columns["face_value"].append(number_text(value))
                columns["updated_at"].append(changed)
        if good or faults:
            arrays = {name: text_array(values) for name, values in columns.items()}
            yield self._raw.table.name, self._raw.batch(arrays, good, faults)


def _entries(price_map: Any) -> dict[str, Any]:
    if isinstance(price_map, str):
        try:
            price_map = EXACT_JSON.decode(price_map)
        except json.JSONDecodeError as error:
            raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
        except RecursionError:
            raise ValueError("it is nested too deep") from None
    if not isinstance(price_map, dict):
        raise ValueError("it is no JSON object")
    for entry in price_map.items():
        reason = next((found for part in entry if isinstance(part, str) and (found := forbidden(part))), None)
        if reason is not None:
            raise ValueError(reason)
    return price_map
