"""Composes the statement that curates one table, in Spark SQL.

The catalog says which columns and rules there are, the files under ``sql/curated`` how a text is read as each type.

The statement reads ``raw_<table>`` (the raw schema of :mod:`concert_assets.sources`) and yields a row for each row:
origin, every column typed, its text beside it where the type is not text, ``_rule`` (null where the row is accepted)
with ``_column``, ``_value`` and ``_reason``.
"""

from functools import cache
from typing import cast

from sqlglot import exp, parse_one

from concert_assets.catalog.canonical import LOCAL_TIMESTAMPS
from concert_assets.catalog.model import Column, Rule, Table
from concert_assets.sql.files import read_sql

TEXT_SUFFIX = "__text"
BASIS_SUFFIX = "_basis"

_SPARK_TYPES = {"double precision": "double", "integer": "int", "timestamp": "timestamp_ntz"}


def _reading(column: Column) -> str:
    if column.is_word:
        return "word"
    return {"varchar": "text", "double precision": "double"}.get(
        column.type.partition("(")[0], column.type.partition("(")[0]
    )


@cache
def _type_expression(name: str) -> exp.Expression:
    statement = parse_one(read_sql(f"curated/{name}"), read="spark", into=exp.Select)
    (projection,) = statement.selects
    return cast(exp.Expression, projection.unalias())


def _read_as(name: str, column: str) -> str:
    def to_column(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and node.name == "raw":
            return exp.column(column)
        return node

    return _type_expression(name).copy().transform(to_column).sql("spark")


def text_of(column: Column) -> str:
    """The name under which the statement keeps the text of a column."""
    return column.name if column.is_text and not column.is_word else column.name + TEXT_SUFFIX


def output_columns(table: Table) -> list[str]:
    """The columns of an accepted row: origin, the canonical ones, and the basis of each local timestamp."""
    names = ["_object_id", "_row_number", *table.column_names]
    return names + [column.name + BASIS_SUFFIX for column in table.columns if column.name in LOCAL_TIMESTAMPS]


def readable_rule(column: Column) -> Rule:
    """The rule that a text which is there can be read as the column's type."""
    text = text_of(column)
    return Rule(
        f"{column.name}_readable",
        "validity",
        column.name,
        f"{column.name} is not null or {text} is null",
        f"{column.name} must be readable as {column.type}",
        severity="error" if column.required else "warning",
    )


def _integer_digits(column: Column) -> int:
    """How many digits before the point the column's type holds at most; 0 where that is no matter."""
    base, _, arguments = column.type.rstrip(")").partition("(")
    if base == "decimal":
        precision, scale = arguments.split(",")
        return int(precision) - int(scale)
    return 9 if base == "integer" else 0


def row_rules(table: Table) -> list[Rule]:
    """The row rules in the order in which they are applied; the first that a row breaks refuses it."""
    rules: list[Rule] = []
    for column in table.columns:
        for rule in column.rules():
            if rule.name == f"{column.name}_required":
                rules.append(
                    Rule(rule.name, rule.category, column.name, f"{text_of(column)} is not null", rule.description)
                )
            elif rule.name == f"{column.name}_range" and (digits := _integer_digits(column)):
                # A number too large for the type is unreadable as the type, and out of range all the same.
                too_large = f"{text_of(column)} rlike '^[+-]?0*[1-9][0-9]{{{digits},}}([.][0-9]*)?$'"
                predicate = f"coalesce({rule.predicate}, not {too_large})"
                rules.append(Rule(rule.name, rule.category, column.name, predicate, rule.description))
            else:
                rules.append(rule)
        if column.required and text_of(column) != column.name and not column.is_word:
            position = next(i for i, rule in enumerate(rules) if rule.name == f"{column.name}_required")
            rules.insert(position + 1, readable_rule(column))
    return rules + [rule for rule in table.table_rules if rule.kind == "row"]


def emptied_columns(table: Table) -> list[Column]:
    """The optional columns whose text may turn out unreadable, which empties the value and is counted."""
    return [c for c in table.columns if not c.required and not c.is_text]


def _case(branches: list[tuple[str, str]], otherwise: str = "null") -> str:
    if not branches:
        return otherwise
    return "case " + " ".join(f"when {test} then {value}" for test, value in branches) + f" else {otherwise} end"


def _literal(text: str) -> str:
    return exp.Literal.string(text).sql("spark")


@cache
def curation_statement(table: Table) -> str:
    """The statement for one table, in Spark SQL."""
    texts = [f"nullif(trim(both ' \\t\\n\\r' from {column.name}), '') as {column.name}" for column in table.columns]
    typed = ["_object_id", "_row_number", "_row_error", "_row_text"]
    for column in table.columns:
        spark_type = _SPARK_TYPES.get(column.type, "string" if column.is_text else column.type)
        typed.append(f"try_cast({_read_as(_reading(column), column.name)} as {spark_type}) as {column.name}")
        if text_of(column) != column.name:
            typed.append(f"{column.name} as {text_of(column)}")
        if column.name in LOCAL_TIMESTAMPS:
            typed.append(f"{_read_as('timestamp_basis', column.name)} as {column.name}{BASIS_SUFFIX}")
    rules = row_rules(table)
    rule = _case(
        [("_row_error is not null", "split_part(_row_error, ':', 1)")]
        + [(f"not ({rule.predicate})", _literal(rule.name)) for rule in rules]
    )
    by_name = [(f"_rule = {_literal(rule.name)}", rule) for rule in rules]
    culprit = _case([(test, _literal(rule.column)) for test, rule in by_name])
    value = _case([(test, text_of(table.column(rule.column))) for test, rule in by_name])
    reason = _case([(test, _literal(rule.description)) for test, rule in by_name], otherwise="_row_error")
    return (
        f"with texts as (select _object_id, _row_number, _row_error, _row_text, {', '.join(texts)} "
        f"from raw_{table.name}), "
        f"typed as (select {', '.join(typed)} from texts), "
        f"judged as (select *, {rule} as _rule from typed) "
        f"select *, {culprit} as _column, {value} as _value, {reason} as _reason from judged"
    )
