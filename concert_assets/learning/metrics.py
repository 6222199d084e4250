"""How far predictions lie from what came true."""

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Metrics:
    """Mean absolute error and root mean squared error in the target's unit, and R²; R² is null where none exists."""

    mae: float
    rmse: float
    r2: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The figures as plain values."""
        return asdict(self)


def regression_metrics(actual: FloatArray, predicted: FloatArray) -> Metrics:
    """The metrics of predictions of at least one row. R² is 1 - residual / total sum of squares about the mean."""
    error = predicted - actual
    squared = float((error**2).sum())
    total = float(((actual - actual.mean()) ** 2).sum())
    return Metrics(
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        r2=1 - squared / total if total > 0 else None,
    )


def coverage(actual: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """The share, 0 to 1, of the rows whose actual value lies within its interval, bounds included."""
    return float(((actual >= low) & (actual <= high)).mean())
