"""The vocabulary of the catalog: columns, rules and tables. It knows no table; those stand in the sibling modules.

Types are written as Redshift writes them and are limited to those that Spark, Redshift and DuckDB hold alike:
``varchar(n)``, ``integer``, ``bigint``, ``decimal(p,s)``, ``double precision``, ``date``, ``timestamp``, ``boolean``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
RuleKind = Literal["row", "set", "audit"]
Category = Literal[
    "row_count",
    "completeness",
    "uniqueness",
    "validity",
    "referential_integrity",
    "arithmetic",
    "capacity",
    "timeliness",
    "conservation",
]

OWNER = "team:concert-data"


@dataclass(frozen=True, slots=True)
class Rule:
    """One quality rule.

    ``predicate`` is SQL over the table's typed columns and holds for a row that keeps the rule; it is written in the
    portable subset and yields true, or null where the rule does not apply. Row rules look at one row and run in
    curation; set rules need other rows or tables and run in resolve. Both are audited again on the candidate. Audit
    rules refuse nothing and are looked at on the candidate alone.
    """

    name: str
    category: Category
    column: str
    predicate: str
    description: str
    kind: RuleKind = "row"
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``minimum`` and ``maximum`` are inclusive bounds, written as SQL literals of the column's type.

    ``synonyms`` lists for a canonical value the other words for it, in lower case, parts of a word apart by one space.
    In a column without ``values`` any other text stays as spelled. ``synonyms_within`` (a column and one of its
    values) keeps them to rows where that column has the value or is not given.
    """

    name: str
    type: str
    description: str
    unit: str = ""
    required: bool = False
    minimum: str = ""
    maximum: str = ""
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    is_personal: bool = False
    is_word: bool = False  # case carries no meaning and is folded
    is_list: bool = False  # a JSON list of texts
    synonyms: tuple[tuple[str, tuple[str, ...]], ...] = ()
    synonyms_within: tuple[str, str] | None = None

    @property
    def is_text(self) -> bool:
        """Whether the column holds text."""
        return self.type.startswith("varchar")

    @property
    def may_be_emptied(self) -> bool:
        """Whether a given value that is not understood is left empty and counted, instead of refusing its row."""
        return not self.required and (not self.is_text or self.is_list or bool(self.values))

    def rules(self) -> Iterator[Rule]:
        """The rules that the column's own declaration implies, in the order in which they are applied."""
        if self.required:
            yield Rule(
                f"{self.name}_required",
                "completeness",
                self.name,
                f"{self.name} is not null",
                f"{self.name} must be given",
            )
        if self.is_text and not self.values:
            width = self.type.removeprefix("varchar(").removesuffix(")")
            yield Rule(
                f"{self.name}_length",
                "validity",
                self.name,
                f"octet_length({self.name}) <= {width}",
                f"{self.name} must take no more than {width} bytes in UTF-8",
            )
        if self.minimum or self.maximum:
            parts = [f"{self.name} >= {self.minimum}"] * bool(self.minimum)
            parts += [f"{self.name} <= {self.maximum}"] * bool(self.maximum)
            bounds = f"{self.minimum or '-infinity'} to {self.maximum or 'infinity'}"
            yield Rule(
                f"{self.name}_range",
                "validity",
                self.name,
                " and ".join(parts),
                f"{self.name} must lie in {bounds}",
            )
        if self.values:
            listed = ", ".join(f"'{value}'" for value in self.values)
            allowed = ", ".join(self.values) if len(self.values) < 20 else f"the {len(self.values)} known names"
            yield Rule(
                f"{self.name}_allowed",
                "validity",
                self.name,
                f"{self.name} in ({listed})",
                f"{self.name} must be one of {allowed}",
            )


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: ``column`` must be the key of a published row of ``table``."""

    column: str
    table: str

    @property
    def rule_name(self) -> str:
        """The name of the referential-integrity rule."""
        return f"{self.column}_exists"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what it holds, its columns in order, its business key, parents and rules across columns."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    table_rules: tuple[Rule, ...] = ()
    derived: tuple[Column, ...] = ()  # published beside what is delivered
    schema: str = "concert_dw"
    owner: str = OWNER
    distribution_key: str = ""
    sort_key: tuple[str, ...] = ()

    @property
    def qualified(self) -> str:
        """Schema and name, as SQL writes them."""
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name!r}; it has {', '.join(self.column_names)}")

    def rules(self, kind: RuleKind | None = None) -> tuple[Rule, ...]:
        """The rules of the table, column rules first and in column order, optionally of one kind only."""
        implied = [rule for column in self.columns for rule in column.rules()]
        return tuple(rule for rule in (*implied, *self.table_rules) if kind in (None, rule.kind))
