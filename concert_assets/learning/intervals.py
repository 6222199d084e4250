"""Prediction intervals by split-conformal calibration on rows later than those the model was fitted to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from concert_assets.learning.metrics import FloatArray

LEVELS = (50, 90)
POOLED = "all"
# Below this many residuals a group's own tails are too few to trust, and the pooled ones are used.
_MINIMUM_GROUP = 100

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Offsets of the bounds from the prediction, in units of the row's scale: group -> level -> (low, high)."""

    offsets: dict[str, dict[int, tuple[float, float]]]

    def bounds(
        self, predicted: FloatArray, scale: FloatArray, groups: Texts, level: int
    ) -> tuple[FloatArray, FloatArray]:
        """Low and high bounds of the ``level`` % interval, one a row, each on its own side of the prediction."""
        pairs = [self.offsets.get(group, self.offsets[POOLED])[level] for group in groups]
        offset = np.array(pairs, dtype=np.float64).reshape(len(groups), 2)
        return predicted + np.minimum(offset[:, 0], 0) * scale, predicted + np.maximum(offset[:, 1], 0) * scale

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


def calibrate(residual: FloatArray, groups: Texts) -> Calibration:
    """Calibrate on ``residual`` = (actual - predicted) / scale, one a row, of at least one row.

    Each tail takes half of the miss rate, with the finite-sample correction of conformal prediction: of n residuals
    the ceil((n + 1) * share)-th smallest (Lei et al., Distribution-Free Predictive Inference for Regression, 2018),
    the outermost where there are too few. Groups of at least 100 rows get offsets of their own, all rows the pooled.
    """
    offsets = {POOLED: _offsets(residual)}
    for group in sorted(set(groups.tolist())):
        own = residual[groups == group]
        if len(own) >= _MINIMUM_GROUP:
            offsets[group] = _offsets(own)
    return Calibration(offsets)


def _offsets(residual: FloatArray) -> dict[int, tuple[float, float]]:
    ordered = np.sort(residual)
    count = len(ordered)
    found = {}
    for level in LEVELS:
        rank = min(int(np.ceil((count + 1) * (1 - (100 - level) / 200))), count)
        found[level] = (float(ordered[count - rank]), float(ordered[rank - 1]))
    return found
