"""A file of refused rows holds each value as it came; mended and delivered again it loads, and nothing counts twice."""

import json
import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest

from concert_assets_tests.support_accounts import recount
from concert_assets_tests.support_core import ARTIST, CLEAN, CONCERT, RAW, SALE, VENUE, Core, as_jsonl
from concert_assets_tests.support_demo import log_of, query, run
from concert_assets_tests.support_upkeep import ENGINE, Said, ask, read_csv, sales, told, write_csv

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]

# What a spreadsheet, a careless writer or a careless reader would alter.
HOSTILE = [
    "=1+1", "+49", "-5", "@sum", "007", "0.10", "1e5", 'say "hi"', '"', "a,b;c\td", "two\nlines", "cr\rlf\r\nend",
    "Ünï 🎸", "e\u0301", "NULL", "true", "'", "\ufeffx", "[1, 2]", "\\N",
]  # fmt: skip


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path / "home", ENGINE)


def deliver_file(core: Core, table: str, path: Path) -> None:
    """As ingest does: a delivery of the file's own."""
    item = core.put(f"{table}/{path.name}", table, path.read_bytes(), "csv", path.name)
    core.log.deliver(f"{table}/{path.name}", [item], source="files")


def export(core: Core, folder: Path, *options: str) -> dict[str, Path]:
    """The files of an export, by what their names tell: table and outcome."""
    assert ask(core, "--export", str(folder), *options) == 0
    return {path.stem.rpartition("-")[0]: path for path in folder.glob("*.csv")}


def accounts(core: Core) -> None:
    with core.warehouse.session() as session:
        recount(session, core.log)


def test_every_value_survives_the_way_out_and_back(core: Core, tmp_path: Path) -> None:
    core.deliver("base", **CLEAN | {"venues": [VENUE | {"capacity": 1000}]})
    core.deliver("bad", ticket_sales=sales(*[{"customer_id": value, "quantity": 0} for value in HOSTILE]))
    lists = {"genres": ["folk", 'he said "é"'], "members": ["=A1", "a, b"]}
    core.deliver(
        "names", artists=[ARTIST | {"artist_id": "a2", "name": "Zed Quartet", "popularity_score": 101} | lists]
    )
    core.process(must_pass=False)
    core.log.judge(core.delivery("bad"), "release", "small")
    core.settle()
    files = export(core, tmp_path / "out")
    rows = read_csv(files["ticket_sales-rejected"])
    assert [row["customer_id"] for row in rows] == HOSTILE
    assert {(row["_delivery"], row["_rule"], row["_column"], row["_value"]) for row in rows} == {
        ("bad", "quantity_range", "quantity", "0")
    }
    assert [row["_row"] for row in rows] == [str(number) for number in range(1, len(HOSTILE) + 1)]
    for path in files.values():  # as in a text editor: the faults are mended and every other byte stays
        text = path.read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        path.write_bytes(text.replace(b",general,0,", b",general,2,").replace(b",101,,", b",50,,"))
        deliver_file(core, path.name.partition("-")[0], path)
    core.settle()
    published = core.query("select sale_id, customer_id from concert_dw.ticket_sales where sale_id <> 's1'")
    # Curation composes letters and drops a byte order mark, whichever way a value comes.
    values = [unicodedata.normalize("NFC", value).strip("\ufeff") for value in HOSTILE]
    assert dict(published) == {f"x{number}": value for number, value in enumerate(values)}
    ((genres, members),) = core.query("select genres, members from concert_dw.artists where artist_id = 'a2'")
    assert (json.loads(genres), json.loads(members)) == (lists["genres"], lists["members"])
    accounts(core)


def test_rows_that_no_rule_of_their_own_refuses_come_as_they_were_delivered(core: Core, tmp_path: Path) -> None:
    late = SALE | {"sale_id": "late", "purchase_timestamp": "2024-05-03 07:00:00", "unit_price": "011.00"}
    orphan = SALE | {"sale_id": "orphan", "concert_id": "c9", "total_price": "022.00"}
    concert = CONCERT | {"concert_id": "c3", "venue_id": "v9", "ticket_prices": {"vip": "7.50"}}
    core.deliver("base", **CLEAN)
    core.deliver("more", ticket_sales=[SALE | {"sale_id": "s2"}, late, orphan], concerts=[concert])
    core.process()
    (row,) = read_csv(export(core, tmp_path / "out")["ticket_sales-rejected"])
    assert (row["sale_id"], row["purchase_timestamp"], row["unit_price"]) == ("late", "2024-05-03 07:00:00", "011.00")
    assert (row["_row"], row["_rule"]) == ("2", "purchase_before_show")
    files = export(core, tmp_path / "waiting", "--outcome", "pending")
    assert set(files) == {"ticket_prices-pending", "concerts-pending", "ticket_sales-pending"}
    assert [row["total_price"] for row in read_csv(files["ticket_sales-pending"])] == ["022.00"]
    (price,) = read_csv(files["ticket_prices-pending"])
    assert (price["concert_id"], price["ticket_tier"], price["face_value"]) == ("c3", "vip", "7.50")


