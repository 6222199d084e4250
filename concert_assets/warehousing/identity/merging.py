"""Merges the artists or venues of a candidate: reads the rows, writes down who gives way to whom, and why."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Generic, TypeVar

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.catalog.identity import IDENTITY_ALIASES, IDENTITY_MAP, MERGE_RULES, MERGED
from concert_assets.catalog.model import Table
from concert_assets.catalog.operational import ROW_OUTCOMES
from concert_assets.resources.redshift.protocol import Session
from concert_assets.warehousing.identity.aliases import Alias, Known, ReadName
from concert_assets.warehousing.identity.blocks import artist_keys, venue_keys
from concert_assets.warehousing.identity.evidence import Artist, Venue, compare_artists, compare_venues
from concert_assets.warehousing.identity.matching import Kind, Matched, Merge, match
from concert_assets.warehousing.identity.names import folded, read_name
from concert_assets.warehousing.identity.places import read_city, read_country, read_street, read_venue_name
from concert_assets.warehousing.names import STAGED_OBJECTS, candidate, staged

P = TypeVar("P", Artist, Venue)
T = TypeVar("T")
Row = Mapping[str, Any]

MAP = candidate(IDENTITY_MAP.name)
OUTCOMES = candidate(ROW_OUTCOMES.name)
OWN_COLUMNS = ("timezone", "capacity")  # what the map keeps of a venue that gave way, for the concerts that named it


@dataclass(frozen=True, slots=True)
class Entity(Generic[P]):
    """A table whose rows are merged, the columns that are compared, and how their values are read."""

    table: Table
    columns: tuple[str, ...]
    kind: Kind[P]
    read: Callable[..., P | None]
    read_name: ReadName


@dataclass(frozen=True, slots=True)
class IdleAlias:
    """An alias that names nothing known, or that another one overrules; ``text`` is what it says."""

    text: str


def _artist(
    name: str, genre: str | None, genres: str | None, formed: date | None, members: str | None, spotify_id: str | None
) -> Artist | None:
    forms = read_name(name)
    if forms is None:
        return None
    people = _texts(members)
    echoes = len(people) == 1 and "".join(folded(*people)) in forms.keys
    return Artist(forms, _word(genre), _genres(genres), formed, people, echoes, spotify_id or "")


def _venue(
    name: str,
    city: str | None,
    state: str | None,
    country: str | None,
    timezone: str | None,
    kind: str | None,
    address: str | None,
    postal_code: str | None,
    latitude: float | None,
    longitude: float | None,
    capacity: int | None,
) -> Venue | None:
    forms = read_venue_name(name)
    if forms is None:
        return None
    return Venue(
        forms,
        read_city(city),
        _word(state),
        read_country(country),
        timezone or "",
        kind or "",
        read_street(address),
        _plain(postal_code),
        latitude,
        longitude,
        capacity,
    )


def _plain(text: str | None) -> str:
    return " ".join(text.casefold().split()) if text else ""


def _texts(text: str | None) -> frozenset[str]:
    """The elements of a list as JSON; none where it is no such list, for it is evidence, not data."""
    try:
        listed = json.loads(text) if text else []
    except ValueError:
        listed = []
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(_plain(item) for item in listed if isinstance(item, str))


# Of these there are few different ones.
_word = lru_cache(maxsize=10_000)(_plain)
_genres = lru_cache(maxsize=10_000)(_texts)


ARTISTS = Entity(
    BY_NAME["artists"],
    ("name", "primary_genre", "genres", "formation_date", "members", "spotify_id"),
    Kind(compare_artists, artist_keys),
    _artist,
    read_name,
)
VENUES = Entity(
    BY_NAME["venues"],
    (
        "name",
        "city",
        "state",
        "country",
        "timezone",
        "venue_type",
        "address",
        "postal_code",
        "latitude",
        "longitude",
        "capacity",
    ),
    Kind(compare_venues, venue_keys),
    _venue,
    read_venue_name,
)
ENTITIES: Mapping[str, Entity[Any]] = {entity.table.name: entity for entity in (ARTISTS, VENUES)}


def rows_statement(table: Table, columns: Sequence[str]) -> str:
    """The rows of a table that have no other outcome yet, one an id."""
    listed = ", ".join(f"t.{column}" for column in columns)
    return (
        f"select {listed}, t._object_id, t._row_number from {staged(table)} as t where not exists "
        f"(select 1 from {OUTCOMES} as x where x.table_name = '{table.name}' "
        "and x.object_id = t._object_id and x.row_number = t._row_number)"
    )


def positions_statement(table: Table) -> str:
    """Where in the log each id was delivered: sequence and first row number, one row an id and delivery."""
    (key,) = table.key
    return (
        f"select t.{key}, o.sequence, min(t._row_number) from {staged(table)} as t inner join {STAGED_OBJECTS} as o "
        f"on o.object_id = t._object_id and o.state = 'live' group by t.{key}, o.sequence"
    )


def read_aliases(session: Session) -> list[dict[str, Any]]:
    """The aliases in force, the newest first: by updated_at, delivery and row, as versions of a key win."""
    columns = [*IDENTITY_ALIASES.column_names, "_object_id", "_row_number"]
    rows = [
        dict(zip(columns, row, strict=True))
        for row in session.query(rows_statement(IDENTITY_ALIASES, IDENTITY_ALIASES.column_names))
    ]
    sequences = dict(
        session.query(f"select object_id, max(sequence) from {STAGED_OBJECTS} where state = 'live' group by object_id")
    )

    def rank(row: Row) -> tuple[Any, ...]:
        stamp = row["updated_at"]
        return (stamp is not None, stamp or 0, sequences[row["_object_id"]], row["_row_number"], row["_object_id"])

    return sorted(rows, key=rank, reverse=True)


def merge(session: Session, entity: Entity[P], aliases: Sequence[Row]) -> list[IdleAlias]:
    """Write down the rows of a table that give way, in the outcomes and in the map. Returns the aliases without effect.

    ``aliases`` are those of all entities.
    """
    (key,) = entity.table.key
    positions: dict[str, tuple[int, int]] = {}
    for identity, *position in session.query(positions_statement(entity.table)):
        positions[identity] = min(positions.get(identity, tuple(position)), tuple(position))
    rows = session.query(rows_statement(entity.table, (key, *entity.columns)))
    rows.sort(key=lambda row: (positions[row[0]], row[0]))
    profiles = [entity.read(*row[1:-2]) for row in rows]
    known = Known(
        [row[0] for row in rows],
        [profile.name if profile is not None else None for profile in profiles],
        _values(entity, rows, "city", read_city),
        entity.read_name,
    )
    own = [row for row in aliases if row["entity"] == MERGED[entity.table.name]]
    declared = [Alias(row["reference"], row["other_reference"], row["verdict"], row["city"] or "") for row in own]
    found = match(entity.kind, profiles, known, declared)
    _write(session, entity, rows, found)
    return [
        IdleAlias(f"{row['entity']} {row['reference']!r} {row['verdict']} {row['other_reference']!r}")
        for row in (own[number] for number in found.idle)
    ]


def _values(
    entity: Entity[Any], rows: Sequence[Sequence[Any]], column: str, read: Callable[[Any], T]
) -> list[T] | None:
    """A column of the rows; None where the table has none of that name."""
    if column not in entity.columns:
        return None
    place = entity.columns.index(column) + 1
    return [read(row[place]) for row in rows]


def _write(session: Session, entity: Entity[Any], rows: Sequence[Sequence[Any]], found: Matched) -> None:
    name, rule = MERGED[entity.table.name], MERGE_RULES[entity.table.name]
    own = [_values(entity, rows, column, lambda value: value) for column in OWN_COLUMNS]

    def outcome(merge: Merge) -> tuple[Any, ...]:
        row, winner = rows[merge.row], rows[merge.canonical]
        reason = f"the same {name} as {winner[0]}, score {merge.score:.2f}: {merge.evidence}"
        told = ("duplicate", rule.name, rule.column, row[1], reason[:4000])
        return (*row[-2:], entity.table.name, *told, *winner[-2:], None)

    def line(merge: Merge) -> tuple[Any, ...]:
        told = (merge.score, merge.method, merge.evidence[:1024])
        kept = (values[merge.row] if values else None for values in own)
        return (name, rows[merge.row][0], rows[merge.canonical][0], *told, *kept)

    session.insert_rows(OUTCOMES, ROW_OUTCOMES.column_names, [outcome(merge) for merge in found.merges])
    session.insert_rows(MAP, IDENTITY_MAP.column_names, [line(merge) for merge in found.merges])
