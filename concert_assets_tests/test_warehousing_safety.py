"""The embedded warehouse among processes and after damage: one at a time, the holder named, losses found and made good."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.redshift.protocol import WarehouseBusy, WarehouseDamaged
from concert_assets_tests.support_core import CLEAN, SALE, Core, another, published_hashes

ENGINE = DuckDBEngine()


@pytest.fixture(scope="module")
def twice_published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two publications, and beside it the warehouse file as it was after the first."""
    core = Core(tmp_path_factory.mktemp("twice") / "home", ENGINE)
    core.deliver("d", **CLEAN)
    core.process()
    shutil.copy(core.warehouse.path, core.home / "first.duckdb")
    core.deliver("e", artists=[another("a2")])
    core.process()
    return core.home


@pytest.fixture
def core(twice_published: Path, tmp_path: Path) -> Core:
    shutil.copytree(twice_published, tmp_path / "home")
    return Core(tmp_path / "home", ENGINE)


def rebuilt_is_equal(core: Core) -> bool:
    """Whether the warehouse made anew from the log holds the same rows."""
    before = published_hashes(Core(core.home, ENGINE)) if core.warehouse.path.exists() else None
    core.warehouse.discard()
    core.process()
    return before is None or published_hashes(core) == before


def test_a_warehouse_made_anew_from_the_log_holds_the_same(core: Core) -> None:
    assert rebuilt_is_equal(core)


@pytest.mark.parametrize("damage", ["deleted", "emptied", "cut", "scrambled", "older copy", "another database"])
def test_a_damaged_file_is_found_said_and_made_anew(core: Core, damage: str) -> None:
    before = published_hashes(core)
    path = core.warehouse.path
    match damage:
        case "deleted":
            path.unlink()
        case "emptied":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(path.read_bytes()[:9000])
        case "scrambled":
            path.write_bytes(b"\xff" * path.stat().st_size)
        case "older copy":
            shutil.copy(core.home / "first.duckdb", path)
        case "another database":
            path.unlink()
            duckdb.connect(str(path)).close()
    with pytest.raises(WarehouseDamaged, match="concert-assets rebuild"):
        core.keys("artists")
    assert path.exists() == (damage != "deleted"), "looking at it makes no file"
    core.warehouse.discard()
    core.process()
    assert published_hashes(core) == before


def after_death(core: Core, at: str, sale: str = "s2") -> None:
    """Deliver a sale and let a process die while it publishes it, before the checkpoint or before the note of it."""
    core.deliver("f", ticket_sales=[SALE | {"sale_id": sale}])
    core.curate()
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from concert_assets.resources.redshift import duckdb as module\n"
        "from concert_assets.warehousing.publish import publish\n"
        "from concert_assets_tests.support_core import Core\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "if sys.argv[2] == 'checkpoint': module.DuckDBSession.publication_made = die\n"
        "else: module.DuckDBWarehouse._note_publication = die\n"
        "core = Core(Path(sys.argv[1]))\n"
        "with core.warehouse.session() as session:\n"
        "    core.stage(session)\n"
        "    publish(session, 'run')\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(core.home), at], capture_output=True, text=True)
    assert died.returncode == -9, died.stderr


@pytest.mark.parametrize("at", ["checkpoint", "note"])
def test_a_publication_that_nobody_acknowledged_may_stand(core: Core, at: str) -> None:
    after_death(core, at)
    assert core.keys("ticket_sales") == ["s1", "s2"]
    _, made = core.process()
    assert made is not None
    assert (made.number, made.is_new) == (3, False)
    assert rebuilt_is_equal(core)


@pytest.mark.parametrize("at", ["checkpoint", "note"])
def test_two_publications_that_nobody_acknowledged_may_stand(core: Core, at: str) -> None:
    after_death(core, at)
    core.process()
    assert core.warehouse.published_position() == 3, "it is known now, and nobody runs for it again"
    after_death(core, at, "s3")
    core.process()
    assert core.keys("ticket_sales") == ["s1", "s3"]
    assert rebuilt_is_equal(core)


