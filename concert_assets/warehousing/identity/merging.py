"""Merges the artists or venues of a candidate: reads the rows, writes down who gives way to whom, and why."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
Row = Mapping[str, Any]

MAP = candidate(IDENTITY_MAP.name)
OUTCOMES = candidate(ROW_OUTCOMES.name)


@dataclass(frozen=True, slots=True)
class Entity(Generic[P]):
    """A table whose rows are merged: what it holds, the columns that are compared, and how they are read."""

    table: Table
    columns: tuple[str, ...]
    kind: Kind[P]
    read: Callable[[Row], P | None]
    read_name: ReadName


@dataclass(frozen=True, slots=True)
class IdleAlias:
    """An alias that names nothing known, or that another one overrules; ``text`` is what it says."""

    text: str


def _artist(row: Row) -> Artist | None:
    name = read_name(row["name"])
    if name is None:
        return None
    members = _texts(row["members"])
    return Artist(
        name,
        _plain(row["primary_genre"]),
        _texts(row["genres"]),
        row["formation_date"],
        members,
        len(members) == 1 and "".join(folded(*members)) in name.keys,
        row["spotify_id"] or "",
    )


def _venue(row: Row) -> Venue | None:
    name = read_venue_name(row["name"])
    if name is None:
        return None
    return Venue(
        name,
        read_city(row["city"]),
        _plain(row["state"]),
        read_country(row["country"]),
        row["timezone"] or "",
        row["venue_type"] or "",
        read_street(row["address"]),
        _plain(row["postal_code"]),
        row["latitude"],
        row["longitude"],
        row["capacity"],
    )


def _plain(text: str | None) -> str:
    return " ".join(text.casefold().split()) if text else ""


def _texts(text: str | None) -> frozenset[str]:
    """The elements of a list as JSON; none where it is no such list, for it is evidence, not data."""
    try:
        listed = json.loads(text) if text else []
    except ValueError:
        listed = []
    return (
        frozenset(_plain(item) for item in listed if isinstance(item, str)) if isinstance(listed, list) else frozenset()
    )


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
    columns = (key, *entity.columns, "_object_id", "_row_number")
    rows = session.query(rows_statement(entity.table, columns[:-2]))
    positions: dict[str, tuple[int, int]] = {}
    for identity, sequence, number in session.query(positions_statement(entity.table)):
        positions[identity] = min(positions.get(identity, (sequence, number)), (sequence, number))
    ordered = [
        dict(zip(columns, row, strict=True)) for row in sorted(rows, key=lambda row: (*positions[row[0]], row[0]))
    ]
    own = [row for row in aliases if row["entity"] == MERGED[entity.table.name]]
    profiles = [entity.read(row) for row in ordered]
    cities = [read_city(row["city"]) for row in ordered] if "city" in entity.columns else None
    known = Known(
        [row[key] for row in ordered],
        [profile.name if profile is not None else None for profile in profiles],
        cities,
        entity.read_name,
    )
    declared = [Alias(row["reference"], row["other_reference"], row["verdict"], row["city"] or "") for row in own]
    found = match(entity.kind, profiles, known, declared)
    _write(session, entity, ordered, found)
    return [
        IdleAlias(f"{row['entity']} {row['reference']!r} {row['verdict']} {row['other_reference']!r}")
        for row in (own[number] for number in found.idle)
    ]


def _write(session: Session, entity: Entity[Any], rows: Sequence[Row], found: Matched) -> None:
    (key,) = entity.table.key
    name, rule = MERGED[entity.table.name], MERGE_RULES[entity.table.name]

    def outcome(merge: Merge) -> tuple[Any, ...]:
        row, winner = rows[merge.row], rows[merge.canonical]
        reason = f"the same {name} as {winner[key]}, score {merge.score:.2f}: {merge.evidence}"
        origin = (row["_object_id"], row["_row_number"], entity.table.name)
        told = ("duplicate", rule.name, rule.column, row["name"], reason[:4000])
        return (*origin, *told, winner["_object_id"], winner["_row_number"], None)

    session.insert_rows(OUTCOMES, ROW_OUTCOMES.column_names, [outcome(merge) for merge in found.merges])
    session.insert_rows(
        MAP,
        IDENTITY_MAP.column_names,
        [
            (
                name,
                rows[merge.row][key],
                rows[merge.canonical][key],
                merge.score,
                merge.method,
                merge.evidence[:1024],
                rows[merge.row].get("timezone"),
            )
            for merge in found.merges
        ],
    )
