"""AWS's TICKIT sample files: sets written for the purpose, whole, damaged and incomplete."""

import gzip
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concert_assets.sources.model import UnreadableObject
from concert_assets.sources.tickit import iso_time, unit_price, when
from concert_assets.sources.tickit_files import KINDS, kind_of
from concert_assets_tests.sources_tickit import FILES, accounted, read_files, refused, with_lines, zipped
from concert_assets_tests.support_core import Core


def test_rows_of_a_set() -> None:
    found, remarks = read_files(FILES)
    (artist,) = found.values("artists")
    assert artist == {"artist_id": artist["artist_id"], "name": "The Wolves", "primary_genre": "jazz"}
    assert artist["artist_id"].startswith("tickit-artist-")
    assert found.values("venues") == [
        {"venue_id": "tickit-venue-1", "name": "Harbour Hall", "city": "Toronto", "state": "ON", "country": "CA"}
        | {"timezone": "America/Toronto"},
        {"venue_id": "tickit-venue-2", "name": "Dome", "city": "Houston", "state": "TX", "country": "US"}
        | {"timezone": "America/Chicago", "capacity": "1200"},
        {"venue_id": "tickit-venue-3", "name": "Club", "city": "Las Vegas", "state": "NV", "country": "US"}
        | {"timezone": "America/Los_Angeles"},
    ]
    concert = {"artist_id": artist["artist_id"]}
    assert found.values("concerts") == [
        concert
        | {"concert_id": "tickit-1", "venue_id": "tickit-venue-1"}
        | {"event_date": "2008-01-01 19:30:00", "status": "completed"},
        concert
        | {"concert_id": "tickit-3", "venue_id": "tickit-venue-2"}
        | {"event_date": "2008-05-04 20:00:00", "status": "scheduled"},
        concert
        | {"concert_id": "tickit-4", "venue_id": "tickit-venue-3"}
        | {"event_date": "2008-05-04", "status": "scheduled"},
    ]
    sale = {"customer_id": "tickit-20", "sale_status": "completed"}
    assert found.values("ticket_sales") == [
        sale
        | {"sale_id": "tickit-1", "concert_id": "tickit-1", "quantity": "2", "unit_price": "10.00"}
        | {"total_price": "20.00", "purchase_timestamp": "2007-12-30 02:36:48"},
        sale
        | {"sale_id": "tickit-3", "concert_id": "tickit-3", "quantity": "4", "unit_price": "12.50"}
        | {"total_price": "50", "purchase_timestamp": "2008-02-03 13:05:09"},
    ]
    assert not any(found.errors(table) for table in found.tables)
    assert {table: {row["_object_id"] for row in rows} for table, rows in found.tables.items()} == {
        "venues": {"object-venue_pipe.txt"},
        "artists": {"object-allevents_pipe.txt"},
        "concerts": {"object-allevents_pipe.txt"},
        "ticket_sales": {"object-sales_tab.txt"},
    }
    assert {name: told for name, told in remarks.items() if told} == {
        "allevents_pipe.txt": [
            "events that are no concerts and no rows here: 2 (Shows 1, Sports 1)",
            "concerts whose starttime is on another day than their dateid, which counts: 1",
        ],
        "sales_tab.txt": ["sales of events that are no concerts, which are no rows here: 1"],
        "listings_pipe.txt": ["listings, which are offers and no rows here: 2"],
        "allusers_pipe.txt": ["users are persons and are not taken over"],
    }
    everything = repr((found.tables, remarks))
    assert not any(personal in everything for personal in ("Ann", "Bee", "ann@bee", "555-0100", "ABC12DEF"))


def test_a_zip_of_the_set_and_small_batches_give_the_same_rows() -> None:
    plain, _ = read_files(FILES)
    for data in (zipped(FILES, "tickitdb/"), zipped(FILES, how=zipfile.ZIP_STORED)):
        found, remarks = read_files({"tickitdb.zip": data}, batch_rows=1)
        assert {table: found.values(table) for table in found.tables} == {
            table: plain.values(table) for table in plain.tables
        }
        assert (
            "sales_tab.txt: sales of events that are no concerts, which are no rows here: 1" in remarks["tickitdb.zip"]
        )
    packed, _ = read_files({name: gzip.compress(text.encode(), mtime=0) for name, text in FILES.items()})
    assert packed.values("ticket_sales") == plain.values("ticket_sales")


