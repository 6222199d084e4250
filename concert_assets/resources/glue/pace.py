"""How long Glue is waited for: deadlines, and waits that grow and never fall into step with those of others."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time after which nothing is waited for; ``setting`` is what a person would change."""

    seconds: float
    setting: str = ""
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        """Let the time begin."""
        object.__setattr__(self, "_at", time.monotonic() + self.seconds)

    @property
    def left(self) -> float:
        """Seconds until then, 0 afterwards."""
        return max(0.0, self._at - time.monotonic())

    def __str__(self) -> str:
        """How long it was, and by which setting."""
        return f"{self.seconds:.0f} s" + (f" ({self.setting})" if self.setting else "")

    def sleep(self, seconds: float) -> None:
        """Sleep so long, but not beyond the deadline."""
        time.sleep(min(seconds, self.left))


def growing(first: float, most: float) -> Iterator[float]:
    """Waits in seconds without end: each up to half as long again as the one before, with up to half of it random."""
    wait = first
    while True:
        yield wait * random.uniform(0.5, 1.0)  # noqa: S311 - nobody is kept from guessing it
        wait = min(most, wait * 1.5)
