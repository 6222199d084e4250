"""Resolve: from staging to the candidate for publication. Set rules refuse, orphans wait, the newest version wins.

The statements are composed of the catalog in Redshift's dialect. Rows that will not be published are found first (they
are few) and written down with their reason; the candidate is everything else, so each row has exactly one outcome.
Artists and venues that are one by another id are merged on the way, and what refers to them follows.
"""

from collections.abc import Callable, Sequence

from concert_assets.catalog.canonical import BY_NAME, IDENTITY_ALIASES, LOCAL_TIMESTAMPS, TABLES, published_columns
from concert_assets.catalog.identity import IDENTITY_MAP, MERGED
from concert_assets.catalog.model import Reference, Rule, Table
from concert_assets.catalog.operational import LOAD_LEDGER, ROW_OUTCOMES
from concert_assets.resources.redshift.protocol import Session
from concert_assets.sql.files import read_sql
from concert_assets.warehousing.identity.merging import ENTITIES, MAP, IdleAlias, merge, read_aliases
from concert_assets.warehousing.names import (
    STAGED_OBJECTS,
    STAGED_REJECTS,
    candidate,
    create_table,
    held,
    staged,
    staged_columns,
)

OUTCOMES = candidate(ROW_OUTCOMES.name)
LEDGER = candidate(LOAD_LEDGER.name)
ORIGIN_KEY = ("_object_id", "_row_number")

# The zone in which a table's local times are told, over the parents' candidates. A source tells its times in the zone
# of its own row of the venue, which may have given way to a row without one.
_CONCERT_ZONE = "coalesce(merged_venue_id.timezone, venues.timezone)"
_ZONES = {"concerts": _CONCERT_ZONE, "ticket_sales": "concerts.event_timezone"}
# What set rules look at beyond the row itself. A concert is held to the capacity of the venue's row that it names, if
# that tells one: sources count a house differently, and a merge must not make a sound row unfit.
_INPUTS = {
    "concerts": {
        "venue_capacity": "coalesce(merged_venue_id.capacity, venues.capacity)",
        "data_end": "objects.data_end",
    },
    # Where only the date is known, a sale on the day itself precedes the show in every time zone within 36 hours.
    "ticket_sales": {
        "concert_sales_end": (
            "case when concerts.has_event_time then concerts.event_date else dateadd(hour, 36, concerts.event_date) end"
        )
    },
}
# How the columns are got that the warehouse adds to what is delivered, over a staged row ``t`` and its parents.
_DERIVED = {
    "concerts": {"has_event_time": "t.event_date_basis <> 'date'", "event_timezone": _CONCERT_ZONE},
}


def _with_parents(table: Table, source: str, columns: Sequence[str], is_delivered: bool) -> str:
    """A query over ``source`` as ``t`` that adds to ``columns`` which parents exist and what the set rules look at.

    ``is_delivered`` tells that the rows refer as they were delivered, so that references are followed through the map
    of merged ids; else the delivered rows are looked up for the ids that they named.
    """
    merged = _merged(table)
    named = "t" if is_delivered else "delivered"
    found = [f"{_key(BY_NAME[r.table], r.table)} is not null as {r.rule_name}" for r in table.references]
    inputs = [f"{expression} as {name}" for name, expression in _INPUTS.get(table.name, {}).items()]
    joins = []
    if merged and not is_delivered:
        on = " and ".join(f"delivered.{column} = t.{column}" for column in ORIGIN_KEY)
        joins.append(f"inner join {staged(table)} as delivered on {on}")
    joins += [
        f"left join {MAP} as merged_{r.column} on merged_{r.column}.entity = '{MERGED[r.table]}' "
        f"and merged_{r.column}.source_id = {named}.{r.column}"
        for r in merged
    ]
    for r in table.references:
        value = _canonical_id(r) if r in merged and is_delivered else f"t.{r.column}"
        joins.append(f"left join {candidate(r.table)} as {r.table} on {_key(BY_NAME[r.table], r.table)} = {value}")
    if "data_end" in _INPUTS.get(table.name, {}):
        on = "objects.object_id = t._object_id and objects.state = 'live'"
        joins.append(f"left join {STAGED_OBJECTS} as objects on {on}")
    return f"select {', '.join([*columns, *found, *inputs])} from {source} as t {' '.join(joins)}"


