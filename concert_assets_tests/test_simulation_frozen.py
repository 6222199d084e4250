"""The simulated world is frozen: no model gets better, and no ceiling moves, because the world became easier."""

import hashlib

import numpy as np

from concert_assets.simulation import artists, booking, cities, market, pricing, purchase_curve, venues
from concert_assets.simulation.drawing import build_world
from concert_assets.simulation.settings import SimulationSettings


def test_what_hides_demand_and_what_tells_of_it_is_frozen() -> None:
    """Spreads of the latents, and how strongly the things that can be seen depend on them."""
    constants = {
        artists: {
            "FOLLOWING_CENTRE": 5.5, "FOLLOWING_SIGMA_BELOW": 0.75, "FOLLOWING_SIGMA_ABOVE": 1.65,
            "BOOKING_POWER": 0.42, "BOOKING_SIGMA": 0.65, "POPULARITY_CENTRE": 46.0, "POPULARITY_SPREAD": 17.0,
            "POPULARITY_MOMENTUM": 40.0, "POPULARITY_NOISE": 4.0,
        },
        venues: {"BOOKING_SIGMA": 0.8, "BOOKING_QUALITY": 2.0},
        booking: {"ROOM_MARGIN": 0.52, "ROOM_SPREAD": 0.35, "CANDIDATES": 4, "ASIDE": 0.08},
        pricing: {"STAR_POWER": 0.06, "PRICE_SPREAD": 0.18},
        purchase_curve: {"BURST_DAYS": 1.5, "LATE_DAYS": 2.4, "CLOSING": 60},
        market: {"CANCELLED_SHARE": 0.02, "POSTPONED_SHARE": 0.015},
        cities: {"AVERAGE_PEOPLE": 35.0},
    }  # fmt: skip
    assert {room.__name__: {name: getattr(room, name) for name in of} for room, of in constants.items()} == {
        room.__name__: of for room, of in constants.items()
    }


def test_the_market_is_frozen() -> None:
    assert [(kind.name, kind.appeal, kind.burst, kind.late, kind.lead_days) for kind in market.VENUE_KINDS] == [
        ("club", 0.0, 0.12, 0.58, 36),
        ("theater", 0.02, 0.16, 0.55, 56),
        ("hall", 0.0, 0.14, 0.56, 50),
        ("arena", 0.05, 0.26, 0.54, 140),
        ("amphitheater", 0.03, 0.22, 0.58, 120),
        ("stadium", 0.08, 0.30, 0.48, 190),
        ("outdoor", 0.0, 0.18, 0.62, 100),
        ("other", -0.05, 0.12, 0.60, 30),
    ]
    assert [effect for _, _, effect, _ in market.GENRES] == [
        0.05, 0.15, 0.10, 0.05, -0.05, 0.0, 0.0, 0.0, 0.10, -0.10, -0.15, -0.10,
    ]  # fmt: skip
    assert market.WEEKDAY_EFFECT == (-0.12, -0.08, -0.05, 0.0, 0.10, 0.14, -0.04)
    assert market.INDOOR_MONTH_EFFECT == (-0.06, -0.02, 0.02, 0.03, 0.02, 0.0, -0.03, -0.03, 0.03, 0.06, 0.05, 0.02)
    assert market.OUTDOOR_MONTH_EFFECT == (
        -0.35, -0.35, -0.25, -0.10, 0.0, 0.08, 0.12, 0.12, 0.02, -0.12, -0.30, -0.35,
    )  # fmt: skip
    assert market.ORDER_SIZE_SHARE == (0.16, 0.58, 0.13, 0.10, 0.010, 0.012, 0.002, 0.006)


def test_a_world_is_the_one_it_was() -> None:
    """Every draw of a small world, to the bit, as it was before there was a ceiling to come near to."""
    world = build_world(SimulationSettings(artists=40, venues=20, concerts=300, sales=0, defect_rate=0.0))
    acts, rooms, shows = world.artists, world.venues, world.concerts
    orders = world.ledger.sales(np.arange(2_000))
    digest = hashlib.sha256()
    for drawn in (
        acts.following, acts.momentum, acts.booking, rooms.capacity, rooms.quality, rooms.booking,
        shows.bookings.artist, shows.bookings.venue, shows.bookings.day, shows.start, shows.on_sale_day, shows.status,
        shows.face_cents, shows.log_demand, shows.log_noise, shows.wanted, shows.sold, shows.attendance,
        orders.concert, orders.tier, orders.quantity, orders.purchase,
    ):  # fmt: skip
        digest.update(np.ascontiguousarray(drawn).tobytes())
    assert digest.hexdigest() == "ce746a1935611c9b50a106a561bc2dad12979f8ae18f61de6f41f337a820a8e1"