def test_files_are_known_by_what_they_hold_whatever_their_names_and_delimiters() -> None:
    renamed = {f"part-{position}": text.replace("|", "\t") for position, text in enumerate(FILES.values())}
    plain, found = read_files(FILES)[0], read_files(renamed)[0]
    assert {table: found.values(table) for table in found.tables} == {
        table: plain.values(table) for table in plain.tables
    }
    halves = with_lines("allevents_pipe.txt") | {"more": "6|1|9|1827|Nina|2008-01-01 21:00:00\n"}
    assert len(read_files(halves)[0].rows("concerts")) == 4
    assert all(kind_of(told.published, iter(["?"])) == (kind, told.delimiter) for kind, told in KINDS.items())
    assert kind_of("notes.txt", iter(["hello"])) is None


def test_listings_and_users_may_be_left_out_but_nothing_else() -> None:
    for name in FILES:
        rest = {other: text for other, text in FILES.items() if other != name}
        if name in ("listings_pipe.txt", "allusers_pipe.txt"):
            assert read_files(rest)[0].tables.keys() == read_files(FILES)[0].tables.keys()
        else:
            assert name in refused(rest)
    assert "sales (sales_tab.txt) and no" not in refused({"venue_pipe.txt": FILES["venue_pipe.txt"]})
    assert "category (category_pipe.txt)" in refused({"venue_pipe.txt": FILES["venue_pipe.txt"]})


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("venue_pipe.txt", "4|Hall|Boston|MA", "malformed_csv: venue_pipe.txt has 5 fields a line, this one 4"),
        ("venue_pipe.txt", "venueid|venuename|venuecity|venuestate|venueseats", "malformed_csv: venueid is 'venueid'"),
        ("allevents_pipe.txt", "7|1|9|1827|A|B|2008-01-01 19:30:00", "malformed_csv: allevents_pipe.txt has 6 fields"),
        ("allevents_pipe.txt", "x|1|9|1827|A|2008-01-01 19:30:00", "malformed_csv: eventid is 'x'"),
        (
            "allevents_pipe.txt",
            "7|1|77|1827|A|2008-01-01 19:30:00",
            "malformed_concert: catid 77 is in no category file",
        ),
        ("sales_tab.txt", "9\t1\t10", "malformed_csv: sales_tab.txt has 10 fields a line, this one 3"),
        (
            "sales_tab.txt",
            "9\t1\t1\t2\t1\t1826\t3\t20.00\t3.00\t1/1/2008 02:36:48",
            "total_price_arithmetic: a pricepaid",
        ),
        ("sales_tab.txt", "9\t1\t1\t2\t1\t1826\t0\t20.00\t3.00\t1/1/2008 02:36:48", "quantity_range: qtysold is 0"),
        (
            "sales_tab.txt",
            "9\t1\t1\t2\t1\t1826\t1\t\\N\t3.00\t1/1/2008 02:36:48",
            "total_price_readable: pricepaid is None",
        ),
    ],
)
def test_a_line_that_cannot_be_taken_apart_is_a_row_and_the_others_stay(name: str, line: str, reason: str) -> None:
    plain, _ = read_files(FILES)
    found, _ = read_files(with_lines(name, line))
    table = {"venue_pipe.txt": "venues", "allevents_pipe.txt": "concerts", "sales_tab.txt": "ticket_sales"}[name]
    (error,) = found.errors(table).values()
    assert error.startswith(reason)
    # Persons stand in the text as in customer_id, by which they are found to be erased.
    persons = line.replace("\t1\t2\t", "\ttickit-1\ttickit-2\t", 1) if line.count("\t") == 9 else line
    assert found.rows(table)[-1]["_row_text"] == persons
    assert found.values(table) == [*plain.values(table), {}]


