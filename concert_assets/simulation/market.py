"""What the trade looks like: kinds of venue, price tiers, genres, the week and the year. Figures alone, no drawing.

The figures that have a public source are listed with it in ``docs/simulation.md``; changing one here changes the world,
and the calibration test says whether the result still holds to its source.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tier:
    """A price tier: the share of a house sold in it and its price as a multiple of the house's average price."""

    name: str
    share: float
    multiple: float


@dataclass(frozen=True, slots=True)
class VenueKind:
    """A kind of venue.

    ``share`` is its part of all venues, ``smallest`` and ``largest`` bound its capacity in persons, ``price`` is the
    average face value in USD of an average act, ``lead_days`` the usual time from on-sale to show, ``no_show`` the mean
    share of ticket holders who stay away, ``burst`` and ``late`` the shares of demand that comes right after the
    on-sale and in the surge before the show (the rest is spread evenly), ``appeal`` its effect on log demand.
    """

    name: str
    share: float
    smallest: int
    largest: int
    price: float
    lead_days: int
    no_show: float
    burst: float
    late: float
    appeal: float
    is_outdoor: bool
    tiers: tuple[Tier, ...]


VENUE_KINDS: tuple[VenueKind, ...] = (
    VenueKind(
        "club", 0.50, 150, 1_300, 30.0, 36, 0.140, 0.12, 0.58, 0.0, False,
        (Tier("general", 0.82, 1.0), Tier("early_bird", 0.12, 0.8), Tier("vip", 0.06, 2.2)),
    ),
    VenueKind(
        "theater", 0.15, 800, 5_000, 58.0, 56, 0.115, 0.16, 0.55, 0.02, False,
        (Tier("seated", 0.70, 1.0), Tier("premium", 0.22, 1.5), Tier("vip", 0.08, 2.5)),
    ),
    VenueKind(
        "hall", 0.11, 350, 2_800, 44.0, 50, 0.12, 0.14, 0.56, 0.0, False,
        (Tier("general", 0.55, 1.0), Tier("seated", 0.33, 1.2), Tier("premium", 0.12, 1.7)),
    ),
    VenueKind(
        "arena", 0.065, 7_000, 20_000, 100.0, 140, 0.06, 0.26, 0.54, 0.05, False,
        (Tier("seated", 0.60, 1.0), Tier("standing", 0.15, 1.1), Tier("premium", 0.18, 1.8), Tier("vip", 0.07, 3.2)),
    ),
    VenueKind(
        "amphitheater", 0.045, 5_000, 25_000, 62.0, 120, 0.09, 0.22, 0.58, 0.03, True,
        (Tier("general", 0.48, 1.0), Tier("seated", 0.36, 1.7), Tier("premium", 0.11, 2.6), Tier("vip", 0.05, 4.0)),
    ),
    VenueKind(
        "stadium", 0.03, 30_000, 75_000, 132.0, 190, 0.04, 0.30, 0.48, 0.08, True,
        (Tier("seated", 0.60, 1.0), Tier("standing", 0.20, 1.2), Tier("premium", 0.14, 2.0), Tier("vip", 0.06, 3.5)),
    ),
    VenueKind(
        "outdoor", 0.045, 1_500, 15_000, 52.0, 100, 0.11, 0.18, 0.62, 0.0, True,
        (Tier("general", 0.80, 1.0), Tier("early_bird", 0.12, 0.8), Tier("vip", 0.08, 2.4)),
    ),
    VenueKind(
        "other", 0.055, 100, 1_000, 26.0, 30, 0.13, 0.12, 0.60, -0.05, False,
        (Tier("general", 0.90, 1.0), Tier("vip", 0.10, 2.0)),
    ),
)  # fmt: skip

# name, share of artists, effect on log demand, effect on log price
GENRES: tuple[tuple[str, float, float, float], ...] = (
    ("rock", 0.22, 0.05, 0.0),
    ("pop", 0.13, 0.15, 0.08),
    ("country", 0.11, 0.10, 0.0),
    ("hip-hop", 0.10, 0.05, 0.05),
    ("indie", 0.12, -0.05, -0.10),
    ("electronic", 0.07, 0.0, 0.0),
    ("r&b", 0.06, 0.0, 0.05),
    ("metal", 0.06, 0.0, -0.05),
    ("latin", 0.05, 0.10, 0.05),
    ("folk", 0.05, -0.10, -0.08),
    ("jazz", 0.03, -0.15, 0.0),
    ("classical", 0.00, -0.10, 0.05),
)

# Monday to Sunday: share of shows, and effect on log demand.
WEEKDAY_SHARE = (0.06, 0.10, 0.12, 0.16, 0.23, 0.23, 0.10)
WEEKDAY_EFFECT = (-0.12, -0.08, -0.05, 0.0, 0.10, 0.14, -0.04)

# January to December: relative number of shows, and effect on log demand, under a roof and in the open.
INDOOR_MONTH_SHARE = (0.75, 0.90, 1.05, 1.10, 1.05, 0.95, 0.85, 0.85, 1.10, 1.30, 1.20, 0.90)
OUTDOOR_MONTH_SHARE = (0.02, 0.03, 0.08, 0.30, 1.00, 2.00, 2.60, 2.60, 1.70, 0.45, 0.05, 0.02)
INDOOR_MONTH_EFFECT = (-0.06, -0.02, 0.02, 0.03, 0.02, 0.0, -0.03, -0.03, 0.03, 0.06, 0.05, 0.02)
OUTDOOR_MONTH_EFFECT = (-0.35, -0.35, -0.25, -0.10, 0.0, 0.08, 0.12, 0.12, 0.02, -0.12, -0.30, -0.35)

# Orders by number of tickets, 1 to 8.
ORDER_SIZE_SHARE = (0.16, 0.58, 0.13, 0.10, 0.010, 0.012, 0.002, 0.006)

PAYMENT_METHODS: tuple[tuple[str, float], ...] = (
    ("credit_card", 0.52),
    ("debit_card", 0.22),
    ("paypal", 0.11),
    ("mobile_wallet", 0.13),
    ("gift_card", 0.02),
)

REFUND_SHARE = 0.025  # of the orders of a concert that took place
POSTPONED_REFUND_SHARE = 0.20  # of the orders of a postponed concert
CHARGEBACK_SHARE = 0.006
CANCELLED_SHARE = 0.02  # of concerts
POSTPONED_SHARE = 0.015
