"""Puts matching rows together: greedily from the surest pair on, and only where every two of a cluster match."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations, groupby, product

from concert_assets.warehousing.identity.aliases import Side, are_apart
from concert_assets.warehousing.identity.evidence import Comparison

Pair = tuple[int, int]


class Clusters:
    """Rows, numbered in the order in which they were delivered, as groups that are merged step by step.

    A group is what a user's word holds together; a cluster is made of groups of which every two match (complete
    linkage), so that none grows by a chain of likenesses.
    """

    def __init__(
        self, count: int, compare: Callable[[int, int], Comparison | None], sides: Mapping[int, frozenset[Side]]
    ) -> None:
        """``compare`` weighs two rows; ``sides`` says of some what a user's word keeps apart."""
        self._compare = compare
        self._group = list(range(count))
        self._cluster = list(range(count))
        self._rows_of_group: dict[int, list[int]] = {}
        self._groups_of_cluster: dict[int, list[int]] = {}
        self._sides: dict[int, set[Side]] = {row: set(of_row) for row, of_row in sides.items()}  # by cluster
        self._matches: dict[Pair, int] = {}
        # By cluster those with which it does not merge, both ways. Clusters only grow: what is refused stays so.
        self._refused: defaultdict[int, set[int]] = defaultdict(set)

    def force(self, pair: Pair) -> bool:
        """Hold two rows together, before anything is merged; False where their groups are kept apart."""
        kept, moved = sorted((self._group[row] for row in pair), key=lambda group: -len(self._rows(group)))
        if kept == moved:
            return True
        if self._are_apart(kept, moved):
            return False
        for row in self._rows(moved):  # the smaller group moves: a row moves only where its group doubles
            self._group[row] = self._cluster[row] = kept
        self._rows_of_group.setdefault(kept, [kept]).extend(self._rows_of_group.pop(moved, [moved]))
        self._add_sides(kept, moved)
        return True

    def join(self, pair: Pair) -> bool:
        """Merge the clusters of two rows where all of them match; whether they are one now."""
        left, right = (self._cluster[row] for row in pair)
        return self._merge(left, right)

    def merge(self, pairs: Iterable[Pair]) -> None:
        """Merge what matches among the pairs, the surest first; of equally sure ones the earliest delivered.

        A cluster that is as likely one as another of two that exclude each other is merged with none.
        """
        for pair in pairs:
            if pair not in self._matches:
                found = self._compare(*pair)
                if found is not None and found.is_match:
                    self._matches[pair] = found.bits
        torn: set[int] = set()
        ranked = sorted(self._matches, key=lambda pair: (-self._matches[pair], pair))
        for _, equal in groupby(ranked, key=self._matches.__getitem__):
            tier = list(equal)
            torn.update(self._torn(tier))
            for pair in tier:
                if torn.isdisjoint(self._cluster[row] for row in pair):
                    self.join(pair)

    def _torn(self, pairs: Iterable[Pair]) -> list[int]:
        """The clusters that equally sure pairs lead to two others which exclude each other."""
        others: defaultdict[int, set[int]] = defaultdict(set)
        for pair in pairs:
            left, right = (self._cluster[row] for row in pair)
            if left != right:
                others[left].add(right)
                others[right].add(left)
        known: dict[Pair, bool] = {}

        def exclude(pair: Pair) -> bool:
            if pair not in known:
                known[pair] = self._exclude(*pair)
            return known[pair]

        return [cluster for cluster, of in others.items() if any(map(exclude, combinations(sorted(of), 2)))]

    def _exclude(self, left: int, right: int) -> bool:
        """Whether two clusters cannot be one: by a user's word, by their names or by contrary evidence."""
        if self._are_apart(left, right):
            return True
        found = (self._compare(*pair) for pair in product(self._members(left), self._members(right)))
        return any(item is None or (item.is_contradicted and not item.is_match) for item in found)

    def _merge(self, one: int, other: int) -> bool:
        if one == other:
            return True
        if other in self._refused[one]:
            return False
        ours, theirs = self._groups(one), self._groups(other)
        if self._are_apart(one, other) or not all(self._are_one(*groups) for groups in product(ours, theirs)):
            self._refused[one].add(other)
            self._refused[other].add(one)
            return False
        kept, moved = (one, other) if len(ours) >= len(theirs) else (other, one)
        for row in self._members(moved):
            self._cluster[row] = kept
        self._groups_of_cluster.setdefault(kept, [kept]).extend(self._groups_of_cluster.pop(moved, [moved]))
        self._add_sides(kept, moved)
        for third in self._refused.pop(moved, ()):
            self._refused[third].remove(moved)
            self._refused[third].add(kept)
            self._refused[kept].add(third)
        return True

    def _are_one(self, left: int, right: int) -> bool:
        """Whether any rows of two groups match."""
        across = [(min(pair), max(pair)) for pair in product(self._rows(left), self._rows(right))]
        if any(pair in self._matches for pair in across):
            return True
        found = (self._compare(*pair) for pair in across)
        return any(item is not None and item.is_match for item in found)

    def _are_apart(self, left: int, right: int) -> bool:
        return are_apart(self._sides.get(left, ()), self._sides.get(right, ()))

    def _add_sides(self, kept: int, moved: int) -> None:
        sides = self._sides.pop(moved, None)
        if sides:
            self._sides.setdefault(kept, set()).update(sides)

    def _rows(self, group: int) -> list[int]:
        return self._rows_of_group.get(group, [group])

    def _groups(self, cluster: int) -> list[int]:
        return self._groups_of_cluster.get(cluster, [cluster])

    def _members(self, cluster: int) -> list[int]:
        return [row for group in self._groups(cluster) for row in self._rows(group)]

    def merged(self) -> list[tuple[int, int, Comparison | None]]:
        """Each row that gives way, the first row of its cluster, and why; None where a user said so.

        Where the two do not match themselves, it is the surest match between the groups that they belong to.
        """
        found: list[tuple[int, int, Comparison | None]] = []
        first: dict[int, int] = {}
        surest: dict[int, Comparison] = {}  # by group, with that of the first row
        for row, cluster in enumerate(self._cluster):
            winner = first.setdefault(cluster, row)
            if winner == row:
                continue
            reason = None
            group = self._group[row]
            if group != self._group[winner]:
                reason = self._compare(winner, row)
                if reason is None or not reason.is_match:
                    if group not in surest:
                        surest[group] = self._surest(self._group[winner], group)
                    reason = surest[group]
            found.append((row, winner, reason))
        return found

    def _surest(self, left: int, right: int) -> Comparison:
        across = product(sorted(self._rows(left)), sorted(self._rows(right)))
        known = (item for pair in across if (item := self._compare(*pair)) is not None)
        return max(known, key=lambda item: item.bits)