@pytest.mark.parametrize("damage", ["deleted", "cut"])
def test_a_lost_write_ahead_log_loses_nothing_that_was_acknowledged(core: Core, damage: str) -> None:
    after_death(core, "checkpoint")
    wal = core.warehouse.path.with_name("warehouse.duckdb.wal")
    if damage == "deleted":
        wal.unlink()
    else:
        wal.write_bytes(wal.read_bytes()[: wal.stat().st_size // 2])
    assert core.keys("ticket_sales") == ["s1"]
    core.process()
    assert core.keys("ticket_sales") == ["s1", "s2"]
    assert rebuilt_is_equal(core)


def test_a_write_ahead_log_lost_after_the_acknowledgement_is_found(core: Core) -> None:
    """As if the checkpoint had not reached the disk: the note is there, the publication is not."""
    after_death(core, "checkpoint")
    with core.warehouse.session() as session:
        ((number, fingerprint),) = session.query(
            "select number, fingerprint from concert_dw.publications order by number desc limit 1"
        )
    shutil.copy(core.home / "first.duckdb", core.warehouse.path)
    (core.home / "warehouse.witness.json").write_text(json.dumps({"number": number, "fingerprint": fingerprint}))
    with pytest.raises(WarehouseDamaged, match="holds publication 1, but 3 was acknowledged"):
        core.keys("artists")


HOLDER = """
import sys
from pathlib import Path
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
with DuckDBWarehouse(Path(sys.argv[1])).session():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_busy_warehouse_names_its_holder_and_is_waited_for(core: Core) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(core.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    said: list[str] = []

    def hear(message: str) -> None:
        said.append(message)

    impatient = DuckDBWarehouse(core.home, wait_seconds=0.2, say=hear)
    with pytest.raises(WarehouseBusy, match=f"held by process {holder.pid} .* use another --home"), impatient.session():
        raise AssertionError("two processes have one warehouse")
    assert len(said) == 1
    assert f"held by process {holder.pid}" in said[0]

    def let_go(message: str) -> None:
        assert holder.stdin is not None
        holder.stdin.write("go on\n")
        holder.stdin.flush()

    with DuckDBWarehouse(core.home, wait_seconds=60, say=let_go).session() as session:
        assert session.query("select count(*) from concert_dw.artists") == [(2,)]
    assert holder.wait() == 0
    assert holder.communicate() == ("", None)


def test_a_killed_holder_holds_nothing(core: Core) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(core.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    with DuckDBWarehouse(core.home, wait_seconds=0).session() as session:
        assert session.query("select count(*) from concert_dw.artists") == [(2,)]


def test_a_program_that_knows_no_lock_is_named_too(core: Core) -> None:
    code = (
        "import duckdb, sys\nconnection = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\nsys.stdin.readline()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(core.warehouse.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"
    try:
        with pytest.raises(WarehouseBusy, match=f"another program.*PID {other.pid}"):
            core.keys("artists")
    finally:
        other.communicate("\n")


RUNNER = """
import sys
from pathlib import Path
from concert_assets_tests.support_core import Core
core = Core(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(2):
    core.deliver(f"{sys.argv[2]}{turn}", artists=[{"artist_id": f"{sys.argv[2]}{turn}", "name": f"Artist {sys.argv[2]}{turn}"}])
    _, made = core.process(f"run-{sys.argv[2]}{turn}")
    print(made.number, made.is_new)
"""


def test_two_processes_that_deliver_and_publish_at_once_lose_nothing(tmp_path: Path) -> None:
    core = Core(tmp_path, ENGINE)
    core.deliver("d", **CLEAN)
    runners = [
        subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(tmp_path), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONWARNINGS": "error"},
        )
        for name in ("p", "q")
    ]  # fmt: skip
    for runner in runners:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
    for runner in runners:
        assert runner.stdin is not None
        runner.stdin.write("go\n")
        runner.stdin.flush()
    told = [runner.communicate()[0].split("\n")[:-1] for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0]
    assert len(told[0] + told[1]) == 4
    core.process()
    assert core.keys("artists") == ["a1", "p0", "p1", "q0", "q1"]
    numbers = core.query("select number, position from concert_dw.publications order by number")
    assert [number for number, _ in numbers] == list(range(1, len(numbers) + 1))
    assert [position for _, position in numbers] == sorted({position for _, position in numbers})
    assert rebuilt_is_equal(core)
