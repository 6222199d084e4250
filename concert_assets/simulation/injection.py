"""Injecting defects into the small tables (artists, venues, concerts and the prices inside concerts)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from concert_assets.simulation import defects
from concert_assets.simulation.calendar import DAY
from concert_assets.simulation.concert_rows import PRICES, Entries, price_map
from concert_assets.simulation.concerts import Concerts
from concert_assets.simulation.defects import UNKNOWN_WORDS, UNREADABLE_INSTANTS, UNREADABLE_NUMBERS, DefectKind, Flags
from concert_assets.simulation.exact import Ints
from concert_assets.simulation.text import Columns, date_texts, timestamp_texts
from concert_assets.simulation.truth import Ledger

Changes = dict[str, str | None]
# How a kind changes one row: (entity, a random number) to the columns that change.
Editor = Callable[[int, int], Changes]


@dataclass(frozen=True)
class Delivered:
    """A small table as delivered: its text, where each entity's own row lies, and which entities are not published.

    ``row_number`` (from 1) and ``lost`` have one element an entity; ``plan`` is what was injected.
    """

    object_key: str
    columns: Columns
    row_number: Ints
    lost: Flags
    plan: defects.Plan
    layout: defects.Layout

    def cause(self, entity: int) -> str:
        """The entity's own row, as the truth names the cause of a cascade."""
        return f"{self.object_key}:{int(self.row_number[entity])}"


@dataclass(frozen=True)
class Parents:
    """The rows that each row of a table refers to: the delivered parent table and the parent's entity, by column."""

    column: str
    table: Delivered
    entity: Ints


def deliver(
    table: str,
    object_key: str,
    columns: Columns,
    count: int,
    rate: float,
    editors: dict[str, Editor],
    parents: tuple[Parents, ...],
    generator: np.random.Generator,
    ledger: Ledger,
) -> Delivered:
    """Inject defects into ``rate`` of the first ``count`` rows of a table, note them and their effects in the truth.

    The rows after the first ``count`` are near-duplicates: they are mixed in and stay sound.
    """
    rows = len(next(iter(columns.values())))
    pending = np.zeros(rows, dtype=bool)
    for parent in parents:
        pending |= parent.table.lost[parent.entity]
    plan = defects.plan(table, count, round(rate * count), pending[:count], generator)
    adds = np.array([kind.adds_row for kind in plan.kinds], dtype=bool)
    older = np.array([kind.outcome == "superseded" for kind in plan.kinds], dtype=bool)
    # near-duplicates are strewn among the others
    order = np.insert(np.arange(count), np.sort(generator.integers(0, count + 1, rows - count)), np.arange(count, rows))
    layout = defects.lay_out(order, plan.rows[adds], older[adds], generator)
    source = layout.source.tolist()
    edited: Columns = {name: [values[entity] for entity in source] for name, values in columns.items()}
    lost = pending.copy()
    draws = generator.integers(0, 2**31, len(plan.rows)).tolist()
    added = iter(layout.added.tolist())
    told: set[int] = set()
    for entity, kind, draw in zip(plan.rows.tolist(), plan.kinds, draws, strict=True):
        own = int(layout.base[entity])
        extra = next(added) if kind.adds_row else own
        # of two equal rows the later wins, of two versions the newer wherever it lies
        loser = own if kind.outcome == "duplicate" else extra
        if kind.outcome != "duplicate":
            for name, value in editors[kind.name](entity, draw).items():
                edited[name][extra] = value
        if not kind.adds_row:
            lost[entity] = True
            told.add(entity)
        ledger.note(object_key, table, loser + 1, kind)
    for entity in np.flatnonzero(pending).tolist():
        if entity not in told:
            first = next(parent for parent in parents if parent.table.lost[parent.entity[entity]])
            ledger.cascade(
                object_key,
                table,
                int(layout.base[entity]) + 1,
                "pending",
                f"{first.column}_exists",
                first.table.cause(int(first.entity[entity])),
            )
    return Delivered(object_key, edited, layout.base + 1, lost, plan, layout)


