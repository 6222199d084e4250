"""Composes the statement that curates one table, in Spark SQL.

The catalog says which columns and rules there are, the files under ``sql/curated`` how a text is read as each type.

The statement reads ``raw_<table>`` (the raw schema of :mod:`concert_assets.sources`) and yields a row for each row:
origin, every column typed, its text beside it where the type is not text, ``_rule`` (null where the row is accepted)
with ``_column``, ``_value`` and ``_reason``.
"""

from functools import cache

from concert_assets.catalog.canonical import LOCAL_TIMESTAMPS
from concert_assets.catalog.model import Column, Rule, Table
from concert_assets.glue_jobs.reading import (
    BASIS_SUFFIX,
    applied,
    basis,
    literal,
    quick,
    settled,
    stages,
    steps,
    text_of,
)

IS_OPEN = "_is_open"

# Signs and codes of other currencies, of which no rate is known.
_OTHER_CURRENCY = (
    "(?i)[a-z]{0,2}\\\\p{Sc}|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|ILS|INR|JPY|KRW|MXN|NOK|NZD|PLN|SEK|SGD|TRY"
)
# A number of which the point may part thousands or decimals, with what the steps of its column leave out.
_EITHER_NUMBER = "^[^0-9.,]*[1-9][0-9]{0,2}[.][0-9]{3}[^0-9.,]*$"


def output_columns(table: Table) -> list[str]:
    """The columns of an accepted row: origin, the canonical ones, and the basis of each local timestamp."""
    names = ["_object_id", "_row_number", *table.column_names]
    return names + [column.name + BASIS_SUFFIX for column in table.columns if column.name in LOCAL_TIMESTAMPS]


def readable_rule(column: Column) -> Rule:
    """The rule that a text which is there can be read as the column's type."""
    text = text_of(column)
    meant = "a list of texts" if column.is_list else "one of its values" if column.values else column.type
    return Rule(
        f"{column.name}_readable",
        "validity",
        column.name,
        f"{column.name} is not null or {text} is null",
        f"{column.name} must be readable as {meant}",
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
                many = f"([0-9]{{{digits},}}|([, ]?[0-9]){{{digits},60}})"
                too_large = f"{text_of(column)} rlike '^[-+($]*0*[1-9]{many}([.][0-9]*)?[)]?$'"
                predicate = f"coalesce({rule.predicate}, not {too_large})"
                rules.append(Rule(rule.name, rule.category, column.name, predicate, rule.description))
            elif rule.name == f"{column.name}_allowed":
                if column.required:  # no other value is ever read; of an optional column it is emptied
                    rules.append(
                        Rule(rule.name, rule.category, column.name, f"{column.name} is not null", rule.description)
                    )
            else:
                rules.append(rule)
        if column.required and text_of(column) != column.name and not column.values:
            position = next(i for i, rule in enumerate(rules) if rule.name == f"{column.name}_required")
            rules.insert(position + 1, readable_rule(column))
    return rules + [rule for rule in table.table_rules if rule.kind == "row"]


def emptied_columns(table: Table) -> list[Column]:
    """The optional columns whose text may turn out unreadable, which empties the value and is counted."""
    return [column for column in table.columns if column.may_be_emptied]


def _case(branches: list[tuple[str, str]], otherwise: str = "null") -> str:
    if not branches:
        return otherwise
    return "case " + " ".join(f"when {test} then {value}" for test, value in branches) + f" else {otherwise} end"


def _reasons(rule: Rule, column: Column) -> list[tuple[str, str]]:
    """The reason why a rule refuses, by condition."""
    named = f"_rule = {literal(rule.name)}"
    reasons = [(named, literal(rule.description))]
    if rule.name == f"{column.name}_readable" and column.unit == "USD":
        found = f"nullif(regexp_extract({text_of(column)}, '{_OTHER_CURRENCY}', 0), '$')"
        said = f"concat('{column.name} must be in USD; no rate of ', {found}, ' is known')"
        reasons.insert(0, (f"{named} and nullif({found}, '') is not null", said))
    if rule.name == f"{column.name}_readable" and _integer_digits(column):
        told = literal(f"{column.name} may have three decimals or be thousands: write it as 12.5 or as 12500")
        reasons.insert(-1, (f"{named} and {text_of(column)} rlike '{_EITHER_NUMBER}'", told))
    return reasons


@cache
def curation_statement(table: Table, *, is_quick: bool = False) -> str:
    """The statement for one table, in Spark SQL.

    The quick one takes plain spellings alone and says of each row by ``_is_open`` whether it needs the other one. It is
    many times smaller, and engines take as long to prepare a statement as for thousands of rows.
    """
    origin = "_object_id, _row_number, _row_error, _row_text"
    texts = [f"{applied('trimmed', column.name)} as {column.name}" for column in table.columns]
    read, typed, is_open = [], [], ["false"]
    for column in table.columns:
        within = table.column(column.synonyms_within[0]) if column.synonyms_within else None
        typed.append(column.name if is_quick else f"{settled(column, within)} as {column.name}")
        if text_of(column) == column.name:
            read.append(column.name)
            continue
        read += [f"{quick(column, column.name)} as {column.name}", f"{column.name} as {text_of(column)}"]
        typed.append(text_of(column))
        if steps(column):
            is_open.append(f"({column.name} is null and {text_of(column)} is not null)")
        if column.name in LOCAL_TIMESTAMPS:
            typed.append(f"{basis(column, is_quick=is_quick)} as {column.name}{BASIS_SUFFIX}")
    parts = [f"texts as (select {origin}, {', '.join(texts)} from raw_{table.name})"]
    parts.append(f"stage_0 as (select {origin}, {', '.join(read)} from texts)")
    made = [] if is_quick else stages(table.columns)
    for number, added in enumerate(made, start=1):
        parts.append(f"stage_{number} as (select *, {', '.join(added)} from stage_{number - 1})")
    if is_quick:
        typed.append(f"{' or '.join(is_open)} as {IS_OPEN}")
    parts.append(f"typed as (select {origin}, {', '.join(typed)} from stage_{len(made)})")
    rules = row_rules(table)
    rule = _case(
        [("_row_error is not null", "split_part(_row_error, ':', 1)")]
        + [(f"not ({rule.predicate})", literal(rule.name)) for rule in rules]
    )
    parts.append(f"judged as (select *, {rule} as _rule from typed)")
    by_name = [(f"_rule = {literal(rule.name)}", rule) for rule in rules]
    culprit = _case([(test, literal(rule.column)) for test, rule in by_name])
    value = _case([(test, text_of(table.column(rule.column))) for test, rule in by_name])
    reasons = [found for rule in rules for found in _reasons(rule, table.column(rule.column))]
    reason = _case(reasons, otherwise="_row_error")
    return f"with {', '.join(parts)} select *, {culprit} as _column, {value} as _value, {reason} as _reason from judged"
