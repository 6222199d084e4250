"""Reading the SQL files and turning their dialect into another engine's, refusing what sqlglot cannot carry over."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

Dialect = Literal["spark", "redshift", "duckdb", "postgres"]

_ROOT = Path(__file__).parent


@cache
def read_sql(name: str) -> str:
    """The text of one statement, such as ``mart/daily_sales_summary``; FileNotFoundError where there is none."""
    return (_ROOT / f"{name}.sql").read_text(encoding="utf-8")


def sql_names(folder: str) -> list[str]:
    """The names of the statements in a folder, sorted."""
    return sorted(f"{folder}/{path.stem}" for path in (_ROOT / folder).glob("*.sql"))


@cache
def prepare(sql: str, read: Dialect, write: Dialect) -> tuple[str, frozenset[str]]:
    """One statement in another dialect, and the names of its parameters (``:name``).

    Raises ValueError where the text is not one statement, and sqlglot's UnsupportedError where the target has no equal;
    what it mistranslates silently is kept out of the files by the test of the portable subset.
    """
    import sqlglot  # where it is used: it takes a third of a second that no dagster command should wait for
    from sqlglot import exp

    statements = sqlglot.parse(sql, read=read)
    if len(statements) != 1 or statements[0] is None:
        raise ValueError(f"expected one statement, got {len(statements)}: {sql[:80]!r}")
    statement = statements[0]
    names = frozenset(node.name for node in statement.find_all(exp.Placeholder, exp.Parameter))
    if write == "duckdb":
        for node in statement.find_all(exp.Anonymous):
            if node.name.lower() == "octet_length":
                node.set("this", "strlen")  # the bytes of a text; DuckDB's octet_length takes blobs alone
    return statement.sql(write, unsupported_level=sqlglot.ErrorLevel.RAISE, copy=False), names


def translate(sql: str, read: Dialect, write: Dialect) -> str:
    """One statement in another dialect, as :func:`prepare` makes it."""
    return prepare(sql, read, write)[0]


def bind(sql: str, read: Dialect, write: Dialect, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that the statement names; KeyError naming the parameter where one is not given."""
    names = prepare(sql, read, write)[1]
    missing = sorted(names - values.keys())
    if missing:
        raise KeyError(f"the statement needs a value for {', '.join(missing)}")
    return {name: values[name] for name in names}
