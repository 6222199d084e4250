"""What the dates with slashes of an object tell of their order: whether days come first in a column of it.

Dates with slashes are read month first. A day above 12 in the first place proves that a column is written otherwise;
then its other dates with slashes would be read as wrong ones, and the proof may come long after them.
"""

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from concert_assets.catalog.model import Table
from concert_assets.glue_jobs.reading import text_of

_WITH_SLASHES = "^(?P<date>[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})(?:[^0-9]|$)"
_MONTHS = 12
_DAYS = 31

_Place = tuple[str, str]  # object id, and table and column


@dataclass
class SlashDates:
    """The dates with slashes that were seen, by object and column: one that tells the order, one that has two readings.

    Of several the least as text, so that the order in which rows come makes no difference.
    """

    _day_first: dict[_Place, str] = field(default_factory=dict)
    _either: dict[_Place, str] = field(default_factory=dict)

    def add(self, table: Table, rows: pa.Table) -> None:
        """See rows of the full statement; the other statements take no date with slashes."""
        for column in table.columns:
            if column.type not in ("date", "timestamp"):
                continue
            dates = pc.struct_field(pc.extract_regex(rows[text_of(column)], _WITH_SLASHES), "date")
            seen = pa.table({"object": rows["_object_id"], "date": dates}).filter(pc.is_valid(dates))
            for found in seen.group_by(["object", "date"]).aggregate([]).to_pylist():
                self._see((found["object"], f"{table.name}.{column.name}"), found["date"])

    def _see(self, place: _Place, date: str) -> None:
        first, second = (int(part) for part in date.split("/")[:2])
        if _MONTHS < first <= _DAYS and 1 <= second <= _MONTHS:
            self._day_first[place] = min(date, self._day_first.get(place, date))
        elif 1 <= first <= _MONTHS and 1 <= second <= _MONTHS and first != second:
            self._either[place] = min(date, self._either.get(place, date))

    def refusals(self) -> dict[str, str]:
        """Why objects are refused as wholes, by object id: a column of theirs holds dates of both kinds."""
        reasons: dict[str, str] = {}
        for place in sorted(self._day_first.keys() & self._either.keys()):
            object_id, column = place
            reasons.setdefault(
                object_id,
                f"{column}: dates such as {self._day_first[place]} tell that days come first, but "
                f"{self._either[place]} would be read month first: write dates as 2024-04-03",
            )
        return reasons
