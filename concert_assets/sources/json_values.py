"""JSON read without loss and written back: numbers keep their text, no name is given twice, depth is bounded."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any


class Number(str):
    """The text of a JSON number, told apart from a JSON string so that it is written back without quotes."""

    __slots__ = ()


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of a JSON object as a dict; ValueError where a name is given twice, since either value may be meant."""
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"{twice[:100]!r} is given twice in one object")
    return made


# Numbers keep their text, NaN and Infinity included; strict, so that raw control characters are refused.
EXACT_JSON = json.JSONDecoder(
    parse_int=Number, parse_float=Number, parse_constant=Number, object_pairs_hook=unique_pairs
)

# The C scanner with numbers left as text. It cannot tell "1" from 1 nor see a name given twice. StopIteration and
# JSONDecodeError tell where a text is no JSON.
QUICK_SCAN: Callable[[str, int], tuple[Any, int]] = vars(
    json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
)["scan_once"]
# An escaped quote spoils the count of names, the other escapes may stand for characters that no warehouse holds.
_EXACT_ESCAPES = ('\\"', "\\u0000", "\\ud", "\\uD")
# Deeper objects, if not empty, have names that ``names_are_unique`` does not count.
QUICK_DEPTH = 3
# As a text such a number might be thousands as well; the second pattern finds where one may end in JSON.
_MAY_BE_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{2}0")
_ENDS_IN_ZERO = re.compile(r"\.[0-9]{2}0[\s,}]")


def needs_exact(text: str) -> bool:
    """Whether there may be an array, or names that could not be counted, or a character to refuse, or 1.000 for one.

    Single characters are looked for first, since that is many times faster and they are mostly absent.
    """
    if "[" in text or '" ' in text or ("\\" in text and any(escape in text for escape in _EXACT_ESCAPES)):
        return True
    return _ENDS_IN_ZERO.search(text) is not None


def names_are_unique(text: str, rows: Sequence[dict[str, Any]]) -> bool:
    """Whether no object of the text, whose rows were read quickly, gives a name twice; False where that is not sure.

    With no blank after a quote and no quote within a string, ``":`` occurs at least once for each name, and each name
    kept was one: equal counts mean that none was lost.
    """
    given, kept = text.count('":'), sum(map(len, rows))
    if given == kept:
        return True
    inner = [value for row in rows for value in row.values() if type(value) is dict]
    return given == kept + sum(map(len, inner))


def json_text(value: Any) -> str:
    """A value of ``EXACT_JSON`` as compact JSON text, numbers as they came."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        inside = ",".join(f"{json.dumps(k, ensure_ascii=False)}:{json_text(v)}" for k, v in value.items())
        return "{" + inside + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def as_text(value: Any) -> str | None:
    """A JSON value as the text of a raw column: strings and numbers as they came, null as null, the rest as JSON."""
    if value is None:
        return None
    return str(value) if isinstance(value, str) else json_text(value)


def number_text(value: Any) -> str | None:
    """A JSON value as the text of a column of numbers; a JSON number of three decimals without the last one, if zero.

    A reader of texts cannot know whether 12.500 is twelve thousand and more. A number says that it is not, and its text
    says so by 12.50.
    """
    text = as_text(value)
    return text[:-1] if text and isinstance(value, Number) and _MAY_BE_THOUSANDS.fullmatch(text) else text


def forbidden(text: str) -> str | None:
    """Why no warehouse can hold the text, or None where it can: a NUL character, or half of a surrogate pair."""
    if "\0" in text:
        return "it holds a NUL character"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "it holds half of a surrogate pair"
    return None


def is_deeper(value: Any, limit: int) -> bool:
    """Whether lists and objects lie in one another more than ``limit`` levels deep, the row itself being the first."""
    level = [value]
    for _ in range(limit):
        children = []
        for item in level:
            if isinstance(item, dict):
                children += [child for child in item.values() if isinstance(child, (dict, list))]
            elif isinstance(item, list):
                children += [child for child in item if isinstance(child, (dict, list))]
        if not children:
            return False
        level = children
    return True
