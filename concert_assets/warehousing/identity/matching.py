"""Finds which rows are one: profiles in the order of delivery go in, the rows that give way come out."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from concert_assets.warehousing.identity.aliases import Alias, Known, Side, are_apart, declare
from concert_assets.warehousing.identity.blocks import pairs
from concert_assets.warehousing.identity.clusters import Clusters
from concert_assets.warehousing.identity.evidence import Comparison

P = TypeVar("P", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Merge:
    """A row that gives way to the canonical one, by position; ``score`` is from 0 to 100."""

    row: int
    canonical: int
    score: float
    method: Literal["evidence", "alias"]
    evidence: str


@dataclass(frozen=True, slots=True)
class Matched:
    """The rows that give way, and the positions of the aliases that have no effect."""

    merges: tuple[Merge, ...]
    idle: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kind(Generic[P]):
    """How entities of one kind are compared, and the keys of which two that match share one."""

    compare: Callable[[P, P], Comparison | None]
    keys: Callable[[P], Iterator[Hashable]]


def match(kind: Kind[P], profiles: Sequence[P | None], known: Known, aliases: Sequence[Alias]) -> Matched:
    """Which rows are one with an earlier one.

    ``profiles`` lie in the order of delivery, which decides who is canonical and nothing else; None is a row that
    names nobody and is merged by an alias alone. Of two aliases that contradict each other the one for different wins;
    else an earlier one of ``aliases`` goes before a later one.
    """
    declared = declare(aliases, known)
    units, unit_of = _units(kind, profiles, declared.sides)

    def compare(left: int, right: int) -> Comparison | None:
        one, other = profiles[units[left][0]], profiles[units[right][0]]
        return None if one is None or other is None else kind.compare(one, other)

    sides = {unit: declared.sides[rows[0]] for unit, rows in enumerate(units) if rows[0] in declared.sides}
    clusters = Clusters(len(units), compare, sides)
    overruled = [
        alias
        for alias, (first, *others) in declared.same
        if sum(clusters.force((unit_of[first], unit_of[other])) for other in others) < len(others)
    ]
    firsts = [profiles[rows[0]] for rows in units]
    for pair in _alike(firsts, sides):
        clusters.join(pair)
    clusters.merge(pairs(kind.keys(profile) if profile is not None else () for profile in firsts))

    merges = [
        Merge(row, units[unit][0], found.score, "evidence", "; ".join(found.reasons))
        for unit, rows in enumerate(units)
        for row in rows[1:]
        if (found := compare(unit, unit)) is not None
    ]
    canonical = {merge.row: merge for merge in merges}
    for unit, winner, found in clusters.merged():
        score, method, text = (
            (100.0, "alias", "declared the same")
            if found is None
            else (found.score, "evidence", "; ".join(found.reasons))
        )
        for row in units[unit]:
            canonical[row] = Merge(row, units[winner][0], score, method, text)  # type: ignore[arg-type]
    return Matched(tuple(canonical[row] for row in sorted(canonical)), tuple(sorted({*declared.idle, *overruled})))


def _units(
    kind: Kind[P], profiles: Sequence[P | None], sides: Mapping[int, frozenset[Side]]
) -> tuple[list[list[int]], list[int]]:
    """Rows with the same profile together, so that an artist with a thousand ids costs no more than one.

    Apart are rows on different ``sides`` of aliases, and those that are declared different from their like or do not
    even match themselves.
    """
    units: list[list[int]] = []
    unit_of: list[int] = []
    by_profile: dict[tuple[P, Collection[Side]], int] = {}
    for row, profile in enumerate(profiles):
        unit = None
        of_row = sides.get(row, ())
        if profile is not None and not are_apart(of_row, of_row):
            unit = by_profile.setdefault((profile, of_row), len(units))
            if unit < len(units) and not _matches_itself(kind, profile):
                unit = None
        if unit is None or unit == len(units):
            unit = len(units)
            units.append([])
        units[unit].append(row)
        unit_of.append(unit)
    return units, unit_of


def _alike(profiles: Sequence[P | None], sides: Mapping[int, frozenset[Side]]) -> Iterator[tuple[int, int]]:
    """Pairs of units with the same profile, each with the first, of those that no alias keeps apart from any of them.

    They are one however many there are; comparing by keys passes over what many share.
    """
    alike: dict[P | None, list[int]] = {profiles[unit]: [] for unit in sorted(sides) if profiles[unit] is not None}
    for unit, profile in enumerate(profiles if alike else ()):
        if profile in alike:
            alike[profile].append(unit)
    for units in alike.values():
        every = {side for unit in units for side in sides.get(unit, ())}
        free = [unit for unit in units if not are_apart(sides.get(unit, ()), every)]
        yield from ((free[0], other) for other in free[1:])


def _matches_itself(kind: Kind[P], profile: P) -> bool:
    found = kind.compare(profile, profile)
    return found is not None and found.is_match
