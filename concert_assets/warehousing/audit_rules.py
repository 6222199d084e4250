"""The rules as queries: how each is counted on what was delivered and on what is about to be published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from concert_assets.catalog.identity import MERGE_RULES
from concert_assets.catalog.model import Category, Rule, Severity, Table
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.names import STAGED_OBJECTS, STAGED_RULES, candidate
from concert_assets.warehousing.resolve import LEDGER, ORIGIN_KEY, OUTCOMES, audited, set_rules, unique_rule

SAMPLE_SIZE = 5

FAULTLESS = "faultless_rows"  # the rule whose score is the score of its table
ALL_TABLES = "all"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the quality results.

    ``culprits`` are the deliveries (by sequence) at fault for a failure. ``is_accepted`` tells that each failure is the
    fault of a released delivery: somebody looked at it and let it pass.
    """

    table: str
    rule: str
    category: Category
    scope: Literal["delivered", "candidate"]
    severity: Severity
    failing_rows: int
    total_rows: int
    description: str
    sample: tuple[str, ...] = ()
    culprits: tuple[int, ...] = ()
    is_accepted: bool = False

    @property
    def is_passed(self) -> bool:
        """Whether no row breaks the rule."""
        return self.failing_rows == 0

    @property
    def score(self) -> float:
        """Share of rows that keep the rule, 0 to 100; 100 where there is no row."""
        return 100.0 if not self.total_rows else round(100 * (1 - self.failing_rows / self.total_rows), 4)


def delivered(session: Session, table: Table) -> list[Result]:
    """What the rows that came broke, from the outcomes that curation and resolve wrote down."""
    ((total,),) = session.query(
        f"select coalesce(sum(rows_in), 0) from {LEDGER} where table_name = :table and state = 'live'",
        {"table": table.name},
    )
    counted = {
        rule: int(rows)
        for rule, rows in session.query(
            f"select x.rule, count(*) from {OUTCOMES} as x inner join {STAGED_OBJECTS} as o "
            "on o.object_id = x.object_id and o.state = 'live' where x.table_name = :table group by x.rule",
            {"table": table.name},
        )
    }
    emptied = {
        rule: int(rows)
        for rule, rows in session.query(
            f"select rule, sum(row_count) from {STAGED_RULES} "
            "where table_name = :table and effect = 'emptied' group by rule",
            {"table": table.name},
        )
    }
    samples: dict[str, list[str]] = {}
    for rule, value, key, row_number in session.query(
        "select r.rule, r.value, o.object_key, r.row_number from (select rule, value, object_id, row_number, "
        "row_number() over (partition by rule order by object_id, row_number) as position "
        f"from {OUTCOMES} where table_name = :table and outcome <> 'held') as r "
        f"inner join {STAGED_OBJECTS} as o on o.object_id = r.object_id and o.state = 'live' "
        "where r.position <= :most order by r.rule, r.position",
        {"table": table.name, "most": SAMPLE_SIZE},
    ):
        samples.setdefault(rule, []).append(f"{value!r} in row {row_number} of {key.rpartition('/')[2]}")

    def result(rule: Rule, failing: int, description: str = "") -> Result:
        return Result(
            table.name,
            rule.name,
            rule.category,
            "delivered",
            "warning",
            failing,
            int(total),
            description or rule.description,
            tuple(samples.get(rule.name, ())),
        )

    rules = [*table.rules("row"), *set_rules(table), unique_rule(table)]
    if table.name in MERGE_RULES:
        rules.append(MERGE_RULES[table.name])
    results = [result(rule, counted.pop(rule.name, 0)) for rule in rules]
    counted.pop("newest_wins", None)  # an older version that gives way is no fault
    for name, rows in sorted(counted.items()):
        column = name.removesuffix("_readable")
        rule = Rule(name, "validity", column, "", f"{column} must be readable as its type")
        results.append(result(rule, rows))
    faults = sum(item.failing_rows for item in results)
    for name, rows in sorted(emptied.items()):
        column = name.removesuffix("_readable")
        rule = Rule(name, "completeness", column, "", f"{column} could not be read and was left empty")
        results.append(result(rule, rows))
    rule = Rule(FAULTLESS, "conservation", "", "", "rows that break no rule; the score of the table")
    return [*results, result(rule, min(faults, int(total)))]


def about_to_be_published(session: Session, table: Table) -> list[Result]:
    """Every rule again on the rows about to be published, in one scan."""
    rules = [*table.rules("row"), *set_rules(table), *table.rules("audit")]
    sums = ", ".join(f"sum(case when not ({rule.predicate}) then 1 else 0 end)" for rule in rules)
    ((total, *failing),) = session.query(f"select count(*), {sums} from ({audited(table)}) as a")
    results = []
    for rule, count in zip(rules, failing, strict=True):
        broken = f"select a.* from ({audited(table)}) as a where not ({rule.predicate})"
        results.append(_result(session, table, rule, int(count or 0), int(total), broken, ORIGIN_KEY))
    keys = ", ".join(table.key)
    unique = unique_rule(table)
    repeated = f"select {keys} from {candidate(table.name)} group by {keys} having count(*) > 1"
    ((count,),) = session.query(f"select count(*) from ({repeated}) as r")
    joined = " and ".join(f"r.{column} = a.{column}" for column in table.key)
    broken = f"select a.* from {candidate(table.name)} as a inner join ({repeated}) as r on {joined}"
    return [*results, _result(session, table, unique, int(count), int(total), broken, table.key)]


def _result(
    session: Session, table: Table, rule: Rule, failing: int, total: int, broken: str, group: Sequence[str]
) -> Result:
    """A result with its evidence. ``group`` are the columns by which failing rows belong to one failure."""
    sample: tuple[str, ...] = ()
    culprits: tuple[int, ...] = ()
    if failing:
        sample, culprits = _sample(session, table, broken), _culprits(session, broken, group)
    return Result(
        table.name,
        rule.name,
        rule.category,
        "candidate",
        rule.severity,
        failing,
        total,
        rule.description,
        sample,
        culprits,
        is_accepted=bool(failing) and not culprits,
    )


def _sample(session: Session, table: Table, broken: str) -> tuple[str, ...]:
    """Keys of a few failing rows."""
    keys = ", ".join(f"b.{column}" for column in table.key)
    rows = session.query(f"select {keys} from ({broken}) as b order by {keys} limit {SAMPLE_SIZE}")
    return tuple(" / ".join(map(str, row)) for row in rows)


def _culprits(session: Session, broken: str, group: Sequence[str]) -> tuple[int, ...]:
    """The deliveries at fault: of each failure the newest that takes part, for it brought what the others had not.

    A released delivery is not at fault any more.
    """
    columns = ", ".join(f"b.{column}" for column in group)
    rows = session.query(
        f"select distinct f.newest from (select max(o.sequence) as newest from ({broken}) as b "
        f"inner join {STAGED_OBJECTS} as o on o.object_id = b._object_id and o.state = 'live' group by {columns}) as f "
        f"where f.newest not in (select sequence from {STAGED_OBJECTS} where is_released)"
    )
    return tuple(sorted(int(newest) for (newest,) in rows))


def overall(results: Sequence[Result]) -> Result:
    """The faultless rows of all tables together."""
    scores = [r for r in results if r.rule == FAULTLESS]
    text = "rows that break no rule, over all tables; the overall score"
    failing, total = sum(r.failing_rows for r in scores), sum(r.total_rows for r in scores)
    return Result(ALL_TABLES, FAULTLESS, "conservation", "delivered", "warning", failing, total, text)
