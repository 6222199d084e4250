"""Prediction intervals by conformal calibration on rows later than those that the models were fitted to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from concert_assets.learning.metrics import FloatArray

LEVELS = (50, 90)
POOLED = "all"
# What keeps the parts of a group's name apart: the group ``a|b`` lies within the group ``a``.
WITHIN = "|"
# Below this many residuals a group's own tails are too few to trust, and those of the group around it are used.
_MINIMUM_GROUP = 100

Texts = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Offsets of the bounds from the prediction, in the pipeline's own unit: group -> level -> (low, high)."""

    offsets: dict[str, dict[int, tuple[float, float]]]

    def bounds(self, predicted: FloatArray, groups: Texts, level: int) -> tuple[FloatArray, FloatArray]:
        """Low and high bounds of the ``level`` % interval, one a row, each on its own side of the prediction."""
        names, places = np.unique(groups.astype(str), return_inverse=True)
        pairs = np.array([self._of(name)[level] for name in names.tolist()], dtype=np.float64).reshape(len(names), 2)
        offset = pairs[places]
        return predicted + offset[:, 0], predicted + offset[:, 1]

    def _of(self, group: str) -> dict[int, tuple[float, float]]:
        """The offsets of the smallest group around this one that has any."""
        while group not in self.offsets:
            group = group.rpartition(WITHIN)[0] or POOLED
        return self.offsets[group]

    def to_dict(self) -> dict[str, Any]:
        """The offsets as plain values."""
        return {
            group: {str(level): list(pair) for level, pair in sorted(levels.items())}
            for group, levels in sorted(self.offsets.items())
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Calibration":
        """The inverse of ``to_dict``."""
        return cls(
            {
                group: {int(level): (float(pair[0]), float(pair[1])) for level, pair in levels.items()}
                for group, levels in plain.items()
            }
        )


def calibrate(residual: FloatArray, groups: Texts, is_limit: Flags | None = None) -> Calibration:
    """Calibrate on ``residual`` = actual - predicted in the pipeline's unit, one a row, of at least one row.

    Each tail takes half of the miss rate, with the finite-sample correction of conformal prediction: of n residuals
    the ceil((n + 1) * share)-th smallest (Lei et al., Distribution-Free Predictive Inference for Regression, 2018),
    the outermost where there are too few. All rows get the pooled offsets; groups of at least 100 rows, ``a|b`` and
    the ``a`` around it alike, get offsets of their own (Mondrian: Vovk et al., Algorithmic Learning, 2005). Where
    ``is_limit``, the actual value is the highest that a bound can be, so that no low bound misses it.
    """
    limits = np.zeros(len(residual), dtype=bool) if is_limit is None else is_limit
    low = np.where(limits, np.inf, residual)
    offsets = {POOLED: _offsets(low, residual)}
    depth = max(name.count(WITHIN) for name in groups.tolist()) + 1
    for parts in range(1, depth + 1):
        around = np.array([WITHIN.join(name.split(WITHIN)[:parts]) for name in groups.tolist()], dtype=object)
        for group in sorted(set(around.tolist()) - offsets.keys()):
            own = around == group
            if own.sum() >= _MINIMUM_GROUP:
                offsets[group] = _offsets(low[own], residual[own])
    return Calibration(offsets)


def _offsets(low: FloatArray, high: FloatArray) -> dict[int, tuple[float, float]]:
    """The offsets of every level from the residuals that count for the low bound and for the high one."""
    falling, rising = np.sort(low), np.sort(high)
    count = len(rising)
    found = {}
    for level in LEVELS:
        rank = min(int(np.ceil((count + 1) * (1 - (100 - level) / 200))), count)
        # A bound lies on its own side of the prediction.
        found[level] = (min(float(falling[count - rank]), 0.0), max(float(rising[rank - 1]), 0.0))
    return found
