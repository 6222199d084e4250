"""What curation makes of a delivery: every row accepted or refused with its reason, whatever the chunks, all or nothing."""

import gzip
import json
import random
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concert_assets.deliveries.curated import (
    CuratedManifest,
    CuratedObjectDamaged,
    curated_prefix,
    discard_manifest,
    read_manifest,
)
from concert_assets.deliveries.log import Entry
from concert_assets.glue_jobs import curation, raw_objects
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.glue_jobs.raw_objects import ObjectAltered
from concert_assets.resources.s3.protocol import ObjectNotFound
from concert_assets.sources.model import Limits
from concert_assets.sources.read import read
from concert_assets_tests.support_core import ARTIST, CLEAN, CONCERT, PROCESSED, RAW, RULES, SALE, Core, as_jsonl

ENGINE = DuckDBEngine()


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path, ENGINE)


def curate(core: Core, entry: Entry) -> CuratedManifest:
    return core.curate_one(entry)


def accepted(core: Core, manifest: CuratedManifest, table: str) -> list[dict[str, Any]]:
    return [
        row
        for item in manifest.accepted(table)
        for row in pq.read_table(core.store.path(PROCESSED, item.key)).to_pylist()
    ]


def rejects(core: Core, manifest: CuratedManifest) -> list[dict[str, Any]]:
    return [
        row for item in manifest.rejects() for row in pq.read_table(core.store.path(PROCESSED, item.key)).to_pylist()
    ]


def artists(count: int, prefix: str = "a") -> list[dict[str, Any]]:
    return [ARTIST | {"artist_id": f"{prefix}{number}"} for number in range(count)]


def test_accepted_rows_carry_their_values_and_their_origin(core: Core) -> None:
    entry = core.deliver("d", **CLEAN)
    manifest = curate(core, entry)
    (row,) = accepted(core, manifest, "concerts")
    assert (row["_object_id"], row["_row_number"]) == (entry.objects[2].object_id, 1)
    assert (row["concert_id"], row["tickets_sold"], str(row["revenue"])) == ("c1", 8, "88.00")
    (price,) = accepted(core, manifest, "ticket_prices")
    assert (price["concert_id"], price["ticket_tier"], str(price["face_value"])) == ("c1", "general", "11.00")
    assert price["_object_id"] == entry.objects[2].object_id
    assert rejects(core, manifest) == []
    assert {(count.table, count.rows_in, count.accepted, count.rejected) for count in manifest.counts} == {
        (table, 1, 1, 0) for table in ("artists", "venues", "concerts", "ticket_prices", "ticket_sales")
    }


def test_a_refused_row_is_kept_as_it_came_with_its_reason(core: Core) -> None:
    bad = ARTIST | {"artist_id": "a2", "popularity_score": 101, "genres": ["rock", "näive"]}
    manifest = curate(core, core.deliver("d", artists=[ARTIST, bad]))
    (row,) = rejects(core, manifest)
    assert (row["row_number"], row["table_name"], row["rule"]) == (2, "artists", "popularity_score_range")
    assert (row["column_name"], row["value"]) == ("popularity_score", "101")
    assert row["reason"] == "popularity_score must lie in 0 to 100"
    assert json.loads(row["row_json"]) == {
        "artist_id": "a2", "name": "Ada", "popularity_score": "101", "genres": '["rock","näive"]',
    }  # fmt: skip
    assert [(item.rule, item.effect, item.rows) for item in manifest.rule_counts] == [
        ("popularity_score_range", "refused", 1)
    ]


def test_a_line_that_cannot_be_taken_apart_is_a_refused_row_among_the_others(core: Core) -> None:
    data = as_jsonl([ARTIST]) + b'{"artist_id": "a2", "name": \n' + as_jsonl(artists(1, "b"))
    manifest = curate(core, core.deliver("d", artists=data))
    (row,) = rejects(core, manifest)
    assert (row["row_number"], row["rule"], row["column_name"], row["value"]) == (2, "malformed_json", None, None)
    assert row["reason"].startswith("malformed_json: ")
    assert json.loads(row["row_json"]) == {"_row_text": '{"artist_id": "a2", "name": '}
    assert [item["_row_number"] for item in accepted(core, manifest, "artists")] == [1, 3]
    (count,) = manifest.counts
    assert (count.rows_in, count.accepted, count.rejected) == (3, 2, 1)