def test_a_line_of_a_lookup_file_that_cannot_be_read_is_told_and_what_needs_it_is_refused() -> None:
    lines = FILES["category_pipe.txt"].replace("10|Concerts|Jazz|Jazz", "10|Concerts|Jazz")
    found, remarks = read_files(FILES | {"category_pipe.txt": lines})
    assert remarks["category_pipe.txt"] == ["line 4 is passed over: category_pipe.txt has 4 fields a line, this one 3"]
    assert len(found.errors("concerts")) == 2
    # Their sales wait: nobody knows whether those are concerts.
    assert [row["concert_id"] for row in found.rows("ticket_sales")] == ["tickit-1", "tickit-3"]


def test_a_sale_of_an_event_that_is_in_no_file_is_a_row() -> None:
    found, _ = read_files(with_lines("sales_tab.txt", "9\t1\t1\t2\t99\t1826\t1\t20.00\t3.00\t1/1/2008 02:36:48"))
    assert found.rows("ticket_sales")[-1]["concert_id"] == "tickit-99"


@pytest.mark.parametrize(
    ("caldate", "starttime", "found"),
    [
        ("2008-05-04", "2008-05-01 20:00:00", ("2008-05-04 20:00:00", True)),
        ("2008-05-04", "2008-05-04 20:00:00", ("2008-05-04 20:00:00", False)),
        ("2008-05-04", None, ("2008-05-04", False)),
        (None, "5/4/2008 8:00:00", ("2008-05-04 08:00:00", False)),
        ("2008-05-04", "soon", ("soon", False)),
        (None, None, (None, False)),
    ],
)
def test_start_of_an_event(caldate: str | None, starttime: str | None, found: tuple[str | None, bool]) -> None:
    assert when(caldate, starttime) == found


@given(st.integers(1, 20), st.integers(0, 10**10))
def test_a_unit_price_makes_the_total_exactly(quantity: int, cents: int) -> None:
    total = f"{cents // 100}.{cents % 100:02}"
    if cents % quantity:
        with pytest.raises(Exception, match="no whole number of cents"):
            unit_price(str(quantity), total)
    else:
        whole, _, part = unit_price(str(quantity), total).partition(".")
        assert (int(whole) * 100 + int(part)) * quantity == cents


def test_times_that_are_none_stay_as_they_came() -> None:
    assert [iso_time(text) for text in (None, "never", "2008-02-03 04:05:06")] == [None, "never", "2008-02-03 04:05:06"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"notes.txt": "hello\n"}, "notes.txt is none of the TICKIT files venue_pipe.txt"),
        ({"venue_pipe.txt": ""}, "venue_pipe.txt: the object is empty"),
        ({"sales_tab.txt": gzip.compress(b"1\t2\n" * 9_000, mtime=0)[:-40]}, "sales_tab.txt: the gzip data is damaged"),
        ({"sales_tab.txt": b"1\t\xff\n"}, "sales_tab.txt: the object is not UTF-8"),
        ({"tickitdb.zip": zipped(FILES)[:-30]}, "tickitdb.zip: the zip is damaged or truncated"),
        ({"tickitdb.zip": zipped(FILES | {"notes.txt": "hello"})}, "notes.txt is none of the TICKIT files"),
    ],
)
def test_sets_refused_as_a_whole(changes: dict[str, str | bytes], reason: str) -> None:
    assert reason in refused(FILES | changes)


def test_limits() -> None:
    assert "longer than 60 bytes" in refused(FILES, max_document_bytes=60)
    bomb = {"tickitdb.zip": zipped(FILES | {"sales_tab.txt": "1\t" * 4_000_000})}
    assert "decompress to 8,0" in refused(bomb, ratio_free_bytes=1_000)
    assert "a line is longer than 1,000 bytes" in refused(bomb, max_line_bytes=1_000)
    many = {"tickitdb.zip": zipped({f"{number}.txt": "" for number in range(1_001)})}
    assert "the zip holds 1,001 files" in refused(many)


@given(st.data())
def test_any_damage_to_a_zip_is_a_refusal_or_rows(data: Any) -> None:
    whole = bytearray(zipped(FILES))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnreadableObject):
        read_files({"tickitdb.zip": bytes(whole[: data.draw(st.integers(4, len(whole)))])})


LINE = st.lists(st.sampled_from(["1", "9", "1827", "", "\\N", "x", "0", "2008-01-01 19:30:00", "-1"]), max_size=11)