def _key(table: Table, alias: str) -> str:
    (column,) = table.key
    return f"{alias}.{column}"


def _merged(table: Table) -> list[Reference]:
    """The references that are followed through the map of merged ids."""
    return [reference for reference in table.references if reference.table in MERGED]


def _canonical_id(reference: Reference) -> str:
    return f"coalesce(merged_{reference.column}.canonical_id, t.{reference.column})"


def fitted(table: Table) -> str:
    """Staged rows as they would be published: times in UTC, references through the map; with what set rules look at."""
    zone = _ZONES.get(table.name, "")
    followed = {reference.column: _canonical_id(reference) for reference in _merged(table)}
    columns = ["t._object_id", "t._row_number"]
    for column in table.columns:
        if column.name in LOCAL_TIMESTAMPS:
            columns.append(
                f"case when t.{column.name}_basis = 'local' and {zone} is not null "
                f"then convert_timezone({zone}, 'UTC', t.{column.name}) else t.{column.name} end as {column.name}"
            )
        elif column.name in followed:
            columns.append(f"{followed[column.name]} as {column.name}")
        else:
            columns.append(f"t.{column.name}")
    columns += [f"{expression} as {name}" for name, expression in _DERIVED.get(table.name, {}).items()]
    return _with_parents(table, staged(table), columns, is_delivered=True)


def audited(table: Table) -> str:
    """Candidate rows with what the set rules look at."""
    return _with_parents(table, candidate(table.name), ["t.*"], is_delivered=False)


def set_rules(table: Table) -> list[Rule]:
    """The rules that resolve applies, in order; the first that a row breaks decides.

    A row's own fault goes before a missing parent; what a rule would see of a parent that is missing is null.
    """
    references = [
        Rule(
            r.rule_name,
            "referential_integrity",
            r.column,
            r.rule_name,
            f"{r.column} must be that of a published row of {r.table}",
            "set",
        )
        for r in table.references
    ]
    return [*table.rules("set"), *references]


def unique_rule(table: Table) -> Rule:
    """The rule that a business key stands once."""
    name = "_".join(table.key) + "_unique"
    text = f"{' and '.join(table.key)} must stand once; the newest by updated_at, delivery and row wins"
    return Rule(name, "uniqueness", table.key[0], "true", text, "set")


def unfit_statement(table: Table) -> str:
    """Writes down the rows that a set rule refuses, or whose parent is missing."""
    rules = set_rules(table)
    pending = {r.rule_name for r in table.references}

    def choose(value: Callable[[Rule], str]) -> str:
        return "case " + " ".join(f"when not ({rule.predicate}) then {value(rule)}" for rule in rules) + " end"

    outcome = choose(lambda rule: "'pending'" if rule.name in pending else "'rejected'")
    name = choose(lambda rule: f"'{rule.name}'")
    column = choose(lambda rule: f"'{rule.column}'")
    value = choose(lambda rule: f"cast({rule.column} as varchar(4000))")
    reason = choose(lambda rule: f"'{rule.description}'")
    broken = " or ".join(f"not ({rule.predicate})" for rule in rules)
    return (
        f"insert into {OUTCOMES} ({', '.join(ROW_OUTCOMES.column_names)}) "
        f"select _object_id, _row_number, '{table.name}', {outcome}, {name}, {column}, {value}, {reason}, "
        f"null, null, null "
        f"from ({fitted(table)}) as f where {broken}"
    )


