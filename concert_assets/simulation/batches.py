"""Record batches of the delivered tables: small tables from lists of text, sales from their arrays."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from concert_assets.catalog.canonical import TICKET_TIERS
from concert_assets.simulation.exact import Ints
from concert_assets.simulation.market import PAYMENT_METHODS
from concert_assets.simulation.orders import MOST_TICKETS
from concert_assets.simulation.sales import SALE_STATUSES, Sales
from concert_assets.simulation.text import Columns, decimal_texts, numbered_array, timestamp_array

_REPEATED = pa.dictionary(pa.int32(), pa.string())
SALES_SCHEMA = pa.schema(
    [
        ("sale_id", pa.string()),
        ("concert_id", _REPEATED),
        ("customer_id", pa.string()),
        ("ticket_tier", _REPEATED),
        ("quantity", _REPEATED),
        ("unit_price", _REPEATED),
        ("total_price", _REPEATED),
        ("purchase_timestamp", pa.string()),
        ("payment_method", _REPEATED),
        ("sale_status", _REPEATED),
        ("refunded_at", pa.string()),
        ("updated_at", pa.string()),
    ]
)


def small_batch(columns: Columns) -> pa.RecordBatch:
    """One batch of text columns."""
    arrays = [pa.array(values, pa.string()) for values in columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


class SalesBatches:
    """Turns sales into batches of ``SALES_SCHEMA``; what repeats is spelled once for the whole ledger."""

    def __init__(self, concert_ids: list[str | None], face_cents: Ints) -> None:
        """``face_cents`` holds every price that a ticket of the ledger may have."""
        self._concerts = pa.array(concert_ids, pa.string())
        self._prices = np.unique(face_cents)
        totals = np.unique(self._prices[:, None] * np.arange(1, MOST_TICKETS + 1))
        self._price_texts = pa.array(decimal_texts(self._prices), pa.string())
        self._total_texts = pa.array(decimal_texts(totals), pa.string())
        self._total_places = np.searchsorted(totals, self._prices[:, None] * np.arange(MOST_TICKETS + 1))
        self._price_places = np.zeros(int(self._prices[-1]) + 1, dtype=np.int32)
        self._price_places[self._prices] = np.arange(len(self._prices))

    def batch(self, sales: Sales) -> pa.RecordBatch:
        """The sales as text, in their order."""
        price = self._price_places[sales.unit_cents]
        total = self._total_places[price, sales.quantity]
        arrays = [
            numbered_array("S", sales.number + 1),
            _repeated(sales.concert, self._concerts),
            numbered_array("U", sales.customer + 1),
            _repeated(sales.tier, pa.array(TICKET_TIERS, pa.string())),
            _repeated(sales.quantity - 1, pa.array([str(n) for n in range(1, MOST_TICKETS + 1)], pa.string())),
            _repeated(price, self._price_texts),
            _repeated(total, self._total_texts),
            timestamp_array(sales.purchase),
            _repeated(sales.payment, pa.array([name for name, _ in PAYMENT_METHODS], pa.string())),
            _repeated(sales.status, pa.array(SALE_STATUSES, pa.string())),
            _sparse_timestamps(sales.refunded),
            timestamp_array(sales.updated),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=SALES_SCHEMA)


def replaced(column: Any, rows: Ints, values: list[str | None]) -> Any:
    """The column with the values at ``rows`` (all different) replaced; the kind of column stays."""
    if not len(rows):
        return column
    if pa.types.is_dictionary(column.type):
        # Parquet takes no dictionary with a missing value in it: those are missing by index alone
        further = pa.array([value for value in values if value is not None], pa.string())
        dictionary = pa.concat_arrays([column.dictionary, further])
        # pyarrow hands out arrays that may not be written to
        indices = column.indices.fill_null(0).to_numpy().copy()
        given = np.array([value is not None for value in values])
        indices[rows[given]] = len(column.dictionary) + np.arange(len(further))
        empty = column.is_null().to_numpy(zero_copy_only=False).copy()
        empty[rows] = ~given
        return pa.DictionaryArray.from_arrays(pa.array(indices, mask=empty), dictionary)
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    order = np.argsort(rows, kind="stable").tolist()
    return pc.replace_with_mask(column, pa.array(mask), pa.array([values[at] for at in order], pa.string()))


def _repeated(indices: NDArray[np.integer], dictionary: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32)), dictionary)


def _sparse_timestamps(seconds: Ints) -> pa.StringArray:
    """Instants as text, missing where 0."""
    given = seconds > 0
    texts = timestamp_array(seconds[given])
    widths: NDArray[np.int32] = np.zeros(len(seconds) + 1, dtype=np.int32)
    np.cumsum(given * np.int32(20), out=widths[1:])
    valid = np.packbits(given, bitorder="little")
    return pa.StringArray.from_buffers(len(seconds), pa.py_buffer(widths), texts.buffers()[2], pa.py_buffer(valid))
