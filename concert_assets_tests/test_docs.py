"""Pages that tell of the code tell what the code says: the data dictionary and the table of settings."""

import subprocess
import sys
from pathlib import Path

import pytest

from concert_assets.catalog.analytics import MARTS, PREDICTIONS
from concert_assets.catalog.canonical import TABLES, published_columns
from concert_assets.catalog.dictionary import PATH, data_dictionary, rule_rows
from concert_assets.catalog.identity import MERGE_RULES
from concert_assets.catalog.model import Table
from concert_assets.catalog.operational import TABLES as OPERATIONAL
from concert_assets.glue_jobs.statement import readable_rule, row_rules
from concert_assets.warehousing.resolve import set_rules, unique_rule

ROOT = Path(__file__).parents[1]


# --- the data dictionary


def test_the_data_dictionary_is_that_of_the_catalog() -> None:
    written = (ROOT / PATH).read_text(encoding="utf-8")
    assert written == data_dictionary(), "run python -m concert_assets.catalog.dictionary"


def test_the_command_writes_the_data_dictionary(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = subprocess.run(
        [sys.executable, "-m", "concert_assets.catalog.dictionary", str(page)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert page.read_text(encoding="utf-8") == data_dictionary()


def section(table: Table) -> str:
    """The part of the dictionary on one table."""
    page = data_dictionary()
    begin = page.index(f"\n### {table.name}\n")
    end = min((at for mark in ("\n### ", "\n## ") if (at := page.find(mark, begin + 1)) > 0), default=len(page))
    return page[begin:end]


@pytest.mark.parametrize("table", [*TABLES, *OPERATIONAL, *MARTS, *PREDICTIONS], ids=lambda table: table.name)
def test_every_column_of_a_table_is_told(table: Table) -> None:
    told = section(table)
    assert table.description in told
    columns = [*table.columns, *table.derived]
    assert [c.name for c in columns if f"| `{c.name}` | {c.type} | {c.unit} |" not in told] == []
    assert [c.name for c in columns if " ".join(c.description.split()) not in told] == []
    assert [c.name for c in columns if c.maximum and f"{c.minimum} to {c.maximum}" not in told] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_rules_told_are_those_applied(table: Table) -> None:
    told = {(name.strip("`"), kind.replace(" ", "_"), text) for name, kind, text, _ in rule_rows(table)}
    readable = {readable_rule(column).name for column in table.columns}
    applied = [rule for rule in row_rules(table) if rule.name not in readable]
    applied += [*set_rules(table), unique_rule(table)]
    # what curation empties breaks no rule there; the audit looks at it all the same
    emptied = {f"{column.name}_allowed" for column in table.columns if column.may_be_emptied}
    applied += [rule for rule in table.rules("row") if rule.name in emptied]
    applied += [MERGE_RULES[table.name]] if table.name in MERGE_RULES else []
    assert told == {(rule.name, rule.category, rule.description) for rule in applied}
    assert len(rule_rows(table)) == len(told)


def test_the_origin_of_rows_is_told() -> None:
    origin = published_columns(TABLES[0])[-2:]
    assert [column.name for column in origin if f"| `{column.name}` |" not in data_dictionary()] == []