def test_rows_that_could_not_be_taken_apart_have_a_file_of_their_own(core: Core, tmp_path: Path) -> None:
    good = as_jsonl([SALE | {"sale_id": "s2"}]).decode()
    core.deliver("base", **CLEAN)
    core.deliver(
        "cut", ticket_sales=(good + '{"sale_id": "s3", "customer_id": "=u,3"\n' + good.replace("s2", "s4")).encode()
    )
    core.process()
    files = export(core, tmp_path / "out")
    assert set(files) == {"ticket_sales-malformed"}
    (row,) = read_csv(files["ticket_sales-malformed"])
    assert row["_text"] == '{"sale_id": "s3", "customer_id": "=u,3"'
    assert row["_rule"] == "malformed_json"
    assert row["sale_id"] == ""
    write_csv(files["ticket_sales-malformed"], [row | {k: str(v) for k, v in SALE.items()} | {"sale_id": "s3"}])
    deliver_file(core, "ticket_sales", files["ticket_sales-malformed"])
    core.process()
    assert core.keys("ticket_sales") == ["s1", "s2", "s3", "s4"]
    accounts(core)


def test_what_is_mended_is_told_so_and_not_exported_again(core: Core, tmp_path: Path, capsys: Said) -> None:
    core.deliver("base", **CLEAN)
    core.deliver("more", ticket_sales=sales({"quantity": 0}, {"quantity": "many"}))
    newer = SALE | {"quantity": 0, "updated_at": "2024-06-01"}  # of s1, of which an older version is published
    core.deliver("newer", ticket_sales=[newer])
    core.process()
    path = export(core, tmp_path / "first")["ticket_sales-rejected"]
    rows = read_csv(path)
    assert [row["sale_id"] for row in rows] == ["x0", "x1", "s1"]
    write_csv(path, [rows[0] | {"quantity": "2"}])
    deliver_file(core, "ticket_sales", path)
    core.process()
    found = told(core, capsys)
    assert (found["rows_found"], found["rows_mended"]) == (3, 1), "the ledger keeps what was refused"
    assert [row["is_mended"] for row in found["rows"]] == [True, False, False]
    second = export(core, tmp_path / "second")["ticket_sales-rejected"]
    assert second.name != path.name, "delivered, it must not replace what was mended first"
    rows = read_csv(second)
    assert [row["sale_id"] for row in rows] == ["x1", "s1"]
    write_csv(second, [row | {"quantity": "2"} for row in rows])
    deliver_file(core, "ticket_sales", second)
    core.process()
    capsys.readouterr()
    assert ask(core, "--export", str(tmp_path / "third")) == 0
    assert "there is nothing to export" in capsys.readouterr().out
    assert not (tmp_path / "third").exists()
    assert core.keys("ticket_sales") == ["s1", "x0", "x1"]
    accounts(core)


def test_an_export_overwrites_nothing_and_says_what_it_cannot_have(core: Core, tmp_path: Path, capsys: Said) -> None:
    core.deliver("base", **CLEAN)
    entry = core.deliver(
        "more",
        ticket_sales=[
            SALE | {"sale_id": "x", "purchase_timestamp": "2025-01-01"},
            SALE | {"sale_id": "y", "quantity": 0},
        ],
    )
    core.process()
    out = str(tmp_path / "out")
    assert ask(core, "--export", out) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert ask(core, "--export", out) == 1
    assert "is there already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    core.store.delete(RAW, entry.objects[0].key)
    assert ask(core, "--export", str(tmp_path / "other")) == 1
    assert "1 rows cannot be exported: raw object deliveries/more/" in capsys.readouterr().err
    assert [row["sale_id"] for row in read_csv(next((tmp_path / "other").iterdir()))] == ["y"]
    (tmp_path / "file").write_text("mine")
    assert ask(core, "--export", str(tmp_path / "file")) == 2
    assert "--export" in capsys.readouterr().err


def test_the_round_trip_by_the_command(tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scores = [50, 101, 60, "n/a"]
    people = [ARTIST | {"artist_id": f"a{n}", "name": f"=Ada {n}", "popularity_score": s} for n, s in enumerate(scores)]
    Path("artists.jsonl").write_bytes(as_jsonl(people))
    assert run("ingest", "--table", "artists", "artists.jsonl", "--home", "home") == 0
    assert run("rejects", "--home", "home", "--export", "mend") == 0
    (path,) = Path("mend").iterdir()
    (row,) = read_csv(path)
    write_csv(path, [row | {"popularity_score": "10.10"}])
    assert run("ingest", "--table", "artists", str(path), "--home", "home") == 0
    home = tmp_path / "home"
    assert sorted(query(home, "select name, popularity_score from concert_dw.artists where artist_id = 'a1'")) == [
        ("=Ada 1", Decimal("10.10"))
    ]
    assert query(
        home, "select sequence, rows_in, rows_published, rows_rejected from concert_dw.load_ledger order by 1"
    ) == [
        (1, 4, 3, 1),
        (2, 1, 1, 0),
    ]
    assert [item.state for item in log_of(home).deliveries()] == ["live", "live"]
    assert query(
        home, "select count(*) from concert_dw.quality_results where rule = 'rows_conserved' and not is_passed"
    ) == [(0,)]
