"""What the figures on pacing, sell-through, tiers, net revenue and cold starts are drawn from, as plain values.

Money is in USD, shares lie in 0-1. Nothing here computes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class PacedConcert:
    """One concert on sale beside what comparable shows had sold of their capacity at the same days out."""

    artist: str
    venue: str
    event_date: date
    days_out: int
    tickets_sold: int
    sold_share: float
    p25_share: float
    p50_share: float
    p75_share: float
    tickets_ahead: int
    pace: str


@dataclass(frozen=True, slots=True)
class Filled:
    """Concerts of one kind, city or month, how many of them sold out, and tickets and capacity of those counted."""

    name: str
    concerts: int
    sold_out: int
    tickets: int
    capacity: int


@dataclass(frozen=True, slots=True)
class TierPrice:
    """One ticket tier of one venue type; either name may be empty where it is not known."""

    venue_type: str
    tier: str
    tickets: int
    gross_usd: float
    mean_price_usd: float | None
    mean_face_value_usd: float | None
    gross_share: float | None


@dataclass(frozen=True, slots=True)
class MonthRevenue:
    """One month: its orders and what was refunded and charged back of them since, and what was paid back within it."""

    month: date
    gross_usd: float
    refunded_usd: float
    chargeback_usd: float
    net_usd: float
    paid_back_usd: float
    received_usd: float


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One concert of an artist without shows, with the artists nearest to it and what their shows sold of capacity."""

    artist: str
    venue: str
    event_date: date
    comparables: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class MartFigures:
    """All of these; every part may be empty, and ``skipped`` says why, by the name of the mart.

    ``paced`` holds the concerts furthest behind and furthest ahead, in the order of ``tickets_ahead``; ``paces`` counts
    all concerts by pace. ``by_month`` is in the order of the months, named by their first day.
    """

    paces: Mapping[str, int] = field(default_factory=dict)
    paced: Sequence[PacedConcert] = ()
    by_month: Sequence[Filled] = ()
    by_type: Sequence[Filled] = ()
    by_city: Sequence[Filled] = ()
    tiers: Sequence[TierPrice] = ()
    months: Sequence[MonthRevenue] = ()
    cold_starts: Sequence[ColdStart] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
