"""Splits by time: what is judged lies after what is learned from, and nothing is shuffled."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Split:
    """Row masks of one split. ``boundary_day`` is the first cut-off of the later part; purged rows are in neither."""

    earlier: BoolArray
    later: BoolArray
    boundary_day: int

    @property
    def purged(self) -> int:
        """How many rows are in neither part: their targets were not known when the later part begins."""
        return int((~(self.earlier | self.later)).sum())


def split_by_time(cutoff_day: IntArray, target_end_day: IntArray, later_share: float) -> Split:
    """Split rows so that the last ``later_share`` of them by cut-off come later.

    Rows of one day stay together, so the later part may be larger. The earlier part keeps the rows whose target was
    complete before the later part begins: ``target_end_day``, the first day after the target's window, is not after
    the boundary. Days are whole numbers from any one origin; both arrays have one entry a row and at least one row.
    """
    ordered = np.sort(cutoff_day)
    boundary = int(ordered[min(int(len(ordered) * (1 - later_share)), len(ordered) - 1)])
    return Split(earlier=target_end_day <= boundary, later=cutoff_day >= boundary, boundary_day=boundary)
