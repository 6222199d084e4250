"""Rules against answers that were not made from them: the simulator's key, and rows broken by hand one field at a time."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from concert_assets.deliveries.log import DeliveredObject, object_id
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.simulation.settings import SimulationSettings
from concert_assets.simulation.world import SimulationResult, simulate
from concert_assets_tests.simulation_reader import Folder, read_object
from concert_assets_tests.support_accounts import recount
from concert_assets_tests.support_core import RAW, Core, as_jsonl

ENGINE = DuckDBEngine()
LARGE = SimulationSettings(artists=200, venues=100, concerts=1_500, sales=8_000, defect_rate=0.05, seed=42)
SMALL = replace(LARGE, artists=60, venues=40, concerts=400, sales=2_000, seed=7)
WORLDS = [
    LARGE,
    replace(SMALL, raw_format="csv"),
    replace(SMALL, raw_format="parquet"),
    replace(SMALL, defect_rate=0.0),
]

Place = tuple[str, str, int]


class World:
    """A simulated delivery that was curated, resolved and published."""

    def __init__(self, settings: SimulationSettings, path: Path) -> None:
        data = self.data = Folder(path / "data")
        self.truth = Folder(path / "truth")
        self.result: SimulationResult = simulate(settings, data, self.truth)
        self.core = Core(path / "home", ENGINE)
        objects = []
        for item in self.result.objects:
            self.core.store.write(RAW, item.key, (data.path / item.key).read_bytes())
            identity = object_id("simulation", item.key, item.sha256)
            rows = {item.table: item.rows}
            objects.append(
                DeliveredObject(identity, item.key, item.table, item.format, item.size_bytes, item.sha256, rows=rows)
            )
        self.core.log.deliver(
            "simulation", objects, source="simulation", settings={"as_of": settings.as_of.isoformat()}
        )
        self.core.process()

    def key(self) -> dict[Place, tuple[str, str]]:
        """What must become of the rows that are not published: of the defective ones, and of one of two that are one."""
        return self.defects() | {place: ("duplicate", f"same_{place[1][:-1]}") for place, _, _ in self.merges()}

    def defects(self) -> dict[Place, tuple[str, str]]:
        return {
            (row["object_key"], row["table_name"], row["row_number"]): (row["expected_outcome"], row["rule"])
            for row in self.truth.table("defects.parquet")
        }

    def merges(self) -> list[tuple[Place, str, str]]:
        """Of two sound rows that are one, the place and the id of the one delivered later, and the id of the other."""
        defects = self.defects()
        found = []
        for table, column in (("artists", "artist_id"), ("venues", "venue_id")):
            (key,) = (item.key for item in self.result.objects if item.table == table)
            sound: dict[str | None, int] = {}
            first: dict[str | None, int] = {}
            for number, row in enumerate(read_object(self.data.path / key), start=1):
                fate = defects.get((key, table, number), ("published",))[0]
                if fate == "published":
                    sound[row[column]] = number
                if fate != "rejected":
                    first.setdefault(row[column], number)
            for row in self.truth.table("near_duplicates.parquet"):
                pair = [row["id"], row["identity_id"]]
                if row["table_name"] == table and all(identity in sound for identity in pair):
                    canonical, loser = sorted(pair, key=lambda identity: first[identity])
                    found.append(((key, table, sound[loser]), loser, canonical))
        return found

    def outcomes(self) -> dict[Place, tuple[str, str]]:
        keys = {item.object_id: item.key for item in self.core.log.entries()[0].objects}
        rows = self.core.query("select object_id, table_name, row_number, outcome, rule from concert_dw.row_outcomes")
        return {(keys[identity], table, number): (outcome, rule) for identity, table, number, outcome, rule in rows}


@pytest.fixture(scope="module", params=WORLDS, ids=lambda world: f"{world.raw_format}-{world.defect_rate}")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(request.param, tmp_path_factory.mktemp("world"))


def test_every_injected_defect_is_found_and_no_other_row_is_touched(world: World) -> None:
    key, found = world.key(), world.outcomes()
    assert {place: found.get(place) for place in key} == key, "recall"
    assert {place: key.get(place) for place in found} == found, "precision"
    if world.result.generated["artists"] == LARGE.artists:
        assert {outcome for outcome, _ in found.values()} == {"rejected", "pending", "duplicate", "superseded"}
        assert len({rule for _, rule in found.values()}) > 35


def test_all_other_rows_are_published(world: World) -> None:
    lost = Counter(table for _, table, _ in world.outcomes())
    for table, delivered in world.result.delivered.items():
        assert len(world.core.keys(table)) == delivered - lost[table]
    with world.core.warehouse.session() as session:
        told = recount(session, world.core.log)
    came = Counter[str]()
    for (_, _, table), counts in told.items():
        came[table] += counts["in"]
    assert came == world.result.delivered


def test_near_duplicates_are_merged_and_their_concerts_follow(world: World) -> None:
    merges = {(place[1][:-1], loser, canonical) for place, loser, canonical in world.merges()}
    merged = world.core.query("select entity, source_id, canonical_id from concert_dw.identity_map")
    assert set(merged) == merges
    followed = world.core.query(
        "select m.entity, case when m.entity = 'artist' then c.artist_id else c.venue_id end, m.canonical_id "
        "from concert_dw.concerts as c inner join concert_dw_staging.concerts as t "
        "on t._object_id = c._object_id and t._row_number = c._row_number inner join concert_dw.identity_map as m "
        "on m.source_id = case when m.entity = 'artist' then t.artist_id else t.venue_id end"
    )
    assert [line for line in followed if line[1] != line[2]] == []
    if world.result.generated["artists"] == LARGE.artists:  # there is one near-duplicate for each hundred
        assert {entity for entity, *_ in followed} == {"artist", "venue"}


# Broken by hand. What must be refused is known here from what the world is like, not from the catalog.
AS_OF = date(2026, 1, 1)
GOOD: dict[str, dict[str, Any]] = {
    "artists": {"artist_id": "artist", "name": "The Somebodies", "popularity_score": 40.5, "formation_date": "1999-03-01"},
    "venues": {
        "venue_id": "venue", "name": "The Room", "venue_type": "club", "city": "Utrecht", "country": "NL",
        "timezone": "Europe/Amsterdam", "latitude": 52.09, "longitude": 5.12, "capacity": 300,
    },
    "concerts": {
        "concert_id": "concert", "artist_id": "artist", "venue_id": "venue", "event_date": "2025-06-01T19:00:00Z",
        "on_sale_date": "2025-02-01", "status": "completed", "tickets_sold": 200, "total_attendance": 180, "revenue": "5000.00",
    },
    "ticket_prices": {"concert_id": "concert", "ticket_tier": "vip", "face_value": "80.00"},
    "ticket_sales": {
        "sale_id": "sale", "concert_id": "concert", "customer_id": "buyer", "ticket_tier": "general", "quantity": 2,
        "unit_price": "25.00", "total_price": "50.00", "purchase_timestamp": "2025-05-01T10:00:00Z",
        "payment_method": "card", "sale_status": "completed",
    },
}  # fmt: skip
KEYS = {
    "artists": "artist_id",
    "venues": "venue_id",
    "concerts": "concert_id",
    "ticket_prices": "concert_id",
    "ticket_sales": "sale_id",
}
Change = dict[str, Any]


def at(total: str, quantity: Any = 1, price: str | None = None) -> Change:
    return {"quantity": quantity, "unit_price": total if price is None else price, "total_price": total}


LEGAL: dict[str, list[Change]] = {
    "artists": [
        {"popularity_score": 0}, {"popularity_score": 100}, {"popularity_score": "100.00"}, {"popularity_score": None},
        {"formation_date": None}, {"formation_date": "1685-03-21"}, {"name": "!!!"}, {"name": "Sigur Rós 🎻"},
    ],
    "venues": [
        {"latitude": 90, "longitude": 180}, {"latitude": -90, "longitude": -180}, {"latitude": 0, "longitude": 0},
        {"capacity": 1}, {"capacity": 1_000_000}, {"capacity": None}, {"venue_type": "STADIUM"}, {"timezone": "UTC"},
    ],
    "concerts": [
        {"tickets_sold": 300}, {"tickets_sold": 0, "total_attendance": 0}, {"total_attendance": 200}, {"revenue": 0},
        {"on_sale_date": "2025-06-01"}, {"event_date": "2025-06-01"}, {"event_date": "1842-12-07", "on_sale_date": None},
        {"status": "Cancelled"}, {"status": "scheduled", "event_date": "2026-12-01T19:00:00Z"},
        {"event_date": "2025-12-31T23:59:59Z"}, {"tickets_sold": None, "total_attendance": None, "revenue": None},
    ],
    "ticket_prices": [{"face_value": 0}, {"face_value": "100000"}, {"face_value": "0.01"}, {"ticket_tier": "STANDING"}],
    "ticket_sales": [
        at("25.00", 1), at("500.00", 20, "25.00"), at("0.01"), at("100000.00"), at("0.20", 20, "0.01"),
        {"purchase_timestamp": "2025-06-01T18:59:00Z"}, {"purchase_timestamp": "2025-06-01T18:59:59Z"},
        {"purchase_timestamp": "2025-06-01T20:59:00"}, {"purchase_timestamp": "2020-01-01"},
        {"sale_status": "refunded", "refunded_at": "2025-05-01T10:00:00Z"},
        {"sale_status": "chargeback", "refunded_at": "2025-12-01T10:00:00Z"},
        {"customer_id": None, "ticket_tier": None, "payment_method": None}, {"quantity": "2"}, {"quantity": 2.0},
    ],
}  # fmt: skip
REFUSED: dict[str, list[Change]] = {
    "artists": [
        {"name": None}, {"name": "   "}, {"popularity_score": -0.01}, {"popularity_score": 100.01}, {"popularity_score": 101},
    ],
    "venues": [
        {"name": ""}, {"capacity": 0}, {"capacity": -1}, {"capacity": 1_000_001}, {"latitude": 90.0001}, {"latitude": -91},
        {"longitude": 180.0001}, {"longitude": -200},
    ],
    "concerts": [
        {"artist_id": None}, {"venue_id": ""}, {"event_date": None}, {"event_date": "soon"}, {"event_date": "2025-02-30"},
        {"status": None}, {"status": "done"}, {"tickets_sold": -1, "total_attendance": None}, {"tickets_sold": 301},
        {"total_attendance": 201}, {"total_attendance": -1}, {"revenue": "-0.01"}, {"on_sale_date": "2025-06-02"},
        {"event_date": "2026-01-02T19:00:00Z"},
    ],
    "ticket_prices": [
        {"face_value": None}, {"face_value": -0.01}, {"face_value": "100000.01"}, {"face_value": "call us"},
        {"ticket_tier": "balcony"}, {"ticket_tier": None}, {"face_value": "9.999"},
    ],
    "ticket_sales": [
        {"quantity": 0, "total_price": 0}, at("525.00", 21, "25.00"), {"quantity": -2, "total_price": "-50"}, {"quantity": None},
        {"quantity": "two"}, {"quantity": 2.5, "total_price": "62.50"}, at("0.00"), at("100000.01"), at("-25.00"), {"unit_price": None},
        {"unit_price": "25.001"}, {"total_price": "50.01"}, {"total_price": "49.99"}, {"total_price": "25.00"}, {"total_price": None},
        {"purchase_timestamp": "2025-06-01T19:00:00Z"}, {"purchase_timestamp": "2025-06-01T21:00:00"},
        {"purchase_timestamp": "2025-06-02"}, {"purchase_timestamp": None}, {"purchase_timestamp": "yesterday"},
        {"sale_status": None}, {"sale_status": "void"}, {"concert_id": None},
        {"sale_status": "refunded", "refunded_at": "2025-05-01T09:59:59Z"},
    ],
}  # fmt: skip
WAITING: dict[str, list[Change]] = {
    "concerts": [{"artist_id": "nobody"}, {"venue_id": "nowhere"}],
    "ticket_prices": [{"concert_id": "never"}],
    "ticket_sales": [{"concert_id": "never"}],
}
# An optional value that says nothing readable is left empty; the row stands.
EMPTIED: dict[str, list[Change]] = {
    "artists": [{"formation_date": "the eighties"}, {"popularity_score": "very"}],
    "venues": [
        {"capacity": "many"},
        {"latitude": "52° N"},
        {"venue_type": "water slide"},
        {"timezone": "Mars/Olympus"},
    ],
    "concerts": [{"on_sale_date": "soon"}, {"total_attendance": "n/a"}],
    "ticket_sales": [{"refunded_at": "n/a"}, {"ticket_tier": "lawn"}],
}
WITHOUT_KEY = [(table, {key: None}) for table, key in KEYS.items()]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Change, str, str]]:
    """Each change with what was expected of it and what came, all in one delivery that is mostly sound."""
    core = Core(tmp_path_factory.mktemp("by_hand"), ENGINE)
    rows: dict[str, list[dict[str, Any]]] = {table: [good] for table, good in GOOD.items()}
    expected: dict[tuple[str, int], tuple[Change, str]] = {}

    def add(table: str, change: Change, outcome: str) -> None:
        number = len(rows[table]) + 1
        row = GOOD[table] | {KEYS[table]: f"{table}-{number}"}
        if "name" in row:  # of its own, or it would be merged with the others
            row["name"] = f"{row['name']} {number}"
        if table == "ticket_prices":  # a price needs a concert of its own, for the tier is a part of its key
            row["concert_id"] = f"priced-{number}"
            rows["concerts"].append(GOOD["concerts"] | {"concert_id": row["concert_id"], "tickets_sold": None})
        rows[table].append(row | change)
        expected[table, number] = (change, outcome)

    for outcome, changes in (("published", LEGAL), ("rejected", REFUSED), ("pending", WAITING), ("published", EMPTIED)):
        for table, of_table in changes.items():
            for change in of_table:
                add(table, change, outcome)
    for table, change in WITHOUT_KEY:
        add(table, change, "rejected")
    for table in GOOD:
        for _ in range(3 * len(REFUSED[table])):  # sound rows enough that the delivery is not held for its faults
            add(table, {} if table != "ticket_sales" else at("0.05"), "published")
    core.log.deliver(
        "by hand",
        [core.put("by hand", table, as_jsonl(of_table)) for table, of_table in rows.items()],
        source="test",
        settings={"as_of": AS_OF.isoformat()},
    )
    core.process()
    found = {
        (table, number): outcome
        for table, number, outcome in core.query("select table_name, row_number, outcome from concert_dw.row_outcomes")
    }
    assert set(found) <= set(expected), "the rows that were not changed are published"
    return [
        (table, change, outcome, found.get((table, number), "published"))
        for (table, number), (change, outcome) in expected.items()
    ]


@pytest.mark.parametrize("outcome", ["published", "rejected", "pending"])
def test_rows_changed_by_hand_end_as_a_person_would_say(
    judged: list[tuple[str, Change, str, str]], outcome: str
) -> None:
    wrong = [(table, change, came) for table, change, expected, came in judged if expected == outcome != came]
    assert wrong == []
    assert sum(expected == outcome for _, _, expected, _ in judged) >= 4
