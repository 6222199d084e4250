"""``simulate``: writes a delivery of the world of some settings and, apart from it, the truth."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa

from concert_assets.simulation.batches import SALES_SCHEMA, SalesBatches, small_batch
from concert_assets.simulation.drawing import World, build_world, check_settings
from concert_assets.simulation.injection import (
    Delivered,
    Editor,
    Parents,
    artist_editors,
    concert_editors,
    deliver,
    deliver_prices,
    venue_editors,
)
from concert_assets.simulation.sales import CHUNK_ROWS, Sales
from concert_assets.simulation.sales_defects import SalesInjector
from concert_assets.simulation.settings import RawFormat, SimulationSettings
from concert_assets.simulation.text import Columns
from concert_assets.simulation.truth import Ledger, write_truth
from concert_assets.simulation.writers import EXTENSIONS, ObjectWriter, Sink, WrittenObject

__all__ = ["SimulationResult", "World", "build_world", "check_settings", "simulate"]

Progress = Callable[[str, int, int], None]
# Rows drawn for one object of ticket sales; further rows go to a further part.
PART_ROWS = 10 * CHUNK_ROWS


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
    seeds = [np.random.Generator(np.random.PCG64(stream)) for stream in world.defect_seed.spawn(5)]
    rate, raw_format = settings.defect_rate, settings.raw_format
    objects: list[WrittenObject] = []
    delivered: dict[str, int] = {}

    def write(table: str, name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        with ObjectWriter(sink, _key(name, raw_format), table, raw_format, schema) as writer:
            for batch in _ahead(batches):
                writer.write(batch)
        objects.append(writer.result())
        delivered[table] = delivered.get(table, 0) + objects[-1].rows

    with Ledger(truth_sink) as ledger:
        tables = _small_tables(world, seeds, ledger)
        delivered_prices = deliver_prices(tables["concerts"], world.prices, rate, seeds[3], ledger)
        for table, small in tables.items():
            batch = small_batch(small.columns)
            tell(table, 0, batch.num_rows)
            write(table, table, batch.schema, iter([batch]))
            tell(table, batch.num_rows, batch.num_rows)
        injector = SalesInjector(
            batches=SalesBatches(world.concert_columns["concert_id"], world.concerts.face_cents),
            concerts=world.concerts,
            delivered_concerts=tables["concerts"],
            concert_count=settings.concerts,
            now=world.now,
            rate=rate,
            generator=seeds[4],
            ledger=ledger,
        )
        chunks = world.ledger.chunks(world.sales)
        parts = max(1, -(-world.sales // PART_ROWS))
        for part in range(parts):
            name = "ticket_sales" if parts == 1 else f"ticket_sales-{part + 1:04d}"
            rows = _sales_batches(chunks, injector, _key(name, raw_format), world.sales, tell)
            write("ticket_sales", name, SALES_SCHEMA, rows)
    write_truth(world, truth_sink)
    return SimulationResult(
        objects=tuple(objects),
        sample_rate=world.sales / world.book.total if world.book.total else 1.0,
        generated={
            "artists": settings.artists,
            "venues": settings.venues,
            "concerts": settings.concerts,
            "ticket_sales": world.sales,
        },
        delivered=delivered | {"ticket_prices": delivered_prices},
        sellable_orders=world.book.total,
        sellable_tickets=int(world.book.tickets.sum()),
    )


def _small_tables(world: World, seeds: list[np.random.Generator], ledger: Ledger) -> dict[str, Delivered]:
    """Artists, venues and concerts with their defects, in the order of their references."""
    settings, concerts = world.settings, world.concerts

    def put(
        table: str, columns: Columns, count: int, editors: dict[str, Editor], parents: tuple[Parents, ...], seed: int
    ) -> Delivered:
        key = _key(table, settings.raw_format)
        return deliver(table, key, columns, count, settings.defect_rate, editors, parents, seeds[seed], ledger)

    artists = put(
        "artists", world.artists.columns, world.artists.count,
        artist_editors(world.artists.columns, world.artists.updated), (), 0,
    )  # fmt: skip
    venues = put(
        "venues", world.venues.columns, world.venues.count,
        venue_editors(world.venues.capacity, world.venues.updated), (), 1,
    )  # fmt: skip
    parents = (
        Parents("artist_id", artists, concerts.bookings.artist_row),
        Parents("venue_id", venues, concerts.bookings.venue_row),
    )
    taken = {"artists": len(world.artists.identity), "venues": len(world.venues.identity)}
    capacity = world.venues.capacity[concerts.bookings.venue]
    editors = concert_editors(concerts, capacity, world.book.revenue_cents, taken)
    delivered = put("concerts", world.concert_columns, settings.concerts, editors, parents, 2)
    return {"artists": artists, "venues": venues, "concerts": delivered}


def _sales_batches(
    chunks: Iterator[Sales], injector: SalesInjector, object_key: str, total: int, tell: Progress
) -> Iterator[pa.RecordBatch]:
    """The batches of one part of the sales."""
    rows = 0
    for chunk in islice(chunks, PART_ROWS // CHUNK_ROWS):
        batch = injector.inject(chunk, object_key, rows)
        rows += batch.num_rows
        yield batch
        tell("ticket_sales", int(chunk.number[-1]) + 1, total)


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, each made in a thread while the one before it is written."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _key(name: str, raw_format: RawFormat) -> str:
    return f"{name}.{EXTENSIONS[raw_format]}"


def _silent(_table: str, _done: int, _total: int) -> None:
    """Nobody asked for progress."""