def deliver_prices(
    delivered: Delivered, entries: list[Entries], rate: float, generator: np.random.Generator,
    ledger: Ledger,
) -> int:  # fmt: skip
    """Inject defects into the prices inside the delivered concerts and note what becomes of each; the number of prices.

    Faults are put on sound concerts that are delivered once, one to a concert.
    """
    sound = ~delivered.lost
    sound[delivered.plan.rows] = False
    candidates = np.flatnonzero(sound)
    total = sum(len(known) for known in entries)
    wanted = min(round(rate * total), len(candidates))
    chosen = defects.plan("ticket_prices", len(candidates), wanted, np.zeros(len(candidates), dtype=bool), generator)
    draws = generator.integers(0, 2**31, wanted).tolist()
    faults: dict[int, tuple[int, DefectKind]] = {}
    for place, kind, draw in zip(chosen.rows.tolist(), chosen.kinds, draws, strict=True):
        entity = int(candidates[place])
        changed = list(entries[entity])
        at = draw % len(changed)
        changed[at] = _faulty_price(kind.name, changed[at], draw // 7)
        delivered.columns[PRICES][int(delivered.layout.base[entity])] = price_map(changed)
        faults[entity] = (at, kind)

    kind_of = dict(zip(delivered.plan.rows.tolist(), delivered.plan.kinds, strict=True))
    number = 0
    for row, (entity, extra) in enumerate(
        zip(delivered.layout.source.tolist(), delivered.layout.extra.tolist(), strict=True)
    ):
        own_kind = kind_of.get(entity)
        for at in range(len(entries[entity])):
            number += 1
            fate = _price_fate(own_kind, extra, bool(delivered.lost[entity]))
            if fate:
                cause = f"{delivered.object_key}:{row + 1}"
                ledger.cascade(delivered.object_key, "ticket_prices", number, *fate, cause)
            elif entity in faults and faults[entity][0] == at:
                ledger.note(delivered.object_key, "ticket_prices", number, faults[entity][1])
    return number


def _price_fate(kind: DefectKind | None, extra: bool, lost: bool) -> tuple[defects.Outcome, str] | None:
    """What becomes of the prices in a concert's row because of that row."""
    if kind is not None and kind.rule == "concert_id_required":
        return "rejected", "concert_id_required"
    if lost:
        return "pending", "concert_id_exists"
    # prices carry their concert's time of change: those of the losing row are the same prices once more
    if kind is not None and ((kind.outcome == "duplicate" and not extra) or (kind.outcome == "superseded" and extra)):
        return "duplicate", "concert_id_ticket_tier_unique"
    return None


def _faulty_price(rule: str, entry: tuple[str, str | None], draw: int) -> tuple[str, str | None]:
    tier, price = entry
    if rule == "ticket_tier_allowed":
        return _pick(UNKNOWN_WORDS["ticket_tier"], draw), price
    return tier, {
        "face_value_required": None,
        "face_value_readable": _pick(UNREADABLE_NUMBERS, draw),
        "face_value_range": _pick(("-15.00", "100000.01", "250000.00"), draw),
    }[rule]


def artist_editors(columns: Columns, updated: Ints) -> dict[str, Editor]:
    """How each kind of defect changes an artist's row."""

    def older(row: int, draw: int) -> Changes:
        score = float(columns["popularity_score"][row] or 0)
        return {"popularity_score": f"{score - 1 if score >= 1 else score + 1:.2f}", **_earlier(updated, row, draw)}

    return {
        "artist_id_required": lambda row, draw: {"artist_id": None},
        "name_required": lambda row, draw: {"name": None},
        "popularity_score_range": lambda row, draw: {
            "popularity_score": _pick(("-0.01", "-3.50", "100.01", "137.00"), draw)
        },
        "older_version": older,
    }


def venue_editors(capacity: Ints, updated: Ints) -> dict[str, Editor]:
    """How each kind of defect changes a venue's row."""
    return {
        "venue_id_required": lambda row, draw: {"venue_id": None},
        "name_required": lambda row, draw: {"name": None},
        "latitude_range": lambda row, draw: {"latitude": _pick(("123.45000", "-97.00000", "90.00001"), draw)},
        "longitude_range": lambda row, draw: {"longitude": _pick(("-212.50000", "361.00000", "180.00001"), draw)},
        "capacity_range": lambda row, draw: {"capacity": _pick(("0", "-250", "1000001"), draw)},
        "older_version": lambda row, draw: {"capacity": str(int(capacity[row]) + 10), **_earlier(updated, row, draw)},
    }


def concert_editors(concerts: Concerts, capacity: Ints, revenue_cents: Ints, ids: dict[str, int]) -> dict[str, Editor]:
    """How each kind of defect changes a concert's row; ``capacity`` by concert, ``ids`` how many ids are taken."""
    sold, start, revenue = concerts.sold, concerts.start, revenue_cents

    def older(row: int, draw: int) -> Changes:
        return {
            "status": "scheduled",
            "on_sale_date": date_texts(concerts.on_sale_day[row : row + 1] - 1)[0],
            "tickets_sold": str(int(sold[row]) // 2),
            "total_attendance": None,
            "revenue": f"{int(revenue[row]) // 200}.00",
            **_earlier(concerts.updated, row, draw),
        }

    def late_sale(row: int, draw: int) -> Changes:
        return {"on_sale_date": date_texts(start[row : row + 1] // DAY + 1 + draw % 20)[0]}

    return {
        "concert_id_required": lambda row, draw: {"concert_id": None},
        "artist_id_required": lambda row, draw: {"artist_id": None},
        "venue_id_required": lambda row, draw: {"venue_id": None},
        "event_date_required": lambda row, draw: {"event_date": None},
        "event_date_readable": lambda row, draw: {"event_date": _pick(UNREADABLE_INSTANTS, draw)},
        "status_required": lambda row, draw: {"status": None},
        "status_allowed": lambda row, draw: {"status": _pick(UNKNOWN_WORDS["status"], draw)},
        # without the attendance, which would be more than the tickets
        "tickets_sold_range": lambda row, draw: {"tickets_sold": str(-1 - draw % 50), "total_attendance": None},
        "total_attendance_range": lambda row, draw: {"total_attendance": str(-1 - draw % 50)},
        "revenue_range": lambda row, draw: {"revenue": f"-{1 + draw % 900}.50"},
        "attendance_within_tickets": lambda row, draw: {"total_attendance": str(int(sold[row]) + 1 + draw % 90)},
        "on_sale_before_show": late_sale,
        "tickets_within_capacity": lambda row, draw: {"tickets_sold": str(int(capacity[row]) + 1 + draw % 90)},
        "orphan_artist_id": lambda row, draw: {"artist_id": f"A{ids['artists'] + 1 + draw % 9999:07d}"},
        "orphan_venue_id": lambda row, draw: {"venue_id": f"V{ids['venues'] + 1 + draw % 9999:07d}"},
        "older_version": older,
    }


def _earlier(updated: Ints, row: int, draw: int) -> Changes:
    """A time of change one to thirty days before the row's own."""
    return {"updated_at": timestamp_texts(updated[row : row + 1] - DAY * (1 + draw % 30))[0]}


def _pick(values: tuple[str, ...], draw: int) -> str:
    return values[draw % len(values)]
