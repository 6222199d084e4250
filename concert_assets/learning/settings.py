"""What may be chosen about training, and the answers for what cannot be trained or is not allowed."""

import math
from dataclasses import asdict, dataclass
from typing import Any

# Raised with every change of features, models, splits or intervals: it is part of a model's version.
CODE_VERSION = "5"


class LearningSettingsError(ValueError):
    """A setting that cannot be. Its text is one line: the option, what came and what is allowed."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How a model is trained and judged.

    ``test_size`` is the share of rows, the last by time, on which a model is judged; ``calibration_size`` the share of
    the rows before them, again the last by time, on which its intervals are calibrated; ``minimum_rows`` the fewest
    rows to fit, to calibrate or to be judged on that count as enough: a fifth of it for the latter two.
    """

    test_size: float = 0.2
    calibration_size: float = 0.2
    minimum_rows: int = 50
    random_state: int = 42

    def __post_init__(self) -> None:
        """Raise LearningSettingsError for the first setting that cannot be."""
        for option, share in (("--test-size", self.test_size), ("calibration_size", self.calibration_size)):
            is_number = isinstance(share, int | float) and not isinstance(share, bool) and math.isfinite(share)
            if not (is_number and 0 < share < 1):
                raise LearningSettingsError(f"{option}: {share!r} is not allowed; it must be above 0 and below 1")
        if self.minimum_rows < 10:
            raise LearningSettingsError(f"minimum_rows: {self.minimum_rows!r} is not allowed; it must be 10 or more")

    @property
    def minimum_judging_rows(self) -> int:
        """The fewest rows on which intervals are calibrated or a model is judged."""
        return self.minimum_rows // 5

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NotTrainable:
    """Why there is no model: ``reason`` is one line fit for an asset's ``skipped_reason``."""

    model: str
    reason: str
