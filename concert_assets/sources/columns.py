"""Which delivered column is which canonical one: by name or declared alias, whatever the case and surrounding space."""

from collections.abc import Iterable
from dataclasses import dataclass

from concert_assets.catalog import canonical
from concert_assets.catalog.model import Table
from concert_assets.sources.model import PRICE_MAP, UnreadableObject


@dataclass(frozen=True, slots=True)
class Matched:
    """Delivered names matched: ``chosen`` maps canonical to delivered; ``unknown`` are of no use, ``twice`` equal.

    Names that begin with an underscore are neither: they tell of the row, as those do that the export of rejected rows
    adds (``_rule``, ``_reason``), and are passed over.
    """

    chosen: dict[str, str]
    unknown: tuple[str, ...]
    twice: tuple[str, ...]


def normalised(name: str) -> str:
    """The form in which names are compared."""
    return name.strip().casefold()


class Columns:
    """The names by which one table's columns may be delivered.

    A canonical name goes before its aliases and these in their declared order: where both ``sale_id`` and ``id`` are
    delivered, ``id`` is an unknown column. A dotted alias, ``location.city``, names a field of a nested object, or a
    flat column spelled with the dot.
    """

    def __init__(self, table: Table) -> None:
        """Gather the names from the catalog; a concert may also bring its price map."""
        self.table = table
        self.canonical = table.column_names + ((PRICE_MAP,) if table is canonical.CONCERTS else ())
        self.numbers = {c.name for c in table.columns if c.type == "integer" or c.type.startswith("decimal")}
        self._spellings: dict[str, tuple[str, ...]] = {name: (name,) for name in self.canonical}
        self._spellings |= {column.name: (column.name, *column.aliases) for column in table.columns}
        aliases = [alias for column in table.columns for alias in column.aliases]
        lists = {column.name for column in table.columns if column.is_list}
        self._lists = {spelling for name in lists for spelling in self._spellings[name]}
        self._singles = {spelling for spellings in self._spellings.values() for spelling in spellings} - self._lists
        self.parents = frozenset(alias.split(".")[0] for alias in aliases if "." in alias)

    def match(self, delivered: Iterable[str]) -> Matched:
        """Match delivered names, in their order; names that differ only in case or space count as given twice."""
        by_form: dict[str, str] = {}
        twice = []
        names = list(delivered)
        for name in names:
            form = normalised(name)
            if form and form in by_form and not form.startswith("_"):
                twice.append(name)
            by_form.setdefault(form, name)
        chosen = {}
        for column, spellings in self._spellings.items():
            found = next((by_form[spelling] for spelling in spellings if spelling in by_form), None)
            if found is not None:
                chosen[column] = found
        used = set(chosen.values())
        unknown = tuple(name for name in names if name not in used and not normalised(name).startswith("_"))
        return Matched(chosen, unknown, tuple(twice))

    def is_parent(self, name: str) -> bool:
        """Whether a nested object of that name may hold canonical columns."""
        return normalised(name) in self.parents

    def is_list(self, name: str) -> bool:
        """Whether a column delivered under that name is a list."""
        return normalised(name) in self._lists

    def is_single(self, name: str) -> bool:
        """Whether a column delivered under that name is known and no list."""
        return normalised(name) in self._singles

    def require(self, present: Iterable[str], delivered: Iterable[str]) -> None:
        """Raise UnreadableObject unless every required canonical column is among ``present``."""
        held = set(present)
        missing = [column.name for column in self.table.columns if column.required and column.name not in held]
        if not missing:
            return
        listed = ", ".join(name.strip() or "(unnamed)" for name in delivered)
        what = f"column {missing[0]} is" if len(missing) == 1 else f"columns {', '.join(missing)} are"
        raise UnreadableObject(f"{self.table.name}: required {what} missing; columns are {listed[:1_000]}")
