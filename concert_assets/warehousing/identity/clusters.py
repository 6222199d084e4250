"""Puts matching rows together: greedily from the surest pair on, and only where every two of a cluster match."""

from collections.abc import Callable, Iterable, Sequence

from concert_assets.warehousing.identity.evidence import Comparison

Pair = tuple[int, int]


class Clusters:
    """Rows, numbered in the order in which they were delivered, as groups that are merged step by step.

    A group is what a user's word holds together; a cluster is made of groups of which every two match (complete
    linkage), so that none grows by a chain of likenesses.
    """

    def __init__(
        self, count: int, compare: Callable[[int, int], Comparison | None], is_forbidden: Callable[[int, int], bool]
    ) -> None:
        """``compare`` weighs two rows; ``is_forbidden`` tells that a user's word keeps them apart."""
        self._compare = compare
        self._is_forbidden = is_forbidden
        self._group = list(range(count))
        self._cluster = list(range(count))
        self._rows_of_group: dict[int, list[int]] = {}
        self._groups_of_cluster: dict[int, list[int]] = {}

    def force(self, pair: Pair) -> bool:
        """Hold two rows together, before anything is merged; False where their groups are kept apart."""
        left, right = sorted(self._group[row] for row in pair)
        if left == right:
            return True
        ours, theirs = self._rows(left), self._rows(right)
        if any(self._is_forbidden(one, other) for one in ours for other in theirs):
            return False
        for row in theirs:
            self._group[row] = self._cluster[row] = left
        self._rows_of_group[left] = sorted(ours + theirs)
        self._rows_of_group.pop(right, None)
        return True

    def merge(self, pairs: Iterable[Pair]) -> None:
        """Merge what matches among the pairs, the surest first; of equally sure ones the earliest delivered."""
        matches: dict[Pair, int] = {}
        for pair in pairs:
            if pair not in matches:
                found = self._compare(*pair)
                if found is not None and found.is_match:
                    matches[pair] = found.bits
        for left, right in sorted(matches, key=lambda pair: (-matches[pair], pair)):
            self._merge(*sorted((self._cluster[left], self._cluster[right])))

    def _merge(self, left: int, right: int) -> None:
        if left == right:
            return
        ours, theirs = self._groups(left), self._groups(right)
        if not all(self._are_one(one, other) for one in ours for other in theirs):
            return
        for group in theirs:
            for row in self._rows(group):
                self._cluster[row] = left
        self._groups_of_cluster[left] = ours + theirs
        self._groups_of_cluster.pop(right, None)

    def _are_one(self, left: int, right: int) -> bool:
        """Whether any rows of two groups match and no two are kept apart."""
        across = [(one, other) for one in self._rows(left) for other in self._rows(right)]
        if any(self._is_forbidden(one, other) for one, other in across):
            return False
        found = (self._compare(*pair) for pair in across)
        return any(item is not None and item.is_match for item in found)

    def _rows(self, group: int) -> list[int]:
        return self._rows_of_group.get(group, [group])

    def _groups(self, cluster: int) -> list[int]:
        return self._groups_of_cluster.get(cluster, [cluster])

    def merged(self) -> list[tuple[int, int, Comparison | None]]:
        """Each row that gives way, the first row of its cluster, and why; None where a user said so.

        Where the two do not match themselves, it is the surest match between the groups that they belong to.
        """
        found: list[tuple[int, int, Comparison | None]] = []
        first: dict[int, int] = {}
        for row, cluster in enumerate(self._cluster):
            winner = first.setdefault(cluster, row)
            if winner == row:
                continue
            reason = None
            if self._group[row] != self._group[winner]:
                direct = self._compare(winner, row)
                across = [
                    (one, other) for one in self._rows(self._group[winner]) for other in self._rows(self._group[row])
                ]
                known = [item for pair in across if (item := self._compare(*pair)) is not None]
                reason = direct if direct is not None and direct.is_match else max(known, key=lambda item: item.bits)
            found.append((row, winner, reason))
        return found


def order_of(positions: Sequence[tuple[int, int, str]]) -> list[int]:
    """The places of rows in the order in which they were delivered: by sequence, row number and id."""
    return sorted(range(len(positions)), key=positions.__getitem__)
