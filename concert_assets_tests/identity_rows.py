"""Artists and venues as the identity tests write them, and what is found of them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow.parquet as pq

from concert_assets.simulation.settings import SimulationSettings
from concert_assets.simulation.world import simulate
from concert_assets.warehousing.identity.aliases import Alias, Known
from concert_assets.warehousing.identity.matching import Matched, match
from concert_assets.warehousing.identity.merging import ENTITIES
from concert_assets.warehousing.identity.places import read_city
from concert_assets_tests.simulation_reader import Folder

Row = Mapping[str, Any]


def matched(table: str, rows: Sequence[Row], aliases: Sequence[Alias] = ()) -> Matched:
    """The merges among rows in the order of delivery, by position."""
    entity = ENTITIES[table]
    profiles = [entity.read(*(row.get(column) for column in entity.columns)) for row in rows]
    (key,) = entity.table.key
    known = Known(
        [row.get(key, str(number)) for number, row in enumerate(rows)],
        [profile.name if profile is not None else None for profile in profiles],
        [read_city(row.get("city")) for row in rows] if table == "venues" else None,
        entity.read_name,
    )
    return match(entity.kind, profiles, known, aliases)


def clusters(table: str, rows: Sequence[Row], aliases: Sequence[Alias] = ()) -> list[list[int]]:
    """The positions of rows that are one, clusters of one left out."""
    found: dict[int, list[int]] = {}
    for merge in matched(table, rows, aliases).merges:
        found.setdefault(merge.canonical, [merge.canonical]).append(merge.row)
    return sorted(sorted(cluster) for cluster in found.values())


def are_one(table: str, left: Row, right: Row) -> bool:
    """Whether two rows are merged, whichever came first."""
    found = {tuple(map(tuple, clusters(table, rows))) for rows in ([left, right], [right, left])}
    assert len(found) == 1, "the order of delivery decides who stays, not who is one"
    return found == {((0, 1),)}


def simulated(settings: SimulationSettings, folder: Any) -> dict[str, tuple[list[Row], set[frozenset[str]]]]:
    """By table the sound rows of a simulated world, and the pairs of ids that its answer key says are one."""
    data, truth = Folder(folder / "data"), Folder(folder / "truth")
    simulate(settings, data, truth)
    defects = {(row["table_name"], row["row_number"]) for row in truth.table("defects.parquet")}
    near = truth.table("near_duplicates.parquet")
    worlds: dict[str, tuple[list[Row], set[frozenset[str]]]] = {}
    for table, entity in ENTITIES.items():
        (key,) = entity.table.key
        listed = pq.read_table(data.path / f"{table}.parquet").to_pylist()
        rows: list[Row] = [_typed(row) for number, row in enumerate(listed, 1) if (table, number) not in defects]
        sound = {row[key] for row in rows}
        pairs = [frozenset((row["id"], row["identity_id"])) for row in near if row["table_name"] == table]
        worlds[table] = rows, {pair for pair in pairs if pair <= sound}
    return worlds


def _typed(row: dict[str, Any]) -> Row:
    types = {"formation_date": date.fromisoformat, "latitude": float, "longitude": float, "capacity": int}
    return {name: types[name](value) if name in types and value else value for name, value in row.items()}


def score(table: str, rows: Sequence[Row], pairs: set[frozenset[str]]) -> tuple[float, float]:
    """Precision and recall of the merged pairs."""
    (key,) = ENTITIES[table].table.key
    found = {
        frozenset((rows[left][key], rows[right][key]))
        for cluster in clusters(table, rows)
        for left in cluster
        for right in cluster
        if left < right
    }
    return len(found & pairs) / len(found), len(found & pairs) / len(pairs)