def repeated_statement(table: Table) -> str:
    """Writes down the rows whose key stands again in a row that wins over them.

    Two-phase: the keys that repeat are found first and only their rows are ranked, for ranking all rows spills.
    """
    keys = ", ".join(f"t.{column}" for column in table.key)

    def same_key(left: str, right: str) -> str:
        return " and ".join(f"{left}.{column} = {right}.{column}" for column in table.key)

    compared = [name for name in staged_columns(table) if name not in (*table.key, *ORIGIN_KEY, "updated_at")]
    is_same = " and ".join(f"{_comparable('l', name)} = {_comparable('w', name)}" for name in compared)
    rule = unique_rule(table)
    return (
        f"insert into {OUTCOMES} ({', '.join(ROW_OUTCOMES.column_names)}) "
        f"with repeated as (select {keys} from {staged(table)} as t group by {keys} having count(*) > 1), "
        f"ranked as (select t.*, row_number() over (partition by {keys} order by t.updated_at desc nulls last, "
        f"o.sequence desc, t._row_number desc, t._object_id desc) as _rank "
        f"from {staged(table)} as t inner join repeated as r on {same_key('t', 'r')} "
        f"inner join {STAGED_OBJECTS} as o on o.object_id = t._object_id and o.state = 'live' "
        f"where {_no_outcome(table, 't')}) "
        f"select l._object_id, l._row_number, '{table.name}', "
        f"case when {is_same} then 'duplicate' else 'superseded' end, "
        f"case when {is_same} then '{rule.name}' else 'newest_wins' end, '{rule.column}', l.{rule.column}, "
        f"'{rule.description}', w._object_id, w._row_number, null "
        f"from ranked as l inner join ranked as w on {same_key('l', 'w')} and w._rank = 1 where l._rank > 1"
    )


def _comparable(alias: str, name: str) -> str:
    """A value as text that is never null. The basis of a time that could not be read says nothing."""
    value = f"cast({alias}.{name} as varchar(65535))"
    if name.endswith("_basis"):
        value = f"case when {alias}.{name.removesuffix('_basis')} is not null then {value} end"
    return f"coalesce({value}, '')"


def _no_outcome(table: Table, alias: str) -> str:
    return (
        f"not exists (select 1 from {OUTCOMES} as x where x.table_name = '{table.name}' "
        f"and x.object_id = {alias}._object_id and x.row_number = {alias}._row_number)"
    )


def candidate_statement(table: Table) -> str:
    """Makes the candidate of a table: every staged row that has no other outcome."""
    columns = ", ".join(f"cast(f.{c.name} as {c.type}) as {c.name}" for c in published_columns(table))
    return (
        f"create table {candidate(table.name)} as "
        f"select {columns} from ({fitted(table)}) as f where {_no_outcome(table, 'f')}"
    )


def resolve(session: Session) -> list[IdleAlias]:
    """Make the candidate of every table, of row outcomes, ledger and identity map from what is staged.

    The caller holds a transaction, so that a candidate is whole or not there. Returns the aliases without effect.
    """
    for name, of_name in ((OUTCOMES, ROW_OUTCOMES), (MAP, IDENTITY_MAP)):
        session.execute(f"drop table if exists {name}")
        session.execute(create_table(name, {c.name: c.type for c in of_name.columns}))
    columns = ", ".join(ROW_OUTCOMES.column_names)
    session.execute(
        # Distinct, for a held delivery may bring an object that is live through an earlier one of the name.
        f"insert into {OUTCOMES} ({columns}) select distinct object_id, row_number, table_name, 'rejected', rule, "
        f"column_name, value, reason, cast(null as varchar(32)) as winner_object_id, "
        f"cast(null as bigint) as winner_row_number, row_json from {STAGED_REJECTS}"
    )
    idle: list[IdleAlias] = []
    # The aliases first, for they are looked at when artists and venues are merged.
    for table in (IDENTITY_ALIASES, *(table for table in TABLES if table is not IDENTITY_ALIASES)):
        session.execute(
            f"insert into {OUTCOMES} ({columns}) select h._object_id, h._row_number, '{table.name}', 'held', "
            f"'delivery_held', null, null, o.note, null, null, null from {held(table)} as h "
            f"inner join {STAGED_OBJECTS} as o on o.object_id = h._object_id and o.state = 'held'"
        )
        if set_rules(table):
            session.execute(unfit_statement(table))
        session.execute(repeated_statement(table))
        if table is IDENTITY_ALIASES:
            aliases = read_aliases(session)
        elif table.name in ENTITIES:
            idle += merge(session, ENTITIES[table.name], aliases)
        session.execute(f"drop table if exists {candidate(table.name)}")
        session.execute(candidate_statement(table))
    session.execute(f"drop table if exists {LEDGER}")
    session.execute(f"create table {LEDGER} as {read_sql('resolve/load_ledger')}")
    return idle
