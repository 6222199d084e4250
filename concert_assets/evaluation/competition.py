"""How many other shows compete with one, as announced by a day and as it will be, and what that does to demand."""

import numpy as np

from concert_assets.evaluation.published import Published
from concert_assets.simulation.demand import competition_term
from concert_assets.simulation.exact import Floats, Ints

_YEAR_DAYS = 364
_BEYOND = 1_000_000  # more than any number of days


def final_competition(seen: Published, known_before: int) -> Floats:
    """The term of every concert once all of its week is announced.

    The ratio is to the mean over the shows before the day ``known_before``; without any, the term is nought.
    """
    others = _others(seen)
    return _term(others.astype(np.float64), _average(seen, known_before))


def expected_competition(seen: Published, asked: Ints, asked_day: Ints) -> Floats:
    """The term of concerts as expected at the start of a day; both arrays of shape (questions,).

    To the shows announced by then come those that will be: as many as were played a week in the city in the year
    before, times the share of shows whose tickets go on sale later than so long before the show. That share and the
    average are those of the shows before the first of the days.
    """
    if not len(asked):
        return np.zeros(0)
    first = int(asked_day.min())
    past = seen.event_day < first
    own = seen.on_sale_day[asked] < asked_day
    week = _week(seen)
    by_announcement = np.sort(week * _BEYOND + seen.on_sale_day)
    announced = _between(by_announcement, week[asked] * _BEYOND, week[asked] * _BEYOND + asked_day) - own
    city = seen.city[seen.venue]
    by_day = np.sort(city * _BEYOND + seen.event_day)
    last = city[asked] * _BEYOND + asked_day
    a_week = _between(by_day, last - _YEAR_DAYS, last) * 7 / _YEAR_DAYS
    leads = np.sort((seen.local_day - seen.on_sale_day)[past])
    later = np.searchsorted(leads, seen.local_day[asked] - asked_day, side="left") / max(len(leads), 1)
    return _term(announced + a_week * later, _average(seen, first))


def _week(seen: Published) -> Ints:
    """A number for city and week, as the generator counts weeks."""
    return np.asarray(seen.city[seen.venue] * _BEYOND + (seen.local_day + 3) // 7)


def _others(seen: Published) -> Ints:
    _, places, counts = np.unique(_week(seen), return_inverse=True, return_counts=True)
    return np.asarray(counts[places] - 1)


def _average(seen: Published, before: int) -> float:
    """The mean number of others, over the shows of whole weeks before the day."""
    past = (seen.local_day + 3) // 7 < (before + 3) // 7
    return float(_others(seen)[past].mean()) if past.any() else 0.0


def _term(others: Floats, average: float) -> Floats:
    return competition_term(others / average) if average > 0 else np.zeros(len(others))


def _between(ordered: Ints, low: Ints, high: Ints) -> Ints:
    """How many of the ordered numbers are at least ``low`` and below ``high``."""
    return np.searchsorted(ordered, high, side="left") - np.searchsorted(ordered, low, side="left")