def test_an_optional_value_that_cannot_be_read_is_emptied_and_counted(core: Core) -> None:
    rows = artists(4)
    rows[0]["formation_date"] = "long ago"
    rows[1]["formation_date"] = "2024-02-30"
    rows[2] |= {"formation_date": "long ago", "artist_id": None}  # refused for another reason: not counted as emptied
    rows[3]["formation_date"] = "1999-01-01"
    manifest = curate(core, core.deliver("d", artists=rows))
    emptied = {row["_row_number"]: row["formation_date"] is None for row in accepted(core, manifest, "artists")}
    assert emptied == {1: True, 2: True, 4: False}
    assert {(item.rule, item.column, item.effect, item.rows) for item in manifest.rule_counts} == {
        ("formation_date_readable", "formation_date", "emptied", 2),
        ("artist_id_required", "artist_id", "refused", 1),
    }


def test_an_object_that_cannot_be_read_is_refused_whole_and_the_others_go_on(core: Core) -> None:
    contents = [as_jsonl(artists(3)), b"PK\x03\x04 no text\xff", as_jsonl([ARTIST])]
    objects = [core.put("d", "artists", data, name=f"{number}.jsonl") for number, data in enumerate(contents)]
    entry, _ = core.log.deliver("d", objects, source="test")
    manifest = curate(core, entry)
    assert {row["_object_id"] for row in accepted(core, manifest, "artists")} == {
        objects[0].object_id,
        objects[2].object_id,
    }
    (note,) = manifest.notes
    assert (note.object_id, note.key) == (objects[1].object_id, objects[1].key)
    assert note.refused
    counts = {count.object_id: count.rows_in for count in manifest.counts}
    assert counts == {objects[0].object_id: 3, objects[2].object_id: 1}


@pytest.mark.parametrize("change", ["gone", "altered", "as long and altered"])
def test_an_object_that_is_not_what_was_delivered_stops_the_delivery_until_it_is_restored(
    core: Core, change: str
) -> None:
    """It says nothing of the rows that were delivered, so none is refused for it."""
    entry = core.deliver("d", **CLEAN)
    item = entry.objects[0]
    data = core.store.read(RAW, item.key)
    if change == "gone":
        core.store.delete(RAW, item.key)
    else:
        core.store.write(RAW, item.key, data + data if change == "altered" else data.replace(b"Ada", b"Bea"))
    with pytest.raises((ObjectAltered, ObjectNotFound), match=item.key):
        curate(core, entry)
    assert list(core.store.list(PROCESSED)) == []
    core.store.write(RAW, item.key, data)
    assert [row["name"] for row in accepted(core, curate(core, entry), "artists")] == ["Ada"]


def test_columns_that_no_table_knows_are_noted(core: Core) -> None:
    manifest = curate(core, core.deliver("d", artists=[ARTIST | {"shoe_size": 44}]))
    (note,) = manifest.notes
    assert (note.refused, note.unknown_columns) == ("", ("artists.shoe_size",))
    assert manifest.counts[0].accepted == 1


def test_an_object_of_no_rows_is_counted_with_none(core: Core) -> None:
    empty = core.put("e", "ticket_sales", (",".join(SALE) + "\n").encode(), "csv")
    entry, _ = core.log.deliver("e", [empty], source="test")
    (count,) = curate(core, entry).counts
    assert (count.object_id, count.table, count.rows_in) == (empty.object_id, "ticket_sales", 0)


# An object whose gzip breaks off after rows were handed on, read in blocks and chunks of a few rows.
def small_pieces(monkeypatch: pytest.MonkeyPatch, chunk_rows: int, batch_rows: int = 2) -> None:
    limits = Limits(max_line_bytes=200, batch_rows=batch_rows)
    monkeypatch.setattr(curation, "CHUNK_ROWS", chunk_rows)
    monkeypatch.setattr(raw_objects, "read", partial(read, limits=limits))


def broken_off(rows: int, prefix: str) -> bytes:
    noise = random.Random(prefix)
    data = as_jsonl(row | {"members": f"{noise.random()}"} for row in artists(rows, prefix))
    return gzip.compress(data)[:-20]