@given(events=st.lists(LINE, max_size=5), sales=st.lists(LINE, max_size=5))
def test_every_line_is_a_row_or_is_counted_as_none(events: list[list[str]], sales: list[list[str]]) -> None:
    wanted = [["|".join(fields) for fields in events], ["\t".join(fields) for fields in sales]]
    files = with_lines("allevents_pipe.txt", *wanted[0]) | {
        "sales_tab.txt": FILES["sales_tab.txt"] + "".join(line + "\n" for line in wanted[1])
    }
    found, remarks = read_files(files)

    def others(name: str) -> int:
        told = [remark for remark in remarks[name] if "no rows here: " in remark]
        return sum(int(remark.split("no rows here: ")[1].split()[0].replace(",", "")) for remark in told)

    for name, table in (("allevents_pipe.txt", "concerts"), ("sales_tab.txt", "ticket_sales")):
        lines = [line for line in files[name].split("\n") if line.strip(" \t\r")]
        assert len(found.rows(table)) + others(name) == len(lines)


def test_a_set_is_published_and_every_row_accounted_for(tmp_path: Path) -> None:
    core = Core(tmp_path)
    files = with_lines("allevents_pipe.txt", "7|1") | {
        "sales_tab.txt": FILES["sales_tab.txt"]
        + "1\t1\t10\t20\t1\t1826\t2\t20.00\t3.00\t12/30/2007 02:36:48\n"  # again
        + "8\t1\t10\t20\t99\t1826\t1\t20.00\t3.00\t12/30/2007 02:36:48\n"  # of no known event
        + "9\t1\t10\t20\t1\t1826\t1\t20.00\t3.00\t1/9/2008 02:36:48\n"  # after the show
    }
    objects = [core.put("set", "", text.encode(), "tickit", name) for name, text in files.items()]
    core.log.deliver("set", objects, source="tickit")
    core.process()
    assert core.rows("concerts", "concert_id", "cast(event_date as varchar)", "event_timezone", "status") == [
        ("tickit-1", "2008-01-02 00:30:00", "America/Toronto", "completed"),
        ("tickit-3", "2008-05-05 01:00:00", "America/Chicago", "scheduled"),
        ("tickit-4", "2008-05-04 00:00:00", "America/Los_Angeles", "scheduled"),
    ]
    assert core.rows("venues", "venue_id", "capacity") == [
        ("tickit-venue-1", None),
        ("tickit-venue-2", 1200),
        ("tickit-venue-3", None),
    ]
    assert core.keys("ticket_sales") == ["tickit-1", "tickit-3"]
    assert core.outcomes("ticket_sales") == {
        ("set", 1): ("duplicate", "sale_id_unique"),
        ("set", 4): ("pending", "concert_id_exists"),
        ("set", 5): ("rejected", "purchase_before_show"),
    }
    assert accounted(core) == {
        ("venue_pipe.txt", "venues"): {"published": 3},
        ("allevents_pipe.txt", "artists"): {"published": 1},
        ("allevents_pipe.txt", "concerts"): {"published": 3, "rejected": 1},
        ("sales_tab.txt", "ticket_sales"): {"published": 2, "rejected": 1, "duplicate": 1, "pending": 1},
    }
    notes = {
        key.rsplit("/", 1)[1]: note for key, note in core.query("select object_key, note from concert_dw.load_ledger")
    }
    assert "events that are no concerts" in notes["allevents_pipe.txt"]
    assert notes["listings_pipe.txt"] == "listings, which are offers and no rows here: 2"


def test_a_set_that_lacks_a_file_holds_up_nothing_but_itself(tmp_path: Path) -> None:
    core = Core(tmp_path)
    objects = [
        core.put("set", "", FILES[name].encode(), "tickit", name) for name in ("venue_pipe.txt", "sales_tab.txt")
    ]
    core.log.deliver("set", objects, source="tickit")
    core.settle()
    assert core.keys("venues") == []
    assert core.delivery("set").state == "held"
    notes = {note for (note,) in core.query("select note from concert_dw_staging.objects")}
    assert all("there is no category (category_pipe.txt) and no date" in note for note in notes)
