"""The catalogue of injected defects: for each, the outcome that its row must have and the rule that must say so.

Every kind breaks one rule alone. ``total_price_range`` has no kind: a total below a cent breaks the arithmetic, too.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from concert_assets.simulation import exact
from concert_assets.simulation.exact import Ints

Outcome = Literal["rejected", "pending", "duplicate", "superseded"]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
CASCADE = "cascade"


@dataclass(frozen=True, slots=True)
class DefectKind:
    """One kind of defect of one table.

    ``needs_parents`` kinds are injected only where the rows that this one refers to are published, since a row whose
    parents are missing is pending for that reason.
    """

    table: str
    name: str
    outcome: Outcome
    rule: str
    needs_parents: bool = False

    @property
    def adds_row(self) -> bool:
        """Whether the defect is a further row beside a sound one, rather than a fault of the row itself."""
        return self.outcome in ("duplicate", "superseded")


def _rules(table: str, *rules: str) -> tuple[DefectKind, ...]:
    return tuple(DefectKind(table, rule, "rejected", rule) for rule in rules)


def _further(table: str, key: str) -> tuple[DefectKind, ...]:
    return (
        DefectKind(table, "exact_duplicate", "duplicate", f"{key}_unique", needs_parents=True),
        DefectKind(table, "older_version", "superseded", "newest_wins", needs_parents=True),
    )


def _orphan(table: str, column: str) -> DefectKind:
    return DefectKind(table, f"orphan_{column}", "pending", f"{column}_exists", needs_parents=True)


KINDS: dict[str, tuple[DefectKind, ...]] = {
    "artists": (
        *_rules("artists", "artist_id_required", "name_required", "popularity_score_range"),
        *_further("artists", "artist_id"),
    ),
    "venues": (
        *_rules("venues", "venue_id_required", "name_required"),
        *_rules("venues", "latitude_range", "longitude_range", "capacity_range"),
        *_further("venues", "venue_id"),
    ),
    "concerts": (
        *_rules("concerts", "concert_id_required", "artist_id_required", "venue_id_required"),
        *_rules("concerts", "event_date_required", "event_date_readable", "status_required", "status_allowed"),
        *_rules("concerts", "tickets_sold_range", "total_attendance_range", "revenue_range"),
        *_rules("concerts", "attendance_within_tickets", "on_sale_before_show"),
        DefectKind("concerts", "tickets_within_capacity", "rejected", "tickets_within_capacity", needs_parents=True),
        _orphan("concerts", "artist_id"),
        _orphan("concerts", "venue_id"),
        *_further("concerts", "concert_id"),
    ),
    "ticket_prices": _rules(
        "ticket_prices", "face_value_required", "face_value_readable", "face_value_range", "ticket_tier_allowed"
    ),
    "ticket_sales": (
        *_rules("ticket_sales", "sale_id_required", "concert_id_required"),
        *_rules("ticket_sales", "quantity_required", "quantity_readable", "quantity_range"),
        *_rules("ticket_sales", "unit_price_required", "unit_price_readable", "unit_price_range"),
        *_rules("ticket_sales", "total_price_required", "total_price_readable", "total_price_arithmetic"),
        *_rules("ticket_sales", "purchase_timestamp_required", "purchase_timestamp_readable"),
        *_rules("ticket_sales", "sale_status_required", "sale_status_allowed", "refund_after_purchase"),
        DefectKind("ticket_sales", "purchase_before_show", "rejected", "purchase_before_show", needs_parents=True),
        _orphan("ticket_sales", "concert_id"),
        *_further("ticket_sales", "sale_id"),
    ),
}

# Texts that no reading of a number or an instant accepts, and words that stand in no list of allowed ones.
UNREADABLE_NUMBERS = ("call us", "forty", "varies", "x12")
UNREADABLE_INSTANTS = ("to be announced", "2025-13-45T20:00:00Z", "2025-02-30T20:00:00Z", "next Friday")
UNKNOWN_WORDS = {
    "status": ("done", "sold out", "rumoured"),
    "sale_status": ("void", "settled", "unknown"),
    "ticket_tier": ("balcony", "lawn", "backstage"),
}


@dataclass(frozen=True)
class Plan:
    """Which rows of a table are to be defective, rising, and with what; both of the same length."""

    rows: Ints
    kinds: tuple[DefectKind, ...]


def plan(table: str, count: int, wanted: int, pending: Flags, generator: np.random.Generator) -> Plan:
    """Choose ``wanted`` of ``count`` rows, and for each one of the table's kinds; every kind comes equally often.

    ``pending`` marks rows whose parents are not published, shape (count,); they get a kind that shows all the same.
    """
    known = KINDS[table]
    own = tuple(kind for kind in known if not kind.needs_parents)
    key = int(generator.integers(0, 2**62))
    if not count:
        return Plan(np.arange(0), ())
    rows = exact.Permutation(count, key)(np.arange(wanted)).tolist()
    first = int(generator.integers(0, len(known)))
    kinds = {}
    for number, row in enumerate(rows):
        kind = known[(first + number) % len(known)]
        kinds[row] = own[(first + number) % len(own)] if kind.needs_parents and pending[row] else kind
    rows.sort()
    return Plan(np.array(rows, dtype=np.int64), tuple(kinds[row] for row in rows))


@dataclass(frozen=True)
class Layout:
    """The rows of a delivery: ``source`` is the entity of each row, ``extra`` marks the rows added to the sound ones.

    ``base`` is the place (from 0) of each entity's own row, ``added`` that of the extra row of each entity in the order
    in which they were asked for.
    """

    source: Ints
    extra: Flags
    base: Ints
    added: Ints


def lay_out(order: Ints, copies: Ints, anywhere: Flags, generator: np.random.Generator) -> Layout:
    """Place the extra rows among the others.

    ``order`` lists all entities as they are delivered, ``copies`` the entities that come twice. A further row lies
    behind the entity's own row, or anywhere at all where ``anywhere`` says so; both have the length of ``copies``.
    """
    count = len(order)
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    least = np.where(anywhere, 0, place[copies] + 1)
    before = least + np.floor(generator.random(len(copies)) * (count + 1 - least)).astype(np.int64)
    by_place = np.argsort(before, kind="stable")
    source = np.insert(order, before[by_place], copies[by_place])
    extra = np.insert(np.zeros(count, dtype=bool), before[by_place], np.ones(len(copies), dtype=bool))
    base = np.empty(count, dtype=np.int64)
    base[source[~extra]] = np.flatnonzero(~extra)
    added = np.empty(len(copies), dtype=np.int64)
    added[by_place] = np.flatnonzero(extra)
    return Layout(source, extra, base, added)
