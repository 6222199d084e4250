"""The order book: how the tickets of every concert fall into orders, so that they add up to the ticket exactly.

The book lists, for each concert, tier and order size, how many orders there are; single orders are numbered through it
and never stored. A number below ``total`` is an order, and everything about it follows from its number.
"""

from dataclasses import dataclass

import numpy as np

from concert_assets.catalog.canonical import TICKET_TIERS
from concert_assets.simulation import exact
from concert_assets.simulation.exact import Ints
from concert_assets.simulation.market import ORDER_SIZE_SHARE, VENUE_KINDS
from concert_assets.simulation.pricing import MOST_TIERS

MOST_TICKETS = len(ORDER_SIZE_SHARE)
_MEAN_SIZE = sum(size * share for size, share in enumerate(ORDER_SIZE_SHARE, start=1)) / sum(ORDER_SIZE_SHARE)


@dataclass(frozen=True)
class OrderBook:
    """Cells of equal orders, arrays of shape (cells,): ``ends`` counts the orders up to and including the cell.

    ``tier`` is an index into the catalog's ``TICKET_TIERS``. ``tickets`` and ``revenue_cents`` have shape (concerts,)
    and are the sums over the book, ``orders`` likewise.
    """

    ends: Ints
    concert: Ints
    tier: Ints
    quantity: Ints
    unit_cents: Ints
    tickets: Ints
    revenue_cents: Ints
    orders: Ints

    @property
    def total(self) -> int:
        """The number of orders."""
        return int(self.ends[-1]) if len(self.ends) else 0

    def cells(self, numbers: Ints) -> Ints:
        """The cell of each order number; at most 2**20 numbers."""
        # in rising order the search stays in the processor's cache, which makes it several times faster
        risen = np.sort(numbers << 20 | np.arange(len(numbers)))
        cells = np.empty(len(numbers), dtype=np.int64)
        cells[risen & ((1 << 20) - 1)] = np.searchsorted(self.ends, risen >> 20, side="right")
        return cells


def open_book(kind: Ints, face_cents: Ints, sold: Ints, key: int) -> OrderBook:
    """Divide the tickets sold, shape (concerts,), into tiers and orders.

    ``kind`` indexes ``VENUE_KINDS``; ``face_cents`` has shape (concerts, tiers). Shares are kept as closely as whole
    tickets allow, which way the last ones fall is drawn with ``key``.
    """
    concerts = len(sold)
    share = np.zeros((len(VENUE_KINDS), MOST_TIERS))
    tier_name = np.zeros((len(VENUE_KINDS), MOST_TIERS), dtype=np.int64)
    for row, known in enumerate(VENUE_KINDS):
        share[row, : len(known.tiers)] = [tier.share for tier in known.tiers]
        tier_name[row, : len(known.tiers)] = [TICKET_TIERS.index(tier.name) for tier in known.tiers]
    draws = exact.mix(np.arange(concerts * MOST_TIERS * MOST_TICKETS, dtype=np.uint64), key)
    fractions = (exact.bits(draws, 12, 20) / (1 << 20)).reshape(MOST_TICKETS, concerts, MOST_TIERS)

    in_tier = np.zeros((concerts, MOST_TIERS), dtype=np.int64)
    left = sold.copy()
    for slot in range(MOST_TIERS - 1, 0, -1):
        wanted = np.floor(sold * share[kind, slot] + fractions[0, :, slot]).astype(np.int64)
        in_tier[:, slot] = np.minimum(np.where(share[kind, slot] > 0, wanted, 0), left)
        left = left - in_tier[:, slot]
    in_tier[:, 0] = left

    counts = np.zeros((concerts, MOST_TIERS, MOST_TICKETS), dtype=np.int64)
    left = in_tier.copy()
    for size in range(MOST_TICKETS, 1, -1):
        wanted = np.floor(in_tier * (ORDER_SIZE_SHARE[size - 1] / _MEAN_SIZE) + fractions[size - 1]).astype(np.int64)
        counts[:, :, size - 1] = np.minimum(wanted, left // size)
        left = left - counts[:, :, size - 1] * size
    counts[:, :, 0] = left

    concert, tier_slot, place = (axis.astype(np.int64) for axis in np.nonzero(counts))
    cell_orders = counts[concert, tier_slot, place]
    quantity = place + 1
    unit_cents = face_cents[concert, tier_slot]
    # bincount sums in float64, which is exact below 2**53 cents
    revenue = np.bincount(concert, weights=(cell_orders * quantity * unit_cents).astype(np.float64), minlength=concerts)
    return OrderBook(
        ends=np.cumsum(cell_orders),
        concert=concert,
        tier=tier_name[kind[concert], tier_slot],
        quantity=quantity,
        unit_cents=unit_cents,
        tickets=sold,
        revenue_cents=revenue.astype(np.int64),
        orders=counts.sum(axis=(1, 2)),
    )
