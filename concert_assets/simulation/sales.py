"""Ticket sales: orders drawn from the order book, with buyer, time, payment and what became of them, chunk by chunk.

Everything about an order follows from its number in the book and the seed. A smaller delivery is therefore the first
rows of a larger one of the same world, row for row.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from concert_assets.catalog.canonical import TICKET_TIERS
from concert_assets.simulation import exact
from concert_assets.simulation.calendar import DAY
from concert_assets.simulation.concerts import CANCELLED, POSTPONED, Concerts
from concert_assets.simulation.exact import Ints
from concert_assets.simulation.market import (
    CHARGEBACK_SHARE,
    PAYMENT_METHODS,
    POSTPONED_REFUND_SHARE,
    REFUND_SHARE,
)
from concert_assets.simulation.orders import OrderBook
from concert_assets.simulation.purchase_curve import ONE

# Rows generated at a time: bounds the memory, and is part of what fixes the bytes.
CHUNK_ROWS = 100_000
COMPLETED, REFUNDED, CHARGEBACK = range(3)
SALE_STATUSES = ("completed", "refunded", "chargeback")
EARLY_BIRD = TICKET_TIERS.index("early_bird")
# Buyers per order: some buy often, most once.
_BUYERS_PER_ORDER = 0.7
# A batch of settlements reaches the delivery within this many seconds of the order.
_SETTLED_WITHIN = 6 * 3600
_PAYMENT_ENDS = np.cumsum([round(share * ONE) for _, share in PAYMENT_METHODS])


@dataclass(frozen=True)
class Sales:
    """Orders as arrays of shape (rows,); instants in seconds since 1970 (UTC), ``refunded`` 0 where there is none.

    ``number`` counts the sales from 0 in the order of delivery, ``tier`` indexes the catalog's ``TICKET_TIERS``,
    ``payment`` the market's ``PAYMENT_METHODS``, ``status`` this module's ``SALE_STATUSES``.
    """

    number: Ints
    concert: Ints
    customer: Ints
    tier: Ints
    quantity: Ints
    unit_cents: Ints
    purchase: Ints
    payment: Ints
    status: Ints
    refunded: Ints
    updated: Ints

    def __len__(self) -> int:
        """The number of orders."""
        return len(self.number)


class SalesLedger:
    """The orders of all concerts in the order in which they are delivered, which is a random one."""

    def __init__(self, book: OrderBook, concerts: Concerts, now: int, key: int) -> None:
        """``now`` is the instant of the delivery; ``key`` fixes the order and every draw."""
        self.book = book
        self._concerts = concerts
        self._now = now
        self._order = exact.Permutation(max(book.total, 1), key)
        self._key = np.uint64(key & 0xFFFFFFFFFFFFFFFF)
        self._buyers = max(int(book.total * _BUYERS_PER_ORDER), 1)

    def chunks(self, rows: int) -> Iterator[Sales]:
        """The first ``rows`` orders, at most ``CHUNK_ROWS`` at a time; no chunk for no rows."""
        for first in range(0, rows, CHUNK_ROWS):
            yield self.sales(np.arange(first, min(first + CHUNK_ROWS, rows)))

    def sales(self, numbers: Ints) -> Sales:
        """The orders delivered as these numbers, each below ``book.total``."""
        book, concerts = self.book, self._concerts
        orders = self._order(numbers)
        cells = book.cells(orders)
        concert, tier = book.concert[cells], book.tier[cells]
        keys = orders.view(np.uint64) ^ self._key
        purchase = concerts.draws.instants(concert, exact.mix(keys, 11), tier == EARLY_BIRD)
        second, third = exact.mix(keys, 12), exact.mix(keys, 13)
        # the square of a uniform: few buyers come often, many once
        who = exact.bits(second, 0, 31)
        customer = (who * who >> 31) * self._buyers >> 31
        payment = np.searchsorted(_PAYMENT_ENDS[:-1], exact.bits(second, 31, 16), side="right")
        status, refunded = self._after(concert, purchase, exact.bits(second, 47, 17), third)
        settled = purchase + 60 + exact.bits(third, 40, 24) * (_SETTLED_WITHIN - 60) // (1 << 24)
        updated = np.minimum(np.where(status == COMPLETED, settled, refunded), self._now)
        return Sales(
            numbers, concert, customer, tier, book.quantity[cells], book.unit_cents[cells], purchase, payment, status,
            refunded, updated,
        )  # fmt: skip

    def _after(self, concert: Ints, purchase: Ints, fate: Ints, hashes: exact.Hashes) -> tuple[Ints, Ints]:
        """What became of each order, and when; what would come after the delivery has not come yet."""
        scale = 1 << 17
        refund_share = np.full(4, round(REFUND_SHARE * scale))
        refund_share[POSTPONED] = round(POSTPONED_REFUND_SHARE * scale)
        refund_share[CANCELLED] = scale
        show_status = self._concerts.status[concert]
        charged_back = fate < round(CHARGEBACK_SHARE * scale)
        status = np.where(
            charged_back & (show_status != CANCELLED),
            CHARGEBACK,
            np.where(fate < round(CHARGEBACK_SHARE * scale) + refund_share[show_status], REFUNDED, COMPLETED),
        )
        lag = exact.bits(hashes, 0, 20)
        called_off = self._concerts.calls_off[concert]
        # refunds within two weeks of the order, or of the news; chargebacks two weeks to four months after the order
        refunded = np.maximum(purchase, called_off) + 600 + lag * 14 * DAY // (1 << 20)
        disputed = purchase + 14 * DAY + lag * 106 * DAY // (1 << 20)
        instant = np.where(status == CHARGEBACK, disputed, refunded)
        status = np.where(instant < self._now, status, COMPLETED)
        return status, np.where(status == COMPLETED, 0, instant)
