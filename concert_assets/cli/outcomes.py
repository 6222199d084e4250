"""What became of the rows that are not published, as the warehouse judged them last."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.catalog.model import Table
from concert_assets.catalog.operational import LOAD_LEDGER, ROW_OUTCOMES
from concert_assets.cli.errors import CommandFailed
from concert_assets.cli.runs import data_place, delivery_log
from concert_assets.deliveries.log import NoSuchDelivery
from concert_assets.deployment import Deployment
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.names import SCHEMA, STAGED_OBJECTS, candidate, staged

_KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row that is not published. ``key`` is its business key as text, empty where the row does not tell it.

    ``is_mended`` says that a later delivery brought a row of that key, and that this one is published.
    """

    table: str
    delivery: str
    number: int
    object_id: str
    row: int
    outcome: str
    rule: str
    column: str
    value: str | None
    reason: str
    row_json: str | None
    key: tuple[str, ...]
    is_mended: bool = False

    def told(self) -> dict[str, Any]:
        """The row for programs."""
        names = ("table", "delivery", "number", "object_id", "row", "outcome", "rule", "column", "value", "reason")
        return {name: getattr(self, name) for name in names} | {"is_mended": self.is_mended}


@dataclass(frozen=True, slots=True)
class Gathered:
    """The rows that were asked for, the objects refused as a whole, and whether that is the published state."""

    outcomes: list[Outcome]
    refused: list[dict[str, Any]]
    is_published: bool


def gather(deployment: Deployment, options: Any) -> Gathered:
    """The rows of an outcome, narrowed by table, delivery and rule where the options say so."""
    from concert_assets.definitions import build_resources

    nothing = CommandFailed(f"nothing is judged yet in {data_place(deployment)}; run demo or ingest first")
    redshift = build_resources(deployment)["redshift"]
    if not redshift.is_begun():
        raise nothing
    name, number = _delivery(deployment, options.delivery)
    asked = {
        "x.rule": options.rule,
        "x.table_name": options.table,
        "l.delivery": name,
        "l.sequence": number,
        "x.outcome": options.outcome,
    }
    found: list[Outcome] = []
    with redshift.session() as session:
        # What was judged last and not published still lies there as the candidate; a held delivery shows only there.
        is_published = not session.table_exists(candidate(ROW_OUTCOMES.name))
        place = _published if is_published else candidate
        if not session.table_exists(place(ROW_OUTCOMES.name)):
            raise nothing
        for table in BY_NAME.values():
            if options.table in (None, table.name):
                outcomes = _outcomes(session, place, table, asked)
                found += _with_mended(session, place(table.name), table, outcomes)
        refused = _refused(session, place(LOAD_LEDGER.name), options.table, name, number)
    if options.rule is not None and not found:
        raise CommandFailed(f"no {options.outcome} row of what was asked for has the rule {options.rule!r}")
    return Gathered(found, refused, is_published)


def _published(name: str) -> str:
    return f"{SCHEMA}.{name}"


def _outcomes(
    session: Session, place: Callable[[str], str], table: Table, asked: Mapping[str, Any]
) -> Iterator[Outcome]:
    keys = ", ".join(f"cast(s.{column} as varchar(65535))" for column in table.key)
    given = {column: value for column, value in asked.items() if value is not None}
    names = {column: column.partition(".")[2] for column in given}
    rows = session.query(
        f"select l.delivery, l.sequence, x.object_id, x.row_number, x.outcome, x.rule, coalesce(x.column_name, ''), "
        f"x.value, coalesce(x.reason, ''), x.row_json, {keys} from {place(ROW_OUTCOMES.name)} as x "
        f"inner join {place(LOAD_LEDGER.name)} as l on l.object_id = x.object_id and l.table_name = x.table_name "
        f"and l.state in ('live', 'held') left join {staged(table)} as s on x.row_json is null "
        f"and s._object_id = x.object_id and s._row_number = x.row_number where x.table_name = '{table.name}' "
        f"{''.join(f'and {column} = :{name} ' for column, name in names.items())}"
        "order by l.sequence, l.object_key, x.row_number",
        {names[column]: value for column, value in given.items()},
    )
    for delivery, number, object_id, row, outcome, rule, column, value, reason, row_json, *key in rows:
        yield Outcome(
            table.name,
            delivery,
            number,
            object_id,
            row,
            outcome,
            rule,
            column,
            value,
            reason,
            row_json,
            _key(table, row_json, key),
        )


def _delivery(deployment: Deployment, reference: str | None) -> tuple[str | None, int | None]:
    """The name or else the number that a reference to a delivery means."""
    if reference is None:
        return None, None
    try:
        delivery = delivery_log(deployment).find(reference)
    except NoSuchDelivery as error:
        raise CommandFailed(str(error)) from error
    return (reference, None) if delivery.name == reference else (None, delivery.sequence)


def _key(table: Table, row_json: str | None, staged_key: Sequence[Any]) -> tuple[str, ...]:
    """The business key of a row as the warehouse would write it; empty where a part is missing."""
    columns = [table.column(name) for name in table.key]
    if row_json is None:
        values = list(staged_key)
    else:
        row = json.loads(row_json)
        texts = [row.get(column.name) for column in columns]
        values = [text.lower() if text and c.is_word else text for text, c in zip(texts, columns, strict=True)]
    return tuple(values) if all(values) else ()


def _with_mended(session: Session, published: str, table: Table, found: Iterable[Outcome]) -> Iterator[Outcome]:
    """The outcomes, with what is published of later deliveries under their keys."""
    outcomes = list(found)
    newest: dict[tuple[str, ...], int] = {}
    keys = ", ".join(f"t.{column}" for column in table.key)
    wanted = sorted({item.key[0] for item in outcomes if item.key and item.outcome == "rejected"})
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        chunk = wanted[start : start + _KEYS_AT_ONCE]
        chunk += chunk[:1] * (_KEYS_AT_ONCE - len(chunk))  # one statement for all, so that it is translated once
        names = [f"key_{position}" for position in range(_KEYS_AT_ONCE)]
        for *key, sequence in session.query(
            f"select {keys}, o.sequence from {published} as t inner join {STAGED_OBJECTS} as o "
            f"on o.object_id = t._object_id and o.state = 'live' where t.{table.key[0]} in (:{', :'.join(names)})",
            dict(zip(names, chunk, strict=True)),
        ):
            newest[tuple(key)] = int(sequence)
    for item in outcomes:
        is_mended = item.outcome == "rejected" and newest.get(item.key, 0) > item.number
        yield replace(item, is_mended=True) if is_mended else item


def _refused(
    session: Session, ledger: str, table: str | None, delivery: str | None, number: int | None
) -> list[dict[str, Any]]:
    """The objects that could not be read, with the reason."""
    return [
        {"delivery": name, "number": sequence, "key": key, "reason": note}
        for name, sequence, key, brings, note in session.query(
            f"select distinct delivery, sequence, object_key, table_name, note from {ledger} "
            "where state = 'refused' order by sequence, object_key"
        )
        if table in (None, brings) and delivery in (None, name) and number in (None, sequence)
    ]
