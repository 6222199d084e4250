"""The text of what is sent to Redshift: bound names as psycopg2 takes them, attributes, zones, COPY, UNLOAD, hashes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.model import Table
from concert_assets.catalog.operational import TABLES as OPERATIONAL
from concert_assets.catalog.timezones import OLDER_NAMES
from concert_assets.sql.files import bind

if TYPE_CHECKING:
    from sqlglot.tokens import Token  # type: ignore[attr-defined]

# One lock for all that writes: readers never ask for it, so they wait for nothing but a table whose columns change.
WRITER = "concert_dw_staging.writer"
_WIDEST = "varchar(65535)"
# Numbers and times pack by AZ64, texts by ZSTD; floating point and booleans, which AZ64 does not take, stay raw.
_ENCODINGS = {
    "varchar": "zstd",
    "integer": "az64",
    "bigint": "az64",
    "decimal": "az64",
    "date": "az64",
    "timestamp": "az64",
}
_CATALOG: Mapping[str, Table] = {t.name: t for t in (*TABLES, *OPERATIONAL, *MARTS, *PREDICTIONS)}


def bound(sql: str, rendered: str, parameters: Mapping[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    """``rendered`` as psycopg2 takes it, with the values of ``sql``: ``:name`` as ``%(name)s``, other percents doubled.

    A colon or percent in a quoted text is text. KeyError names a parameter without a value.
    """
    values = bind(sql, "redshift", "redshift", parameters) if parameters else {}
    return (_pyformat(rendered), values) if values else (rendered, None)


@cache
def _pyformat(sql: str) -> str:
    """Names are replaced by their tokens, since a text, a cast ``::`` or a name in quotes may look like them."""
    pieces: list[str] = []
    end = 0
    tokens = list(_tokens(sql))
    for colon, name in pairwise(tokens):
        if _word(sql, colon) == ":" and colon.end + 1 == name.start and re.fullmatch(r"\w+", _word(sql, name)):
            pieces += [sql[end : colon.start].replace("%", "%%"), f"%({_word(sql, name)})s"]
            end = name.end + 1
    return "".join([*pieces, sql[end:].replace("%", "%%")])


def _tokens(sql: str) -> "Iterator[Token]":
    import sqlglot  # where it is used, as in sql.files

    yield from sqlglot.tokenize(sql, read="redshift")


def _word(sql: str, token: "Token") -> str:
    return sql[token.start : token.end + 1]


@cache
def with_attributes(sql: str) -> str:
    """A ``create table`` statement with the physical attributes that the catalog has for the table; any other as it is.

    Candidates, replacements (``concert_dw.candidate__artists``) and staged tables are laid out like the table of that
    name. A list of columns gets encodings too; what a query fills gets Redshift's own.
    """
    tokens = list(_tokens(sql))
    words = [_word(sql, token).lower() for token in tokens]
    if words[:2] != ["create", "table"]:
        return sql
    position = 5 if words[2:5] == ["if", "not", "exists"] else 2
    name = words[position + 2] if words[position + 1 : position + 2] == ["."] else words[position]
    after = position + (3 if words[position + 1 : position + 2] == ["."] else 1)
    table = _CATALOG.get(name.rpartition("__")[2])
    attributes = _attributes(table)
    if words[after] == "as":
        return f"{sql[: tokens[after].start]}{attributes}{' ' * bool(attributes)}{sql[tokens[after].start :]}"
    return f"{_encoded(sql, tokens[after:], table)}{' ' * bool(attributes)}{attributes}"


@cache
def with_older_zones(sql: str) -> str:
    """The statement with zones, where ``convert_timezone`` is given one, by the names that AWS's list has of them."""
    tokens = list(_tokens(sql))
    words = [_word(sql, token) for token in tokens]
    spans = [span for at, word in enumerate(words) if word.lower() == "convert_timezone" for span in _zones(words, at)]
    whens = " ".join(f"when {_literal(name)} then {_literal(older)}" for name, older in OLDER_NAMES.items())
    for first, last in sorted(spans, reverse=True):
        start, end = tokens[first].start, tokens[last].end + 1
        zone = sql[start:end]
        if not zone.startswith("'"):
            sql = f"{sql[:start]}case {zone} {whens} else {zone} end{sql[end:]}"
    return sql


