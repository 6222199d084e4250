"""When the tickets of a concert are bought: a burst at the on-sale, an even middle and a late surge before the show.

All shares are whole numbers of 65,536ths and all times whole seconds, so that every machine draws the same instants.
"""

from dataclasses import dataclass

import numpy as np

from concert_assets.simulation import exact
from concert_assets.simulation.calendar import DAY
from concert_assets.simulation.exact import Hashes, Ints

ONE = 1 << 16
# Mean delay after the on-sale within the burst, and mean time before the show within the surge.
BURST_DAYS = 1.5
LATE_DAYS = 2.4
# The last order is placed at least this long before the show, in seconds.
CLOSING = 60
# Local hours at which people buy, as weights from midnight; a flat curve has no night.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 12, 14, 13, 13, 12, 11, 11, 11, 11, 11, 12, 12, 11, 8, 4)


def _exponential_table(mean_seconds: float) -> Ints:
    """The 65,536 middle quantiles of an exponential delay, in whole seconds, rising."""
    u = (np.arange(ONE) + 0.5) / ONE
    return np.round(-exact.log(1.0 - u) * mean_seconds).astype(np.int64)


def _daytime_table() -> Ints:
    """The 65,536 middle quantiles of the second of the day, rising."""
    hours = exact.cumulative_choice((np.arange(ONE) + 0.5) / ONE, np.array(_HOURS, dtype=np.float64))
    within = np.arange(ONE) - np.searchsorted(hours, hours, side="left")
    sizes = np.bincount(hours, minlength=24)[hours]
    return hours * 3600 + within * 3600 // sizes


BURST = _exponential_table(BURST_DAYS * DAY)
LATE = _exponential_table(LATE_DAYS * DAY)
DAYTIME = _daytime_table()


@dataclass(frozen=True)
class Curve:
    """The purchase curves of concerts; every array has shape (concerts,).

    ``opening`` is the on-sale and ``start`` the show, in seconds since 1970 (UTC); ``burst`` and ``late`` are shares in
    65,536ths; ``offset`` is what the venue's clock is ahead of UTC, in seconds.
    """

    opening: Ints
    start: Ints
    burst: Ints
    late: Ints
    offset: Ints

    def of(self, rows: Ints) -> "Curve":
        """The curves of some of the concerts."""
        return Curve(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def mass(self, until: Ints) -> Ints:
        """The share of all purchases placed before ``until``, in 2**32nds."""
        return sum(self._parts(until), np.zeros_like(self.opening))

    def time_of(self, share: Ints) -> Ints:
        """The instant by which ``share`` (in 2**32nds) of all purchases are placed."""
        low, high = self.opening.copy(), self._closing()
        for _ in range(32):
            middle = (low + high) // 2
            reached = self.mass(middle) >= share
            high = np.where(reached, middle, high)
            low = np.where(reached, low, middle)
        return high

    def until(self, end: Ints) -> "Draws":
        """The curve cut off at ``end``: what is needed to draw purchases placed before it."""
        end = np.clip(end, self.opening, self._closing())
        burst, middle, late = self._parts(end)
        total = np.maximum(burst + middle + late, 1)
        closing = self._closing()
        return Draws(
            self,
            end,
            burst_until=burst * ONE // total,
            middle_until=np.where(late > 0, (burst + middle) * ONE // total, ONE),
            burst_high=np.searchsorted(BURST, end - self.opening, side="right"),
            late_low=np.searchsorted(LATE, closing - end, side="left"),
            late_high=np.searchsorted(LATE, closing - self.opening, side="right"),
        )

    def _closing(self) -> Ints:
        return np.maximum(self.start - CLOSING, self.opening)

    def _parts(self, until: Ints) -> tuple[Ints, Ints, Ints]:
        """The masses of burst, middle and surge before ``until``, in 2**32nds."""
        closing = self._closing()
        window = np.maximum(closing - self.opening, 1)
        elapsed = np.clip(until - self.opening, 0, closing - self.opening)
        all_burst = np.searchsorted(BURST, window, side="right")
        burst = self.burst * ONE * np.searchsorted(BURST, elapsed, side="right") // all_burst
        all_late = np.searchsorted(LATE, window, side="right")
        to_come = np.searchsorted(LATE, closing - self.opening - elapsed, side="left")
        late = self.late * ONE * np.maximum(all_late - to_come, 0) // all_late
        middle = (ONE - self.burst - self.late) * ONE * (elapsed * ONE // window) // ONE
        # nothing is on sale before the opening, whatever the tables say of a delay of nought
        return tuple(np.where(elapsed > 0, part, 0) for part in (burst, middle, late))  # type: ignore[return-value]


@dataclass(frozen=True)
class Draws:
    """A curve cut off at ``end``, ready to draw from."""

    curve: Curve
    end: Ints
    burst_until: Ints
    middle_until: Ints
    burst_high: Ints
    late_low: Ints
    late_high: Ints

    def instants(self, concerts: Ints, hashes: Hashes, early: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ints:
        """Purchase instants (seconds since 1970, UTC) of orders of the given concerts; ``early`` ones in the burst.

        ``hashes`` are 64 random bits an order. An instant lies from the on-sale to before ``end`` of its concert.
        """
        curve = self.curve
        part, place = exact.bits(hashes, 0, 16), exact.bits(hashes, 16, 16)
        daytime, jitter = DAYTIME[exact.bits(hashes, 32, 16)], exact.bits(hashes, 48, 16)
        opening, end, start = curve.opening[concerts], self.end[concerts], curve.start[concerts]
        burst_until = self.burst_until[concerts]
        part = np.where(early, part * burst_until >> 16, part)
        is_burst = part < burst_until
        is_late = part >= self.middle_until[concerts]
        burst = opening + BURST[place * self.burst_high[concerts] >> 16]
        low = self.late_low[concerts]
        late = start - CLOSING - LATE[np.minimum(low + (place * (self.late_high[concerts] - low) >> 16), ONE - 1)]
        middle = opening + ((place << 16 | jitter) * ((end - opening) >> 4) >> 28)
        instants = np.where(is_burst, burst, np.where(is_late, late, middle))
        # Except in the rush of the on-sale and on the last day, people buy when they are awake.
        offset = curve.offset[concerts]
        waking = (instants + offset) // DAY * DAY - offset + daytime
        moved = ~is_burst & (start - instants > DAY) & (waking >= opening) & (waking < end)
        return np.clip(np.where(moved, waking, instants), opening, np.maximum(end - 1, opening))
