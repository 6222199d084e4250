"""After forget no byte of the home holds the customer, every other row is the same, and the ledger still adds up."""

import gzip
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from concert_assets.deliveries.erasure import Person
from concert_assets.deliveries.log import DeliveredObject, object_id
from concert_assets_tests.support_core import ARTIST, CONCERT, SALE, VENUE, as_jsonl
from concert_assets_tests.support_demo import log_of, query, row_hashes, run

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]
Said = pytest.CaptureFixture[str]
CANARY = "canary-4711é"
OTHER = "canary-4711é2"  # a longer id that begins alike is another customer's
SPELLINGS = [
    text.encode(code) for text in (CANARY, json.dumps(CANARY)[1:-1]) for code in ("utf-8", "utf-16-le", "latin-1")
]


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what they hold unpacked."""
    data = path.read_bytes()
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    if data[:4] == b"PAR1":
        file = pq.ParquetFile(path)
        yield repr(file.read().to_pylist()).encode()
        yield repr(file.metadata.metadata).encode()
    if data[:15] == b"SQLite format 3":
        with closing(sqlite3.connect(path)) as connection:
            yield "\n".join(connection.iterdump()).encode()


def places(home: Path) -> list[str]:
    """The files of the home that hold the canary; the other customer's id is taken away first."""
    found = []
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        for data in contents(path):
            for spelling in SPELLINGS:
                if spelling in data.replace(spelling + b"2", b"").replace(spelling + b"2\0", b""):
                    found.append(str(path.relative_to(home)))
    return sorted(set(found))


def sale(number: int, customer: str | None = CANARY, **fields: Any) -> dict[str, Any]:
    return SALE | {"sale_id": f"s{number}", "customer_id": customer, "quantity": 1, "total_price": "11.00"} | fields


SALES = [
    sale(1), sale(2, OTHER), sale(3, "u3"), sale(4, f"  {CANARY}\t"), sale(5, quantity=0), sale(6, concert_id="c9"),
    sale(7, "u7", quantity=0), sale(8, None), sale(9, "cana\u0000ry", note=CANARY),
]  # fmt: skip
LOST = f'{{"sale_id": "s10", "customer_id": "{CANARY}"\n{{"sale_id": "s11", "customer_id": "{OTHER}"\n'.encode()
BASE = {
    "artists": [ARTIST],
    "venues": [VENUE | {"capacity": 1000}],
    "concerts": [CONCERT],
}


CSV = (
    "sale_id,concert_id,customer_id,quantity,unit_price,total_price,purchase_timestamp,sale_status,remark\r\n"
    f"t1,c1,{CANARY},1,11.00,11.00,2024-04-01,completed,=A1\r\n"
    f"t2,c1,u4,1,11.00,11.00,2024-04-01,completed,for {CANARY}\r\n"
    f"t3,c1,{CANARY},1\r\n"
    't4,c1,u5,1,11.00,11.00,2024-04-01,completed,"a\r\nb"\r\n'
).encode()
HEADLESS = f"t9,c1,{CANARY},2,11.00,22.00,2024-04-01,completed\n".encode()


