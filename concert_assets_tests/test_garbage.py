"""Garbage collection drops what nothing refers to, and afterwards every table, run and command is as it was."""

import os
import random
import shutil
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concert_assets import deployment as deployments
from concert_assets.cli import upkeep
from concert_assets.deliveries.curated import curated_prefix
from concert_assets.deliveries.garbage import Garbage, curated_garbage, drop, raw_garbage
from concert_assets.glue_jobs.curation import curate_delivery
from concert_assets_tests.support_core import (
    ARTIST,
    CLEAN,
    PROCESSED,
    RAW,
    RULES,
    SALE,
    Core,
    as_jsonl,
    published_hashes,
)
from concert_assets_tests.support_demo import SMALL, log_of, query, report_of, row_hashes, run
from concert_assets_tests.support_upkeep import ENGINE, Said

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]
LATER = 10_000_000_000.0


@pytest.fixture
def core(tmp_path: Path) -> Core:
    core = Core(tmp_path / "home", ENGINE)
    core.deliver("base", **CLEAN)
    core.process()
    return core


def garbage(core: Core, before: float = LATER, *, is_caught_up: bool = True) -> list[Garbage]:
    found = [*raw_garbage(core.store, RAW, core.log.entries, before)]
    found += curated_garbage(core.store, PROCESSED, core.log.entries(), RULES, before, is_caught_up=is_caught_up)
    return found


def collect(core: Core, before: float = LATER) -> list[str]:
    found = garbage(core, before)
    for item in found:
        core.store.delete(item.bucket, item.info.key)
    return sorted({item.reason for item in found})


def curate_as(core: Core, name: str, rules: str) -> None:
    entry = core.delivery(name).entry
    curate_delivery(ENGINE, core.store, RAW, PROCESSED, entry.content_id, rules, entry.objects)


def test_what_is_in_use_is_no_garbage(core: Core) -> None:
    core.deliver("base", artists=[ARTIST])
    core.deliver("held", artists=[ARTIST | {"artist_id": f"x{n}", "popularity_score": 101} for n in range(30)])
    core.settle()
    assert {item.state for item in core.log.deliveries()} == {"live", "held", "replaced"}
    assert garbage(core) == []


def test_each_kind_of_garbage_is_found_and_the_rest_is_untouched(core: Core) -> None:
    core.deliver("back", ticket_sales=[SALE | {"sale_id": "s2"}])
    core.process()
    core.log.judge(core.delivery("back"), "retraction", "")
    core.process()
    before = published_hashes(core)
    content_id = core.delivery("base").entry.content_id
    curate_as(core, "base", "rules-0")
    core.put("nobody", "artists", b"{}")  # a process that copied and died
    core.store.write(
        PROCESSED, curated_prefix(content_id, RULES) + "0123/artists.parquet", b"cut"
    )  # faster was another
    core.store.write(PROCESSED, curated_prefix(content_id, "rules-9") + "0123/artists.parquet", b"cut")  # one that died
    retracted = curated_prefix(core.delivery("back").entry.content_id, RULES)
    found = {(item.reason, item.info.key.partition("/")[0]) for item in garbage(core)}
    assert found == {
        ("no entry of the log names it", "deliveries"),
        ("no manifest names it", "curated"),
        ("no delivery needs it", "curated"),
        ("it is curated anew under other rules", "curated"),
    }
    kept = {item.reason for item in garbage(core, is_caught_up=False)}
    assert kept == {"no entry of the log names it", "no manifest names it"}
    keys = [item.info.key for item in garbage(core) if item.info.key.startswith(retracted)]
    assert keys[0] == retracted + "manifest.json", "objects never go before the manifest that names them"
    collect(core)
    assert garbage(core) == []
    core.process()
    core.warehouse.discard()
    core.process()
    assert {name: h for name, h in published_hashes(core).items() if name != "load_ledger"} == {
        name: h for name, h in before.items() if name != "load_ledger"
    }


def test_what_is_young_is_spared(core: Core) -> None:
    now = time.time()
    core.deliver("back", ticket_sales=[SALE | {"sale_id": "s2"}])
    core.process()
    core.log.judge(core.delivery("back"), "retraction", "")
    curate_as(core, "base", "rules-0")
    core.put("nobody", "artists", b"{}")
    core.store.write(PROCESSED, curated_prefix("a" * 32, RULES) + "0123/artists.parquet", b"")
    assert garbage(core, now - 60) == []
    assert len(garbage(core, now + 60)) > 4


def test_what_was_curated_under_other_rules_alone_stays(core: Core) -> None:
    """It is all that is left of a delivery whose raw objects are gone."""
    content_id = core.delivery("base").entry.content_id
    curate_as(core, "base", "rules-0")
    for info in list(core.store.list(PROCESSED, curated_prefix(content_id, RULES))):
        core.store.delete(PROCESSED, info.key)
    assert garbage(core) == []
    curate_as(core, "base", RULES)
    assert {item.reason for item in garbage(core)} == {"it is curated anew under other rules"}
    (damaged,) = core.manifest(content_id).accepted("artists")  # type: ignore[union-attr]
    core.store.write(PROCESSED, damaged.key, b"cut")
    assert garbage(core) == [], "a damaged one does not take the place of a whole one"


