"""Writes the data dictionary, ``docs/data_dictionary.md``, from the catalog; the tables themselves stand beside it.

Run as ``python -m concert_assets.catalog.dictionary`` in the project's folder.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import ORIGIN, TABLES
from concert_assets.catalog.identity import MERGE_RULES
from concert_assets.catalog.model import Column, Rule, Table
from concert_assets.catalog.operational import TABLES as OPERATIONAL

PATH = Path("docs") / "data_dictionary.md"
_MOST_VALUES = 20  # more are told by their number

_INTRODUCTION = """\
# Data dictionary

Every table of the warehouse with its columns and rules, written by `python -m concert_assets.catalog.dictionary` from
the catalog (`concert_assets/catalog`). Types are Redshift's. Timestamps are UTC, money is DECIMAL in USD, shares lie in
0-1 and scores in 0-100, lists are JSON text. A column that is not required may be null; bounds are inclusive.
"""

_CANONICAL = """\
## Canonical tables

What deliveries bring. A file may name a column as it stands here or by one of its other names; names are compared
without regard to case. Values are trimmed, and an empty text counts as not given. Where case carries no meaning (marked
"any case") a value is folded to lower case.

Every rule below is of severity error unless it says warning: a row that breaks it is not published, and were such a
row about to be published, the audit would stop the publication. What becomes of the row: **refused** (its own fault,
it is kept with the reason), **pending** (its parent is not published yet), **repeated** (another row of the same key
wins), **merged** (it is the same as one under another id, to which facts then refer). Besides, each value must be
readable as its column's type: where not, a row is refused for a required column (rule `<column>_readable`), and an
optional value is **left empty** and counted as a warning; so is a word that an optional column does not know. What
else the audit asks of tables and deliveries is told in the [design](design.md#quality).

A concert may bring its prices as a map of tier to face value named `ticket_prices`; each entry becomes a row of that
table.

### How texts are read
What is not said here is unreadable; nothing is rounded or cut. Three things are taken for granted where nothing tells:
in dates with slashes the month comes first, with points the day; a comma before three digits parts thousands; a text
file that is neither UTF-8 nor UTF-16 is Windows-1252, with a remark in the ledger.

- **Space** of any kind around a value is dropped, and texts are put into Unicode's normal form C. A refused row is
  kept as it came.
- **Dates**: `2024-05-01`, `2024/05/01`, `2024.5.1`, `20240501`, `01.05.2024` (day first), `05/01/2024` (month first,
  as in the United States), `May 1, 2024`, `1 May 2024`, `1-May-2024`, with a weekday before them or without, which is
  not looked at. Years have four digits. `05-01-2024`, two-digit years and days that do not exist are unreadable. A date
  column takes a time only where it is midnight, without an offset other than `Z`.
- **Days first with slashes**: `13/04/2024` is unreadable, and shows that its column is written day first. Where that
  column of the object also holds a date that could be either, such as `03/04/2024`, the object is refused as a whole,
  with both dates in the reason: write dates as `2024-04-03`.
- **Times** follow a date: `T20:00`, ` 20:00:00.123456`, ` 8 PM`, ` at 8:00 p.m.`; then `Z`, `UTC`, `GMT`, `+02`,
  `+0200`, `+02:00` or nothing. More than six decimals of a second are unreadable unless they are zeros, and so are
  24:00, the second 60 and names of zones. Ten digits from 1000000000 to 1899999999 are seconds since 1970, thirteen
  digits milliseconds.
- **Time zones**: an instant with an offset or `Z` is turned into UTC. One without is local to the venue of its
  concert, and taken as it stands where that has no zone. An hour that comes twice when clocks go back is the second
  one, in standard time; one that is left out when clocks go forward is told by the offset before the change, so that
  02:30 is 03:30.
- **Numbers**: thousands apart by comma, space or apostrophe, decimals after a point: `1,234.50`, `1 234.50`. A comma
  is the decimal one where it cannot part thousands: `12,50`, `1234,5`, `1.234,50`; `1,234` and `12,500` are thousands.
  But for degrees, `1.000` and `12.500` as texts are unreadable, as the point may part thousands or decimals; `0.500`,
  `1234.500` and `1,234.500` mean one thing only, and so does a number of JSON or Parquet. More decimals than the type
  holds are unreadable unless they are zeros; so are exponents (but for degrees), NaN and infinities.
- **Money** may carry `$`, `US$` or `USD` before or after it, and is negative with a minus or in parentheses. Another
  currency is unreadable, for no rate is known. A score may carry a percent sign.
- **Lists**: a JSON list of texts, numbers, true, false and null stays as it is. Another text is parted at `;` and
  `|`, or at commas where neither of these stands in it.
- **Words**: in the columns below that list other words, these are read as the value; case, hyphens and underscores
  make no difference. Names and three-letter codes of countries become their ISO code, names of states of the United
  States their postal abbreviation where the country is the United States or not given; other countries and states
  stay as spelled.
"""

_OPERATIONAL = """\
## Operational tables

How the published rows came about. `load_ledger`, `row_outcomes` and `identity_map` are published in one transaction
with the canonical tables.
"""

_ANALYTICAL = """\
## Marts and predictions

What is made of the published tables: marts by SQL (`concert_assets/sql/mart`), predictions by the trained models.
"""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    yield ""


def _allowed(column: Column) -> str:
    parts = []
    if column.values:
        is_listed = len(column.values) < _MOST_VALUES
        parts.append(", ".join(column.values) if is_listed else f"{len(column.values)} names, see the catalog")
    if column.minimum and column.maximum:
        parts.append(f"{column.minimum} to {column.maximum}")
    elif column.minimum:
        parts.append(f"{column.minimum} or more")
    elif column.maximum:
        parts.append(f"{column.maximum} or less")
    if column.is_word:
        parts.append("any case")
    if column.is_list:
        parts.append("list")
    return "; ".join(parts)


def _columns(columns: Sequence[Column], *, with_aliases: bool) -> Iterator[str]:
    header = ["column", "type", "unit", "required", "allowed", "meaning"]
    rows = []
    for column in columns:
        meaning = column.description + (" (personal)" if column.is_personal else "")
        row = [
            f"`{column.name}`",
            column.type,
            column.unit,
            "yes" if column.required else "",
            _allowed(column),
            meaning,
        ]
        rows.append([*row, ", ".join(f"`{alias}`" for alias in column.aliases)] if with_aliases else row)
    yield from _grid([*header, "other names"] if with_aliases else header, rows)


def _rule_row(rule: Rule, becomes: str) -> list[str]:
    severity = "" if rule.severity == "error" else f" ({rule.severity})"
    return [f"`{rule.name}`{severity}", rule.category.replace("_", " "), rule.description, becomes]


def rule_rows(table: Table) -> list[list[str]]:
    """Name, kind, text and consequence of each rule of a canonical table, in the order in which they are applied."""
    emptied = {f"{column.name}_allowed" for column in table.columns if column.may_be_emptied}
    rows = [_rule_row(rule, "left empty" if rule.name in emptied else "refused") for rule in table.rules("row")]
    rows += [
        [
            f"`{reference.rule_name}`",
            "referential integrity",
            f"{reference.column} must be that of a published row of {reference.table}",
            "pending",
        ]
        for reference in table.references
    ]
    rows += [_rule_row(rule, "refused") for rule in table.rules("set")]
    unique = f"{' and '.join(table.key)} must stand once; the newest by updated_at, delivery and row wins"
    rows.append([f"`{'_'.join(table.key)}_unique`", "uniqueness", unique, "repeated"])
    merged = MERGE_RULES.get(table.name)
    return [*rows, _rule_row(merged, "merged")] if merged else rows


def _about(table: Table) -> Iterator[str]:
    yield f"### {table.name}"
    yield ""
    yield table.description
    yield ""
    facts = [f"Table `{table.qualified}`"]
    if table.key:
        facts.append(f"key {', '.join(f'`{name}`' for name in table.key)}")
    facts += [f"`{reference.column}` refers to `{reference.table}`" for reference in table.references]
    if table.distribution_key:
        facts.append(f"distributed by `{table.distribution_key}`")
    if table.sort_key:
        facts.append(f"sorted by {', '.join(f'`{name}`' for name in table.sort_key)}")
    yield f"{'; '.join(facts)}. Owner {table.owner}."
    yield ""


def _synonyms(column: Column) -> str:
    words = "; ".join(f"{value} ({', '.join(others)})" for value, others in column.synonyms)
    return f"Other words of `{column.name}`: {words}."


def _canonical(table: Table) -> Iterator[str]:
    yield from _about(table)
    yield from _columns(table.columns, with_aliases=True)
    for column in table.columns:
        if column.values and column.synonyms:
            yield _synonyms(column)
            yield ""
    if table.derived:
        yield "Published beside what is delivered:"
        yield ""
        yield from _columns(table.derived, with_aliases=False)
    yield from _grid(["rule", "kind", "what holds", "a row that breaks it"], rule_rows(table))


def data_dictionary() -> str:
    """The whole page, in Markdown."""
    lines = [_INTRODUCTION, _CANONICAL]
    for table in TABLES:
        lines += _canonical(table)
    lines += ["### Origin of a row", "", "Every staged and published row of a canonical table also carries:", ""]
    lines += _columns(ORIGIN, with_aliases=False)
    for introduction, tables in ((_OPERATIONAL, OPERATIONAL), (_ANALYTICAL, (*MARTS, *PREDICTIONS))):
        lines.append(introduction)
        for table in tables:
            lines += _about(table)
            lines += _columns(table.columns, with_aliases=False)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else PATH).write_text(data_dictionary(), encoding="utf-8")
