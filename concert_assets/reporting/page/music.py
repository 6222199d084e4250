"""The section on concerts and sales: the course of daily sales, when tickets are bought, leading venues and artists."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby

from concert_assets.reporting.facts import CurvePoint, DaySales, FigureFacts, TopArtist, TopVenue
from concert_assets.reporting.page import show
from concert_assets.reporting.page.figures import Tick, bar, line_chart, nice_scale
from concert_assets.reporting.page.markup import Child, Html, el
from concert_assets.reporting.page.tables import Col, folded, note, part, section, table

WEEK = 7
DAILY_UP_TO = 120  # days that a line can show one by one
WINDOW = 5  # weeks over which the course of a longer history is averaged
SHOWN = 10
EMPTY = "the run has left no rows to draw them from"
LEAD = "From the published tables. Revenue is at the prices paid, in US dollars."


def music_section(figures: FigureFacts) -> Html:
    """Sales over time, lead time, venues and artists; each part that is empty says why."""
    parts = [
        ("Daily sales", "daily_sales", figures.daily_sales, _daily),
        ("When tickets are bought", "purchase_curve", figures.purchase_curve, _curve),
        ("Leading venues", "top_venues", figures.top_venues, _venues),
        ("Leading artists", "top_artists", figures.top_artists, _artists),
    ]
    if not any(rows for _, _, rows, _ in parts):
        reasons = dict.fromkeys(figures.skipped.get(key, EMPTY) for _, key, _, _ in parts)
        return section("music", "Concerts and sales", LEAD, *(note(f"Not shown: {reason}.") for reason in reasons))
    drawn = [
        part(heading, draw(rows) if rows else _skipped(figures.skipped, key))  # type: ignore[operator]
        for heading, key, rows, draw in parts
    ]
    return section("music", "Concerts and sales", LEAD, *drawn)


def _skipped(reasons: Mapping[str, str], key: str) -> Html:
    return note(f"Not shown: {reasons.get(key, EMPTY)}.")


def _daily(rows: Sequence[DaySales]) -> Html:
    days = _every_day(rows)
    first, last = days[0].day, days[-1].day
    length = max((last - first).days, 1)
    if len(days) <= DAILY_UP_TO:
        course = [((item.day - first).days / length, item.revenue_usd) for item in days]
        band: list[tuple[float, float, float]] = []
        told = "Line: revenue of each day."
    else:
        weeks = [days[start : start + WEEK] for start in range(0, len(days), WEEK)]
        places = [((week[0].day - first).days + (len(week) - 1) / 2) / length for week in weeks]
        means = [sum(item.revenue_usd for item in week) / len(week) for week in weeks]
        course = list(zip(places, _smooth(means), strict=True))
        band = [
            (place, min(item.revenue_usd for item in week), max(item.revenue_usd for item in week))
            for place, week in zip(places, weeks, strict=True)
        ]
        told = f"Line: mean revenue per day over {WINDOW} weeks. Band: each week's smallest and largest day."
    scale = nice_scale(max((high for *_, high in band), default=max(value for _, value in course)))
    top = scale[-1]
    tickets = sum(item.tickets for item in days)
    total = f"{show.money(sum(item.revenue_usd for item in days))} and {show.plural(tickets, 'ticket')}"
    return el(
        "div",
        el("p", f"{told} {total} from {first} to {last}.", class_="hint"),
        line_chart(
            [(x, value / top) for x, value in course],
            _date_ticks(first, last),
            [Tick(value / top, "$0" if value == 0 else f"${show.compact(value)}") for value in scale],
            title="Revenue per day, USD",
            description=f"{total} from {first} to {last}",
            band=[(x, low / top, high / top) for x, low, high in band],
        ),
        _months(days),
    )


def _every_day(rows: Sequence[DaySales]) -> list[DaySales]:
    """The days in order with those between that had no sale: a line over sale days alone would hide the gaps."""
    known: dict[date, DaySales] = {item.day: item for item in rows}
    first, last = min(known), max(known)
    span = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [known.get(day) or DaySales(day, 0, 0.0, 0) for day in span]


def _smooth(values: list[float]) -> list[float]:
    reach = WINDOW // 2
    around = (values[max(place - reach, 0) : place + reach + 1] for place in range(len(values)))
    return [sum(window) / len(window) for window in around]


def _date_ticks(first: date, last: date) -> list[Tick]:
    length = max((last - first).days, 1)
    if length > 2 * 366:
        starts = [(date(year, 1, 1), str(year)) for year in range(first.year + 1, last.year + 1)]
        every = max(1, len(starts) // 6)
        return [Tick((day - first).days / length, label) for day, label in starts[::every]]
    return [Tick(place, f"{first + timedelta(days=round(length * place)):%Y-%m-%d}") for place in (0.0, 0.5, 1.0)]


def _months(days: Sequence[DaySales]) -> Html:
    months = [(month, list(group)) for month, group in groupby(days, key=lambda item: f"{item.day:%Y-%m}")]
    has_orders = any(item.orders is not None for item in days)
    body = [
        [
            month, show.money(sum(item.revenue_usd for item in group)), show.count(sum(item.tickets for item in group)),
            show.count(sum(item.orders or 0 for item in group) if has_orders else None),
        ]
        for month, group in months
    ]  # fmt: skip
    columns = [Col("Month"), Col("Revenue, USD", "num"), Col("Tickets", "num"), Col("Orders", "num")]
    return folded("The figures as a table, by month", table("Sales by month", columns, body))


def _curve(points: Sequence[CurvePoint]) -> Html:
    ordered = sorted(points, key=lambda point: -point.days_before)
    longest = max(ordered[0].days_before, 1)
    marks = [days for days in (180, 120, 90, 60, 30, 7, 0) if days <= longest]
    marks = marks if len(marks) <= 5 else [marks[0], *marks[-4:]]
    ticks = [Tick(_nearness(days, longest), "show" if days == 0 else f"{days} d") for days in marks]
    week = next((point.cumulative_share for point in ordered if point.days_before <= WEEK), None)
    lead = "" if week is None else f"{show.share(1 - week, 0)} of tickets are bought in the last week. "
    body: list[list[Child]] = [[point.days_before, show.share(point.cumulative_share)] for point in ordered]
    return el(
        "div",
        el("p", f"{lead}Share bought by so many days before the show; the axis widens towards it.", class_="hint"),
        line_chart(
            [(_nearness(point.days_before, longest), point.cumulative_share) for point in ordered],
            ticks,
            [Tick(at / 4, f"{at * 25} %") for at in range(5)],
            title="Purchase curve",
            description=f"{lead}From {longest} days before the show to its day",
            is_filled=True,
        ),
        folded(
            "The figures as a table",
            table("Purchase curve", [Col("Days before", "num"), Col("Share bought", "num")], body),
        ),
    )


def _nearness(days: int, longest: int) -> float:
    """Where so many days before the show stand, 0-1; by square root, as most of the buying is in the last days."""
    return 1 - math.sqrt(days / longest)


def _venues(rows: Sequence[TopVenue]) -> Html:
    has_score = any(item.score is not None for item in rows)
    columns = [
        Col("Venue"), Col("Kind", "minor"), Col("Capacity", "num minor"), Col("Concerts", "num minor"),
        Col("Tickets", "num"), Col("Sold", "num minor"), Col("Revenue", "num"),
        Col("Score", "num" if has_score else "num none"), Col("", "fig slim minor"),
    ]  # fmt: skip
    top = max((item.revenue_usd or 0.0 for item in rows[:SHOWN]), default=0.0)
    body = [
        [
            _named(item.name, item.place), item.venue_type, show.count(item.capacity), show.count(item.concerts),
            show.count(item.tickets), show.share(item.sell_through_share, 0), show.money(item.revenue_usd),
            show.score(item.score), _worth(item.revenue_usd, top),
        ]
        for item in rows[:SHOWN]
    ]  # fmt: skip
    keep = [place for place, column in enumerate(columns) if column.kind != "num none"]
    return table(
        "Leading venues; sold is tickets as a share of capacity, the score runs from 0 to 100, bars show revenue",
        [columns[place] for place in keep],
        [[row[place] for place in keep] for row in body],
    )


def _artists(rows: Sequence[TopArtist]) -> Html:
    columns = [
        Col("Artist"), Col("Concerts", "num minor"), Col("Tickets", "num"), Col("Sold", "num minor"),
        Col("Revenue", "num"), Col("", "fig slim minor"),
    ]  # fmt: skip
    top = max((item.revenue_usd or 0.0 for item in rows[:SHOWN]), default=0.0)
    body: list[list[Child]] = [
        [
            _named(item.name, item.genre), show.count(item.concerts), show.count(item.tickets),
            show.share(item.sell_through_share, 0), show.money(item.revenue_usd), _worth(item.revenue_usd, top),
        ]
        for item in rows[:SHOWN]
    ]  # fmt: skip
    return table("Leading artists; sold is tickets as a share of capacity, bars show revenue", columns, body)


def _worth(revenue: float | None, top: float) -> Html:
    return bar((revenue or 0.0) / top if top else 0.0, f"{show.money(revenue)} revenue")


def _named(name: str, detail: str) -> Html:
    return el("span", name, el("small", detail) if detail else None, class_="name")
