"""The portable subset of SQL as rules over parsed statements: what all engines of the platform read alike, and no more."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.tokens import Token, TokenType

from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import TABLES, published_columns
from concert_assets.catalog.model import Table
from concert_assets.catalog.operational import TABLES as OPERATIONAL
from concert_assets.warehousing.names import (
    REJECTS_COLUMNS,
    SCHEMA,
    STAGED_REJECTS,
    STAGING,
    STAGING_TABLES,
    candidate,
    held,
    staged,
    staged_columns,
)

Schema = dict[str, Any]
Kind = exp.DataType.Type


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that may stand before an opening parenthesis: functions, and what looks like them.
FUNCTIONS = {
    "spark": _names(
        "cast coalesce concat date_add date_trunc floor locate lower lpad nullif octet_length regexp_extract regexp_replace replace right "
        "split_part substring timestampadd try_cast"
    ),
    "redshift": _names(
        "abs cast coalesce convert_timezone count date_trunc dateadd datediff extract floor greatest least ln max min nullif octet_length percent_rank "
        "percentile_cont row_number sum"
    ),
}
KEYWORDS = _names("all and as by else exists from group in join not on or over select then union when where")
TYPES_WITH_LENGTH = frozenset({"decimal", "varchar"})
OPERATORS = {
    "spark": _names("Add And Between Div EQ GT GTE In Is LT LTE Mod Mul NEQ Neg Not Or Paren RegexpLike Sub"),
    "redshift": _names("Add And Between DPipe Div EQ Exists GT GTE In Is LT LTE Mod Mul NEQ Neg Not Or Paren Sub"),
}
TYPES = {
    "spark": {Kind.TEXT, Kind.INT, Kind.BIGINT, Kind.DECIMAL, Kind.DOUBLE, Kind.DATE, Kind.TIMESTAMPNTZ, Kind.BOOLEAN},
    "redshift": {
        Kind.VARCHAR,
        Kind.INT,
        Kind.BIGINT,
        Kind.DECIMAL,
        Kind.DOUBLE,
        Kind.DATE,
        Kind.TIMESTAMP,
        Kind.BOOLEAN,
    },
}
# How a backend lays out, loads and unloads tables is structured metadata, which each backend renders by itself.
PHYSICAL = _names("sortkey distkey diststyle encode copy unload")
CLOCKS = (exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp)
WHOLE = {Kind.INT, Kind.BIGINT, Kind.SMALLINT, Kind.TINYINT}
FRACTIONAL = {Kind.DECIMAL, Kind.DOUBLE, Kind.FLOAT}
TEXT = {Kind.TEXT, Kind.VARCHAR, Kind.CHAR}
UNKNOWN = {None, Kind.UNKNOWN, Kind.NULL}

# What sqlglot does not know by itself; without it the types of all that follows would be unknown.
RETURNS = {
    exp.TsOrDsDiff: Kind.BIGINT,
    exp.TsOrDsAdd: Kind.TIMESTAMP,
    exp.DateAdd: Kind.TIMESTAMP,
    exp.TimestampAdd: Kind.TIMESTAMPNTZ,
    exp.TimestampTrunc: Kind.TIMESTAMP,
    exp.ConvertTimezone: Kind.TIMESTAMP,
    exp.Floor: Kind.DECIMAL,
}


def breaches(
    sql: str, dialect: str, schema: Schema, *, is_file: bool = False, casts_outputs: bool = False
) -> list[str]:
    """What a statement breaks of the subset, a line each.

    ``is_file`` adds the rules of a file: lower case, no ``select *``. With ``casts_outputs`` every output column must
    be cast by name. ``schema`` maps names of relations to names and types of columns, for the rules on types.
    """
    found = list(_words(sql, dialect, is_file))
    try:
        statements = [statement for statement in sqlglot.parse(sql, read=dialect) if statement is not None]
    except sqlglot.errors.SqlglotError as error:
        return [*found, f"cannot be parsed as {dialect}: {str(error).splitlines()[0]}"]
    if len(statements) != 1:
        return [f"{len(statements)} statements where there is to be one"]
    (statement,) = statements
    found += _nodes(statement, dialect)
    if is_file:
        found += _stars(statement)
    if casts_outputs:
        found += _outputs(statement)
    if found:  # the types of what is not in the subset need not be known
        return found
    query = statement.expression if isinstance(statement, exp.Create | exp.Insert) else statement
    if isinstance(query, exp.Query):
        found += _types(query.copy(), dialect, schema)
    return found


def _words(sql: str, dialect: str, is_file: bool) -> Iterator[str]:
    tokens = sqlglot.tokenize(sql, read=dialect)

    def word(token: Token) -> str:
        return sql[token.start : token.end + 1]

    def names_a_relation(position: int) -> bool:
        before = [word(token).lower() for token in tokens[max(0, position - 3) : position]]
        return before[-1:] == ["."] and before[:1] in (["into"], ["exists"], ["table"])

    for position, token in enumerate(tokens):
        text = word(token)
        if token.token_type == TokenType.STRING:
            continue
        if is_file and text != text.lower():
            yield f"{text} is not in lower case"
        if text.lower() in PHYSICAL:
            yield f"{text} belongs to the backend, not to SQL"
        is_called = position + 1 < len(tokens) and tokens[position + 1].token_type == TokenType.L_PAREN
        known = FUNCTIONS[dialect] | KEYWORDS | TYPES_WITH_LENGTH
        if is_called and re.fullmatch(r"\w+", text) and text.lower() not in known and not names_a_relation(position):
            yield f"function {text} is not in the subset"


def _nodes(statement: exp.Expression, dialect: str) -> Iterator[str]:
    for node in statement.walk():
        if isinstance(node, exp.Command):
            yield f"{node.sql(dialect)[:40]} is no statement that can be translated"
        elif isinstance(node, CLOCKS):
            yield "the clock is no input: the same data would give another result"
        elif isinstance(node, exp.Binary | exp.Unary | exp.Predicate) and not isinstance(node, exp.Dot):
            if type(node).__name__ not in OPERATORS[dialect]:
                yield f"operator {type(node).__name__} is not in the subset"
        elif isinstance(node, exp.RegexpReplace) and set(node.args["replacement"].name) & set("$\\"):
            yield "a replacement that refers to groups, which engines write differently"
        elif isinstance(node, exp.DataType) and node.this not in TYPES[dialect]:
            yield f"type {node.sql(dialect)} is not in the subset"


def _stars(statement: exp.Expression) -> Iterator[str]:
    """Stars over anything but a part of the same statement, whose columns stand in the same file."""
    for select in statement.find_all(exp.Select):
        sources = [select.args.get("from_") or select.args.get("from"), *select.args.get("joins", [])]
        physical = {
            source.this.alias_or_name
            for source in sources
            if source is not None and isinstance(source.this, exp.Table) and source.this.db
        }
        for projection in select.expressions:
            if isinstance(projection, exp.Star):
                yield "select * hides which columns there are"
            elif projection.is_star and projection.table in physical:
                yield f"{projection.table}.* hides which columns the table has"


def _outputs(statement: exp.Expression) -> Iterator[str]:
    query = statement.expression if isinstance(statement, exp.Create) else statement
    for projection in query.selects:
        if not (isinstance(projection, exp.Alias) and type(projection.this) is exp.Cast):
            yield f"output {projection.alias_or_name} is not cast"


def _types(query: exp.Query, dialect: str, schema: Schema) -> Iterator[str]:
    typed = qualify(query, schema=schema, dialect=dialect)
    known = {
        **Dialect.get_or_raise(dialect).EXPRESSION_METADATA,
        **{node: {"returns": kind} for node, kind in RETURNS.items()},
    }
    typed = annotate_types(typed, schema=schema, dialect=dialect, expression_metadata=known)
    for node in typed.walk():
        if isinstance(node, exp.Div):
            sides = {_kind(node.left), _kind(node.right)}
            if sides <= WHOLE:
                yield f"{node.sql(dialect)} divides whole numbers, which engines do differently"
            elif sides & UNKNOWN:
                yield f"{node.sql(dialect)} divides what has no known type"
        elif isinstance(node, exp.Cast):
            yield from _cast(node, dialect)


def _kind(node: exp.Expression) -> Any:
    return node.type.this if node.type is not None else None


def _cast(node: exp.Cast, dialect: str) -> Iterator[str]:
    operand, target = node.this.unnest(), node.to.this
    if isinstance(operand, exp.Literal | exp.Null | exp.Placeholder | exp.Parameter) or target in TEXT:
        return
    source = _kind(operand)
    if source in TEXT and not _is_guarded(node):
        yield f"{node.sql(dialect)} reads a text that no regex guards"
    elif source in FRACTIONAL and target in WHOLE and not isinstance(operand, exp.Floor):
        yield f"{node.sql(dialect)} needs floor(): engines round or truncate"
    elif source in UNKNOWN:
        yield f"{node.sql(dialect)} casts what has no known type"


def _is_guarded(cast: exp.Cast) -> bool:
    """Whether a branch over the cast is taken only where an anchored pattern fits a column of its operand."""
    columns = {column.name for column in cast.find_all(exp.Column)}
    child: exp.Expression = cast
    while child.parent is not None:
        parent = child.parent
        if isinstance(parent, exp.If) and parent.args.get("true") is child:
            condition = parent.this.unnest()
            terms = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
            guards = [term.unnest() for term in terms if isinstance(term.unnest(), exp.RegexpLike)]
            if any(re.fullmatch(r"\^.*\$", guard.expression.name) and guard.this.name in columns for guard in guards):
                return True
        child = parent
    return False


def types_of(table: Table) -> dict[str, str]:
    return {column.name: column.type for column in table.columns}


def raw_schema() -> Schema:
    """The relations that curated SQL reads: texts, as they came."""
    origin = {"_object_id": "string", "_row_number": "bigint", "_row_error": "string", "_row_text": "string"}
    tables = {f"raw_{table.name}": origin | dict.fromkeys(table.column_names, "string") for table in TABLES}
    return {"texts": {"raw": "string"}, **tables}


def warehouse_schema() -> Schema:
    """The relations that warehouse SQL reads, by schema."""
    named: dict[str, Mapping[str, str]] = {STAGED_REJECTS: REJECTS_COLUMNS, **STAGING_TABLES}
    for table in TABLES:
        published = {column.name: column.type for column in published_columns(table)}
        named |= {table.qualified: published, candidate(table.name): published, staged(table): staged_columns(table)}
        named[held(table)] = {"_object_id": "varchar(32)", "_row_number": "bigint"}
    for table in OPERATIONAL:
        named |= {table.qualified: types_of(table), candidate(table.name): types_of(table)}
    named |= {table.qualified: types_of(table) for table in (*MARTS, *PREDICTIONS)}
    schema: Schema = {SCHEMA: {}, STAGING: {}}
    for name, columns in named.items():
        room, _, relation = name.partition(".")
        schema[room][relation] = dict(columns)
    return schema
