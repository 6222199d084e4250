"""Dates with slashes are read month first unless their object proves the contrary; then none of them is read by guess."""

from functools import partial
from pathlib import Path

import pytest

from concert_assets.deliveries.curated import CuratedManifest
from concert_assets.glue_jobs import curation, judging, raw_objects
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.sources.model import Limits
from concert_assets.sources.read import read
from concert_assets_tests.support_core import ARTIST, SALE, Core, as_jsonl

ENGINE = DuckDBEngine()
ISO = "2024-04-13"


def bought(times: list[str | None], **changes: str) -> bytes:
    rows = [SALE | {"sale_id": f"s{n}", "purchase_timestamp": time} | changes for n, time in enumerate(times)]
    return as_jsonl(rows)


def curated(home: Path, *contents: bytes, table: str = "ticket_sales") -> tuple[CuratedManifest, list[str]]:
    """The manifest of a delivery of these objects, and their ids in order."""
    core = Core(home, ENGINE)
    objects = [core.put("d", table, data, name=f"{number}.jsonl") for number, data in enumerate(contents)]
    entry, _ = core.log.deliver("d", objects, source="test")
    return core.curate_one(entry), [item.object_id for item in objects]


@pytest.mark.parametrize("size", [1, 3, 100_000])
@pytest.mark.parametrize(
    ("times", "told"),
    [
        (["13/04/2024", "03/04/2024"], ("13/04/2024", "03/04/2024")),
        (["03/04/2024", ISO, ISO, ISO, "31/12/2024"], ("31/12/2024", "03/04/2024")),
        (["5/4/2024 20:00", "13/4/2024 8 pm", "4/5/2024, 20:00", "14/4/2024"], ("13/4/2024", "4/5/2024")),
        (["13/04/2024", "04/13/2024", "03/04/2024"], ("13/04/2024", "03/04/2024")),
        (["03/04/2024", "31/02/2024"], ("31/02/2024", "03/04/2024")),
        (["13/04/2024", "\u00a003/04/2024\u200b"], ("13/04/2024", "03/04/2024")),
    ],
)
def test_an_object_whose_days_come_first_is_refused_where_a_date_would_be_read_month_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: list[str | None], told: tuple[str, str], size: int
) -> None:
    """Whatever the order of its rows, and however long before the proof the others were accepted."""
    monkeypatch.setattr(curation, "CHUNK_ROWS", size)
    monkeypatch.setattr(judging, "MOST_LEFT_ROWS", size)
    monkeypatch.setattr(raw_objects, "read", partial(read, limits=Limits(batch_rows=size)))
    manifest, (refused, sound) = curated(tmp_path, bought(times), bought(["05/06/2024", ISO]))
    (note,) = manifest.notes
    assert (note.object_id, note.refused) == (
        refused,
        f"ticket_sales.purchase_timestamp: dates such as {told[0]} tell that days come first, but {told[1]} would be "
        "read month first: write dates as 2024-04-03",
    )
    assert [(count.object_id, count.accepted, count.rejected) for count in manifest.counts] == [(sound, 2, 0)]


@pytest.mark.parametrize(
    ("times", "refused_rows"),
    [
        (["03/04/2024", "04/13/2024", "12/31/2024"], 0),
        (["13/04/2024", "31/12/2024"], 2),
        (["13/04/2024", "05/05/2024", "04/13/2024"], 1),
        (["13/04/2024", ISO, "2024/04/03", "03.04.2024", "Apr 3, 2024", "20240403"], 1),
        (["45/04/2024", "13/13/2024", "13/0/2024", "03/04/2024"], 3),
        (["13/04/20245", "13/04/24", "x 13/04/2024", "03/04/2024"], 3),
        (["13/04/2024", "0/4/2024", "03/04/24", None], 4),
    ],
)
def test_without_a_contradiction_rows_stand_by_themselves(
    tmp_path: Path, times: list[str | None], refused_rows: int
) -> None:
    manifest, (object_id,) = curated(tmp_path, bought(times))
    assert manifest.notes == ()
    (count,) = manifest.counts
    assert (count.object_id, count.rejected, count.rows_in) == (object_id, refused_rows, len(times))


def test_objects_and_columns_are_told_apart(tmp_path: Path) -> None:
    day_first, month_first = bought(["13/04/2024"]), bought(["03/04/2024"])
    other_column = bought(["03/04/2024"], updated_at="13/04/2024")
    manifest, _ = curated(tmp_path, day_first, month_first, other_column)
    assert manifest.notes == ()
    assert sorted(count.accepted for count in manifest.counts) == [0, 1, 1]


def test_an_optional_date_is_not_guessed_either(tmp_path: Path) -> None:
    dates = ["13/04/1999", "03/04/1999"]
    rows = [ARTIST | {"artist_id": f"a{number}", "formation_date": date} for number, date in enumerate(dates)]
    manifest, _ = curated(tmp_path, as_jsonl(rows), table="artists")
    (note,) = manifest.notes
    assert note.refused.startswith("artists.formation_date: dates such as 13/04/1999 tell")
    assert manifest.counts == ()