def deliver(home: Path, name: str, table: str, data: bytes) -> None:
    """Log a delivery of one object, without a run."""
    log, sha256 = log_of(home), hashlib.sha256(data).hexdigest()
    key = f"deliveries/{table}/{sha256[:32]}/{name}"
    log.store.write(log.bucket, key, data)
    kind = name.partition(".")[2]
    item = DeliveredObject(object_id(f"{table}/{name}", name, sha256), key, table, kind, len(data), sha256)
    log.deliver(f"{table}/{name}", [item], source="files")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a customer stands wherever one can stand."""
    home = tmp_path_factory.mktemp("canary") / "home"
    for table, rows in BASE.items():
        deliver(home, f"{table}.jsonl", table, as_jsonl(rows))
    for name, data in {
        "replaced.jsonl": as_jsonl([sale(20)]),
        "taken_back.jsonl": as_jsonl([sale(30)]),
        "sales.csv": CSV,
    }.items():
        deliver(home, name, "ticket_sales", data)
    inbox = home / "objects" / "concert-data-raw" / "inbox" / "ticket_sales"
    inbox.mkdir(parents=True)
    (inbox / "sales.jsonl.gz").write_bytes(gzip.compress(as_jsonl(SALES) + LOST))
    (inbox / "headless.csv").write_bytes(HEADLESS)
    time.sleep(2.2)  # until the inbox takes them for complete
    assert run("ingest", "--home", str(home)) == 1, "the delivery that cannot be read is held"
    deliver(home, "replaced.jsonl", "ticket_sales", as_jsonl([sale(21, "u21")]))
    log = log_of(home)
    log.judge(log.find("ticket_sales/taken_back.jsonl"), "retraction", "by mistake")
    assert run("rebuild", "--home", str(home)) == 0
    return home


def rows(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The published rows and outcomes, apart from the customer's id and text that held it."""
    return {
        "ticket_sales": query(
            home,
            "select sale_id, concert_id, case when customer_id = '"
            + CANARY
            + "' then null else customer_id end, quantity, "
            "unit_price, total_price, purchase_timestamp, sale_status, _object_id, _row_number "
            "from concert_dw.ticket_sales order by 1",
        ),
        "row_outcomes": query(
            home,
            "select object_id, row_number, table_name, outcome, rule, column_name, winner_object_id "
            "from concert_dw.row_outcomes order by 1, 3, 2",
        ),
        "load_ledger": query(
            home,
            "select object_id, table_name, delivery, sequence, rows_in, rows_published, rows_rejected, rows_duplicate, "
            "rows_superseded, rows_pending, rows_held, state from concert_dw.load_ledger order by 1, 2, 4",
        ),
    }


def test_no_byte_of_the_home_holds_the_customer_and_all_else_is_the_same(built: Path, capsys: Said) -> None:
    before, hashes, found = rows(built), row_hashes(built), places(built)
    assert {place.split("/")[0] for place in found} >= {"objects", "warehouse.duckdb", "reports", "dagster"}, found
    entries = log_of(built).recorded()
    assert run("forget", CANARY, "--home", str(built), "--dry-run") == 0
    assert "would erase 10 rows in 5 objects of 5 deliveries" in capsys.readouterr().out
    assert (places(built), log_of(built).recorded()) == (found, entries), "a rehearsal changes nothing"
    assert run("forget", f" {CANARY} ", "--home", str(built)) == 0
    assert places(built) == []
    assert rows(built) == before
    after = row_hashes(built)
    assert {name for name in after if after[name] != hashes[name]} == {"ticket_sales", "row_outcomes", "load_ledger"}
    customers = dict(query(built, "select sale_id, customer_id from concert_dw.ticket_sales"))
    assert customers == {
        "s1": None,
        "s2": OTHER,
        "s3": "u3",
        "s4": None,
        "s8": None,
        "s21": "u21",
        "t1": None,
        "t2": "u4",
        "t4": "u5",
    }
    assert query(
        built, "select count(*) from concert_dw.quality_results where rule = 'rows_conserved' and not is_passed"
    ) == [(0,)]
    texts = [
        json.loads(text)
        for (text,) in query(
            built, "select row_json from concert_dw.row_outcomes where rule like 'malformed%' order by row_number"
        )
    ]
    assert all(set(text) == {"_row_text"} for text in texts)
    assert any(OTHER in text["_row_text"] for text in texts)
    (erasure,) = [entry for entry in log_of(built).recorded() if entry.kind == "erasure"]
    key = (built / "keys" / "model.key").read_bytes()
    assert erasure.note == Person.of(CANARY).mark(key) != Person.of(CANARY).mark(b"another key")
    capsys.readouterr()
    assert run("forget", CANARY, "--home", str(built), "--dry-run") == 0
    assert "erased already" in capsys.readouterr().out
