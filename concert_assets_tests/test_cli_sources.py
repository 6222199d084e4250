"""``ingest`` of the sources whose files belong together: a folder, a zip or the files one by one are one delivery."""

from pathlib import Path

import pytest

from concert_assets_tests.sources_tickit import FILES, zipped
from concert_assets_tests.support_demo import log_of, query, run

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]
Said = pytest.CaptureFixture[str]


def written(folder: Path) -> Path:
    """The set as files in a folder of its own, with what an operating system leaves there."""
    folder.mkdir()
    for name, text in (FILES | {".DS_Store": "x"}).items():
        (folder / name).write_text(text, "utf-8")
    return folder


def test_a_set_that_is_not_whole_is_refused_and_nothing_is_delivered(tmp_path: Path, capsys: Said) -> None:
    files = written(tmp_path / "set")
    (files / "date2008_pipe.txt").unlink()
    (tmp_path / "none").mkdir()
    for given, reason in (
        (files, "there is no date (date2008_pipe.txt)"),
        (tmp_path / "none", "the folder holds no files"),
        (tmp_path / "absent.zip", "absent.zip: No such file or directory"),
    ):
        assert run("ingest", "--source", "tickit", str(given), "--home", str(tmp_path / "home")) == 1
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("refused tickit: ")]
        assert reason in line
    assert not (tmp_path / "home" / "objects").exists()


def test_a_folder_is_one_delivery_a_zip_takes_its_place_and_a_buyer_is_forgotten(tmp_path: Path, capsys: Said) -> None:
    home, files = tmp_path / "home", written(tmp_path / "set")
    assert run("ingest", "--source", "tickit", str(files), "--home", str(home)) == 0
    assert "delivered tickit as number 1: 1 artists, 3 concerts, 2 ticket_sales, 3 venues" in capsys.readouterr().out
    published = query(home, "select * exclude (_object_id) from concert_dw.concerts order by 1")
    assert len(published) == 3
    archive = tmp_path / "tickitdb.zip"
    archive.write_bytes(zipped(FILES, "tickitdb/"))
    assert run("ingest", "--source", "tickit", str(archive), "--home", str(home)) == 0
    assert [(item.name, item.state, len(item.entry.objects)) for item in log_of(home).deliveries()] == [
        ("tickit", "replaced", len(FILES)),
        ("tickit", "live", 1),
    ]
    assert query(home, "select * exclude (_object_id) from concert_dw.concerts order by 1") == published
    # Of a buyer who is forgotten nothing is left, not even in the users file, which brought no row.
    assert any(b"ann@bee.example" in path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert run("forget", "tickit-20", "--home", str(home)) == 0
    assert not any(b"ann@bee.example" in path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert query(home, "select count(*), count(customer_id) from concert_dw.ticket_sales") == [(2, 0)]
