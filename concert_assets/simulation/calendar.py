"""Days, seasons and time zones of the simulated world, as whole numbers of days and seconds since 1970 (UTC)."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from concert_assets.simulation.exact import Ints

DAY = 86_400
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days from 1970-01-01 to ``day``."""
    return (day - _EPOCH).days


def years_from(day: date, years: int) -> date:
    """The same date ``years`` later or, if negative, earlier; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def weekday(days: Ints) -> Ints:
    """0 for Monday to 6 for Sunday."""
    return (days + 3) % 7


def month(days: Ints) -> Ints:
    """0 for January to 11 for December."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12


def utc_seconds(days: Ints, local_seconds: Ints, zones: Ints, zone_names: tuple[str, ...]) -> Ints:
    """The instants (seconds since 1970, UTC) of local wall times in the afternoon or evening.

    ``days`` are local days, ``local_seconds`` seconds after local midnight and at least 3 hours (so that the hour of a
    clock change is not met), ``zones`` indices into ``zone_names``; all of shape (n,).
    """
    instants = days * DAY + local_seconds
    if not len(days):
        return instants
    first, last = int(days.min()), int(days.max())
    for zone, name in enumerate(zone_names):
        here = zones == zone
        if here.any():
            instants[here] -= _offsets(name, first, last)[days[here] - first]
    return instants


@lru_cache(maxsize=64)
def _offsets(name: str, first: int, last: int) -> Ints:
    """Seconds that noon in the zone is ahead of UTC, for each day from ``first`` to ``last``."""
    zone = ZoneInfo(name)

    def offset(day: int) -> int:
        noon = datetime.combine(_EPOCH + timedelta(days=day), datetime.min.time(), UTC) + timedelta(hours=12)
        ahead = noon.replace(tzinfo=zone).utcoffset()
        if ahead is None:
            raise ValueError(f"time zone {name} gives no offset for day {day}")
        return int(ahead.total_seconds())

    # Clock changes are months apart: a stretch of 14 days with the same offset at both ends has it throughout.
    offsets = np.empty(last - first + 1, dtype=np.int64)
    start, at_start = first, offset(first)
    while start <= last:
        end = min(start + 14, last)
        at_end = offset(end)
        if at_start == at_end:
            offsets[start - first : end - first + 1] = at_start
        else:
            for day in range(start, end + 1):
                offsets[day - first] = offset(day)
        if end == last:
            break
        start, at_start = end, at_end
    return offsets
