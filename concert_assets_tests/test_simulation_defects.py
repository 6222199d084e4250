"""Every injected defect is in the data where the answer key says, and nothing else is wrong with the data."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.simulation.defects import CASCADE, KINDS
from concert_assets.simulation.settings import SimulationSettings
from concert_assets.simulation.world import SimulationResult, simulate
from concert_assets_tests.simulation_reader import Folder, Judge

SMALL = SimulationSettings(artists=90, venues=60, concerts=900, sales=4_000, defect_rate=0.06, seed=7)


class Delivery:
    def __init__(self, settings: SimulationSettings, path: Path) -> None:
        self.data, self.truth = Folder(path / "data"), Folder(path / "truth")
        self.result: SimulationResult = simulate(settings, self.data, self.truth)
        self.judge = Judge(self.data.path, [written.key for written in self.result.objects])
        self.key = self.truth.table("defects.parquet")


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return Delivery(SMALL, tmp_path_factory.mktemp("defective"))


def as_outcomes(key: list[dict]) -> dict[tuple[str, str, int], tuple[str, str]]:
    return {
        (row["object_key"], row["table_name"], row["row_number"]): (row["expected_outcome"], row["rule"]) for row in key
    }


def test_the_answer_key_is_what_an_independent_reader_finds(delivery: Delivery) -> None:
    assert as_outcomes(delivery.key) == delivery.judge.outcomes
    assert len(delivery.key) == len(as_outcomes(delivery.key)), "a row stands in the key once"


def test_a_defective_row_breaks_exactly_one_row_rule(delivery: Delivery) -> None:
    assert {len(broken) for broken in delivery.judge.broken.values()} == {1}


def test_every_rule_of_the_key_is_one_of_the_catalog() -> None:
    for table, kinds in KINDS.items():
        catalog = BY_NAME[table]
        rules = {rule.name for rule in catalog.rules() if rule.severity == "error"}
        rules |= {f"{column.name}_readable" for column in catalog.columns if column.required and not column.is_text}
        rules |= {reference.rule_name for reference in catalog.references}
        rules |= {"_".join(catalog.key) + "_unique", "newest_wins"}
        assert {kind.rule for kind in kinds} <= rules
        # what a generator of sound text never writes: values that are too long, concerts held after the delivery
        odd = {rule.name for rule in catalog.rules() if rule.name.endswith("_length") or rule.kind == "audit"}
        # an unknown word in an optional column empties it and refuses nothing
        odd |= {f"{column.name}_allowed" for column in catalog.columns if not column.required}
        never = (
            {rule.name for rule in catalog.rules()} - {kind.rule for kind in kinds} - odd - {"completed_in_the_past"}
        )
        # a total below a cent breaks the arithmetic as well; the key of a price is never missing in a map
        assert never <= {"total_price_range", "ticket_tier_required"} | (
            {"concert_id_required"} & {rule for rule in never if table == "ticket_prices"}
        )


def test_every_kind_of_defect_occurs(delivery: Delivery) -> None:
    found = {(row["table_name"], row["kind"]) for row in delivery.key}
    wanted = {(table, kind.name) for table, kinds in KINDS.items() for kind in kinds}
    assert wanted - found == {("venues", kind) for _, kind in wanted - found}, "only venues are too few for all kinds"
    assert len(wanted - found) <= len(KINDS["venues"]) - round(0.06 * 60)


def test_the_rate_is_kept_in_every_table(delivery: Delivery) -> None:
    injected = Counter(row["table_name"] for row in delivery.key if row["kind"] != CASCADE)
    prices = sum(1 for _ in delivery.judge.published["ticket_prices"])
    assert injected["artists"] == round(0.06 * 90)
    assert injected["venues"] == round(0.06 * 60)
    assert injected["concerts"] == round(0.06 * 900)
    assert injected["ticket_sales"] == 0.06 * 4_000
    assert injected["ticket_prices"] >= 0.06 * prices


def test_a_cascade_names_its_cause(delivery: Delivery) -> None:
    outcomes = as_outcomes(delivery.key)
    cascades = [row for row in delivery.key if row["kind"] == CASCADE]
    assert {row["table_name"] for row in cascades} == {"concerts", "ticket_prices", "ticket_sales"}
    for row in cascades:
        key, _, number = row["caused_by"].rpartition(":")
        table = key.split(".")[0]
        assert (key, table, int(number)) in outcomes, row
        if row["table_name"] == "concerts":
            assert table == {"artist_id_exists": "artists", "venue_id_exists": "venues"}[row["rule"]]
        else:
            assert table == "concerts"
    assert all(row["caused_by"] is None for row in delivery.key if row["kind"] != CASCADE)


def test_counts_are_exact(delivery: Delivery) -> None:
    outcomes = Counter((place[1], outcome) for place, (outcome, _) in delivery.judge.outcomes.items())
    near = Counter(row["table_name"] for row in delivery.truth.table("near_duplicates.parquet"))
    assert delivery.result.generated == {"artists": 90, "venues": 60, "concerts": 900, "ticket_sales": 4_000}
    # prices are passed over: those of a concert's further row are duplicates without being injected
    for table, generated in delivery.result.generated.items():
        further = outcomes[(table, "duplicate")] + outcomes[(table, "superseded")]
        assert delivery.result.delivered[table] == generated + further + near[table]
    assert dict(delivery.judge.rows) == delivery.result.delivered


def test_nothing_is_wrong_with_a_delivery_without_defects(tmp_path: Path) -> None:
    settings = SimulationSettings(artists=70, venues=40, concerts=700, sales=3_000, defect_rate=0, seed=11)
    clean = Delivery(settings, tmp_path)
    assert clean.judge.outcomes == {}
    assert clean.key == []
    assert clean.result.delivered | {"ticket_prices": 0} == clean.result.generated | {"ticket_prices": 0}


def test_a_delivery_of_nothing_but_defects(tmp_path: Path) -> None:
    settings = SimulationSettings(artists=12, venues=9, concerts=150, sales=600, defect_rate=1.0, seed=3)
    broken = Delivery(settings, tmp_path)
    assert as_outcomes(broken.key) == broken.judge.outcomes
    injected = Counter(row["table_name"] for row in broken.key if row["kind"] != CASCADE)
    assert injected["ticket_sales"] == 600
    assert injected["concerts"] == 150


@pytest.mark.parametrize(
    "settings",
    [
        SimulationSettings(artists=1, venues=1, concerts=1, sales=1, defect_rate=0.5),
        SimulationSettings(artists=1, venues=3, concerts=40, sales=0, defect_rate=0.3),
        SimulationSettings(artists=5, venues=1, concerts=60, sales="full", defect_rate=0.02, as_of=date(2024, 2, 29)),
    ],
)
def test_small_worlds_keep_their_answer_key(settings: SimulationSettings, tmp_path: Path) -> None:
    small = Delivery(settings, tmp_path)
    assert as_outcomes(small.key) == small.judge.outcomes


def test_near_duplicates_are_published_and_play_some_of_the_originals_concerts(tmp_path: Path) -> None:
    settings = SimulationSettings(artists=400, venues=300, concerts=4_000, sales=0, seed=5)
    world = Delivery(settings, tmp_path)
    near = world.truth.table("near_duplicates.parquet")
    assert Counter(row["table_name"] for row in near) == {"artists": 4, "venues": 3}
    concerts = world.judge.published["concerts"].values()
    for row in near:
        published = world.judge.published[row["table_name"]]
        twin = published[(row["id"],)]
        assert twin["name"] == row["name"] != row["identity_name"]
        if row["table_name"] == "venues" and (row["identity_id"],) in published:
            assert twin["city"] == published[(row["identity_id"],)]["city"]
    column = {"artists": "artist_id", "venues": "venue_id"}
    named = [sum(concert[column[row["table_name"]]] == row["id"] for concert in concerts) for row in near]
    assert sum(named) >= 5
