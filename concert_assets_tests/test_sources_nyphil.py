"""New York Philharmonic performance history: the real archive where it is at hand, and documents written for the purpose."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concert_assets.catalog.timezones import TIMEZONES
from concert_assets.sources.model import UnreadableObject
from concert_assets.sources.nyphil import principal_conductor
from concert_assets.sources.places import STATE_ZONES, Place, place
from concert_assets_tests.sources_reading import Read, read_bytes, refusal

ARCHIVE = Path(__file__).parents[2] / "shared" / "data" / "nyphil"
CONCERT = {
    "eventType": "Tour",
    "Location": "Manhattan, NY",
    "Venue": "Carnegie  Hall",
    "Date": "2004-09-21T04:00:00Z",
    "Time": "7:30PM",
}


def program(*concerts: Any, conductors: tuple[Any, ...] = ("Maazel, Lorin",), **changes: Any) -> dict[str, Any]:
    works = [{"workTitle": "X", "conductorName": name} for name in conductors]
    return {
        "programID": "1",
        "orchestra": "New York Philharmonic",
        "concerts": list(concerts),
        "works": works,
    } | changes


def read_programs(*programs: Any) -> Read:
    return read_bytes(json.dumps({"programs": programs}).encode(), "nyphil", None)


def archive_files() -> list[Path]:
    return sorted(ARCHIVE.glob("*.json"))


def test_archive_is_read_in_full() -> None:
    for path in archive_files():
        data = path.read_bytes()
        found = read_bytes(data, "nyphil", None)
        concerts = [concert for one in json.loads(data)["programs"] for concert in one["concerts"]]
        rows = found.rows("concerts")
        assert len(rows) == len(concerts)
        assert not any(found.errors(table) for table in found.tables)
        # Every given day is midnight in New York, so that the date as written is the day.
        assert [row["event_date"][:10] for row in rows] == [concert["Date"][:10] for concert in concerts]
        without_time = sum(concert["Time"] == "None" for concert in concerts)
        assert Counter(len(row["event_date"]) for row in rows) == {10: without_time, 19: len(rows) - without_time}
        places = {(" ".join(concert["Venue"].split()), concert["Location"]) for concert in concerts}
        venues = [row["venue_id"] for row in found.rows("venues")]
        artists = [row["artist_id"] for row in found.rows("artists")]
        assert len(venues) == len(set(venues)) == len(places)
        assert len(artists) == len(set(artists))
        assert {row["venue_id"] for row in rows} == set(venues)
        assert {row["artist_id"] for row in rows} == set(artists)


def test_identifiers_are_unique_over_the_archive_and_the_same_in_every_file() -> None:
    read = [read_bytes(path.read_bytes(), "nyphil", None) for path in archive_files()]
    ids = [row["concert_id"] for found in read for row in found.rows("concerts")]
    assert len(set(ids)) == len(ids) == (2_924 if read else 0)
    names: dict[str, set[str]] = {}
    for found in read:
        for row in found.rows("artists"):
            names.setdefault(row["name"], set()).add(row["artist_id"])
    assert all(len(given) == 1 for given in names.values())


def test_rows_of_a_program() -> None:
    found = read_programs(program(CONCERT, CONCERT | {"Time": "None"}), program(CONCERT, programID="2", works=[]))
    artist, orchestra = found.values("artists")
    assert artist["artist_id"].startswith("nyphil-artist-")
    assert len(artist["artist_id"]) == len("nyphil-artist-") + 12
    assert (artist["name"], artist["primary_genre"], orchestra["name"]) == (
        "Maazel, Lorin",
        "classical",
        "New York Philharmonic",
    )
    (venue,) = found.values("venues")
    assert venue == {
        "venue_id": venue["venue_id"],
        "name": "Carnegie Hall",
        "city": "Manhattan",
        "state": "NY",
        "country": "US",
        "timezone": "America/New_York",
    }
    common = {"artist_id": artist["artist_id"], "venue_id": venue["venue_id"], "status": "completed"}
    assert found.values("concerts") == [
        common | {"concert_id": "nyphil-1-1", "event_date": "2004-09-21 19:30:00"},
        common | {"concert_id": "nyphil-1-2", "event_date": "2004-09-21"},
        common | {"concert_id": "nyphil-2-1", "event_date": "2004-09-21 19:30:00", "artist_id": orchestra["artist_id"]},
    ]


@pytest.mark.parametrize(
    ("day", "clock", "text"),
    [
        ("1842-12-07T05:00:00Z", "8:00PM", "1842-12-07 20:00:00"),
        ("2004-09-24T03:59:00Z", "12:05AM", "2004-09-23 00:05:00"),
        ("2004-09-24T04:00:00Z", "12:00 pm", "2004-09-24 12:00:00"),
        ("2004-09-24T04:00:00Z", "13:00PM", "2004-09-24"),
        ("2004-09-24T04:00:00Z", "8:60PM", "2004-09-24"),
        ("2004-09-24T04:00:00Z", "evening", "2004-09-24"),
        ("2004-09-24T04:00:00Z", None, "2004-09-24"),
    ],
)
def test_day_in_new_york_with_the_local_start(day: str, clock: str | None, text: str) -> None:
    (row,) = read_programs(program(CONCERT | {"Date": day, "Time": clock})).rows("concerts")
    assert row["event_date"] == text


@pytest.mark.parametrize(
    ("conductors", "principal"),
    [
        (("A", "B", "B"), "B"),
        (("B", "A", "A", "B"), "B"),
        (("A", "A;  B", "B"), "A"),
        (("B  C",), "B C"),
        (("Not conducted", "Not conducted", "A", None), "A"),
        (("Not conducted", "None", "", 7), None),
        ((), None),
    ],
)
def test_principal_conductor(conductors: tuple[Any, ...], principal: str | None) -> None:
    assert principal_conductor([None, {}, *({"conductorName": name} for name in conductors)]) == principal


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("Manhattan, NY", Place("Manhattan", "NY", "US", "America/New_York")),
        ("Ann Arbor, MI", Place("Ann Arbor", "MI", "US", None)),
        ("Seoul, SOUTH KOREA", Place("Seoul", None, "KR")),
        ("Mannheim, W. GERMANY", Place("Mannheim", None, "DE")),
        ("Moscow, USSR", Place("Moscow", None, "USSR")),
        ("Singapore", Place("Singapore", None, "SG")),
        ("", Place()),
    ],
)
def test_places(location: str, expected: Place) -> None:
    assert place(location) == expected


def test_time_zones_are_known_and_states_complete() -> None:
    assert len(STATE_ZONES) == 51
    assert {zone for zone in STATE_ZONES.values() if zone} <= set(TIMEZONES)


def test_venue_not_recorded_keeps_its_concerts() -> None:
    found = read_programs(program(CONCERT | {"Venue": "None"}, CONCERT | {"Venue": "None", "Location": "None"}))
    assert [row["name"] for row in found.rows("venues")] == ["(venue not recorded)"] * 2
    assert len({row["venue_id"] for row in found.rows("concerts")}) == 2


def test_malformed_concerts_are_rows_and_the_others_stay() -> None:
    bad: list[Any] = [
        7,
        CONCERT | {"Date": "2004-13-01"},
        CONCERT | {"Date": "2004-09-21"},
        CONCERT | {"Date": None},
        CONCERT | {"Venue": [3]},
    ]
    found = read_programs(
        "no program",
        program(*bad, CONCERT),
        program(CONCERT, programID=None),
        program(CONCERT, programID="3", orchestra=None, works=None),
        program(CONCERT | {"Venue": "a\0b"}, programID="4"),
        {"programID": "5"},
    )
    rows = found.rows("concerts")
    assert [row["concert_id"] for row in rows] == [None] * 6 + ["nyphil-1-6"] + [None] * 4
    rules = [error.split(": ")[0] for error in found.errors("concerts").values()]
    assert rules == ["malformed_concert"] * 8 + ["forbidden_character", "malformed_concert"]
    assert json.loads(rows[2]["_row_text"]) == bad[1]
    assert (len(found.rows("artists")), len(found.rows("venues"))) == (1, 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the object is empty (0 bytes)"),
        (b"hello", "it is no JSON document"),
        (b'{"programs": [', "it may be truncated"),
        (b"[]", "it has no 'programs'"),
        (b'{"events": []}', "it has no 'programs'"),
        (b'{"programs": {}}', "'programs' is no list"),
        (b'{"programs": [], "programs": []}', "'programs' is given twice"),
        (b'{"programs": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper than 64 levels"),
        (b'{"programs": "\xff"}', "not UTF-8"),
    ],
)
def test_objects_refused_as_a_whole(data: bytes, reason: str) -> None:
    assert reason in refusal(data, "nyphil", None)


def test_too_long_a_document_is_refused() -> None:
    assert "longer than 10 bytes" in refusal(
        json.dumps({"programs": []}).encode(), "nyphil", None, max_document_bytes=10
    )


@given(st.integers(0, 10_000))
def test_truncated_documents_are_refused(cut: int) -> None:
    whole = json.dumps({"programs": [program(CONCERT)] * 20}).encode()
    refusal(whole[: min(cut, len(whole) - 1)], "nyphil", None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("None") | st.just("2004-09-24T04:00:00Z"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["programID", "orchestra", "concerts", "works", "conductorName", "Venue", "Location", "Date", "Time"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
def test_any_programs_are_read_or_refused(programs: list[Any]) -> None:
    expected = sum(
        len(one["concerts"]) if isinstance(one, dict) and isinstance(one.get("concerts"), list) else 1
        for one in programs
    )
    try:
        found = read_programs(*programs)
    except UnreadableObject as error:
        pytest.fail(f"refused: {error}")
    assert len(found.rows("concerts")) == expected
