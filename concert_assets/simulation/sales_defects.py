"""Injecting defects into ticket sales, chunk by chunk, as they are written."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa

from concert_assets.simulation import defects, sales
from concert_assets.simulation.batches import SalesBatches, replaced
from concert_assets.simulation.calendar import DAY
from concert_assets.simulation.concerts import COMPLETED, Concerts
from concert_assets.simulation.defects import UNKNOWN_WORDS, UNREADABLE_INSTANTS, UNREADABLE_NUMBERS, DefectKind
from concert_assets.simulation.exact import Ints
from concert_assets.simulation.injection import Delivered
from concert_assets.simulation.market import PAYMENT_METHODS
from concert_assets.simulation.sales import REFUNDED, Sales
from concert_assets.simulation.truth import Ledger

_TABLE = "ticket_sales"
# What stands in for a kind where the show has not been played, so that nothing could be bought after it.
_INSTEAD = next(kind for kind in defects.KINDS[_TABLE] if kind.name == "total_price_arithmetic")


@dataclass
class SalesInjector:
    """Turns chunks of sales into batches that carry defects, and notes them and the sales of lost concerts.

    ``rate`` is the share of defective rows; over the whole delivery they are that share exactly, rounded down.
    """

    batches: SalesBatches
    concerts: Concerts
    delivered_concerts: Delivered
    concert_count: int
    now: int
    rate: float
    generator: np.random.Generator
    ledger: Ledger

    def __post_init__(self) -> None:
        """Spell the cause of every cascade once."""
        causes: list[str | None] = [None] * self.concert_count
        for concert in np.flatnonzero(self.delivered_concerts.lost).tolist():
            causes[concert] = self.delivered_concerts.cause(concert)
        self._causes = pa.array(causes, pa.string())

    def inject(self, chunk: Sales, object_key: str, rows_before: int) -> pa.RecordBatch:
        """One chunk as it is delivered to an object that already holds ``rows_before`` rows."""
        count = len(chunk)
        first = int(chunk.number[0])
        wanted = _up_to(self.rate, first + count) - _up_to(self.rate, first)
        lost = self.delivered_concerts.lost[chunk.concert]
        if not wanted:
            self._tell_lost(chunk, lost, object_key, rows_before)
            return self.batches.batch(chunk)
        plan = defects.plan(_TABLE, count, wanted, lost, self.generator)
        played = self.concerts.status[chunk.concert[plan.rows]] == COMPLETED
        played &= self.concerts.start[chunk.concert[plan.rows]] + 5 * DAY < self.now
        kinds = [
            _INSTEAD if kind.name == "purchase_before_show" and not was_played else kind
            for kind, was_played in zip(plan.kinds, played.tolist(), strict=True)
        ]
        adds = np.array([kind.adds_row for kind in kinds], dtype=bool)
        older = np.array([kind.outcome == "superseded" for kind in kinds], dtype=bool)
        layout = defects.lay_out(np.arange(count), plan.rows[adds], older[adds], self.generator)
        places = layout.base[plan.rows]
        places[adds] = np.where(older[adds], layout.added, places[adds])
        draws = self.generator.integers(0, 2**31, len(places))
        delivered = _with_times_changed(_taken(chunk, layout.source), places, kinds, draws, self.concerts)
        batch = self._with_texts_changed(delivered, places, kinds, draws.tolist())
        for place, kind in zip(places.tolist(), kinds, strict=True):
            self.ledger.note(object_key, _TABLE, rows_before + place + 1, kind)
        lost[plan.rows] = False
        self._tell_lost(delivered, lost[layout.source], object_key, rows_before)
        return batch

    def _tell_lost(self, delivered: Sales, lost: defects.Flags, object_key: str, rows_before: int) -> None:
        places = np.flatnonzero(lost)
        causes = self._causes.take(pa.array(delivered.concert[places]))
        self.ledger.cascades(object_key, _TABLE, places + rows_before + 1, "concert_id_exists", causes)

    def _with_texts_changed(
        self, delivered: Sales, places: Ints, kinds: list[DefectKind], draws: list[int]
    ) -> pa.RecordBatch:
        """The batch with the texts of defective rows replaced, a column at a time."""
        batch = self.batches.batch(delivered)
        changes: dict[str, tuple[list[int], list[str | None]]] = {}
        for place, kind, draw in zip(places.tolist(), kinds, draws, strict=True):
            for column, value in self._texts(
                kind, int(delivered.quantity[place]), int(delivered.unit_cents[place]), draw
            ):
                rows, values = changes.setdefault(column, ([], []))
                rows.append(place)
                values.append(value)
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        for column, (rows, values) in changes.items():
            columns[column] = replaced(columns[column], np.array(rows, dtype=np.int64), values)
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=batch.schema)

    def _texts(self, kind: DefectKind, quantity: int, cents: int, draw: int) -> list[tuple[str, str | None]]:
        """The columns that a kind changes as text, with their new values."""
        column, _, what = kind.rule.rpartition("_")
        if kind.outcome == "pending":
            return [("concert_id", f"C{self.concert_count + 1 + draw % 9999:08d}")]
        if what == "required":
            return [(column, None)]
        if what == "readable":
            texts = UNREADABLE_INSTANTS if column == "purchase_timestamp" else UNREADABLE_NUMBERS
            return [(column, texts[draw % len(texts)])]
        if what == "allowed":
            words = UNKNOWN_WORDS[column]
            return [(column, words[draw % len(words)])]
        if kind.rule == "quantity_range":
            many = 21 + draw % 30
            return [("quantity", str(many)), ("total_price", _money(many * cents))]
        if kind.rule == "unit_price_range":
            much = 10_000_001 + draw % 90_000_000
            return [("unit_price", _money(much)), ("total_price", _money(much * quantity))]
        if kind.rule == "total_price_arithmetic":
            return [("total_price", _money(quantity * cents + 1 + draw % 5_000))]
        return []


def _with_times_changed(
    delivered: Sales, places: Ints, kinds: list[DefectKind], draws: Ints, concerts: Concerts
) -> Sales:
    """The sales with what the kinds change in instants and states; ``delivered`` is not changed."""

    def of(rule: str) -> tuple[Ints, Ints]:
        chosen = np.array([kind.rule == rule for kind in kinds], dtype=bool)
        return places[chosen], draws[chosen]

    purchase, refunded = delivered.purchase.copy(), delivered.refunded.copy()
    updated, status, payment = delivered.updated.copy(), delivered.status.copy(), delivered.payment.copy()
    rows, draw = of("purchase_before_show")
    purchase[rows] = concerts.start[delivered.concert[rows]] + DAY + draw % (2 * DAY)
    updated[rows] = purchase[rows] + 60
    refunded[rows] = 0
    status[rows] = sales.COMPLETED
    rows, draw = of("refund_after_purchase")
    refunded[rows] = purchase[rows] - 1 - draw % (30 * DAY)
    status[rows] = REFUNDED
    # the order as it stood when it was placed, before it was settled or refunded
    rows, draw = of("newest_wins")
    updated[rows] = purchase[rows]
    refunded[rows] = 0
    status[rows] = sales.COMPLETED
    payment[rows] = (payment[rows] + 1 + draw % (len(PAYMENT_METHODS) - 1)) % len(PAYMENT_METHODS)
    return replace(delivered, purchase=purchase, refunded=refunded, updated=updated, status=status, payment=payment)


def _taken(chunk: Sales, rows: Ints) -> Sales:
    return Sales(*(getattr(chunk, field.name)[rows] for field in fields(chunk)))


def _up_to(rate: float, rows: int) -> int:
    """Defective rows among the first ``rows``; the rate is taken to a billionth, so that no float is compared."""
    return rows * round(rate * 1_000_000_000) // 1_000_000_000


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