def _zones(words: "Sequence[str]", at: int) -> list[tuple[int, int]]:
    """First and last token of each argument of the call at a token, but for the last argument, which is the time."""
    spans, first, depth = [], at + 2, 0
    for place in range(at + 1, len(words)):
        depth += (words[place] == "(") - (words[place] == ")")
        if depth == 0:
            break
        if words[place] == "," and depth == 1:
            spans.append((first, place - 1))
            first = place + 1
    return spans


def _attributes(table: Table | None) -> str:
    parts = []
    if table is not None and table.distribution_key:
        parts.append(f"distkey ({table.distribution_key})")
    if table is not None and table.sort_key:
        parts.append(f"sortkey ({', '.join(table.sort_key)})")
    return " ".join(parts)


def _encoded(sql: str, tokens: "Sequence[Token]", table: Table | None) -> str:
    """The statement with an encoding after each column of its list, which begins with the first of the tokens."""
    pieces, end, depth = [sql[: tokens[0].end + 1]], tokens[0].end + 1, 0
    for token in tokens:
        word = _word(sql, token)
        depth += (word == "(") - (word == ")")
        if (word == "," and depth == 1) or depth == 0:
            column = sql[end : token.start]
            pieces += [column, f" encode {_encoding(column, table)}", word]
            end = token.end + 1
    return "".join(pieces)


def _encoding(column: str, table: Table | None) -> str:
    name, kind = re.findall(r"\w+", column)[:2]
    # The first column of the sort key is what blocks are skipped by; AWS advises to leave it as it is.
    if table is not None and table.sort_key[:1] == (name,):
        return "raw"
    return _ENCODINGS.get(kind, "raw")


def copy_statement(table: str, manifest_uri: str, iam_role: str) -> str:
    """COPY of the Parquet objects of a manifest, by position into all columns; Redshift takes no bound values there."""
    return f"copy {table} from {_literal(manifest_uri)} iam_role {_literal(iam_role)} format as parquet manifest"


def unload_statement(query: str, prefix_uri: str, iam_role: str, *, has_bucket_key: bool) -> str:
    """UNLOAD of a query to Parquet objects and a manifest, encrypted under the key of the bucket if that has one.

    Redshift takes the query as a text in quotes, so its values are in it already.
    """
    # Of Parquet AWS says that ENCRYPTED is for keys of KMS alone; without the word S3's own key is used.
    encrypted = " encrypted auto" if has_bucket_key else ""
    return (
        f"unload ({_literal(query)}) to {_literal(prefix_uri)} iam_role {_literal(iam_role)} "
        f"format as parquet manifest{encrypted}"
    )


def _literal(text: str) -> str:
    """A text in quotes as Redshift reads it, to which a backslash is an escape in every text."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def manifest(uris_and_bytes: Sequence[tuple[str, int]]) -> bytes:
    """The manifest of a COPY; of columnar objects Redshift wants the sizes too, and fails where one is missing."""
    entries = [{"url": uri, "mandatory": True, "meta": {"content_length": size}} for uri, size in uris_and_bytes]
    return json.dumps({"entries": entries}, ensure_ascii=False).encode()


def hash_statement(table: str, columns: Sequence[tuple[str, str]]) -> str:
    """Number of rows and two sums over the halves of each row's md5, whatever their order.

    md5, translate and sum over DECIMAL are what Redshift and PostgreSQL both have; FNV_HASH and STRTOL are Redshift's
    alone. The letters of a digest are made digits, since neither reads hexadecimal text in the way of the other.
    """
    texts = []
    for name, kind in columns:
        # Redshift does not cast a boolean to text. Each column is hashed by itself, so that no text runs into the next
        # and no row is longer than a VARCHAR can be.
        text = f"case when {name} then 't' else 'f' end" if kind == "boolean" else f"cast({name} as {_WIDEST})"
        texts.append(f"case when {name} is null then '-' else md5({text}) end")
    row = " || ".join(texts)
    halves = ", ".join(
        f"coalesce(sum(cast(translate(substring(h, {start}, 16), 'abcdef', '012345') as decimal(38, 0))), 0)"
        for start in (1, 17)
    )
    return f"select count(*), {halves} from (select md5({row}) as h from {table}) as t"
