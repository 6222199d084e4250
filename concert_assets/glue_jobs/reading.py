"""How a text becomes the value of its column, in Spark SQL.

A column is read twice at most. The quick reading takes what is spelled plainly, which is nearly everything. What it
does not take goes through the steps of its kind, each a file under ``sql/curated`` that makes the spelling plainer, and
is then read in the same way. A text that is not understood then has no value.
"""

import re
from functools import cache
from typing import cast

from sqlglot import exp, parse_one

from concert_assets.catalog.model import Column
from concert_assets.sql.files import read_sql

TEXT_SUFFIX = "__text"
BASIS_SUFFIX = "_basis"

_SPARK_TYPES = {"double precision": "double", "integer": "int", "timestamp": "timestamp_ntz"}
_STEPS = {
    "date": ("fold", "day", "clock"),
    "timestamp": ("fold", "day", "clock"),
    "integer": ("fold", "number"),
    "decimal": ("fold", "number"),
    "double": ("fold", "degrees"),
    "list": ("delimited",),
    "word": ("fold", "word"),
    "text": (),
}
_DECIMAL_STEPS = {"USD": ("fold", "dollars", "number"), "score 0-100": ("fold", "score", "number")}


def _kind(column: Column) -> str:
    if column.is_list:
        return "list"
    if column.is_word or column.synonyms:
        return "word"
    base = column.type.partition("(")[0]
    return {"varchar": "text", "double precision": "double"}.get(base, base)


@cache
def _file_expression(name: str) -> exp.Expression:
    statement = parse_one(read_sql(f"curated/{name}"), read="spark", into=exp.Select)
    (projection,) = statement.selects
    return cast(exp.Expression, projection.unalias())


def applied(name: str, operand: str) -> str:
    """The expression of the file ``curated/<name>`` over another operand than its column ``raw``."""

    def to_operand(node: exp.Expression) -> exp.Expression:
        is_raw = isinstance(node, exp.Column) and node.name == "raw"
        return cast(exp.Expression, parse_one(operand, read="spark")) if is_raw else node

    return _file_expression(name).copy().transform(to_operand).sql("spark")


def text_of(column: Column) -> str:
    """The name under which the text of a column is kept: its own, where the text is the value."""
    is_kept = column.is_text and not (column.values or column.synonyms or column.is_list)
    return column.name if is_kept else column.name + TEXT_SUFFIX


def steps(column: Column) -> tuple[str, ...]:
    """The steps that make a text of the column plain where the quick reading does not take it."""
    if column.type.startswith("decimal"):
        return _DECIMAL_STEPS.get(column.unit, _STEPS["decimal"])
    return _STEPS[_kind(column)]


def _plain(column: Column) -> str:
    """The name of what the last step makes."""
    return f"{column.name}__{len(steps(column))}"


def literal(text: str) -> str:
    """A text as Spark SQL writes it."""
    return exp.Literal.string(text).sql("spark")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(map(literal, words))


def _canonical(column: Column) -> tuple[str, ...]:
    return column.values or tuple(value for value, _ in column.synonyms)


def _typed(column: Column, text: str) -> str:
    kind = "string" if column.is_text else _SPARK_TYPES.get(column.type, column.type)
    return f"try_cast({applied(_kind(column), text)} as {kind})"


def quick(column: Column, text: str) -> str:
    """The value of a plain spelling; null for any other."""
    if column.values or column.synonyms:
        return f"case when {text} in ({_listed(_canonical(column))}) then {text} end"
    return _typed(column, text)


def folded(word: str) -> str:
    """A word as the steps of words leave it."""
    return re.sub("[ _-]+", " ", word.lower())


def _by_synonyms(column: Column) -> str:
    others = dict(column.synonyms)
    branches = []
    for value in _canonical(column):
        words = dict.fromkeys(folded(word) for word in (value, *others.get(value, ())))
        branches.append(f"when {_plain(column)} in ({_listed(tuple(words))}) then {literal(value)}")
    return f"case {' '.join(branches)} end"


def _within(column: Column, within: Column, value: str) -> str:
    """Whether synonyms apply to a row: where ``within`` has the value, however it was spelled, or is not given."""
    words = dict.fromkeys(folded(word) for word in (value, *dict(within.synonyms)[value]))
    is_spelled = f"{_plain(within)} in ({_listed(tuple(words))})"
    return f"{text_of(within)} is null or {within.name} = {literal(value)} or {is_spelled}"


def settled(column: Column, within: Column | None) -> str:
    """The value by the quick reading, else by what the steps made of the text; ``within`` is where synonyms hold."""
    if not steps(column):
        return column.name
    if column.values:
        return f"coalesce({column.name}, {_by_synonyms(column)})"
    if column.synonyms:
        mapped = _by_synonyms(column)
        if column.synonyms_within is not None and within is not None:
            mapped = f"case when {_within(column, within, column.synonyms_within[1])} then {mapped} end"
        return f"coalesce({column.name}, {mapped}, {text_of(column)})"
    return f"coalesce({column.name}, {_typed(column, _plain(column))})"


def basis(column: Column, *, is_quick: bool) -> str:
    """What the time of a local timestamp is told in."""
    text = text_of(column) if is_quick else f"coalesce({_plain(column)}, {text_of(column)})"
    return applied("timestamp_basis", text)


def stages(columns: tuple[Column, ...]) -> list[list[str]]:
    """What each stage of steps adds to all that the stage before it has."""
    made: list[list[str]] = []
    for column in columns:
        for number, step in enumerate(steps(column), start=1):
            if number > len(made):
                made.append([])
            if number == 1:
                value = f"case when {column.name} is null then {applied(step, text_of(column))} end"
            else:
                value = applied(step, f"{column.name}__{number - 1}")
            made[number - 1].append(f"{value} as {column.name}__{number}")
    return made
