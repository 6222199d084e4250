"""Whatever happens to files between two looks at the inbox, none is missed and none is loaded twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from concert_assets.deliveries.log import DeliveryLog, Entry
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.s3.protocol import INBOX_PREFIX
from concert_assets.warehousing.staging import curated_state, stage
from concert_assets_tests.sensor_scenarios import scenarios
from concert_assets_tests.support_core import ARTIST, CLEAN, PROCESSED, RAW, SALE, Core, as_jsonl
from concert_assets_tests.support_moto import MotoServer
from concert_assets_tests.support_sensor_matrix import DESIGNS, OURS, DroppedFolder, DroppedS3, Place, run

PAGE = 8  # keys a page, so that few objects are many pages
SCENARIOS = scenarios(keys=30, storm_objects=16)
PAGES, STORM = "30 keys", "storm of 16"
# What the helpers of dagster-aws miss, and what they load twice, with times in seconds as S3 has them.
MISSED = {
    "since_key": {
        "same second": 1,
        "late": 1,
        "overwritten, same size and time": 1,
        "cursor object overwritten": 2,
        "cursor object deleted": 1,
        "deleted, then back with old time": 1,
        "bytes come back after others": 2,
    },
    "since_last_modified": {
        "same second": 2,
        "late": 1,
        "overwritten, same size and time": 1,
        "deleted, then back with old time": 1,
    },
}
TWICE = {"same bytes dropped again", "overwritten before it was loaded"}


@pytest.fixture(params=["renamed into a folder", "written in a folder", "S3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param != "S3":
        yield DroppedFolder(tmp_path / "home", is_in_place=request.param == "written in a folder")
        return
    server: MotoServer = request.getfixturevalue("moto")
    server.page(PAGE)
    yield DroppedS3(server)
    server.page(1000)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_log_misses_nothing_and_loads_nothing_twice(place: Place, scenario: str) -> None:
    judged = run(SCENARIOS[scenario], place, OURS)
    assert (judged.missed, judged.twice, judged.said) == (0, 0, "")
    assert judged.loaded > 0


@pytest.mark.parametrize("place", ["S3"], indirect=True)
@pytest.mark.parametrize("design", MISSED)
def test_a_cursor_misses_what_it_cannot_tell(place: Place, design: str, moto: MotoServer) -> None:
    """So the harness sees a miss where there is one."""
    judged = {name: run(scenario, DroppedS3(moto), design) for name, scenario in SCENARIOS.items()}
    assert judged.pop(PAGES).missed > 0
    assert judged.pop(STORM).missed > 0
    assert {name: found.missed for name, found in judged.items() if found.missed} == MISSED[design]
    assert {name for name, found in judged.items() if found.twice} == TWICE
    assert bool(judged["cursor object deleted"].said) == (design == "since_key"), "it fails from then on"


class CoreOver(Core):
    """The core over any object store; staging reads local copies of what does not lie in a folder."""

    def __init__(self, home: Path, place: Place) -> None:
        super().__init__(home)
        self.store = place.store  # type: ignore[assignment]
        self.log = DeliveryLog(self.store, RAW)

    def stage(self, session: Session, entries: list[Entry] | None = None) -> None:  # type: ignore[override]
        state = curated_state(self.log.entries() if entries is None else entries, self.manifest, self.code_version)
        stage(session, state, self.local)

    def local(self, key: str) -> str:
        path = self.home / "staged" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.store.read(PROCESSED, key))
        return str(path)


@pytest.mark.parametrize("place", ["renamed into a folder", "S3"], indirect=True)
def test_what_is_dropped_is_published_once(place: Place, tmp_path: Path) -> None:
    core = CoreOver(tmp_path / "home", place)
    design = DESIGNS[OURS](place)

    def drop(name: str, *rows: dict[str, object], second: int) -> None:
        place.drop(INBOX_PREFIX + name, as_jsonl(rows), second)

    def tick() -> None:
        design.load(design.see(), lambda: None)

    for table, rows in CLEAN.items():
        drop(f"{table}/first.jsonl", *rows, second=10)
    tick()
    core.process()
    drop("ticket_sales/late.jsonl", SALE | {"sale_id": "s2"}, second=5)
    drop("ticket_sales/a same second#1.jsonl", SALE | {"sale_id": "s3"}, second=10)
    drop("artists/first.jsonl", ARTIST | {"name": "Bea"}, second=10)
    place.remove(INBOX_PREFIX + "venues/first.jsonl")
    tick()
    drop("ticket_sales/late.jsonl", SALE | {"sale_id": "s2"}, second=20)
    tick()
    tick()
    core.process()
    assert core.keys("ticket_sales") == ["s1", "s2", "s3"]
    assert core.rows("artists", "name") == [("Bea",)]
    assert core.keys("venues") == ["v1"], "what was delivered stays, also where its file is gone"
    counted = "select delivery, state, sum(rows_in), sum(rows_published) from concert_dw.load_ledger group by 1, 2"
    assert sorted(core.query(counted)) == [
        ("artists/first.jsonl", "live", 1, 1),
        ("artists/first.jsonl", "replaced", 1, 0),
        ("concerts/first.jsonl", "live", 2, 2),
        ("ticket_sales/a same second#1.jsonl", "live", 1, 1),
        ("ticket_sales/first.jsonl", "live", 1, 1),
        ("ticket_sales/late.jsonl", "live", 1, 1),
        ("venues/first.jsonl", "live", 1, 1),
    ]
