"""The demand function, the arithmetic beneath it and the calibration of the world."""

import math
from pathlib import Path

import numpy as np
import pytest

from concert_assets.simulation import calibration, demand, exact
from concert_assets.simulation.demand import DemandTerms
from concert_assets.simulation.drawing import World, build_world
from concert_assets.simulation.exact import Permutation
from concert_assets.simulation.purchase_curve import DAYTIME, LATE, ONE, Curve
from concert_assets.simulation.settings import SimulationSettings

DOCS = Path(__file__).parent.parent / "docs" / "simulation.md"


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(SimulationSettings())


def test_every_figure_holds_to_its_source(world: World) -> None:
    measured = calibration.measure(world)
    off = {
        figure.name: (figure.aimed, figure.tolerance, measured[figure.name])
        for figure in calibration.FIGURES
        if abs(measured[figure.name] - figure.aimed) > figure.tolerance
    }
    assert off == {}


def test_the_page_shows_the_figures_as_they_are_measured(world: World) -> None:
    page = DOCS.read_text(encoding="utf-8")
    for line in calibration.table(calibration.measure(world)):
        assert line in page


def test_the_page_lists_every_kind_of_defect() -> None:
    from concert_assets.simulation.defects import KINDS

    page = DOCS.read_text(encoding="utf-8").partition("| table | kinds |")[2]
    for table, kinds in KINDS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{table}` |"))
        assert all(f"`{kind.name}`" in row for kind in kinds)


def test_the_demand_function_is_frozen() -> None:
    constants = {
        name: getattr(demand, name)
        for name in (
            "NOISE_SIGMA", "NOISE_CUT", "PRICE_ELASTICITY", "CITY_EFFECT", "SIZE_EFFECT", "COMPETITION_EFFECT",
            "COMPETITION_CUT", "QUALITY_SIGMA", "MOMENTUM_SIGMA",
        )
    }  # fmt: skip
    assert constants == {
        "NOISE_SIGMA": 0.25,
        "NOISE_CUT": 3.0,
        "PRICE_ELASTICITY": -0.8,
        "CITY_EFFECT": 0.20,
        "SIZE_EFFECT": 0.10,
        "COMPETITION_EFFECT": -0.05,
        "COMPETITION_CUT": 4.0,
        "QUALITY_SIGMA": 0.15,
        "MOMENTUM_SIGMA": 0.10,
    }
    steps = np.array([0.1])
    terms = DemandTerms(
        following=np.array([6.0]),
        momentum=steps,
        genre=steps,
        city=demand.city_term(np.array([70.0]), 35.0),
        venue_kind=steps,
        size=demand.size_term(np.array([800.0]), np.array([400.0])),
        quality=steps,
        price=demand.price_term(np.array([60.0]), np.array([50.0])),
        weekday=steps,
        season=steps,
        competition=demand.competition_term(np.array([2.0])),
    )
    expected = 6.0 + 0.6 + 0.20 * math.log(2) + 0.10 * math.log(2) - 0.8 * math.log(1.2) - 0.05
    assert terms.log_demand()[0] == pytest.approx(expected, abs=1e-9)
    noise = demand.noise(np.array([0.5, 0.9, 1e-9]))
    assert noise == pytest.approx([0.0, 0.25 * 1.2815515655, -0.75], abs=1e-7)
    assert demand.demand(np.array([5.0]), np.array([0.1])).tolist() == [round(math.exp(5.1))]


def test_expected_tickets_is_the_mean_over_the_noise() -> None:
    log_demand, capacity = np.array([5.0, 6.0, 7.0]), np.array([10_000, 400, 300])
    draws = demand.noise(np.random.default_rng(1).random(400_000))
    for place in range(3):
        simulated = np.minimum(np.exp(log_demand[place] + draws), capacity[place]).mean()
        assert demand.expected_tickets(log_demand, capacity)[place] == pytest.approx(simulated, rel=2e-3)


def test_the_data_are_what_the_demand_function_says(world: World) -> None:
    concerts = world.concerts
    capacity = world.venues.capacity[concerts.bookings.venue]
    wanted = np.round(np.exp(concerts.log_demand + concerts.log_noise))
    played = concerts.status == 1
    assert np.abs(wanted - concerts.wanted).max() <= 1
    assert (concerts.sold[played] == np.minimum(concerts.wanted, capacity)[played]).all()
    assert concerts.log_noise.std() == pytest.approx(demand.NOISE_SIGMA, rel=0.03)


def test_a_show_that_sells_out_sells_its_last_ticket_before_the_show(world: World) -> None:
    concerts = world.concerts
    capacity = world.venues.capacity[concerts.bookings.venue]
    over = (concerts.status == 1) & (concerts.wanted > capacity * 1.5)
    assert over.sum() > 100
    days_left = (concerts.start - concerts.draws.end)[over] / 86_400
    assert (days_left > 0).all()
    assert np.median(days_left) > 0.5


def test_no_room_and_no_act_is_booked_twice_on_a_day(world: World) -> None:
    bookings = world.concerts.bookings
    pairs = len(bookings.day)
    assert len(np.unique(bookings.venue * 100_000 + bookings.day)) > 0.995 * pairs
    assert len(np.unique(bookings.artist * 100_000 + bookings.day)) > 0.995 * pairs


@pytest.mark.parametrize("x", [-700.0, -20.3, -1.0, 0.0, 1e-9, 0.5, 1.0, 3.7, 88.0, 700.0])
def test_exp_agrees_with_the_library(x: float) -> None:
    assert float(exact.exp(x)) == pytest.approx(math.exp(x), rel=4e-15)


@pytest.mark.parametrize("x", [1e-300, 1e-9, 0.3, 0.7071, 0.9999999, 1.0, 1.5, 2.0, 12345.678, 1e300])
def test_log_agrees_with_the_library(x: float) -> None:
    assert float(exact.log(x)) == pytest.approx(math.log(x), rel=4e-15, abs=4e-16)


def test_normal_agrees_with_the_quantile() -> None:
    from statistics import NormalDist

    u = np.array([1e-6, 0.001, 0.02, 0.025, 0.3, 0.5, 0.77, 0.9751, 0.999, 1 - 1e-6])
    assert exact.normal(u) == pytest.approx([NormalDist().inv_cdf(p) for p in u], abs=2e-8)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 1_023, 40_001])
def test_a_permutation_visits_everything_once(size: int) -> None:
    image = Permutation(size, 5)(np.arange(size))
    assert sorted(image.tolist()) == list(range(size))
    if size > 50:
        assert image.tolist() != list(range(size))
        assert image.tolist() != Permutation(size, 6)(np.arange(size)).tolist()


def test_the_first_images_of_a_permutation_are_a_uniform_sample() -> None:
    image = Permutation(1_000_000, 3)(np.arange(20_000))
    counts = np.bincount(image // 50_000, minlength=20)
    # chi squared with 19 degrees of freedom: beyond 43.8 with a probability of 0.001
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 43.8


def test_purchases_follow_the_curve_and_its_cut() -> None:
    day = 86_400
    curve = Curve(
        opening=np.array([0]),
        start=np.array([60 * day]),
        burst=np.array([round(0.2 * ONE)]),
        late=np.array([round(0.5 * ONE)]),
        offset=np.array([-5 * 3600]),
    )
    hashes = exact.mix(np.arange(100_000, dtype=np.uint64), 1)
    concerts, never = np.zeros(100_000, dtype=np.int64), np.zeros(100_000, dtype=bool)
    for end in (60 * day, 58 * day, 20 * day, 3 * day):
        drawn = curve.until(np.array([end])).instants(concerts, hashes, never)
        assert drawn.min() >= 0
        assert drawn.max() < end
        # people are moved to waking hours of the same local day, so days are counted from the local midnight
        for until in (day * days + 5 * 3600 for days in (1, 10, 30, 55, 58)):
            share = min(int(curve.mass(np.array([until]))[0]) / int(curve.mass(np.array([end]))[0]), 1.0)
            assert (drawn < until).mean() == pytest.approx(share, abs=0.005)
    half = curve.time_of(curve.mass(np.array([60 * day])) // 2)
    assert int(curve.mass(half)[0]) / int(curve.mass(np.array([60 * day]))[0]) == pytest.approx(0.5, abs=1e-3)


def test_the_tables_of_the_curve_rise() -> None:
    assert (np.diff(LATE) >= 0).all()
    assert (np.diff(DAYTIME) >= 0).all()
    assert DAYTIME[-1] < 86_400
