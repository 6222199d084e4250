"""The warehouse is a function of the log: processed step by step, in any order, or once from nothing, the rows are equal."""

import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from concert_assets_tests.support_accounts import recount
from concert_assets_tests.support_core import ARTIST, CONCERT, SALE, VENUE, published_hashes
from concert_assets_tests.support_histories import STEP, HistoryCore, Step, fresh


def live_through(steps: Sequence[Step], folder: Path, shuffle: random.Random) -> None:
    """Let a history happen to a home, and fail where it ends otherwise than one made from its log in one go."""
    core = HistoryCore(folder / "home")
    core.deliver("d", artists=[ARTIST], venues=[VENUE], concerts=[CONCERT], ticket_sales=[SALE])
    for step in steps:
        core.happen(step)
    core.settle()
    other = fresh(core, folder / "other")
    sequences = [item.sequence for item in other.log.deliveries()]
    shuffle.shuffle(sequences)
    for sequence in sequences:
        other.curate(sequence)
    verdict, made = other.process(must_pass=False)
    assert verdict.is_passed, "what the settled log leaves live passes the audit at once"
    assert made is not None
    assert published_hashes(other) == published_hashes(core), core.log.entries()
    with core.warehouse.session() as session:
        recount(session, core.log)


@settings(
    max_examples=int(os.environ.get("CONCERT_TEST_HISTORIES", "7")),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a history takes a second, shrinking one takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(steps=st.lists(STEP, min_size=2, max_size=8), shuffle=st.randoms(use_true_random=False))
def test_any_history_ends_as_one_processed_from_nothing(
    steps: list[Step], shuffle: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for step in steps:
        event(step[0])
    folder = tmp_path_factory.mktemp("history")
    live_through(steps, folder, shuffle)
    shutil.rmtree(folder)
