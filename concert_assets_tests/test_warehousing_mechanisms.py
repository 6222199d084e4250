"""Each mechanism that makes the warehouse a function of the log is needed: without it, a history ends otherwise."""

import random
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concert_assets.deliveries import curated
from concert_assets.resources.redshift.duckdb import DuckDBSession
from concert_assets.warehousing import publish, staging
from concert_assets_tests import support_core
from concert_assets_tests.support_core import ARTIST
from concert_assets_tests.support_histories import Step
from concert_assets_tests.test_warehousing_histories import live_through

Patch = Callable[[pytest.MonkeyPatch], None]
POPULAR = {"artists": [ARTIST | {"artist_id": "a2", "name": "Bea", "popularity_score": 60}]}
OTHER = {"artists": [ARTIST | {"artist_id": "a3", "name": "Cleo"}]}


def curated_rows_do_not_tell_their_rules(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(curated, "_manifest_key", lambda content_id, _: f"curated/{content_id}/manifest.json")


def a_state_is_told_by_its_position_alone(patch: pytest.MonkeyPatch) -> None:
    made = staging.curated_state

    def by_position(*arguments: Any) -> staging.Staged:
        state = made(*arguments)
        return replace(state, fingerprint=str(state.position))

    patch.setattr(support_core, "curated_state", by_position)


def a_state_is_told_by_its_code_alone(patch: pytest.MonkeyPatch) -> None:
    made = staging.curated_state
    patch.setattr(
        support_core, "curated_state", lambda entries, of, code: replace(made(entries, of, code), fingerprint=code)
    )


def what_was_audited_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(publish, "_candidate_row", lambda session: (*(staging.staged_position(session) or ()), True))


def nothing_is_one_transaction(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DuckDBSession, "transaction", lambda _: nullcontext())


def what_is_not_curated_is_left_out(patch: pytest.MonkeyPatch) -> None:
    made = staging.curated_state

    def without(entries: Any, manifest_of: Any, code: str) -> staging.Staged:
        known = [entry for entry in entries if entry.kind != "delivery" or manifest_of(entry.content_id) is not None]
        state = made(known, manifest_of, code)
        return replace(state, position=max(entry.sequence for entry in known))

    patch.setattr(support_core, "curated_state", without)


MECHANISMS: list[tuple[Patch, list[Step]]] = [
    (curated_rows_do_not_tell_their_rules, [("deliver", "e", POPULAR), ("process", 0, 0), ("rules", 0, 0)]),
    (a_state_is_told_by_its_position_alone, [("deliver", "e", POPULAR), ("process", 0, 0), ("rules", 0, 0)]),
    (a_state_is_told_by_its_code_alone, [("deliver", "e", POPULAR), ("process", 0, 0), ("deliver", "f", OTHER)]),
    (what_was_audited_is_not_compared, [("interleave", "e", OTHER)]),
    (nothing_is_one_transaction, [("process", 0, 0), ("deliver", "e", OTHER), ("crash", 6, "alter table")]),
    (what_is_not_curated_is_left_out, [("in part", "e", OTHER)]),
]  # fmt: skip


@pytest.mark.parametrize(("take_out", "steps"), MECHANISMS, ids=lambda value: getattr(value, "__name__", ""))
def test_without_it_the_history_ends_otherwise(
    take_out: Patch, steps: list[Step], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_through(steps, tmp_path / "with", random.Random(1))
    take_out(monkeypatch)
    with pytest.raises((AssertionError, duckdb.CatalogException)):
        live_through(steps, tmp_path / "without", random.Random(1))
