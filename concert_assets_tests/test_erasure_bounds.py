"""An erasure takes nothing from others, reaches entries that come late, and tells of what it leaves."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from concert_assets.cli import erasure
from concert_assets.cli.errors import CommandFailed
from concert_assets.deliveries.inbox import Formats, Inbox
from concert_assets.deliveries.log import DeliveryLog, Entry
from concert_assets_tests.support_core import CLEAN, RAW, Core, as_jsonl
from concert_assets_tests.support_upkeep import ENGINE, Said
from concert_assets_tests.test_erasure_steps import CUSTOMER, forget, holds, sale

VENUES = b"venue_id,name,venue_type,capacity,timezone,phone\nv7,Club,hall,500,America/New_York,555-0100\n"
BROKEN = b'{"sale_id": "s90", "customer_id": "u9", "quantity": 500\n'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a number stands as a capacity, a quantity and in text that was not taken apart."""
    core = Core(tmp_path_factory.mktemp("bounds") / "home", ENGINE)
    core.home.mkdir()
    (core.home / "format.json").write_text('{"version": 1}')
    core.deliver("base", **CLEAN)
    core.log.deliver("venues", [core.put("venues", "venues", VENUES, "csv")], source="test")
    core.deliver("broken", ticket_sales=as_jsonl([sale(3, "u3", quantity=500)]) + BROKEN)
    core.settle()
    return core.home


@pytest.fixture
def core(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Core:
    monkeypatch.setattr(erasure, "open_home", lambda deployment: None)  # Dagster has no part in these tests
    shutil.copytree(built, tmp_path / "home")
    return Core(tmp_path / "home", ENGINE)


def raw(core: Core) -> dict[str, bytes]:
    return {info.key: core.store.read(RAW, info.key) for info in core.store.list(RAW)}


def test_a_number_that_is_something_else_costs_nobody_anything(core: Core, capsys: Said) -> None:
    before = raw(core)
    with pytest.raises(CommandFailed, match=r"no delivery in .* holds the customer; nothing was changed"):
        forget(core, "500")
    assert raw(core) == before
    told = capsys.readouterr().err
    assert told.count("look at it") == 2
    assert "venues.csv" in told
    assert "entry" not in told, "no name and no note holds it"
    core.deliver("more", ticket_sales=[sale(4, "500"), sale(5, "u5")])
    core.settle()
    assert forget(core, "500") == 0
    assert {key: data for key, data in raw(core).items() if key in before} == before
    assert [row for row in core.rows("ticket_sales", "sale_id", "customer_id") if row[0] in ("s4", "s5")] == [
        ("s4", None),
        ("s5", "u5"),
    ]


def dropped(core: Core, name: str = "new.jsonl") -> Path:
    path = core.store.root / RAW / "inbox" / "ticket_sales" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_jsonl([sale(9), sale(10, "u10")]))
    return path


def inbox(core: Core) -> Inbox:
    return Inbox(DeliveryLog(core.store, RAW), Formats(lambda name, data: "jsonl"), 0)


@pytest.mark.parametrize("is_known", [False, True])
def test_what_another_process_logs_after_the_erasure_brings_nobody_back(
    core: Core, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    if is_known:
        dropped(core)
        inbox(core).take_in(inbox(core).arrivals())
        core.settle()
    path = dropped(core)
    late = inbox(core)
    arrivals = late.arrivals()
    append = DeliveryLog.append

    def after_the_erasure(log: DeliveryLog, entry: Entry) -> Entry:
        monkeypatch.setattr(DeliveryLog, "append", append)
        assert forget(core) == 0
        return log.append(entry)

    monkeypatch.setattr(DeliveryLog, "append", after_the_erasure)
    late.take_in(arrivals)
    assert core.log.recorded()[-1].kind == ("sighting" if is_known else "delivery")
    core.settle()
    assert CUSTOMER not in [customer for (customer,) in core.rows("ticket_sales", "customer_id")]
    assert ("s9", None) in core.rows("ticket_sales", "sale_id", "customer_id")
    assert forget(core) == 0
    assert (holds(core), path.exists()) == ([], False)
    dropped(core)  # the same bytes under the same name: data again
    inbox(core).take_in(inbox(core).arrivals())
    core.settle()
    assert ("s9", CUSTOMER) in core.rows("ticket_sales", "sale_id", "customer_id")
    assert forget(core) == 0
    assert holds(core) == []


@pytest.mark.parametrize(
    ("name", "is_told"), [(".hidden.jsonl", True), ("new.jsonl.part", True), ("other.part", False)]
)
def test_what_the_inbox_leaves_is_told(core: Core, capsys: Said, name: str, is_told: bool) -> None:
    dropped(core, "taken.jsonl")
    path = dropped(core, name)
    if not is_told:
        path.write_bytes(as_jsonl([sale(1, "u1")]))
    assert forget(core) == int(is_told)
    assert (f"inbox/ticket_sales/{name} was not taken in and holds the customer" in capsys.readouterr().err) is is_told
    assert path.exists()


def test_only_names_and_notes_of_the_log_are_told(core: Core, capsys: Said) -> None:
    entry: Any = core.deliver("of-2026-11-23T20", ticket_sales=[sale(8, "of-2026-11-23T20")])
    core.settle()
    assert forget(core, "of-2026-11-23T20") == 0
    assert capsys.readouterr().err.count("of the log names the customer") == 1
    assert entry.delivery == "of-2026-11-23T20"
    core.deliver("sizes", ticket_sales=[sale(8, "1")])
    core.settle()
    capsys.readouterr()
    assert forget(core, "1") == 0
    assert "of the log" not in capsys.readouterr().err