def test_what_comes_into_use_after_the_listing_is_kept(core: Core) -> None:
    named = core.put("slow", "artists", as_jsonl([ARTIST]))
    anew = core.put("anew", "artists", as_jsonl([ARTIST]))
    core.put("nobody", "artists", b"{}")
    core.deliver("back", ticket_sales=[SALE | {"sale_id": "s2"}])
    core.process()
    core.log.judge(core.delivery("back"), "retraction", "")
    listed = garbage(core)
    assert {item.reason for item in listed} == {"no entry of the log names it", "no delivery needs it"}
    core.log.deliver("slow", [named], source="test")
    core.store.write(RAW, anew.key, as_jsonl([ARTIST]))
    core.log.deliver("back", core.delivery("back").entry.objects, source="test")
    dropped = [item.info.key for item in listed if drop(core.store, item, core.log.entries, LATER)]
    assert len(dropped) == 1
    assert dropped[0].startswith("deliveries/nobody/")


STEP = st.tuples(
    st.sampled_from(["deliver", "again", "retract", "orphan", "attempt", "old rules", "process", "gc"]),
    st.integers(0, 9),
)


@settings(
    max_examples=int(os.environ.get("CONCERT_TEST_HISTORIES", "5")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(STEP, min_size=3, max_size=9), st.randoms(use_true_random=False))
def test_histories_end_alike_with_and_without_collecting(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], chance: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("history")
    core = Core(folder / "home", ENGINE)
    core.deliver("base", **CLEAN)
    for kind, number in steps:
        meant = core.log.deliveries()[number % len(core.log.deliveries())]
        if kind == "deliver":
            row = SALE | {"sale_id": f"s{number % 3}", "customer_id": f"u{number}", "quantity": number % 4}
            core.deliver(f"d{number % 3}", ticket_sales=[row | {"total_price": 11 * (number % 4)}])
        elif kind == "again":
            core.log.deliver(meant.name, meant.entry.objects, source="test")
        elif kind == "retract" and meant.state in ("live", "held") and meant.name != "base":
            core.log.judge(meant, "retraction", "")
        elif kind == "orphan":
            core.put(f"nobody{number}", "artists", b"{}")
        elif kind == "attempt":
            core.store.write(
                PROCESSED, curated_prefix(meant.entry.content_id, f"rules-{number % 2}") + f"{number}/x.parquet", b"cut"
            )
        elif kind == "old rules" and meant.state != "retracted":
            curate_as(core, meant.name, "rules-0")
        elif kind == "gc":
            core.settle()  # as the command makes sure of
            collect(core)
        else:
            core.settle()
    core.settle()
    before = published_hashes(core)
    collect(core)
    assert published_hashes(core) == before
    core.settle()
    assert published_hashes(core) == before
    core.warehouse.discard()
    core.settle()
    assert published_hashes(core) == before
    assert garbage(core) == []
    shutil.rmtree(folder)


def gc(home: Path, *, hours: float = 0, dry_run: bool = False) -> int:
    """The command as it will be in some hours."""
    deployment = deployments.read({"CONCERT_HOME": str(home), "CONCERT_WAIT_SECONDS": "1"})
    options = Namespace(older_than=1, dry_run=dry_run)
    return upkeep.gc(deployment, options, now=lambda: time.time() + (1 + hours) * 3600)


def test_the_command_lists_drops_and_leaves_every_table_as_it_was(tmp_path: Path, capsys: Said) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "concert_assets.cli.main", "demo", *SMALL, "--home", str(home)]
    subprocess.run(command, check=True, capture_output=True)
    before, log = row_hashes(home), log_of(home)
    models = sorted(info.key for info in log.store.list("concert-data-processed", "models/"))
    log.store.write(log.bucket, "deliveries/nobody/0123/x.jsonl", b"12345")
    left = log.store.path(log.bucket, "deliveries/nobody/0123/x.jsonl").with_name(".writing-0123456789abcdef")
    left.write_bytes(b"1234567")
    capsys.readouterr()
    assert gc(home, hours=-2) == 0
    assert "dropped 0 objects, 0 bytes" in capsys.readouterr().out
    assert gc(home, hours=1, dry_run=True) == 0
    told = capsys.readouterr().out
    assert "concert-data-raw/deliveries/nobody/0123/x.jsonl" in told
    assert "would drop 2 objects, 12 bytes" in told
    assert left.exists()
    last = report_of(home)["run"]["id"]
    with FileLock(str(home / "runs" / f"{last}.lock")):  # as if that run still went on
        assert gc(home, hours=1, dry_run=True) == 0
    assert "would drop 0 objects" in capsys.readouterr().out
    assert gc(home, hours=1) == 0
    assert "dropped 2 objects, 12 bytes" in capsys.readouterr().out
    assert not left.exists()
    assert sorted(info.key for info in log.store.list("concert-data-processed", "models/")) == models != []
    for command in (("status",), ("validate",), ("rejects",), ("rebuild",)):
        assert run(*command, "--home", str(home)) == 0, command
    assert row_hashes(home) == before
    assert query(home, "select count(*) from concert_dw.publications") == [(1,)]
    deployment = deployments.read({"CONCERT_HOME": str(home), "CONCERT_WAIT_SECONDS": "1"})
    with FileLock(str(home / "upkeep.lock")), pytest.raises(upkeep.CommandFailed, match="another gc or forget"):
        upkeep.gc(deployment, Namespace(older_than=1, dry_run=False))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--older-than", "0"), 2, "--older-than: 0"),
        (("--older-than", "soon"), 2, "whole number"),
        ((), 1, "nothing is delivered"),
    ],
)
def test_wrong_options_and_an_empty_home_are_told(
    tmp_path: Path, capsys: Said, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert run("gc", "--home", str(tmp_path / "home"), *arguments) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert list(tmp_path.iterdir()) == []
