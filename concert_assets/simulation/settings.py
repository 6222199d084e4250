"""What the user may choose about the simulated world, and the one-line errors for choices that cannot be."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

RawFormat = Literal["jsonl", "csv", "parquet"]
RAW_FORMATS: tuple[RawFormat, ...] = ("jsonl", "csv", "parquet")
FULL: Literal["full"] = "full"

# Beyond these the fixed-width identifiers would overflow.
_MAX_ENTITIES = 10_000_000
_MAX_SALES = 900_000_000
_FIRST_DATE = date(1990, 1, 1)
_LAST_DATE = date(2100, 12, 31)


class SettingsError(ValueError):
    """A setting that cannot be. Its text is one line: the option, what came and what is allowed."""

    def __init__(self, option: str, came: object, allowed: str) -> None:
        """``option`` is written as on the command line, ``--defect-rate`` for example."""
        self.option = option
        self.came = came
        self.allowed = allowed
        super().__init__(f"{option}: {_one_line(came)} is not allowed; it must be {allowed}")


@dataclass(frozen=True)
class SimulationSettings:
    """The size and shape of a simulated world. The same settings give the same bytes.

    ``sales`` is a number of orders, or ``"full"`` for every order of every concert. ``as_of`` is the day on whose
    first instant (UTC) the delivery is made: the concerts of the five years before it have been played, those of the
    year after it are on sale. ``defect_rate`` is the share of the rows of each table that carry an injected defect.
    """

    artists: int = 1000
    venues: int = 500
    concerts: int = 10_000
    sales: int | Literal["full"] = 50_000
    seed: int = 42
    as_of: date = date(2026, 1, 1)
    defect_rate: float = 0.01
    raw_format: RawFormat = "jsonl"

    def validate(self) -> None:
        """Raise SettingsError for the first setting that cannot be."""
        for option in ("artists", "venues", "concerts"):
            _check_count(f"--{option}", getattr(self, option), 1, _MAX_ENTITIES)
        if self.sales != FULL:
            _check_count("--sales", self.sales, 0, _MAX_SALES, " or full")
        _check_count("--seed", self.seed, 0, 2**63 - 1)
        if not (type(self.as_of) is date and _FIRST_DATE <= self.as_of <= _LAST_DATE):
            raise SettingsError("--as-of", self.as_of, f"a date from {_FIRST_DATE} to {_LAST_DATE}")
        rate = self.defect_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise SettingsError("--defect-rate", rate, "a share from 0 to 1")
        if self.raw_format not in RAW_FORMATS:
            raise SettingsError("--raw-format", self.raw_format, f"one of {', '.join(RAW_FORMATS)}")


def parse_sales(text: str) -> int | Literal["full"]:
    """Read ``--sales`` as it is written on the command line; SettingsError where it is neither a count nor ``full``."""
    if text.strip().lower() == FULL:
        return FULL
    if not re.fullmatch(r"\d{1,18}", text.strip(), flags=re.ASCII):
        raise SettingsError("--sales", text, f"a whole number from 0 to {_MAX_SALES} or full")
    return int(text)


def parse_as_of(text: str) -> date:
    """Read ``--as-of`` as it is written on the command line; SettingsError where it is no calendar date."""
    problem = SettingsError("--as-of", text, f"a date as YYYY-MM-DD from {_FIRST_DATE} to {_LAST_DATE}")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text.strip(), flags=re.ASCII):
        raise problem
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise problem from None


def parse_raw_format(text: str) -> RawFormat:
    """Read ``--raw-format``; SettingsError for a format that cannot be written."""
    if text not in RAW_FORMATS:
        raise SettingsError("--raw-format", text, f"one of {', '.join(RAW_FORMATS)}")
    return text


def _check_count(option: str, value: object, least: int, most: int, besides: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SettingsError(option, value, f"a whole number from {least} to {most}{besides}")


def _one_line(value: object) -> str:
    return " ".join(str(value).split()) or "nothing"
