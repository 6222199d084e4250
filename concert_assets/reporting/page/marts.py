"""The section on pacing and revenue: who is behind, how full shows are, what tiers bring, what refunds leave."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from concert_assets.reporting.mart_facts import ColdStart, Filled, MartFigures, MonthRevenue, PacedConcert
from concert_assets.reporting.page import show
from concert_assets.reporting.page.figures import Tick, axis, bar, interval, legend, line_chart, stacked
from concert_assets.reporting.page.markup import Child, Html, el
from concert_assets.reporting.page.tables import Col, folded, note, part, section, table

MONTHS_SHOWN = 12
# In the order of their usual prices; what is not known comes last.
TIERS = {
    "early_bird": "Early bird",
    "general": "General",
    "standing": "Standing",
    "seated": "Seated",
    "premium": "Premium",
    "vip": "VIP",
    "": "Not known",
}
UNKNOWN = "not known"
EMPTY = "the run has left no rows to draw them from"
LEAD = "From the marts. Orders may be a sample of all; shares and mean prices hold for it as for the whole."


def marts_section(figures: MartFigures) -> Html:
    """Pacing, sell-through, price tiers, net revenue and cold starts; each part that is empty says why."""
    parts: list[tuple[str, str, Any, Callable[[MartFigures], Html]]] = [
        ("Sales pacing", "sales_pacing", figures.paces, _pacing),
        ("Sell-through", "sell_through", figures.by_month, _sell_through),
        ("Ticket tiers", "price_tiers", figures.tiers, _tiers),
        ("Net revenue", "net_revenue", figures.months, _revenue),
        ("Artists without shows", "cold_start_comparables", figures.cold_starts, _cold_starts),
    ]
    reasons = {name: figures.skipped.get(name, EMPTY) for _, name, _, _ in parts}
    if not any(rows for _, _, rows, _ in parts):
        told = [note(f"Not shown: {reason}.") for reason in dict.fromkeys(reasons.values())]
        return section("pacing", "Pacing and revenue", LEAD, *told)
    drawn = [
        part(heading, draw(figures) if rows else note(f"Not shown: {reasons[name]}."))
        for heading, name, rows, draw in parts
    ]
    return section("pacing", "Pacing and revenue", LEAD, *drawn)


def _pacing(figures: MartFigures) -> Html:
    paces = figures.paces
    told = sum(paces.get(pace, 0) for pace in ("behind", "on_pace", "ahead"))
    lead = (
        f"Of {show.plural(told, 'concert')} on sale with comparable shows, {paces.get('behind', 0)} behind the 25th "
        f"percentile of what those had sold at the same days out, {paces.get('on_pace', 0)} on pace, "
        f"{paces.get('ahead', 0)} ahead of the 75th."
    )
    rest = [
        (paces.get("not_on_sale", 0), "not yet on sale"),
        (paces.get("not_comparable", 0), "without tickets, capacity or enough comparable shows"),
    ]
    beside = " Besides " + " and ".join(f"{count} {what}" for count, what in rest if count) + "."
    return el(
        "div",
        el("p", lead + (beside if any(count for count, _ in rest) else ""), class_="hint"),
        _paced(figures.paced) if figures.paced else None,
        class_="stack",
    )


def _paced(rows: Sequence[PacedConcert]) -> Html:
    body: list[list[Child]] = [
        [
            _named(item.artist, item.venue, item.event_date), show.count(item.days_out), show.count(item.tickets_sold),
            _signed(item.tickets_ahead), show.share(item.sold_share, 0), _against(item),
        ]
        for item in rows
    ]  # fmt: skip
    columns = [
        Col("Concert"), Col("Days out", "num minor"), Col("Sold", "num minor"), Col("To median", "num"),
        Col("Share", "num"), Col(axis([Tick(0, "0"), Tick(1, show.share(1, 0))]), "fig"),
    ]  # fmt: skip
    return el(
        "div",
        legend(("point", "sold to date"), ("inner", "25th to 75th percentile"), ("mark", "median of comparable shows")),
        table("Concerts furthest behind and ahead of comparable shows, shares of capacity", columns, body),
        class_="stack",
    )


def _against(item: PacedConcert) -> Html:
    told = (
        f"sold {show.share(item.sold_share, 0)}; comparable shows {show.share(item.p25_share, 0)} to "
        f"{show.share(item.p75_share, 0)}, median {show.share(item.p50_share, 0)}"
    )
    return interval(item.sold_share, None, (item.p25_share, item.p75_share), told, item.p50_share)


def _signed(tickets: int) -> str:
    return f"+{show.count(tickets)}" if tickets > 0 else show.decimal(tickets, 0)


def _sell_through(figures: MartFigures) -> Html:
    months = [item for item in figures.by_month if item.capacity]
    tickets, capacity = sum(item.tickets for item in months), sum(item.capacity for item in months)
    concerts, sold_out = (sum(getattr(item, name) for item in figures.by_month) for name in ("concerts", "sold_out"))
    lead = f"{show.plural(concerts, 'completed concert')}, {show.count(sold_out)} of them sold out."
    if capacity:
        lead = f"{show.share(tickets / capacity, 0)} of the capacity offered was sold. {lead}"
    last = max(len(months) - 1, 1)
    marks = sorted({0, last // 2, len(months) - 1})
    chart = line_chart(
        [(place / last, item.tickets / item.capacity) for place, item in enumerate(months)],
        [Tick(place / last, months[place].name[:7]) for place in marks] if months else [],
        [Tick(at / 4, f"{at * 25} %") for at in range(5)],
        title="Share of capacity sold, by month of the concerts",
        description=lead,
    )
    return el(
        "div",
        el("p", f"{lead} The line shows the share by month of the concerts.", class_="hint"),
        chart if months else None,
        _filled("Sell-through by venue type", "Kind", figures.by_type),
        folded("The ten cities with the most tickets", _filled("Sell-through by city", "City", figures.by_city)),
        folded("The line as a table", _filled("Sell-through by month", "Month", figures.by_month)),
        class_="stack",
    )


def _filled(caption: str, heading: str, rows: Sequence[Filled]) -> Html:
    body: list[list[Child]] = []
    for item in rows:
        share = item.tickets / item.capacity if item.capacity else None
        body.append(
            [
                item.name or UNKNOWN, show.count(item.concerts), show.count(item.sold_out), show.count(item.tickets),
                show.share(share, 0), bar(share or 0.0, f"{show.share(share)} of capacity sold"),
            ]
        )  # fmt: skip
    columns = [
        Col(heading), Col("Concerts", "num minor"), Col("Sold out", "num minor"), Col("Tickets", "num"),
        Col("Sold", "num"), Col("", "fig middle"),
    ]  # fmt: skip
    return table(caption, columns, body)


def _tiers(figures: MartFigures) -> Html:
    cells = {(item.venue_type, item.tier): item for item in figures.tiers}
    tiers = [tier for tier in TIERS if any(key[1] == tier for key in cells)]
    kinds = dict.fromkeys(key[0] for key in cells)
    body: list[list[Child]] = [
        [kind or UNKNOWN, *(_price(cells.get((kind, tier))) for tier in tiers)] for kind in kinds
    ]
    columns = [Col("Kind"), *(Col(TIERS[tier], "num") for tier in tiers)]
    hint = "Mean price paid for a ticket, and the tier's share of the gross revenue of the venue type."
    return el("div", el("p", hint, class_="hint"), table(hint, columns, body), class_="stack")


def _price(item: Any) -> Child:
    if item is None:
        return show.MISSING
    is_paid = item.mean_price_usd is not None
    price = item.mean_price_usd if is_paid else item.mean_face_value_usd
    shown = show.MISSING if price is None else f"${show.decimal(price)}"
    detail = f"{show.share(item.gross_share, 0)} of gross" if is_paid else "face value, none sold"
    return el("span", shown, el("small", detail), class_="cell")


def _revenue(figures: MartFigures) -> Html:
    months = figures.months
    gross, refunded, charged = (
        sum(getattr(item, name) for item in months) for name in ("gross_usd", "refunded_usd", "chargeback_usd")
    )
    lost = [show.share(part / gross if gross else None) for part in (refunded, charged)]
    lead = (
        f"Of {show.money(gross)} ordered, {lost[0]} was refunded and {lost[1]} charged back. Net is what is left of a "
        "month's orders, and the latest months still lose some; "
        "received is what came in less what was paid back in the month, which no later refund alters."
    )
    return el(
        "div",
        el("p", lead, class_="hint"),
        legend(("published", "net"), ("pending", "refunded"), ("rejected", "charged back")),
        _by_month(f"Revenue of the last {MONTHS_SHOWN} months, latest first", months[: -MONTHS_SHOWN - 1 : -1]),
        folded("All months", _by_month("Revenue by month", months)) if len(months) > MONTHS_SHOWN else None,
        class_="stack",
    )


def _by_month(caption: str, months: Sequence[MonthRevenue]) -> Html:
    top = max((item.gross_usd for item in months), default=0.0) or 1.0
    body: list[list[Child]] = []
    for item in months:
        parts = [("published", item.net_usd), ("pending", item.refunded_usd), ("rejected", item.chargeback_usd)]
        told = f"net {show.money(item.net_usd)} of {show.money(item.gross_usd)}"
        body.append(
            [
                f"{item.month:%Y-%m}", _dollars(item.gross_usd), _dollars(item.refunded_usd),
                _dollars(item.chargeback_usd), _dollars(item.net_usd), _dollars(item.received_usd),
                stacked([(kind, value / top) for kind, value in parts], told),
            ]
        )  # fmt: skip
    columns = [
        Col("Month"), Col("Gross", "num"), Col("Refunded", "num minor"), Col("Charged back", "num minor"),
        Col("Net", "num"), Col("Received", "num minor"), Col("", "fig middle"),
    ]  # fmt: skip
    return table(caption, columns, body)


def _dollars(value: float) -> str:
    return f"−{show.money(-value)}" if value < 0 else show.money(value)


def _cold_starts(figures: MartFigures) -> Html:
    columns = [
        Col("Concert"), Col("Nearest artists", "minor"), Col("They sold", "num"),
        Col(axis([Tick(0, "0"), Tick(1, show.share(1, 0))]), "fig middle"),
    ]  # fmt: skip
    hint = "What the nearest show of each of the artists most alike in popularity, genre and room sold of its capacity."
    return el(
        "div",
        el("p", hint, class_="hint"),
        legend(("point", "median"), ("outer", "least to most")),
        table(hint, columns, [_cold_start(item) for item in figures.cold_starts]),
        class_="stack",
    )


def _cold_start(item: ColdStart) -> list[Child]:
    sold = sorted(share for _, share in item.comparables)
    half = len(sold) // 2
    middle = sold[half] if len(sold) % 2 else (sold[half - 1] + sold[half]) / 2
    told = f"{show.share(sold[0], 0)} to {show.share(sold[-1], 0)}"
    return [
        _named(item.artist, item.venue, item.event_date),
        ", ".join(name for name, _ in item.comparables),
        told,
        interval(middle, (sold[0], sold[-1]), None, f"comparable shows sold {told}, median {show.share(middle, 0)}"),
    ]


def _named(name: str, place: str, on: date) -> Html:
    return el("span", name, el("small", place, " · ", el("span", str(on), class_="nowrap")), class_="name")
