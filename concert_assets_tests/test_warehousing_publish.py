"""Publication: only what the audit passes, once, never an older state over a newer one, and staging whole or not at all."""

from pathlib import Path

import pytest

from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.warehousing.publish import NothingStaged, NotPublishable, judge, publication, publish
from concert_assets.warehousing.staging import curated_state, stage
from concert_assets_tests.support_core import (
    ARTIST,
    CLEAN,
    PROCESSED,
    VENUE,
    Core,
    another,
    artists,
    broken,
    published_hashes,
    table_hashes,
)

ENGINE = DuckDBEngine()
CANONICAL = ("artists", "venues", "concerts", "ticket_prices", "ticket_sales")


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path, ENGINE)


def test_a_candidate_that_breaks_a_rule_is_not_published(core: Core) -> None:
    """The audit looks at the candidate itself, not only at what resolve says of it."""
    core.deliver("d", **CLEAN)
    core.process()
    before = published_hashes(core)
    core.deliver("e", artists=[another("a2")])
    core.curate()
    with core.warehouse.session() as session:
        core.stage(session)
        (uri,) = [
            core.store.uri(PROCESSED, item.key)
            for delivery in core.log.deliveries()
            if delivery.name == "e" and (manifest := core.manifest(delivery.entry.content_id))
            for item in manifest.accepted("artists")
        ]
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pq.read_table(uri)
    index = rows.column_names.index("popularity_score")
    pq.write_table(rows.set_column(index, rows.field(index), pa.array([101], rows.field(index).type)), uri)
    with core.warehouse.session() as session:
        verdict = judge(session, "run")
        assert broken(verdict) == {("artists", "popularity_score_range")}
        assert set(verdict.holds) == {2}
        with pytest.raises(NotPublishable, match=r"artists\.popularity_score_range"):
            publish(session, "run")
    assert published_hashes(core) == before


def test_a_lost_row_is_found_by_conservation(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    from concert_assets.warehousing import resolve

    whole = resolve.candidate_statement
    monkeypatch.setattr(resolve, "candidate_statement", lambda table: f"{whole(table)} and f._row_number <> 2")
    core.deliver("d", artists=artists(3, 0))
    core.curate()
    with core.warehouse.session() as session:
        core.stage(session)
        verdict = judge(session, "run")
    assert broken(verdict) == {("artists", "rows_conserved")}
    assert "3 rows in, 2 outcomes" in str(verdict.blocking[0].sample)


def test_publishing_twice_makes_one_publication(core: Core) -> None:
    core.deliver("d", **CLEAN)
    core.curate()
    with core.warehouse.session() as session:
        assert publication(session) is None
        with pytest.raises(NothingStaged):
            publish(session, "run")
        core.stage(session)
        first, second = publish(session, "run"), publish(session, "run")
        assert (first.is_new, second.is_new, first.number, second.number) == (True, False, 1, 1)
        core.stage(session)
        assert not publish(session, "run").is_new
    core.code_version = "code-2"
    _, third = core.process()
    assert third is not None
    assert (third.is_new, third.number, third.position) == (True, 2, 1)


def test_an_older_position_never_overwrites_a_newer_one(core: Core) -> None:
    core.deliver("d", **CLEAN)
    core.deliver("e", artists=[another("a2")])
    core.process()
    with core.warehouse.session() as session:
        before = table_hashes(session)
        core.stage(session, core.log.entries()[:1])
        assert judge(session, "late").is_passed
        late = publish(session, "late")
        assert (late.is_new, late.position) == (False, 2)
        assert table_hashes(session) == before


def test_what_was_staged_after_the_audit_is_audited_before_it_is_published(core: Core) -> None:
    core.deliver("good", artists=[ARTIST])
    core.curate()
    with core.warehouse.session() as session:
        core.stage(session)
        assert judge(session, "run").is_passed
    core.deliver("bad", artists=artists(0, 25))
    core.curate()
    with core.warehouse.session() as session:
        core.stage(session)
        with pytest.raises(NotPublishable, match="refused_share"):
            publish(session, "run")
        assert publication(session) is None


def test_the_fingerprint_is_that_of_what_is_live_and_of_the_code(core: Core) -> None:
    core.deliver("d", artists=[ARTIST])
    core.deliver("e", venues=[VENUE])
    core.curate()

    def fingerprint(code: str = "code") -> str:
        return curated_state(core.log.entries(), core.manifest, code).fingerprint

    seen = [fingerprint(), fingerprint("other code")]
    assert fingerprint() == seen[0]
    for kind in ("hold", "release", "retraction"):
        core.log.judge(core.delivery("e"), kind, "")  # type: ignore[arg-type]
        seen.append(fingerprint())
    assert len(set(seen)) == len(seen)


def test_staging_takes_effect_whole_or_not_at_all(core: Core) -> None:
    core.deliver("d", artists=[ARTIST])
    core.process()
    core.deliver("e", artists=[another("a2")], venues=[VENUE])
    core.curate()
    state = curated_state(core.log.entries(), core.manifest, "code")
    calls = 0

    def uri(key: str) -> str:
        nonlocal calls
        calls += 1
        if "venues" in key:
            raise RuntimeError("the store is gone")
        return core.store.uri(PROCESSED, key)

    with core.warehouse.session() as session:
        with pytest.raises(RuntimeError, match="the store is gone"):
            stage(session, state, uri)
        assert calls > 1
        assert session.query("select artist_id from concert_dw_staging.artists") == [("a1",)]
        assert session.query("select position from concert_dw_staging.position") == [(1,)]
    assert core.keys("artists") == ["a1"]
