"""Ticketmaster Discovery API: answers and lines written for the purpose, whole and broken."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concert_assets_tests.sources_reading import Read, read_bytes, refusal
from concert_assets_tests.sources_tickit import accounted
from concert_assets_tests.support_core import Core

MUSIC = {"primary": True, "segment": {"id": "KZFzniwnSyZfZ7v7nJ", "name": "Música"}, "genre": {"name": "Rock"}}
VENUE = {
    "id": "V1",
    "name": "Harbour  Hall",
    "postalCode": "02101",
    "timezone": "America/New_York",
    "city": {"name": "Boston"},
    "state": {"name": "Massachusetts", "stateCode": "MA"},
    "country": {"name": "United States Of America", "countryCode": "US"},
    "address": {"line1": "1 Quay", "line2": "Pier 2"},
    "location": {"longitude": "-71.05", "latitude": "42.36"},
}
ATTRACTION = {
    "id": "A1",
    "name": "The Wolves",
    "classifications": [{"genre": {"name": "Undefined"}}, MUSIC | {"subGenre": {"name": "Indie Rock"}}],
}
START = {"localDate": "2027-06-02", "localTime": "20:00:00", "dateTime": "2027-06-03T00:00:00Z", "dateTBD": False}
EVENT: dict[str, Any] = {
    "id": "E1",
    "name": "The Wolves on Tour",
    "type": "event",
    "test": False,
    "sales": {"public": {"startDateTime": "2027-01-02T03:00:00Z", "startTBD": False}},
    "dates": {"start": START, "timezone": "America/New_York", "status": {"code": "onsale"}},
    "classifications": [MUSIC],
    "priceRanges": [{"type": "standard", "currency": "USD", "min": 35.5, "max": 99.0}],
    "_embedded": {"venues": [VENUE], "attractions": [ATTRACTION, {"id": "A2", "name": "Support"}]},
}


def page(*events: Any, number: int = 0) -> dict[str, Any]:
    return {"_embedded": {"events": list(events)}, "page": {"size": 20, "number": number}}


def read_events(*events: Any) -> Read:
    return read_bytes(json.dumps(page(*events)).encode(), "ticketmaster", None)


def lines(*values: Any) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def test_rows_of_an_event() -> None:
    found = read_events(EVENT)
    assert found.tables.keys() == {"artists", "venues", "concerts"}
    assert found.values("artists") == [
        {"artist_id": "ticketmaster-artist-A1", "name": "The Wolves"}
        | {"primary_genre": "rock", "genres": '["rock","indie rock"]'}
    ]
    assert found.values("venues") == [
        {"venue_id": "ticketmaster-venue-V1", "name": "Harbour Hall", "address": "1 Quay, Pier 2", "city": "Boston"}
        | {"state": "MA", "country": "US", "postal_code": "02101", "timezone": "America/New_York"}
        | {"latitude": "42.36", "longitude": "-71.05"}
    ]
    assert found.values("concerts") == [
        {"concert_id": "ticketmaster-E1", "artist_id": "ticketmaster-artist-A1", "venue_id": "ticketmaster-venue-V1"}
        | {"event_date": "2027-06-03T00:00:00Z", "on_sale_date": "2027-01-01", "status": "scheduled"}
    ]
    assert found.notes.remarks == ["concerts with price ranges, which are no ticket prices: 1"]


def test_pages_lists_lines_and_events_by_themselves_are_read_alike() -> None:
    other = EVENT | {"id": "E2", "dates": EVENT["dates"] | {"status": {"code": "postponed"}}}
    expected = read_events(EVENT, other)
    one, two = page(EVENT), page(other, number=1)
    for data in (
        json.dumps([one, two], indent=2).encode(),
        json.dumps([EVENT, other]).encode(),
        (json.dumps(one, indent=1) + "\n" + json.dumps(two, indent=1)).encode(),
        lines(one, two),
        lines(EVENT, other),
        lines(page(), EVENT, two).rstrip(),
        lines({"page": {"totalElements": 0}}, one, other).replace(b"\n", b"\r\n\r\n"),
        gzip.compress(lines(EVENT, other), mtime=0),
    ):
        found = read_bytes(data, "ticketmaster", None)
        assert found.tables == expected.tables
    small = read_bytes(lines(EVENT, other), "ticketmaster", None, batch_rows=1)
    assert small.tables == expected.tables
    assert set(small.batch_sizes) == {1}


@pytest.mark.parametrize(
    ("start", "date"),
    [
        (START, "2027-06-03T00:00:00Z"),
        (START | {"dateTime": None}, "2027-06-02 20:00:00"),
        (START | {"timeTBA": True}, "2027-06-02"),
        (START | {"noSpecificTime": True}, "2027-06-02"),
        ({"localDate": "2027-06-02"}, "2027-06-02"),
        (START | {"dateTBA": True}, None),
        (START | {"dateTBD": True}, None),
        ({}, None),
    ],
)
def test_start(start: dict[str, Any], date: str | None) -> None:
    (row,) = read_events(EVENT | {"dates": EVENT["dates"] | {"start": start}}).rows("concerts")
    assert row["event_date"] == date


@pytest.mark.parametrize(
    ("sale", "date"),
    [
        ({"startDateTime": "2027-01-02T05:00:00Z"}, "2027-01-02"),
        ({"startDateTime": "2027-01-02T05:00:00Z", "startTBA": True}, None),
        ({"startDateTime": "2027-01-02T05:00:00Z", "startTBD": True}, None),
        ({"startDateTime": "1900-01-01T18:00:00Z"}, None),
        ({"startDateTime": "0001-01-01T00:00:00Z"}, "0001-01-01T00:00:00Z"),
        ({"startDateTime": "soon"}, "soon"),
        ({}, None),
    ],
)
def test_on_sale_date(sale: dict[str, Any], date: str | None) -> None:
    (row,) = read_events(EVENT | {"sales": {"public": sale}}).rows("concerts")
    assert row["on_sale_date"] == date


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("onsale", "scheduled"),
        ("offsale", "scheduled"),
        ("Rescheduled", "scheduled"),
        ("cancelled", "cancelled"),
        ("postponed", "postponed"),
        ("teleported", "teleported"),
        (None, None),
    ],
)
def test_status(code: str | None, status: str | None) -> None:
    (row,) = read_events(EVENT | {"dates": EVENT["dates"] | {"status": {"code": code}}}).rows("concerts")
    assert row["status"] == status


def test_time_zone_of_the_event_or_the_place_stands_in_for_the_venues() -> None:
    bare = {name: value for name, value in VENUE.items() if name != "timezone"}
    event = EVENT | {"_embedded": {"venues": [bare], "attractions": [ATTRACTION]}}
    assert read_events(event).rows("venues")[0]["timezone"] == "America/New_York"
    dates = {name: value for name, value in EVENT["dates"].items() if name != "timezone"}
    houston = bare | {"city": {"name": "Houston"}, "state": {"stateCode": "TX"}}
    event = event | {"dates": dates, "_embedded": {"venues": [houston], "attractions": [ATTRACTION]}}
    assert read_events(event).rows("venues")[0]["timezone"] == "America/Chicago"


def test_what_is_no_music_and_what_is_a_test_is_counted_and_no_row() -> None:
    def of(name: str) -> dict[str, Any]:
        return EVENT | {"classifications": [{"segment": {"id": "X", "name": name}}]}

    found = read_events(of("Sports"), of("Sports"), of("Film"), EVENT | {"test": True}, of("music") | {"id": "E2"})
    assert [row["concert_id"] for row in found.rows("concerts")] == ["ticketmaster-E2"]
    assert found.notes.remarks[:2] == [
        "events that are no music and no rows here: 3 (Film 1, Sports 2)",
        "events marked as tests, which are no rows here: 1",
    ]
    second = {"segment": {"name": "Sports"}}
    assert len(read_events(EVENT | {"classifications": [second, MUSIC]}).rows("concerts")) == 1


def test_an_event_without_artist_or_venue_stays_a_row() -> None:
    found = read_events(EVENT | {"_embedded": {}}, EVENT | {"id": "E2", "_embedded": {"venues": [{"name": "X"}]}})
    assert [(row["artist_id"], row["venue_id"]) for row in found.rows("concerts")] == [(None, None)] * 2
    assert found.tables.keys() == {"concerts"}


def test_malformed_events_are_rows_and_the_others_stay() -> None:
    bad: list[Any] = [
        7,
        EVENT | {"classifications": None},
        EVENT | {"classifications": [[]]},
        EVENT | {"dates": "soon"},
        EVENT | {"dates": {"start": {"dateTBA": "no"}}},
        EVENT | {"_embedded": {"venues": [VENUE | {"name": ["x"]}]}},
        EVENT | {"_embedded": {"venues": VENUE}},
        EVENT | {"id": {"a": 1}},
        EVENT | {"_embedded": {"attractions": [{"id": "a\0b"}]}},
    ]
    found = read_events(*bad, EVENT)
    rows = found.rows("concerts")
    assert [row["concert_id"] for row in rows] == [None] * len(bad) + ["ticketmaster-E1"]
    errors = list(found.errors("concerts").values())
    assert all(error.startswith("malformed_concert: ") for error in errors[:-1])
    assert errors[-1] == "forbidden_character: attraction.id: it holds a NUL character"
    assert json.loads(rows[3]["_row_text"]) == bad[3]
    assert (len(found.rows("artists")), len(found.rows("venues"))) == (1, 1)


def test_lines_that_are_no_events_are_rows_and_the_others_stay() -> None:
    deep = '{"id": ' + "[" * 10_000 + "]" * 10_000 + "}"
    text = "\n".join(
        ['{"id": 1', '{"id": 1, "id": 2}', deep, "[]", "7", '{"x": 1}', '{"fault": {}}', json.dumps(EVENT)]
    )
    found = read_bytes(text.encode(), "ticketmaster", None)
    assert [error.split(":")[0] for error in found.errors("concerts").values()] == [
        "malformed_json",
        "column_given_twice",
        "malformed_json",
        *["malformed_concert"] * 3,
    ]
    assert found.rows("concerts")[-1]["concert_id"] == "ticketmaster-E1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the object is empty (0 bytes)"),
        (b" \n ", "nothing but blank lines"),
        (b"hello", "it is no JSON document"),
        (b'{"_embedded": {"events": [', "it may be truncated"),
        (b"[1]", "the value is 1; an object is expected"),
        (b'{"programs": []}', "it has no '_embedded.events' and no 'id'"),
        (b'{"_embedded": {"events": {}}}', "'_embedded.events' is no list"),
        (b'{"fault": {"faultstring": "Invalid ApiKey"}}', "an answer that tells of an error"),
        (b'{"_embedded": {}, "_embedded": {}}', "'_embedded' is given twice"),
        (b'{"_embedded": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper than 64 levels"),
        (b'{"_embedded": "\xff"}', "not UTF-8"),
        (gzip.compress(b'{"id": "1"}' * 1_000, mtime=0)[:-20], "the gzip data is damaged"),
    ],
)
def test_objects_refused_as_a_whole(data: bytes, reason: str) -> None:
    assert reason in refusal(data, "ticketmaster", None)


def test_limits() -> None:
    assert "longer than 10 bytes" in refusal(json.dumps(page()).encode(), "ticketmaster", None, max_document_bytes=10)
    long = lines(EVENT) + b'{"id": "' + b"x" * 9_000 + b'"}\n'
    assert "a line is longer than 4,000 bytes" in refusal(long, "ticketmaster", None, max_line_bytes=4_000)


NAMES = [
    "_embedded",
    "events",
    "id",
    "name",
    "dates",
    "start",
    "status",
    "code",
    "classifications",
    "segment",
    "venues",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("Music"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
def test_any_events_are_rows_or_counted(events: list[Any]) -> None:
    changed = [EVENT | event if isinstance(event, dict) else event for event in events]
    found = read_events(*changed)
    counted = [remark for remark in found.notes.remarks if "no music" in remark]
    others = int(counted[0].split(": ")[1].split()[0]) if counted else 0
    assert len(found.rows("concerts")) + others == len(events)


def test_events_are_published_and_every_row_accounted_for(tmp_path: Path) -> None:
    core = Core(tmp_path)
    moved = EVENT | {"id": "E2", "_embedded": {"venues": [VENUE], "attractions": []}}
    undated = EVENT | {"id": "E3", "dates": EVENT["dates"] | {"start": {"dateTBA": True}}}
    other = EVENT | {"id": "E4", "classifications": [{"segment": {"name": "Sports"}}]}
    data = json.dumps([page(EVENT, moved), page(EVENT, undated, other, 7)]).encode()
    core.log.deliver("events", [core.put("events", "", data, "ticketmaster", "events.json")], source="ticketmaster")
    core.process()
    assert core.rows("concerts", "concert_id", "cast(event_date as varchar)", "event_timezone", "status") == [
        ("ticketmaster-E1", "2027-06-03 00:00:00", "America/New_York", "scheduled")
    ]
    assert core.outcomes("concerts") == {
        ("events", 1): ("duplicate", "concert_id_unique"),
        ("events", 2): ("rejected", "artist_id_required"),
        ("events", 4): ("rejected", "event_date_required"),
        ("events", 5): ("rejected", "malformed_concert"),
    }
    assert accounted(core) == {
        ("events.json", "artists"): {"published": 1},
        ("events.json", "venues"): {"published": 1},
        ("events.json", "concerts"): {"published": 1, "duplicate": 1, "rejected": 3},
    }
    ((note,),) = core.query("select distinct note from concert_dw.load_ledger")
    assert note == (
        "events that are no music and no rows here: 1 (Sports 1); "
        "concerts with price ranges, which are no ticket prices: 4"
    )
