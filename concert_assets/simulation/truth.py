"""The truth about a delivery: the answer key of injected defects, and what the data hide about acts, venues and shows.

It is written beside the data and read by tests and by the scoring of models and rules, never by the pipeline.
"""

from contextlib import ExitStack
from types import TracebackType

import numpy as np
import pyarrow as pa

from concert_assets.simulation.calendar import DAY
from concert_assets.simulation.defects import CASCADE, DefectKind, Outcome
from concert_assets.simulation.demand import expected_tickets
from concert_assets.simulation.drawing import World
from concert_assets.simulation.exact import Ints, exp, rounded
from concert_assets.simulation.writers import Measured, Sink, parquet_writer, write_parquet

DEFECTS_SCHEMA = pa.schema(
    [
        ("object_key", pa.string()),
        ("table_name", pa.string()),
        ("row_number", pa.int64()),
        ("kind", pa.string()),
        ("expected_outcome", pa.string()),
        ("rule", pa.string()),
        ("caused_by", pa.string()),
    ]
)
_FLUSH_ROWS = 100_000


class Ledger:
    """Collects the answer key and writes it, a piece at a time, as the Parquet object ``defects.parquet``.

    Row numbers count from 1 within an object and table. ``caused_by`` names the row that is the cause, as object key,
    colon, row number; it is missing for what was injected into the row itself.
    """

    def __init__(self, sink: Sink) -> None:
        """Open the object in ``sink``; use as a context manager."""
        self._sink = sink
        self._stack = ExitStack()
        self._rows: list[tuple[str, str, int, str, str, str, str | None]] = []
        self._pieces: list[pa.RecordBatch] = []

    def __enter__(self) -> "Ledger":
        """Start writing."""
        self._out = Measured(self._stack.enter_context(self._sink.open("defects.parquet")))
        self._writer = parquet_writer(self._out, DEFECTS_SCHEMA)
        self._stack.callback(self._finish)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left and close the object; after an error it is for the sink to drop it."""
        if kind is not None:
            self._out.abandon()
        self._stack.__exit__(kind, error, trace)

    def _finish(self) -> None:
        self._flush()
        self._write_pieces(0)
        self._writer.close()

    def note(self, object_key: str, table: str, row_number: int, kind: DefectKind) -> None:
        """An injected defect."""
        self._add(object_key, table, row_number, kind.name, kind.outcome, kind.rule, None)

    def cascade(
        self, object_key: str, table: str, row_number: int, outcome: Outcome, rule: str, caused_by: str
    ) -> None:
        """A row that is not published because of another."""
        self._add(object_key, table, row_number, CASCADE, outcome, rule, caused_by)

    def cascades(self, object_key: str, table: str, row_numbers: Ints, rule: str, causes: pa.StringArray) -> None:
        """Rows that are pending because of others, many at once; ``causes`` has one element a row."""
        self._flush()
        texts = (object_key, table, None, CASCADE, "pending", rule)
        arrays = [pa.repeat(pa.scalar(text, pa.string()), len(row_numbers)) for text in texts]
        arrays[2] = pa.array(row_numbers)
        self._pieces.append(pa.RecordBatch.from_arrays([*arrays, causes], schema=DEFECTS_SCHEMA))
        self._write_pieces(_FLUSH_ROWS)

    def _add(self, *row: str | int | None) -> None:
        self._rows.append(row)  # type: ignore[arg-type]

    def _flush(self) -> None:
        """Turn the single rows into a piece."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(DEFECTS_SCHEMA)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, DEFECTS_SCHEMA, strict=True)]
        self._pieces.append(pa.RecordBatch.from_arrays(arrays, schema=DEFECTS_SCHEMA))
        self._rows = []

    def _write_pieces(self, least: int) -> None:
        """Write the pieces as one row group once they have that many rows."""
        if sum(piece.num_rows for piece in self._pieces) >= least:
            self._writer.write_table(pa.Table.from_batches(self._pieces, DEFECTS_SCHEMA).combine_chunks())
            self._pieces = []


def write_truth(world: World, sink: Sink) -> None:
    """Write ``concert_truth``, ``artist_truth``, ``venue_truth`` and ``near_duplicates`` as Parquet objects."""
    write_parquet(sink, "concert_truth.parquet", _concert_truth(world))
    artists, venues = world.artists, world.venues
    artist_ids, venue_ids = artists.columns["artist_id"], venues.columns["venue_id"]
    write_parquet(
        sink,
        "artist_truth.parquet",
        pa.table(
            {
                "artist_id": artist_ids[: artists.count],
                "log_following": artists.following,
                "momentum_per_year": artists.momentum,
                "log_booking_weight": artists.booking,
            }
        ),
    )
    write_parquet(
        sink,
        "venue_truth.parquet",
        pa.table(
            {
                "venue_id": venue_ids[: venues.count],
                "quality": venues.quality,
                "log_booking_weight": venues.booking,
            }
        ),
    )
    near = [
        ("artists", artist_ids, artists.columns["name"], artists.identity, artists.count),
        ("venues", venue_ids, venues.columns["name"], venues.identity, venues.count),
    ]
    rows = [
        (table, ids[row], names[row], ids[identity[row]], names[identity[row]], "merged")
        for table, ids, names, identity, count in near
        for row in range(count, len(ids))
    ]
    fields = ("table_name", "id", "name", "identity_id", "identity_name", "expected_outcome")
    columns = list(zip(*rows, strict=True)) or [()] * len(fields)
    arrays = [pa.array(column, pa.string()) for column in columns]
    write_parquet(sink, "near_duplicates.parquet", pa.Table.from_arrays(arrays, names=list(fields)))


def _concert_truth(world: World) -> pa.Table:
    """One row a concert: who it really was, every term of its log demand, and demand and sales in tickets."""
    concerts, bookings = world.concerts, world.concerts.bookings
    capacity = world.venues.capacity[bookings.venue]
    terms = {f"term_{name}": getattr(concerts.terms, name) for name in concerts.terms.__dataclass_fields__}
    artist_ids, venue_ids = world.artists.columns["artist_id"], world.venues.columns["venue_id"]
    seconds = pa.array(concerts.start.astype("datetime64[s]"), pa.timestamp("s", "UTC"))
    return pa.table(
        {
            "concert_id": world.concert_columns["concert_id"],
            "artist_id": [artist_ids[row] for row in bookings.artist.tolist()],
            "venue_id": [venue_ids[row] for row in bookings.venue.tolist()],
            "event_date": seconds,
            "local_day": pa.array((concerts.start + concerts.draws.curve.offset) // DAY).cast(pa.int32()),
            "price_usd": concerts.price_usd,
            **{name: rounded(values) for name, values in terms.items()},
            "log_expected_demand": concerts.log_demand,
            "log_noise": rounded(concerts.log_noise),
            "expected_demand": rounded(exp(concerts.log_demand), 6),
            "uncensored_demand": concerts.wanted,
            "capacity": capacity,
            "expected_tickets": rounded(expected_tickets(concerts.log_demand, capacity), 6),
            "tickets_sold": concerts.sold,
            "is_sold_out": np.asarray(concerts.sold >= capacity),
        }
    )
