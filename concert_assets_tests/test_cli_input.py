"""What the command says to wrong options, bad files and homes it cannot use; nothing is written where nothing was asked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from concert_assets_tests.support_core import ARTIST, another, as_jsonl
from concert_assets_tests.support_demo import log_of, query, run

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]
Said = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, in which a forgotten home would show."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


WRONG = [
    (("demo", "--artists", "-1"), "--artists", "-1", "from 1"),
    (("demo", "--artists", "0"), "--artists", "0", "from 1"),
    (("demo", "--artists", "many"), "--artists", "many", "whole number"),
    (("demo", "--venues", "1.5"), "--venues", "1.5", "whole number"),
    (("demo", "--concerts", ""), "--concerts", "''", "whole number"),
    (("demo", "--concerts", "99999999999"), "--concerts", "99999999999", "10000000"),
    (("demo", "--sales", "-5"), "--sales", "-5", "full"),
    (("demo", "--sales", "some"), "--sales", "some", "full"),
    (("demo", "--artists", "2", "--venues", "2", "--concerts", "2", "--sales", "9000000"), "--sales", "9000000", "concerts"),
    (("demo", "--seed", "-1"), "--seed", "-1", "from 0"),
    (("demo", "--as-of", "tomorrow"), "--as-of", "tomorrow", "YYYY-MM-DD"),
    (("demo", "--as-of", "2025-02-30"), "--as-of", "2025-02-30", "YYYY-MM-DD"),
    (("demo", "--as-of", "1500-01-01"), "--as-of", "1500-01-01", "1990-01-01"),
    (("demo", "--defect-rate", "1.01"), "--defect-rate", "1.01", "from 0 to 1"),
    (("demo", "--defect-rate", "-0.1"), "--defect-rate", "-0.1", "from 0 to 1"),
    (("demo", "--defect-rate", "nan"), "--defect-rate", "nan", "from 0 to 1"),
    (("demo", "--defect-rate", "half"), "--defect-rate", "half", "from 0 to 1"),
    (("demo", "--raw-format", "xml"), "--raw-format", "xml", "jsonl, csv, parquet"),
    (("demo", "--test-size", "0"), "--test-size", "0", "above 0 and below 1"),
    (("demo", "--test-size", "1"), "--test-size", "1", "above 0 and below 1"),
    (("train", "--test-size", "nan"), "--test-size", "nan", "above 0 and below 1"),
    (("demo", "--deployment", "moon"), "--deployment", "moon", "embedded"),
    (("demo", "--raw-bucket", "Bad_Bucket"), "--raw-bucket", "Bad_Bucket", "lower-case"),
    (("demo", "--processed-bucket", "../x"), "--processed-bucket", "../x", "lower-case"),
    (("demo", "--raw-bucket", "same-name", "--processed-bucket", "same-name"), "RAW_BUCKET", "same-name", "two"),
    (("demo", "--colour", "red"), "--colour", "red", "--help"),
    (("demo", "--seed"), "--seed", "argument", "--help"),
    (("ingest", "--source", "spotify", "x.json"), "--source", "spotify", "nyphil"),
    (("ingest", "--table", "people", "x.json"), "--table", "people", "artists"),
    (("ingest", "x.json"), "--table", "--source", "must be given"),
    (("ingest", "--table", "artists"), "FILE", "--table", "none is given"),
    (("ingest", "--table", "artists", "--source", "nyphil", "x"), "--source", "--table", "not allowed"),
    (("ingest", "--table", "artists", "--delivery", " ", "x.json"), "--delivery", "' '", "1 to 200"),
    (("dev", "--port", "70000"), "--port", "70000", "1 to 65535"),
    (("explode",), "explode", "COMMAND", "demo"),
    ((), "COMMAND", "required", "--help"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "option", "came", "allowed"),
    WRONG,
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_option_is_said_in_one_line_and_nothing_is_written(
    folder: Path, capsys: Said, arguments: tuple[str, ...], option: str, came: str, allowed: str
) -> None:
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert all(part in err for part in (option, came, allowed)), err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("CONCERT_DEPLOYMENT", "moon", "embedded"),
        ("CONCERT_MEMORY_LIMIT", "lots", "800MB"),
        ("CONCERT_WAIT_SECONDS", "soon", "seconds"),
        ("CONCERT_RAW_BUCKET", "A", "lower-case"),
    ],
)
def test_a_wrong_setting_is_named(folder: Path, capsys: Said, setting: str, value: str, allowed: str) -> None:
    assert run("status", **{setting: value}) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert all(part in err for part in (setting, value, allowed)), err
    assert list(folder.iterdir()) == []


def test_a_home_that_is_a_file_is_no_home(folder: Path, capsys: Said) -> None:
    (folder / "home").write_text("mine")
    assert run("demo", "--home", "home") == 2
    assert "--home" in capsys.readouterr().err
    assert (folder / "home").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("demo", "--skip-generation"), "nothing is delivered"),
        (("train",), "nothing is published"),
        (("rebuild",), "nothing is delivered"),
        (("release", "x"), "no delivery 'x'"),
        (("retract", "1"), "no delivery '1'"),
        (("ingest", "--table", "artists", "absent.jsonl"), "absent.jsonl"),
    ],
)
def test_a_command_without_what_it_needs_says_so_and_makes_no_home(
    folder: Path, capsys: Said, arguments: tuple[str, ...], said: str
) -> None:
    assert run(*arguments) == 1
    assert said in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_an_empty_home_can_be_asked_without_making_it(folder: Path, capsys: Said) -> None:
    assert run("status") == 0
    assert "nothing is delivered yet" in capsys.readouterr().out
    assert run("status", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["deliveries"], told["last_run"]) == ([], None)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", [("demo",), ("status",), ("train",), ("rebuild",), ("release", "x")])
def test_a_home_of_another_version_is_left_alone(folder: Path, capsys: Said, command: tuple[str, ...]) -> None:
    (folder / "home").mkdir()
    (folder / "home" / "format.json").write_text('{"version": 99}')
    assert run(*command, "--home", "home") == 1
    err = capsys.readouterr().err
    assert "format 99" in err
    assert "another --home" in err
    assert [path.name for path in (folder / "home").iterdir()] == ["format.json"]


def programs(*people: str) -> bytes:
    concert = {"Date": "1950-01-07T05:00:00Z", "Time": "8:30PM", "Venue": "Carnegie Hall", "Location": "Manhattan, NY"}
    works = [{"ID": f"{number}*", "conductorName": name, "soloists": []} for number, name in enumerate(people)]
    program = {
        "id": "p1", "programID": "1", "orchestra": "New York Philharmonic", "season": "1949-50",
        "concerts": [concert | {"eventType": "Subscription Season"}], "works": works,
    }  # fmt: skip
    return json.dumps({"programs": [program]}).encode()


def test_bad_files_are_refused_by_name_and_the_others_load(folder: Path, capsys: Said) -> None:
    good = programs("Stokowski, Leopold")
    files = {
        "good.json": good,
        "empty.json": b"",
        "cut.json": good[:-30],
        "other.json": b'{"songs": []}',
        "list.json": b"[1, 2]",
    }
    for name, data in files.items():
        Path(name).write_bytes(data)
    assert run("ingest", "--source", "nyphil", *files, "absent.json", "--home", "home") == 1
    out, err = capsys.readouterr()
    refused = [line for line in err.splitlines() if line.startswith("refused ")]
    assert [line.split(":")[0].removeprefix("refused ") for line in refused] == [*list(files)[1:], "absent.json"]
    assert all(line.partition(": ")[2] for line in refused)
    assert "programs" in refused[2]
    assert "delivered nyphil/good.json as number 1" in out
    home = folder / "home"
    assert query(home, "select count(*) from concert_dw.concerts") == [(1,)]
    assert query(home, "select name from concert_dw.artists") == [("Stokowski, Leopold",)]
    assert [item.state for item in log_of(home).deliveries()] == ["live"]


HOLDER = """
import sys
from pathlib import Path
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
with DuckDBWarehouse(Path(sys.argv[1])).session():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_held_delivery_is_shown_and_released_and_a_busy_home_names_its_holder(folder: Path, capsys: Said) -> None:
    Path("good.jsonl").write_bytes(as_jsonl([ARTIST]))
    bad = [another(f"x{number}") | {"popularity_score": 101 if number else 1} for number in range(30)]
    Path("bad.jsonl").write_bytes(as_jsonl(bad))
    assert run("ingest", "--table", "artists", "good.jsonl", "bad.jsonl", "--home", "home") == 1
    assert "delivery artists/bad.jsonl (number 2) is held: artists: " in capsys.readouterr().out
    home = folder / "home"
    assert query(
        home,
        "select count(*) from information_schema.tables where table_name = 'artists' and table_schema = 'concert_dw'",
    ) == [(0,)]
    assert run("status", "--json", "--home", "home") == 0
    told = {item["name"]: item["state"] for item in json.loads(capsys.readouterr().out)["deliveries"]}
    assert told == {"artists/good.jsonl": "live", "artists/bad.jsonl": "held"}
    assert run("release", "artists/good.jsonl", "--home", "home") == 1
    assert "is live, not held" in capsys.readouterr().err
    assert run("demo", "--home", "home") == 1
    assert "deliveries of your own" in capsys.readouterr().err
    assert run("release", "artists/bad.jsonl", "--home", "home") == 0
    assert sorted(query(home, "select artist_id from concert_dw.artists")) == [("a1",), ("x0",)]
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    capsys.readouterr()
    assert run("status", "--home", "home", CONCERT_WAIT_SECONDS="1") == 1
    err = capsys.readouterr().err
    assert f"still held by process {holder.pid}" in err
    assert "Traceback" not in err
    holder.communicate("\n")
    assert run("status", "--home", "home", CONCERT_WAIT_SECONDS="1") == 0


def test_ingest_without_files_ends_what_a_killed_command_had_begun(folder: Path, capsys: Said) -> None:
    Path("good.jsonl").write_bytes(as_jsonl([ARTIST]))
    assert run("ingest", "--table", "artists", "good.jsonl", "--home", "home") == 0
    for path in (folder / "home").glob("warehouse.*"):  # as rebuild does first
        path.unlink()
    capsys.readouterr()
    assert run("ingest", "--home", "home") == 0
    assert "nothing new" not in capsys.readouterr().out
    assert query(folder / "home", "select artist_id from concert_dw.artists") == [("a1",)]
    assert run("ingest", "--home", "home") == 0
    assert "nothing new in the inbox" in capsys.readouterr().out