@pytest.mark.parametrize("chunk_rows", [1, 3, 5, 40, 1_000])
def test_rows_of_an_object_that_breaks_off_late_leave_no_trace(
    core: Core, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    small_pieces(monkeypatch, chunk_rows)
    contents = [
        as_jsonl(artists(4, "x")),
        broken_off(30, "p"),
        as_jsonl(artists(3, "y")),
        broken_off(20, "q"),
        as_jsonl(artists(1, "z")),
    ]
    objects = [core.put("d", "artists", data, name=f"{number}.jsonl") for number, data in enumerate(contents)]
    prices = core.put("d", "concerts", as_jsonl([CONCERT]))
    entry, _ = core.log.deliver("d", [*objects, prices], source="test")
    manifest = curate(core, entry)
    ids = [row["artist_id"] for row in accepted(core, manifest, "artists")]
    assert ids == ["x0", "x1", "x2", "x3", "y0", "y1", "y2", "z0"]
    assert [row["concert_id"] for row in accepted(core, manifest, "concerts")] == ["c1"]
    assert {note.object_id for note in manifest.notes if note.refused} == {objects[1].object_id, objects[3].object_id}
    assert {count.object_id: count.rows_in for count in manifest.counts if count.table == "artists"} == {
        objects[0].object_id: 4, objects[2].object_id: 3, objects[4].object_id: 1,
    }  # fmt: skip
    named = {item.key for item in manifest.files} | {f"{curated_prefix(entry.content_id, RULES)}manifest.json"}
    assert {info.key for info in core.store.list(PROCESSED)} == named


def content(core: Core, manifest: CuratedManifest) -> dict[str, Any]:
    """All that a manifest and its objects say, but for where the bytes lie."""
    order = Counter(repr(row) for row in rejects(core, manifest))
    tables = ("artists", "venues", "concerts", "ticket_prices", "ticket_sales")
    rows: dict[str, Any] = {table: sorted(map(repr, accepted(core, manifest, table))) for table in tables}
    return rows | {"rejects": order, "counts": manifest.counts, "rules": manifest.rule_counts, "notes": manifest.notes}


SALES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "sale_id": st.sampled_from(["s1", "s2", "", None]),
            "quantity": st.sampled_from(["0", "1", "21", "x", None]),
            "refunded_at": st.sampled_from(["soon", "2024-04-02", "2023-01-01"]),
            "sale_status": st.sampled_from(["completed", "void"]),
        },
    ),
    max_size=12,
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sales=SALES, more=SALES, chunk_rows=st.integers(1, 9), batch_rows=st.integers(1, 5))
def test_chunks_of_any_size_give_the_same(
    sales: list[dict[str, Any]], more: list[dict[str, Any]], chunk_rows: int, batch_rows: int, tmp_path_factory: Any
) -> None:
    changed = [[SALE | {"total_price": None} | change for change in changes] for changes in ([{}, *sales], [{}, *more])]
    found = []
    for pieces in (None, (chunk_rows, batch_rows)):
        core = Core(tmp_path_factory.mktemp("chunks"), ENGINE)
        objects = [core.put("d", "ticket_sales", as_jsonl(rows), name=f"{n}.jsonl") for n, rows in enumerate(changed)]
        objects.append(
            core.put("d", "concerts", as_jsonl([CONCERT, CONCERT | {"status": "x"}, CONCERT | {"ticket_prices": "{"}]))
        )
        entry, _ = core.log.deliver("d", objects, source="test")
        with pytest.MonkeyPatch.context() as monkeypatch:
            if pieces:
                small_pieces(monkeypatch, *pieces)
                monkeypatch.setattr(raw_objects, "read", partial(read, limits=Limits(batch_rows=pieces[1])))
            found.append(content(core, curate(core, entry)))
    assert found[0] == found[1]
    came = sum(count.rows_in for count in found[0]["counts"] if count.table == "ticket_sales")
    assert came == len(sales) + len(more) + 2


def test_of_two_jobs_that_curate_the_same_delivery_one_manifest_stands(core: Core) -> None:
    entry = core.deliver("d", **CLEAN)
    first = curate(core, entry)
    second = curate(core, entry)
    assert second == first, "the loser returns what the winner wrote"
    assert core.manifest(entry.content_id) == first
    assert len(accepted(core, second, "artists")) == 1


def test_a_manifest_is_read_back_as_it_was_written(core: Core) -> None:
    manifest = curate(core, core.deliver("d", artists=[ARTIST | {"größe": 1}, {"artist_id": "x"}]))
    assert CuratedManifest.from_json(manifest.to_json()) == manifest
    assert read_manifest(core.store, PROCESSED, manifest.content_id, "other rules") is None


@pytest.mark.parametrize("damage", ["deleted", "shortened", "longer"])
def test_a_damaged_curated_object_is_detected_and_curated_anew(core: Core, damage: str) -> None:
    entry = core.deliver("d", **CLEAN)
    (item,) = curate(core, entry).accepted("venues")
    data = core.store.read(PROCESSED, item.key)
    if damage == "deleted":
        core.store.delete(PROCESSED, item.key)
    else:
        core.store.write(PROCESSED, item.key, data[:-1] if damage == "shortened" else data + b"x")
    with pytest.raises(CuratedObjectDamaged, match=r"venues\.parquet"):
        core.manifest(entry.content_id)
    discard_manifest(core.store, PROCESSED, entry.content_id, RULES)
    assert core.manifest(entry.content_id) is None
    again = curate(core, entry)
    assert core.manifest(entry.content_id) == again
    assert [row["venue_id"] for row in accepted(core, again, "venues")] == ["v1"]
