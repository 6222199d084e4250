"""An erasure goes on after a crash anywhere, holds at every position of the log, and changes nothing where it cannot be done."""

import json
import shutil
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from concert_assets import deployment as deployments
from concert_assets.cli import erasure
from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.traces import object_mentions
from concert_assets.deliveries.erasure import Person
from concert_assets.deliveries.log import DeliveryLog
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets_tests.support_core import CLEAN, PROCESSED, RAW, SALE, Core, as_jsonl, published_hashes
from concert_assets_tests.support_demo import run
from concert_assets_tests.support_upkeep import BUCKETS, ENGINE, Said

NOBODY = "customer-x"
CUSTOMER = "customer-1"
Row = dict[str, Any]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a replaced, a retracted, a held and two live deliveries of one customer."""
    core = Core(tmp_path_factory.mktemp("built") / "home", ENGINE)
    core.home.mkdir()
    (core.home / "format.json").write_text('{"version": 1}')
    core.deliver("base", **CLEAN)
    core.deliver("d", ticket_sales=[sale(1), sale(2, "u2")])
    core.deliver("d", ticket_sales=[sale(1), sale(3, "u3"), sale(4)])
    core.deliver("taken back", ticket_sales=[sale(5)])
    core.deliver("bad", ticket_sales=[sale(6, quantity=0) for _ in range(21)])
    core.deliver("last", ticket_sales=[sale(7), sale(8, "u8")])
    core.settle()
    core.log.judge(core.delivery("taken back"), "retraction", "")
    core.settle()
    return core.home


@pytest.fixture
def core(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Core:
    """A copy of that home."""
    monkeypatch.setattr(erasure, "open_home", lambda deployment: None)  # Dagster has no part in these tests
    shutil.copytree(built, tmp_path / "home")
    return Core(tmp_path / "home", ENGINE)


def sale(number: int, customer: str = CUSTOMER, **fields: Any) -> Row:
    return SALE | {"sale_id": f"s{number}", "customer_id": customer, "quantity": 1, "total_price": "11.00"} | fields


def forget(core: Core, customer: str = CUSTOMER, *, dry_run: bool = False, wait: str = "5") -> int:
    """The command on the home, with the core in place of a run."""
    settings = {"HOME": str(core.home), "RAW_BUCKET": RAW, "PROCESSED_BUCKET": PROCESSED, "WAIT_SECONDS": wait}
    deployment = deployments.read({f"CONCERT_{name}": value for name, value in settings.items()})

    def refresh(_: deployments.Deployment) -> int:
        core.settle()
        return 0

    return erasure.forget(deployment, Namespace(customer=customer, dry_run=dry_run), refresh=refresh)


def holds(core: Core, customer: str = CUSTOMER) -> list[str]:
    """The objects that hold a customer, packed or not, and the warehouse where its bytes do."""
    person = Person.of(customer)
    found = [
        info.key
        for bucket in (RAW, PROCESSED)
        for info in core.store.list(bucket)
        if object_mentions(core.store.path(bucket, info.key), person)
    ]
    is_in_warehouse = core.warehouse.path.exists() and customer.encode() in core.warehouse.path.read_bytes()
    return found + ["warehouse"] * is_in_warehouse


def nameless(core: Core) -> list[tuple[Any, ...]]:
    return core.rows("ticket_sales", "sale_id", "total_price", "purchase_timestamp", "_object_id", "_row_number")


def facts(core: Core) -> tuple[Any, ...]:
    ledger = core.rows(
        "load_ledger",
        "object_id",
        "table_name",
        "sequence",
        "rows_in",
        "rows_published",
        "rows_rejected",
        "rows_held",
        "state",
    )
    return nameless(core), ledger, [(item.sequence, item.name, item.state) for item in core.log.deliveries()]


def test_a_customer_leaves_deliveries_of_every_state_and_all_else_stays(core: Core, capsys: Said) -> None:
    before = facts(core)
    states = {state for _, _, state in before[2]}
    assert states == {"live", "held", "replaced", "retracted"}
    assert len(holds(core)) > 10
    assert forget(core) == 0
    assert "erased 26 rows in 5 objects of 4 deliveries" in capsys.readouterr().out
    assert holds(core) == []
    assert facts(core) == before
    assert dict(core.query("select sale_id, customer_id from concert_dw.ticket_sales")) == {
        "s1": None, "s3": "u3", "s4": None, "s7": None, "s8": "u8",
    }  # fmt: skip
    with core.warehouse.session() as session:
        assert session.query("select count(*) from concert_dw.row_outcomes where outcome = 'rejected'") == [(21,)]
    hashes = published_hashes(core)
    assert forget(core) == 0, "again, it does what may be left to do"
    assert (facts(core), published_hashes(core)) == (before, hashes)
    with pytest.raises(CommandFailed, match="holds the customer; nothing was changed"):
        forget(core, NOBODY)


def test_the_log_tells_of_it_without_the_id(core: Core) -> None:
    position = len(core.log.recorded())
    assert forget(core) == 0
    (entry,) = core.log.recorded()[position:]
    assert (entry.kind, entry.settings and entry.settings["rows"]) == ("erasure", 26)
    assert CUSTOMER not in entry.to_json().decode()
    key = (core.home / "keys" / "model.key").read_bytes()
    assert entry.note == Person.of(f" {CUSTOMER}\n").mark(key)
    assert entry.note not in (Person.of(NOBODY).mark(key), Person.of(CUSTOMER).mark(b""))
    for delivery in core.log.deliveries():  # what was delivered is not to be had any more, at whatever position
        for item in delivery.entry.objects:
            assert core.store.head(RAW, item.key) is not None


STEPS: list[tuple[Any, str, bool]] = [
    (erasure.RawRowsWriter, "close", False),
    (erasure, "_read_back", False),
    (DeliveryLog, "append", True),
    (DeliveryLog, "append", False),
    (erasure, "_delete", False),
    (erasure, "_delete", True),
    (DuckDBWarehouse, "discard", True),
    (Core, "settle", False),
]


@pytest.mark.parametrize(("owner", "name", "is_done"), STEPS)
def test_what_is_cut_off_anywhere_is_ended_by_the_next(
    core: Core, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, is_done: bool
) -> None:
    before = facts(core)
    step: Callable[..., Any] = getattr(owner, name)

    def cut_off(*arguments: Any, **options: Any) -> None:
        if is_done:
            step(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, cut_off)
        with pytest.raises(KeyboardInterrupt):
            forget(core)
    core.settle()  # a run that comes between
    assert facts(core) == before
    assert forget(core) == 0
    assert holds(core) == []
    assert facts(core) == before
    with core.warehouse.session() as session:
        assert session.query(
            "select count(*) from concert_dw.ticket_sales where customer_id = :id", {"id": CUSTOMER}
        ) == [(0,)]


def test_what_comes_later_is_data_again_and_nobody_forgotten_comes_back(core: Core) -> None:
    assert forget(core) == 0
    deliveries = len(core.log.deliveries())
    core.deliver("last", ticket_sales=[sale(7), sale(8, "u8")])  # the very bytes that were delivered before
    core.settle()
    assert len(core.log.deliveries()) == deliveries + 1
    assert core.rows("ticket_sales", "sale_id", "customer_id")[-2:] == [("s7", CUSTOMER), ("s8", "u8")]
    assert forget(core, "u8") == 0
    assert (holds(core, "u8"), len(holds(core)) > 0) == ([], True)
    assert core.rows("ticket_sales", "sale_id", "customer_id")[-2:] == [("s7", CUSTOMER), ("s8", None)]
    assert forget(core) == 0
    assert holds(core) + holds(core, "u8") == []
    assert forget(core, "u3") == 0
    assert holds(core) + holds(core, "u8") + holds(core, "u3") == []
    assert len(core.log.deliveries()) == deliveries + 1, "no entry that was none becomes a delivery"


def test_what_is_still_in_the_inbox_does_not_bring_the_customer_back(core: Core) -> None:
    dropped = core.store.root / RAW / "inbox" / "ticket_sales"
    dropped.mkdir(parents=True)
    (dropped / "new.jsonl").write_bytes(as_jsonl([sale(9), sale(10, "u10")]))
    assert forget(core) == 0
    assert holds(core) == []
    assert core.rows("ticket_sales", "sale_id", "customer_id")[-1] == ("s9", None)
    assert list(dropped.iterdir()) == [], "the original is deleted, its copy is rewritten"


def test_what_cannot_be_rewritten_stops_everything_until_it_is_taken_back(core: Core) -> None:
    entry = core.delivery("last").entry
    core.store.delete(RAW, entry.objects[0].key)
    position, found = len(core.log.recorded()), holds(core)
    with pytest.raises(CommandFailed, match="raw objects of last are gone or altered"):
        forget(core)
    assert (len(core.log.recorded()), holds(core)) == (position, found)
    core.log.judge(core.delivery("last"), "retraction", "")
    assert forget(core) == 0
    assert holds(core) == []


def test_an_altered_object_of_a_retracted_delivery_is_deleted(core: Core) -> None:
    (item,) = core.delivery("taken back").entry.objects
    core.store.write(RAW, item.key, as_jsonl([sale(5), sale(6)]))
    assert forget(core) == 0
    assert holds(core) == []
    assert core.store.head(RAW, item.key) is None


def test_an_object_that_is_unreadable_keeps_its_reason(core: Core) -> None:
    core.deliver("cut", ticket_sales=b"\x1f\x8b\x08\x00" + CUSTOMER.encode())
    core.deliver("wrong", artists=as_jsonl([sale(1)]))
    core.settle()
    before = core.rows("load_ledger", "delivery", "note", "state")
    assert any("gzip" in note for _, note, _ in before)
    assert any("artist_id" in note for _, note, _ in before)
    assert forget(core) == 0
    assert holds(core) == []
    assert core.rows("load_ledger", "delivery", "note", "state") == before


def test_a_run_that_goes_on_is_waited_for(core: Core) -> None:
    (core.home / "runs").mkdir()
    script_lock = FileLock(str(core.home / "runs" / "0123456789.lock"))
    with script_lock:
        started = time.monotonic()
        with pytest.raises(CommandFailed, match="run 01234567 is going on"):
            forget(core, wait="1")
        assert time.monotonic() - started >= 1
        assert len(holds(core)) > 10
        assert forget(core, dry_run=True) == 0, "looking harms no run"
    assert forget(core) == 0


@pytest.mark.parametrize("customer", ["", "  ", "x" * 201])
def test_an_id_that_is_none_is_refused(core: Core, customer: str) -> None:
    with pytest.raises(WrongOption, match="CUSTOMER"):
        forget(core, customer)


def test_an_empty_home_is_not_made(tmp_path: Path, capsys: Said) -> None:
    assert run("forget", "u1", "--home", str(tmp_path / "home"), *BUCKETS) == 1
    assert "there is nobody to forget" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("customer", "is_distinctive"),
    [("20", False), ("100000", False), ("success", False), ("U00042", True), ("a@b.org", True)],
)
def test_a_number_or_a_word_is_not_looked_for_where_it_may_be_something_else(
    core: Core, capsys: Said, customer: str, is_distinctive: bool
) -> None:
    core.deliver("e", ticket_sales=[sale(9, customer)])
    report = core.home / "reports" / "latest" / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text(f'{{"rows": 20, "bytes": 100000, "status": "success", "error": "no {customer} here"}}')
    settings = core.home / "dagster" / "dagster.yaml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f"poll_interval_seconds: {customer}\n")
    assert forget(core, customer) == 0
    told = json.loads(report.read_text())
    assert (told["rows"], told["bytes"], told["status"]) == (20, 100000, "success")
    assert (customer not in told["error"]) is is_distinctive
    assert ("not looked through" not in capsys.readouterr().out) is is_distinctive
    assert settings.read_text() == f"poll_interval_seconds: {customer}\n"
