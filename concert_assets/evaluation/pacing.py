"""What the ledger of sales shows of a concert by a day: how many orders have come, and how many could have."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from concert_assets.evaluation.published import Published
from concert_assets.simulation.calendar import DAY
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.market import ORDER_SIZE_SHARE, VENUE_KINDS
from concert_assets.simulation.purchase_curve import BURST, CLOSING

MEAN_ORDER = sum(size * share for size, share in enumerate(ORDER_SIZE_SHARE, start=1)) / sum(ORDER_SIZE_SHARE)
_EARLY = np.array([sum(tier.share for tier in kind.tiers if tier.name == "early_bird") for kind in VENUE_KINDS])


@dataclass(frozen=True)
class Pace:
    """The sales to date as an observer of the ledger sees them, arrays of shape (questions,).

    ``orders`` were placed before the day; each order is in the ledger with probability ``rate``, a single number.
    ``share`` of all demand has come by then, ``early`` is the share of tickets that come in the burst alone, ``burst``
    the share of these that has come.
    """

    orders: Floats
    rate: float
    share: Floats
    early: Floats
    burst: Floats

    def part(self, rows: slice) -> "Pace":
        """Some of the questions."""
        return Pace(self.orders[rows], self.rate, self.share[rows], self.early[rows], self.burst[rows])

    def log_likelihood(self, demand: Floats, capacity: Floats) -> Floats:
        """Log probability of the orders seen, but for a constant, given demand in tickets.

        ``demand`` has shape (questions, points), ``capacity`` (questions, 1). Orders are a binomial draw of all that
        the concert will sell. What sells out does so when demand has come to capacity, so that the share sold by the
        day is that of demand times demand over capacity. When people buy within a day is left out.
        """
        sold = np.minimum(demand, capacity)
        come = self.early[:, None] * self.burst[:, None] + (1 - self.early[:, None]) * (
            self.share[:, None] * demand / np.maximum(sold, 1e-9)
        )
        is_gone = self.share[:, None] * demand >= capacity
        chance = np.clip(self.rate * np.where(is_gone, 1.0, np.minimum(come, 1.0)), 1e-12, 1 - 1e-9)
        orders = self.orders[:, None]
        most = np.maximum(sold / MEAN_ORDER, 1e-9)
        # whole orders and broken expectations of them differ by a few: no cliff, but a slope, beyond the most there are
        missing = np.maximum(orders - most, 0.0)
        most = np.maximum(most, orders)
        found = _log_gamma(most + 1) - _log_gamma(most - orders + 1)
        return np.asarray(found + orders * np.log(chance) + (most - orders) * np.log1p(-chance) - 20 * missing)


def pace(seen: Published, sales: pd.DataFrame, asked: Ints, asked_day: Ints) -> Pace:
    """The sales to date of concerts at the start of days, both of shape (questions,).

    ``sales`` are the published orders, ``concert_id`` and ``purchase_timestamp`` (UTC). The rate is that of the shows
    played before the first of the days: orders found over orders sold. Nothing of later orders enters.
    """
    show = seen.concert_ids.get_indexer(pd.Index(sales["concert_id"]))
    stamp = sales["purchase_timestamp"].to_numpy("datetime64[s]")
    known = (show >= 0) & ~np.isnat(stamp)
    show, placed = show[known], stamp[known].astype(np.int64) // DAY
    first = int(asked_day.min()) if len(asked) else 0
    past = seen.is_held & (seen.event_day < first) & np.isfinite(seen.sold)
    sold = float(seen.sold[past].sum()) / MEAN_ORDER
    rate = min(float((past[show] & (placed < first)).sum()) / sold, 1.0) if sold > 0 else 0.0
    beyond = 1_000_000  # more than any number of days
    ordered = np.sort(show * beyond + placed)
    orders = np.searchsorted(ordered, asked * beyond + asked_day) - np.searchsorted(ordered, asked * beyond)
    curve = seen.curve().of(asked)
    full = np.maximum(curve.mass(curve.start), 1)
    elapsed = asked_day * DAY - curve.opening
    window = np.maximum(curve.start - CLOSING - curve.opening, 1)
    burst = np.searchsorted(BURST, np.clip(elapsed, 0, window), side="right") / np.maximum(
        np.searchsorted(BURST, window, side="right"), 1
    )
    return Pace(
        orders=orders.astype(np.float64),
        rate=rate,
        share=curve.mass(asked_day * DAY) / full,
        early=_EARLY[seen.kind[seen.venue[asked]]],
        burst=np.where(elapsed > 0, burst, 0.0),
    )


def _log_gamma(x: Floats) -> Floats:
    """Stirling's series for x of at least 1; the error is below 1e-3 and falls quickly."""
    return np.asarray((x - 0.5) * np.log(x) - x + 1 / (12 * x) - 1 / (360 * x**3))
