"""The warehouse is a function of the log: processed step by step, in any order, or once from nothing, the rows are equal."""

import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets_tests.support_accounts import recount
from concert_assets_tests.support_core import ARTIST, CONCERT, SALE, VENUE, Core, published_hashes

ENGINE = DuckDBEngine()

# Few keys and few values, so that rows repeat, win over one another, wait for one another and break rules.
STAMP = st.sampled_from([None, "2024-01-01", "2024-01-02"])
ARTISTS = st.builds(
    lambda key, name, stamp, score: ARTIST | {"artist_id": key, "name": name, "updated_at": stamp, "popularity_score": score},
    st.sampled_from(["a1", "a2"]), st.sampled_from(["Ada", "Bea", ""]), STAMP, st.sampled_from([50, 50, 101]),
)  # fmt: skip
VENUES = st.builds(
    lambda key, capacity, stamp: VENUE | {"venue_id": key, "capacity": capacity, "updated_at": stamp},
    st.sampled_from(["v1", "v2"]), st.sampled_from([8, 10, 0]), STAMP,
)  # fmt: skip
CONCERTS = st.builds(
    lambda key, artist, venue, tickets, stamp, prices: CONCERT
    | {
        "concert_id": key, "artist_id": artist, "venue_id": venue, "tickets_sold": tickets, "total_attendance": None,
        "updated_at": stamp, "ticket_prices": prices,
    },
    st.sampled_from(["c1", "c2"]), st.sampled_from(["a1", "a2"]), st.sampled_from(["v1", "v2"]), st.sampled_from([8, 9]), STAMP,
    st.dictionaries(st.sampled_from(["general", "vip", "lawn"]), st.sampled_from([5, 7]), max_size=2),
)  # fmt: skip
SALES = st.builds(
    lambda key, concert, quantity, when: SALE
    | {"sale_id": key, "concert_id": concert, "quantity": quantity, "total_price": None if quantity == 3 else quantity * 11,
       "purchase_timestamp": when},
    st.sampled_from(["s1", "s2", "s3"]), st.sampled_from(["c1", "c2"]), st.sampled_from([1, 2, 3, 7]),
    st.sampled_from(["2024-04-01T12:00:00Z", "2024-05-01T20:00:00Z"]),
)  # fmt: skip
CONTENT = st.fixed_dictionaries(
    {},
    optional={
        "artists": st.lists(ARTISTS, min_size=1, max_size=3),
        "venues": st.lists(VENUES, min_size=1, max_size=3),
        "concerts": st.lists(CONCERTS, min_size=1, max_size=3),
        "ticket_sales": st.lists(SALES, min_size=1, max_size=4),
    },
).filter(bool)
STEP = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from(["d", "e", "f"]), CONTENT),
    st.tuples(st.just("deliver"), st.sampled_from(["d", "e", "f"]), CONTENT),
    st.tuples(st.sampled_from(["again", "retraction", "hold", "release", "process"]), st.integers(0, 9), st.none()),
)


def do(core: Core, step: tuple[str, Any, Any]) -> None:
    kind, choice, content = step
    deliveries = core.log.deliveries()
    if kind == "deliver":
        core.deliver(choice, **content)
    elif kind == "process":
        core.settle()
    elif deliveries:
        meant = deliveries[choice % len(deliveries)]
        if kind == "again":
            core.log.deliver(meant.name, meant.entry.objects, source="test")
        elif meant.state in ("live", "held"):
            core.log.judge(meant, kind, "because")  # type: ignore[arg-type]


def from_nothing(core: Core, home: Path, shuffle: random.Random) -> Core:
    """Another home that knows the log and the raw objects alone, its deliveries curated in any order."""
    shutil.copytree(core.home / "objects" / "raw", home / "objects" / "raw")
    other = Core(home, ENGINE)
    sequences = [item.sequence for item in other.log.deliveries()]
    shuffle.shuffle(sequences)
    for sequence in sequences:
        other.curate(sequence)
    return other


@settings(
    max_examples=int(os.environ.get("CONCERT_TEST_HISTORIES", "7")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(steps=st.lists(STEP, min_size=2, max_size=7), shuffle=st.randoms(use_true_random=False))
def test_any_history_ends_as_one_processed_from_nothing(
    steps: list[tuple[str, Any, Any]], shuffle: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("history")
    core = Core(folder / "home", ENGINE)
    core.deliver("d", artists=[ARTIST], venues=[VENUE], concerts=[CONCERT], ticket_sales=[SALE])
    for step in steps:
        do(core, step)
    core.settle()
    other = from_nothing(core, folder / "other", shuffle)
    verdict, made = other.process(must_pass=False)
    note(f"{core.log.entries()}")
    assert verdict.is_passed, "what the settled log leaves live passes the audit at once"
    assert made is not None
    assert published_hashes(other) == published_hashes(core)
    with core.warehouse.session() as session:
        recount(session, core.log)
    shutil.rmtree(folder)
