"""What the world is held to: each figure with its source, the value aimed at and how far the measured one may be off.

``docs/simulation.md`` shows this table with the values measured on the default world; a test measures them again and
fails where a figure has left its tolerance or the page differs from this module.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from concert_assets.simulation import concerts, sales
from concert_assets.simulation.calendar import DAY, weekday
from concert_assets.simulation.drawing import World
from concert_assets.simulation.exact import Ints
from concert_assets.simulation.market import VENUE_KINDS
from concert_assets.simulation.sales import Sales

ASSUMPTION = "assumption"
# Orders of the ledger that the figures about orders are measured on.
SAMPLE_ORDERS = 200_000
_SMALL = ("club", "theater", "hall", "other")

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


class Measured:
    """A world ready to be measured: its played concerts and a sample of its orders."""

    def __init__(self, world: World) -> None:
        """Draws the sample; the world is not changed."""
        self.world = world
        self.played: Flags = world.concerts.status == concerts.COMPLETED
        self.kind: Ints = world.venues.kind[world.concerts.bookings.venue]
        self.capacity: Ints = world.venues.capacity[world.concerts.bookings.venue]
        self.orders: Sales = world.ledger.sales(np.arange(min(SAMPLE_ORDERS, world.book.total)))

    def kinds(self, *names: str) -> Flags:
        """Which concerts are played in such venues."""
        return np.isin(self.kind, [row for row, kind in enumerate(VENUE_KINDS) if kind.name in names])

    def top_share(self, share: float) -> float:
        """The part of all revenue that the best-earning share of artists takes."""
        revenue = np.bincount(self.world.concerts.bookings.artist, weights=self.world.book.revenue_cents)
        revenue = np.sort(np.pad(revenue, (0, self.world.artists.count - len(revenue))))[::-1]
        return float(revenue[: round(share * len(revenue))].sum() / revenue.sum())

    def price(self, *names: str) -> float:
        """Mean over played concerts of the price paid per ticket, in USD."""
        sold = self.world.book.tickets
        chosen = self.played & (sold > 0) & (self.kinds(*names) if names else True)
        return float((self.world.book.revenue_cents[chosen] / sold[chosen]).mean() / 100)

    def no_show(self, *names: str) -> float:
        """Mean over played concerts of the share of ticket holders who stay away."""
        sold, came = self.world.concerts.sold, self.world.concerts.attendance
        chosen = self.played & (sold > 0) & (self.kinds(*names) if names else True)
        return float((1 - came[chosen] / sold[chosen]).mean())

    def last_days(self, days: int) -> float:
        """The share of tickets that the typical (median) small show sells in its last days."""
        show = self.world.concerts
        chosen = np.flatnonzero(self.played & self.kinds(*_SMALL) & (show.sold > 0))
        curve = show.draws.curve
        until = np.minimum(show.draws.end, curve.start)
        in_all = curve.mass(until)[chosen]
        before = curve.mass(np.minimum(until, curve.start - days * DAY))[chosen]
        return float(np.median(1 - before / np.maximum(in_all, 1)))

    def lead_days(self) -> float:
        """Mean days from order to show at small shows, over tickets."""
        orders = self.orders
        chosen = (self.played & self.kinds(*_SMALL))[orders.concert]
        days = (self.world.concerts.start[orders.concert] - orders.purchase)[chosen] / DAY
        return float((days * orders.quantity[chosen]).sum() / orders.quantity[chosen].sum())

    def orders_of(self, least: int, most: int) -> float:
        """The share of orders for so many tickets."""
        return float(((self.orders.quantity >= least) & (self.orders.quantity <= most)).mean())

    def after(self, status: int) -> float:
        """The share of the orders of played concerts that ended so."""
        return float((self.orders.status[self.played[self.orders.concert]] == status).mean())

    def busiest(self, share: float) -> float:
        """The part of all concerts that the most booked share of artists plays."""
        counts = np.bincount(self.world.concerts.bookings.artist, minlength=self.world.artists.count)
        return float(np.sort(counts)[::-1][: round(share * len(counts))].sum() / counts.sum())


@dataclass(frozen=True)
class Figure:
    """One figure: where it comes from, the value aimed at, the largest distance allowed and how it is measured."""

    name: str
    aimed: float
    tolerance: float
    source: str
    measure: Callable[[Measured], float]


_KRUEGER = "Krueger, *Rockonomics* (2019), after Pollstar, as reported by the Wall Street Journal, 4 May 2019"
_CONSEQUENCE = "Wall Street Journal after Live Nation, as reported by Consequence, December 2021 (figure for 2019)"
_EVENTBRITE = "Eventbrite, US music events January to April 2024, as reported by Complete Music Update, 10 June 2024"
_VIVID = "Vivid Seats, purchases 2015 to 2019, as reported by TheTicketingBusiness, 15 January 2020"
_WORLDMETRICS = "Worldmetrics, *Live Music Concerts Industry Statistics* (2024; a collection, of unclear first source)"

FIGURES: tuple[Figure, ...] = (
    Figure("Revenue of the top 1 % of artists", 0.60, 0.05, f"60 % in 2017: {_KRUEGER}", lambda m: m.top_share(0.01)),
    Figure("Revenue of the top 5 % of artists", 0.85, 0.04, f"85 % in 2017: {_KRUEGER}", lambda m: m.top_share(0.05)),
    Figure("Concerts of the busiest 10 % of artists", 0.40, 0.06, ASSUMPTION, lambda m: m.busiest(0.10)),
    Figure(
        "Venues under 1,000 persons", 0.62, 0.09, f"62 %: {_WORLDMETRICS}",
        lambda m: float((m.world.venues.capacity < 1_000).mean()),
    ),
    Figure(
        "Venues from 5,000 persons", 0.13, 0.05, f"13 %: {_WORLDMETRICS}",
        lambda m: float((m.world.venues.capacity >= 5_000).mean()),
    ),
    Figure(
        "Tickets sold per show", 3_000, 700,
        "2,455 in the first quarter of 2006, without the open-air season: Pollstar, as reported by Hypebot, April 2006",
        lambda m: float(m.world.concerts.sold[m.played].mean()),
    ),
    Figure(
        "Price per ticket sold, USD", 85, 12,
        f"69 in 2017, some 23 % more at the prices of 2023: {_KRUEGER}",
        lambda m: float(m.world.book.revenue_cents[m.played].sum() / m.world.book.tickets[m.played].sum() / 100),
    ),
    Figure(
        "Price in clubs, USD", 28, 4,
        "assumption, above the 23.30 of rock shows in Austin: Songkick, November 2010",
        lambda m: m.price("club"),
    ),
    Figure("Price in theaters, USD", 56, 8, ASSUMPTION, lambda m: m.price("theater")),
    Figure(
        "Price in arenas, USD", 94.83, 10,
        "mean of the top 100 North American tours of 2019: Pollstar, as reported by the Wall Street Journal, 12/2019",
        lambda m: m.price("arena"),
    ),
    Figure(
        "Price in stadiums, USD", 125, 14,
        "between the 113 of U2 and the 160 of the Rolling Stones: Pollstar, 20 November 2017",
        lambda m: m.price("stadium"),
    ),
    Figure(
        "Shows sold out", 0.24, 0.05,
        "7 of 29 shows of one amphitheater in 2006: Pittsburgh Post-Gazette, 4 October 2006",
        lambda m: float((m.world.concerts.sold >= m.capacity)[m.played].mean()),
    ),
    Figure(
        "Mean sell-through", 0.70, 0.05, ASSUMPTION,
        lambda m: float((m.world.concerts.sold / m.capacity)[m.played].mean()),
    ),
    Figure(
        "No-shows, mean over shows", 0.12, 0.02, f"12 % at an average concert: {_CONSEQUENCE}",
        lambda m: m.no_show(),
    ),
    Figure(
        "No-shows at stadiums", 0.04, 0.01, f"under 4 % at the very biggest: {_CONSEQUENCE}",
        lambda m: m.no_show("stadium"),
    ),
    Figure("Sold in the last week, small shows", 0.57, 0.05, f"57 %: {_EVENTBRITE}", lambda m: m.last_days(7)),
    Figure(
        "Sold in the last three days, small shows", 0.43, 0.06,
        "40 % at weekends, 49 % on weekdays: TicketLeap, *When Do Event Ticket Sales Happen*",
        lambda m: m.last_days(3),
    ),
    Figure("Days from order to show, small shows", 18, 3, f"18 days: {_EVENTBRITE}", lambda m: m.lead_days()),
    Figure("Orders of one ticket", 0.16, 0.01, f"16 %: {_VIVID}", lambda m: m.orders_of(1, 1)),
    Figure("Orders of four tickets or more", 0.13, 0.01, f"13 %: {_VIVID}", lambda m: m.orders_of(4, 99)),
    Figure("Orders refunded, played shows", 0.025, 0.004, ASSUMPTION, lambda m: m.after(sales.REFUNDED)),
    Figure(
        "Orders charged back, played shows", 0.006, 0.002,
        "assumption, below the 1 in 86 card sales on the net that were fraudulent in 2015: ACI Worldwide, as reported"
        " by Global Risk Technologies, July 2016",
        lambda m: m.after(sales.CHARGEBACK),
    ),
    Figure(
        "Concerts cancelled", 0.02, 0.005, ASSUMPTION,
        lambda m: float((m.world.concerts.status == concerts.CANCELLED).mean()),
    ),
    Figure(
        "Concerts on Friday or Saturday", 0.45, 0.04, ASSUMPTION,
        lambda m: float(np.isin(weekday(m.world.concerts.bookings.day), (4, 5)).mean()),
    ),
)  # fmt: skip


def measure(world: World) -> dict[str, float]:
    """Every figure as it comes out in ``world``, by name."""
    measured = Measured(world)
    return {figure.name: figure.measure(measured) for figure in FIGURES}


def table(values: dict[str, float]) -> list[str]:
    """The figures as lines of a Markdown table, with the values measured."""
    lines = ["| figure | aimed at | tolerance | measured | source |", "|---|---|---|---|---|"]
    for figure in FIGURES:
        shown = (_shown(number) for number in (figure.aimed, figure.tolerance, values[figure.name]))
        lines.append(f"| {figure.name} | {' | '.join(shown)} | {figure.source} |")
    return lines


def _shown(number: float) -> str:
    """Three significant digits."""
    return f"{number:,.0f}" if number >= 1_000 else f"{number:.3g}"
