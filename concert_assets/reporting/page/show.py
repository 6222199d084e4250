"""Numbers, instants and names as the page writes them: one form for each kind, an en dash for what is not known.

A number and its unit are held together by a space that does not break.
"""

from datetime import datetime
from typing import Any

MISSING = "–"
_ = "\N{NO-BREAK SPACE}"


def count(value: Any) -> str:
    """A whole number with thousands separated."""
    return MISSING if not _is_number(value) else f"{value:,.0f}"


def decimal(value: Any, digits: int = 2) -> str:
    """A number with thousands separated and that many decimals."""
    return MISSING if not _is_number(value) else f"{value:,.{digits}f}".replace("-", "−")


def share(value: Any, digits: int = 1) -> str:
    """A share in 0-1 as per cent; what is small but there never shows as zero, nor what is incomplete as whole."""
    if not _is_number(value):
        return MISSING
    smallest = 10.0**-digits
    if 0 < value * 100 < smallest / 2:
        return f"<{_}{smallest:g}{_}%"
    if 100 - smallest / 2 <= value * 100 < 100:
        return f"{100 - smallest:.{digits}f}{_}%"
    return f"{value * 100:.{digits}f}{_}%"


def score(value: Any) -> str:
    """A score in 0-100 with one decimal, 100 only where it is whole."""
    if not _is_number(value):
        return MISSING
    return "99.9" if 99.9 < value < 100 else f"{value:.1f}"


def money(value: Any) -> str:
    """An amount in USD, in millions from one million on."""
    if not _is_number(value):
        return MISSING
    return f"${value / 1e6:,.1f}{_}M" if abs(value) >= 1e6 else f"${value:,.0f}"


def compact(value: float) -> str:
    """A number for an axis: at most three digits and k or M."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{_}{unit}"
    return f"{value:.3g}"


def seconds(value: Any) -> str:
    """A duration: milliseconds below one second, then seconds, minutes, hours."""
    if not _is_number(value):
        return MISSING
    if value < 1:
        return f"{value * 1000:.0f}{_}ms"
    if value < 60:
        return f"{value:.1f}{_}s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}{_}min{_}{rest:02d}{_}s" if minutes < 60 else f"{minutes // 60}{_}h{_}{minutes % 60:02d}{_}min"


def size(value: Any) -> str:
    """Bytes in decimal units."""
    if not _is_number(value):
        return MISSING
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.1f}{_}{unit}"
    return f"{value:.0f}{_}B"


def moment(value: Any) -> str:
    """An instant of the reports, to the second, in UTC."""
    parsed = _instant(value)
    return MISSING if parsed is None else f"{parsed:%Y-%m-%d %H:%M:%S} UTC"


def day(value: Any) -> str:
    """The date of a date or an instant of the reports."""
    parsed = _instant(value)
    return MISSING if parsed is None else f"{parsed:%Y-%m-%d}"


def words(name: Any) -> str:
    """An identifier as words, the first in capitals: ``ticket_sales`` becomes "Ticket sales"."""
    spaced = str(name).replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]


def plural(number: int, noun: str, many: str | None = None) -> str:
    """The number with its noun."""
    return f"{count(number)} {noun if number == 1 else many or noun + 's'}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
