"""What users say of identities: which artists or venues are the same, which are not, by id or by name."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from concert_assets.warehousing.identity.names import Name
from concert_assets.warehousing.identity.places import read_city

ReadName = Callable[[str], Name | None]
Side = tuple[int, int]  # the number of an alias for different, and which of its two sides


@dataclass(frozen=True, slots=True)
class Alias:
    """One row of the alias table. ``city`` is empty where it holds in every city."""

    reference: str
    other_reference: str
    verdict: Literal["same", "different"]
    city: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """The rows that aliases may speak of. ``cities`` holds the folded city of each, None where there are no cities."""

    ids: Sequence[str]
    names: Sequence[Name | None]
    cities: Sequence[str] | None
    read_name: ReadName


@dataclass(frozen=True, slots=True)
class Declared:
    """What aliases say of rows: groups that are one, by alias, and on which side of which alias a row is kept apart."""

    same: tuple[tuple[int, tuple[int, ...]], ...]
    sides: Mapping[int, frozenset[Side]]
    idle: tuple[int, ...]


def are_apart(ours: Collection[Side], theirs: Collection[Side]) -> bool:
    """Whether what lies on these sides is declared different; said of one and the same, whether two such rows are."""
    fewer, more = (ours, theirs) if len(ours) <= len(theirs) else (theirs, ours)
    return any((alias, 1 - side) in more for alias, side in fewer)


def declare(aliases: Sequence[Alias], known: Known) -> Declared:
    """What the aliases say of the rows; ``idle`` are those that name nothing known.

    An id names its row; any other reference names all rows whose name is the same when folded. Names hold within a
    city each; two ids hold wherever their rows lie.
    """
    found = _Found(known, {ref for alias in aliases for ref in (alias.reference, alias.other_reference)})
    same: list[tuple[int, tuple[int, ...]]] = []
    sides: dict[int, set[Side]] = defaultdict(set)
    idle = []
    for number, alias in enumerate(aliases):
        left, right = found.rows(alias.reference), found.rows(alias.other_reference)
        are_ids = found.is_id(alias.reference) and found.is_id(alias.other_reference)
        is_idle = True
        for one, other in [(left, right)] if are_ids else found.by_city(left, right, alias.city):
            is_idle = False
            if alias.verdict == "same":
                same.append((number, tuple(sorted({*one, *other}))))
                continue
            for side, rows in enumerate((one, other)):
                for row in rows:
                    sides[row].add((number, side))
        if is_idle:
            idle.append(number)
    return Declared(tuple(same), {row: frozenset(of_row) for row, of_row in sides.items()}, tuple(idle))


class _Found:
    """The rows that each reference names."""

    def __init__(self, known: Known, references: Iterable[str]) -> None:
        self._known = known
        ids = {identity: row for row, identity in enumerate(known.ids)}
        self._ids = {reference: [ids[reference]] for reference in references if reference in ids}
        self._keys: dict[str, tuple[str, ...]] = {}
        for reference in references:
            name = known.read_name(reference)
            self._keys[reference] = name.keys if name is not None else ()
        self._by_key: dict[str, set[int]] = {key: set() for keys in self._keys.values() for key in keys}
        for row, name in enumerate(known.names) if self._by_key else ():
            for key in name.keys if name is not None else ():
                if key in self._by_key:
                    self._by_key[key].add(row)

    def is_id(self, reference: str) -> bool:
        """Whether the reference is the id of a row."""
        return reference in self._ids

    def rows(self, reference: str) -> list[int]:
        """The rows that a reference names."""
        if reference in self._ids:
            return self._ids[reference]
        return sorted({row for key in self._keys[reference] for row in self._by_key[key]})

    def by_city(self, left: list[int], right: list[int], city: str) -> list[tuple[list[int], list[int]]]:
        """The rows of both sides city by city, without those of which no city is known; as they are without cities."""
        cities = self._known.cities
        if cities is None:
            return [(left, right)] if left and right else []
        wanted = read_city(city)
        parts: dict[str, tuple[list[int], list[int]]] = {}
        for side, rows in enumerate((left, right)):
            for row in rows:
                if cities[row] and wanted in ("", cities[row]):
                    parts.setdefault(cities[row], ([], []))[side].append(row)
        return [part for _, part in sorted(parts.items()) if part[0] and part[1]]
