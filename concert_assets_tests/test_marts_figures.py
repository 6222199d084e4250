"""What analysts see of the marts: assets that say why they are empty, the facts read from them, and their figures."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from html import unescape
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import dagster as dg
import pytest

from concert_assets.catalog.analytics import MARTS
from concert_assets.defs.mart_facts import mart_figures
from concert_assets.defs.marts import marts
from concert_assets.reporting.facts import FigureFacts
from concert_assets.reporting.mart_facts import (
    ColdStart,
    Filled,
    MartFigures,
    MonthRevenue,
    PacedConcert,
    TierPrice,
)
from concert_assets.resources.redshift.duckdb import DuckDBSession
from concert_assets_tests.marts_world import artist, day, order, published, show, venue
from concert_assets_tests.test_reporting_page import EVIL, Reader, page

NEW = {"sales_pacing", "sell_through", "price_tiers", "net_revenue", "cold_start_comparables"}


# --- the assets


@contextmanager
def made(**tables: Any) -> Iterator[tuple[dg.ExecuteInProcessResult, DuckDBSession]]:
    """All marts, made by their assets over published tables."""
    with published(**tables) as session:

        @contextmanager
        def opened(wait_seconds: float | None = None) -> Iterator[DuckDBSession]:
            yield session

        session.transaction = opened  # type: ignore[method-assign] # in memory, nothing is to be made durable
        redshift = SimpleNamespace(session=opened, location=lambda table: f"memory:{table}")
        resources = {"redshift": redshift, "journal": None, "s3": None}
        with dg.DagsterInstance.ephemeral() as instance:
            yield dg.materialize(marts, resources=resources, instance=instance), session


def told(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    events = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {event.asset_key.path[-1]: {k: v.value for k, v in event.metadata.items()} for event in events}


def test_empty_marts_say_why_and_so_does_the_page() -> None:
    with made() as (result, session):
        facts = told(result)
        figures = mart_figures(session)
        checks = {check.asset_key.path[-1]: check for check in result.get_asset_check_evaluations()}
    assert set(facts) == {table.name for table in MARTS}
    for name, metadata in facts.items():
        assert metadata["dagster/row_count"] == 0
        assert checks[name].description == metadata["skipped_reason"]
        assert (checks[name].passed, checks[name].severity) == (False, dg.AssetCheckSeverity.WARN)
    assert figures.skipped == {name: facts[name]["skipped_reason"] for name in NEW}
    shown = Reader(page(figures=FigureFacts(marts=figures))).text
    assert all(f"Not shown: {reason}." in shown for reason in figures.skipped.values())


def test_without_the_tables_nothing_is_drawn() -> None:
    with published() as session:
        figures = mart_figures(session)
    assert set(figures.skipped) == NEW
    assert not any((figures.paces, figures.paced, figures.by_month, figures.by_type, figures.by_city))
    assert not any((figures.tiers, figures.months, figures.cold_starts))


WORLD: dict[str, Any] = {
    "artists": [artist(name, "jazz", 50) for name in ("a", "b", "c", "d", "e", "new")],
    "venues": [venue(city="Ames"), venue("big", "arena", 10_000, city="Bath"), venue("x", None, city=None)],
    "concerts": [
        *(show(f"c{n:02d}", -n, 20 + n, artist_id="abcde"[n % 5], revenue=100) for n in range(30)),
        show("large", -40, 5000, venue_id="big", revenue=9),
        show("odd", -40, 100, venue_id="x"),
        *(show(f"p{n}", 10, sold, "scheduled") for n, sold in enumerate([0, 1, 2, 3, 4, 5, 17, 91, 90, 92])),
        show("early", 10, 0, "scheduled", on_sale_date=day(5)),
        show("fresh", 12, 30, "scheduled", artist_id="new"),
    ],
    "ticket_prices": [{"concert_id": "c01", "ticket_tier": "vip", "face_value": 80}],
    "ticket_sales": [
        *(order(f"c{n:02d}", day(-n - back), 10, 5.0, ticket_tier="general") for n in range(30) for back in (1, 20)),
        order("odd", day(-100), 1, 30.0, sale_status="refunded", refunded_at=day(-99)),
        order("odd", day(-100), 1, 10.0, sale_status="chargeback", refunded_at=day(-40)),
    ],
}


@pytest.fixture(scope="module")
def figures() -> MartFigures:
    with made(**WORLD) as (result, session):
        assert result.success
        assert not any("skipped_reason" in metadata for metadata in told(result).values())
        return mart_figures(session)


def test_the_furthest_behind_and_ahead_are_shown_and_all_are_counted(figures: MartFigures) -> None:
    # Half of 20 to 49 of a hundred: quartiles 13.6, 17.3, 20.9.
    assert figures.paces == {"ahead": 4, "behind": 6, "not_on_sale": 1, "on_pace": 1}
    assert [(item.tickets_sold, item.pace) for item in figures.paced] == [
        *((sold, "behind") for sold in range(5)),
        *((sold, "ahead") for sold in (30, 90, 91, 92)),
    ]
    first = figures.paced[0]
    assert (first.artist, first.venue, first.event_date, first.days_out) == ("A", "V", day(10), 10)
    assert (first.p25_share, first.p50_share, first.p75_share) == pytest.approx((0.13625, 0.1725, 0.20875))
    assert (first.sold_share, first.tickets_ahead) == (0, -17)


def test_sell_through_adds_up_however_it_is_cut(figures: MartFigures) -> None:
    sold = sum(range(20, 50))
    assert figures.by_type == [
        Filled("club", 30, 0, sold, 3000),
        Filled("", 1, 1, 100, 100),
        Filled("arena", 1, 0, 5000, 10_000),
    ]
    assert figures.by_city == [
        Filled("Bath", 1, 0, 5000, 10_000),
        Filled("Ames", 30, 0, sold, 3000),
        Filled("", 1, 1, 100, 100),
    ]
    assert [item.name for item in figures.by_month] == ["2025-05-01", "2025-06-01"]
    assert sum(item.tickets for item in figures.by_month) == sold + 5100


def test_tiers_revenue_and_comparables_are_those_of_the_marts(figures: MartFigures) -> None:
    assert figures.tiers == [
        TierPrice("club", "general", 600, 3000, 5, None, 1),
        TierPrice("club", "vip", 0, 0, None, 80, 0),
        TierPrice("", "", 2, 40, 20, None, 1),
    ]
    # The hundredth day before the last of June is the 22nd of March, the fortieth the 21st of May.
    assert [item.month.month for item in figures.months] == [3, 5, 6]
    assert figures.months[0] == MonthRevenue(date(2025, 3, 1), 40, 30, 10, 0, 30, 10)
    assert (figures.months[1].paid_back_usd, figures.months[1].received_usd) == (10, figures.months[1].gross_usd - 10)
    (cold,) = figures.cold_starts
    assert (cold.artist, cold.venue, cold.event_date) == ("NEW", "V", day(12))
    assert [name for name, _ in cold.comparables] == ["A", "B", "C", "D", "E"]
    assert [share for _, share in cold.comparables] == pytest.approx([0.2, 0.21, 0.22, 0.23, 0.24])


# --- the page


def drawn(marts: MartFigures) -> str:
    return page(figures=FigureFacts(marts=marts))


def part(html: str, heading: str) -> str:
    (found,) = re.findall(rf"<h3>{heading}</h3>(.*?)(?=<h3>|</section>)", html, flags=re.S)
    return str(found)


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def cells(html: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", html, flags=re.S)
    return [[Reader(cell).text for cell in re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.S)] for row in rows]


def test_the_page_shows_each_part(figures: MartFigures) -> None:
    html = drawn(figures)
    text = Reader(html).text
    assert "Of 11 concerts on sale with comparable shows, 6 behind the 25th percentile" in text
    assert "1 on pace, 4 ahead of the 75th. Besides 1 not yet on sale." in text
    assert "32 completed concerts, 1 of them sold out." in text
    assert "Not shown" not in html[html.index('id="pacing"') : html.index('id="models"')]
    for drawing in re.findall(r"<svg.*?</svg>", html, flags=re.S):
        assert ElementTree.fromstring(drawing).get("aria-label")


def test_a_concert_stands_between_its_percentiles() -> None:
    item = PacedConcert("A", "V", date(2026, 1, 3), 3, 50, 0.5, 0.2, 0.3, 0.4, 20, "ahead")
    html = part(drawn(MartFigures(paces={"ahead": 1}, paced=[item])), "Sales pacing")
    assert 'cx="50.00%"' in html
    assert re.search(r'class="inner" x1="20.00%" x2="40.00%"', html)
    assert re.search(r'class="mark" x1="30.00%"', html)
    assert cells(html)[1][:5] == ["AV · 2026-01-03", "3", "50", "+20", "50 %"]


def test_months_are_drawn_in_their_order_and_shares_of_what_was_offered() -> None:
    months = [Filled("2025-01-01", 2, 0, 25, 100), Filled("2025-02-01", 1, 0, 0, 0), Filled("2025-03-01", 1, 1, 10, 10)]
    html = part(drawn(MartFigures(by_month=months)), "Sell-through")
    line = re.search(r'<polyline class="line" points="([^"]+)"', html)
    assert line is not None
    assert line.group(1) == "0.0,750.0 1000.0,0.0"  # the month of unknown capacity has no share
    assert "32 % of the capacity offered was sold. 4 completed concerts, 1 of them sold out." in words(html)


def test_where_no_capacity_is_known_the_concerts_are_told_alone() -> None:
    html = part(drawn(MartFigures(by_month=[Filled("2025-01-01", 2, 0, 0, 0)])), "Sell-through")
    assert "polyline" not in html
    assert "2 completed concerts, 0 of them sold out." in words(html)


def test_a_tier_shows_what_was_paid_or_else_its_face_value() -> None:
    tiers = [
        TierPrice("club", "vip", 2, 100, 50.5, 60.0, 0.25),
        TierPrice("club", "general", 0, 0, None, 20.0, 0.0),
        TierPrice("", "", 1, 5, 5.0, None, 1.0),
    ]
    heads, *rows = cells(part(drawn(MartFigures(tiers=tiers)), "Ticket tiers"))
    assert heads == ["Kind", "General", "VIP", "Not known"]
    assert rows == [
        ["club", "$20.00face value, none sold", "$50.5025 % of gross", "–"],
        ["not known", "–", "–", "$5.00100 % of gross"],
    ]


def test_the_last_twelve_months_come_first_and_all_are_there() -> None:
    months = [MonthRevenue(date(2024 + n // 12, n % 12 + 1, 1), 100, 10, 5, 85, 120, -20) for n in range(14)]
    html = part(drawn(MartFigures(months=months)), "Net revenue")
    latest, every = html.split("<details>")
    assert [row[0] for row in cells(latest)[1:]] == [f"2025-{n:02d}" for n in (2, 1)] + [
        f"2024-{n:02d}" for n in range(12, 2, -1)
    ]
    assert cells(latest)[1][1:6] == ["$100", "$10", "$5", "$85", "−$20"]
    assert [row[0] for row in cells(every)[1:]] == [f"{item.month:%Y-%m}" for item in months]
    assert "10.0 % was refunded and 5.0 % charged back" in words(html)


def test_a_month_of_refunds_alone_can_be_drawn() -> None:
    html = part(drawn(MartFigures(months=[MonthRevenue(date(2025, 1, 1), 0, 0, 0, 0, 5, -5)])), "Net revenue")
    assert "– was refunded" in words(html)
    assert cells(html)[1][5] == "−$5"


@pytest.mark.parametrize(
    ("shares", "middle"), [([0.9, 0.1, 0.3], "30.00%"), ([0.2, 0.4], "30.00%"), ([1.0], "100.00%")]
)
def test_a_cold_start_shows_the_range_and_its_middle(shares: list[float], middle: str) -> None:
    item = ColdStart("N", "V", date(2026, 1, 3), [(f"a{n}", share) for n, share in enumerate(shares)])
    html = part(drawn(MartFigures(cold_starts=[item])), "Artists without shows")
    assert f'cx="{middle}"' in html
    ends = (f"{min(shares) * 100:.2f}%", f"{max(shares) * 100:.2f}%")
    assert re.search(rf'class="outer" x1="{ends[0]}" x2="{ends[1]}"', html)


def test_hostile_names_are_shown_and_not_run(figures: MartFigures) -> None:
    evil = replace(
        figures,
        paced=[replace(item, artist=EVIL, venue=EVIL) for item in figures.paced],
        by_type=[replace(item, name=EVIL) for item in figures.by_type],
        by_city=[replace(item, name=EVIL) for item in figures.by_city],
        tiers=[replace(item, venue_type=EVIL) for item in figures.tiers],
        cold_starts=[ColdStart(EVIL, EVIL, date(2026, 1, 1), [(EVIL, 0.5)])],
        months=(),
        skipped={"net_revenue": EVIL},
    )
    html = drawn(evil)
    section = html[html.index('id="pacing"') :]
    assert "<script" not in html
    assert Reader(f"<section {section[: section.index('</section>')]}</section>").text.count("<script>alert") > 20
