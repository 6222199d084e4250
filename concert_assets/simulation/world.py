"""The world put together, and ``simulate``, which writes a delivery of it and, apart from it, the truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from concert_assets.simulation.artists import Artists, make_artists
from concert_assets.simulation.batches import SALES_SCHEMA, SalesBatches, small_batch
from concert_assets.simulation.calendar import DAY, day_number
from concert_assets.simulation.concert_rows import concert_columns
from concert_assets.simulation.concerts import Concerts, make_concerts
from concert_assets.simulation.names import People
from concert_assets.simulation.orders import OrderBook, open_book
from concert_assets.simulation.sales import CHUNK_ROWS, SalesLedger
from concert_assets.simulation.settings import FULL, SettingsError, SimulationSettings
from concert_assets.simulation.text import Columns
from concert_assets.simulation.venues import Venues, make_venues
from concert_assets.simulation.writers import EXTENSIONS, ObjectWriter, Sink, WrittenObject

Progress = Callable[[str, int, int], None]
# Rows drawn for one object of ticket sales; further rows go to a further part.
PART_ROWS = 10 * CHUNK_ROWS
# Near-duplicates per real artist and venue, where defects are injected at all.
NEAR_DUPLICATE_SHARE = 0.01


@dataclass(frozen=True)
class World:
    """A simulated world before anything of it is delivered. ``sales`` is the number of orders to deliver."""

    settings: SimulationSettings
    now: int
    artists: Artists
    venues: Venues
    concerts: Concerts
    book: OrderBook
    ledger: SalesLedger
    sales: int
    concert_columns: Columns
    defect_seed: np.random.SeedSequence


@dataclass(frozen=True)
class SimulationResult:
    """What was written.

    ``sample_rate`` is the share of the orders of the world that were delivered, 1.0 for the full ledger. ``generated``
    counts the entities asked for by table, ``delivered`` the rows written, with the injected duplicates, older versions
    and near-duplicates among them. ``sellable_orders`` and ``sellable_tickets`` are those of the whole world.
    """

    objects: tuple[WrittenObject, ...]
    sample_rate: float
    generated: dict[str, int]
    delivered: dict[str, int]
    sellable_orders: int
    sellable_tickets: int


def build_world(settings: SimulationSettings) -> World:
    """Draw the world of these settings; SettingsError where one of them cannot be.

    Each table draws from a stream of its own, so that asking for more sales changes no artist.
    """
    settings.validate()
    streams = np.random.SeedSequence(settings.seed).spawn(5)
    generators = [np.random.Generator(np.random.PCG64(stream)) for stream in streams[:4]]
    now = day_number(settings.as_of) * DAY
    people = People(settings.seed)
    near = min(settings.defect_rate, NEAR_DUPLICATE_SHARE)
    artists = make_artists(settings.artists, round(near * settings.artists), settings.as_of, generators[0], people)
    venues = make_venues(settings.venues, round(near * settings.venues), settings.as_of, generators[1], people)
    concerts = make_concerts(artists, venues, settings.concerts, settings.as_of, generators[2])
    key = int(generators[3].integers(0, 2**62))
    book = open_book(venues.kind[concerts.bookings.venue], concerts.face_cents, concerts.sold, key & 0xFFFF)
    return World(
        settings=settings,
        now=now,
        artists=artists,
        venues=venues,
        concerts=concerts,
        book=book,
        ledger=SalesLedger(book, concerts, now, key),
        sales=_sales(settings, book.total),
        concert_columns=concert_columns(concerts, artists, venues, book.revenue_cents),
        defect_seed=streams[4],
    )


def simulate(
    settings: SimulationSettings, sink: Sink, truth_sink: Sink, progress: Progress | None = None
) -> SimulationResult:
    """Write a delivery of the world of these settings to ``sink`` and the truth about it to ``truth_sink``.

    ``progress`` is called with a table, the rows of it written and the rows to write. Raises SettingsError before
    anything is written where a setting cannot be, or where the concerts cannot sell as many orders as asked for. With
    no sales asked for, an object of ticket sales without rows is written.
    """
    world = build_world(settings)
    tell = progress or _silent
    objects: list[WrittenObject] = []
    small = {
        "artists": world.artists.columns,
        "venues": world.venues.columns,
        "concerts": world.concert_columns,
    }
    for table, columns in small.items():
        batch = small_batch(columns)
        tell(table, 0, batch.num_rows)
        objects.append(_write(world, sink, table, table, batch.schema, iter([batch])))
        tell(table, batch.num_rows, batch.num_rows)
    batches = SalesBatches(world.concert_columns["concert_id"], world.concerts.face_cents)
    chunks = world.ledger.chunks(world.sales)
    parts = max(1, -(-world.sales // PART_ROWS))
    for part in range(parts):
        name = "ticket_sales" if parts == 1 else f"ticket_sales-{part + 1:04d}"

        def rows(part: int = part) -> Iterator[pa.RecordBatch]:
            for chunk_number, sales in zip(range(PART_ROWS // CHUNK_ROWS), chunks, strict=False):
                yield batches.batch(sales)
                tell("ticket_sales", min(part * PART_ROWS + (chunk_number + 1) * CHUNK_ROWS, world.sales), world.sales)

        objects.append(_write(world, sink, "ticket_sales", name, SALES_SCHEMA, rows()))
    delivered = {table: sum(o.rows for o in objects if o.table == table) for table in (*small, "ticket_sales")}
    return SimulationResult(
        objects=tuple(objects),
        sample_rate=world.sales / world.book.total if world.book.total else 1.0,
        generated={
            "artists": settings.artists,
            "venues": settings.venues,
            "concerts": settings.concerts,
            "ticket_sales": world.sales,
        },
        delivered=delivered,
        sellable_orders=world.book.total,
        sellable_tickets=int(world.book.tickets.sum()),
    )


def _write(
    world: World, sink: Sink, table: str, name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> WrittenObject:
    raw_format = world.settings.raw_format
    with ObjectWriter(sink, f"{name}.{EXTENSIONS[raw_format]}", table, raw_format, schema) as writer:
        for batch in batches:
            writer.write(batch)
    return writer.result()


def _sales(settings: SimulationSettings, sellable: int) -> int:
    wanted: int | Literal["full"] = settings.sales
    if wanted == FULL:
        return sellable
    if wanted > sellable:
        # a tenth more than in proportion, since the concerts of another world are not quite as well sold
        needed = -(-wanted * settings.concerts * 11 // (10 * max(sellable, 1)))
        raise SettingsError(
            "--sales",
            wanted,
            f"at most {sellable}, which is all that {settings.concerts} concerts sell; it takes about {needed} concerts"
            f" (--concerts {needed}) to sell {wanted}",
        )
    return wanted


def _silent(_table: str, _done: int, _total: int) -> None:
    """Nobody asked for progress."""
