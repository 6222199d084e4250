"""MusicBrainz event dump: lines written for the purpose, whole and broken."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concert_assets.sources.model import Limits
from concert_assets.sources.musicbrainz import played_until
from concert_assets.sources.places import time_zone
from concert_assets_tests.sources_reading import Read, read_bytes, refusal
from concert_assets_tests.sources_tickit import accounted
from concert_assets_tests.support_core import Core

WOLVES = {"id": "a1", "name": "The  Wolves", "sort-name": "Wolves, The", "disambiguation": ""}
HALL = {
    "id": "p1",
    "name": "Harbour Hall",
    "type": "Indoor arena",
    "address": "Krasta iela 1, Rīga, Latvia",
    "coordinates": {"latitude": 56.9, "longitude": 24.125},
    "area": {"id": "r1", "name": "Rīga", "type": "City"},
}


def performer(kind: str, artist: Any) -> dict[str, Any]:
    return {"type": kind, "direction": "backward", "target-type": "artist", "artist": artist}


def held_at(place: Any) -> dict[str, Any]:
    return {"type": "held at", "direction": "forward", "target-type": "place", "place": place}


EVENT: dict[str, Any] = {
    "id": "e1",
    "name": "The Wolves at Harbour Hall",
    "type": "Concert",
    "life-span": {"begin": "2014-05-06", "end": "2014-05-06", "ended": True},
    "time": "19:00",
    "cancelled": False,
    "setlist": "* A song",
    "relations": [
        performer("support act", {"id": "a2", "name": "The Cubs"}),
        performer("main performer", WOLVES),
        performer("main performer", {"id": "a3", "name": "The Foxes"}),
        {"type": "setlistfm", "target-type": "url", "url": {"id": "u1"}},
        held_at(HALL),
    ],
}


def lines(*events: Any) -> bytes:
    return "".join((event if isinstance(event, str) else json.dumps(event)) + "\n" for event in events).encode()


def read_lines(*events: Any, **limits: int) -> Read:
    return read_bytes(lines(*events), "musicbrainz", None, **limits)


def test_rows_of_an_event() -> None:
    found = read_lines(EVENT)
    assert found.tables.keys() == {"artists", "venues", "concerts"}
    assert found.values("artists") == [{"artist_id": "musicbrainz-artist-a1", "name": "The Wolves"}]
    assert found.values("venues") == [
        {"venue_id": "musicbrainz-venue-p1", "name": "Harbour Hall", "venue_type": "arena", "city": "Rīga"}
        | {"address": "Krasta iela 1, Rīga, Latvia", "country": "LV", "timezone": "Europe/Riga"}
        | {"latitude": "56.9", "longitude": "24.125"}
    ]
    assert found.values("concerts") == [
        {"concert_id": "musicbrainz-e1", "artist_id": "musicbrainz-artist-a1", "venue_id": "musicbrainz-venue-p1"}
        | {"event_date": "2014-05-06 19:00", "status": "completed"}
    ]
    assert found.notes.remarks == ["further performers of concerts, who are no rows here: 2"]


def test_artists_and_places_of_many_events_come_once_an_object() -> None:
    events = [EVENT | {"id": f"e{number}"} for number in range(7)]
    whole = read_lines(*events)
    assert [len(whole.rows(table)) for table in ("artists", "venues", "concerts")] == [1, 1, 7]
    small = read_lines(*events, batch_rows=2)
    assert small.tables == whole.tables
    assert max(small.batch_sizes) == 2
    assert read_bytes(gzip.compress(lines(*events), mtime=0), "musicbrainz", None).tables == whole.tables


@pytest.mark.parametrize(
    ("kinds", "artist"),
    [
        (("support act", "main performer"), "b"),
        (("conductor", "orchestra"), "b"),
        (("conductor", "guest performer"), "a"),
        (("support act", "host"), None),
        ((), None),
    ],
)
def test_artist_of_a_concert(kinds: tuple[str, ...], artist: str | None) -> None:
    relations = [performer(kind, {"id": name, "name": name}) for kind, name in zip(kinds, "ab", strict=False)]
    (row,) = read_lines(EVENT | {"relations": relations}).rows("concerts")
    assert row["artist_id"] == (f"musicbrainz-artist-{artist}" if artist else None)


@pytest.mark.parametrize(
    ("begin", "time", "date"),
    [
        ("2014-05-06", "19:00", "2014-05-06 19:00"),
        ("2014-05-06", "19:00:30", "2014-05-06 19:00:30"),
        ("2014-05-06", "", "2014-05-06"),
        ("2014-05-06", "evening", "2014-05-06"),
        ("2014-05-06", "25:00", "2014-05-06"),
        ("2014-05", "19:00", "2014-05"),
        ("", "19:00", None),
        (None, None, None),
    ],
)
def test_date_and_time(begin: str | None, time: str | None, date: str | None) -> None:
    (row,) = read_lines(EVENT | {"life-span": {"begin": begin}, "time": time}).rows("concerts")
    assert row["event_date"] == date


def test_status_goes_by_how_far_the_dump_tells_what_was_played() -> None:
    def on(day: str, setlist: str | None, **changes: Any) -> dict[str, Any]:
        return EVENT | {"life-span": {"begin": day}, "setlist": setlist} | changes

    found = read_lines(
        on("2014-05-06", ""),
        on("2015-01-01", "* A song"),
        on("2015-01-01", None),
        on("2015-01-02", ""),
        on("2010-01-01", "* A song", cancelled=True),
    )
    assert [row["status"] for row in found.rows("concerts")] == [
        "completed",
        "completed",
        "completed",
        "scheduled",
        "cancelled",
    ]
    assert [row["status"] for row in read_lines(on("2014-05-06", "")).rows("concerts")] == ["scheduled"]


@given(st.lists(st.integers(1, 28), max_size=250))
def test_the_latest_hundredth_of_what_was_played_counts_for_nothing(days: list[int]) -> None:
    events = [json.dumps(EVENT | {"life-span": {"begin": f"2014-05-{day:02}"}}) for day in days]
    expected = sorted(days)[-1 - len(days) // 100] if days else None
    assert played_until(iter(events), Limits()) == (f"2014-05-{expected:02}" if expected else "")


def test_other_types_are_counted_and_no_rows() -> None:
    found = read_lines(
        EVENT | {"type": "Award ceremony"},
        EVENT | {"type": "Masterclass/Clinic"},
        EVENT | {"type": "Award ceremony"},
        EVENT | {"type": "Festival"},
        EVENT | {"type": None},
    )
    assert len(found.rows("concerts")) == 2
    assert found.notes.remarks[0] == (
        "events that are no concerts and no rows here: 3 (Award ceremony 2, Masterclass/Clinic 1)"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"area": {"name": "Latvia", "type": "Country", "iso-3166-1-codes": ["LV"]}, "address": ""},
            (None, None, "LV"),
        ),
        ({"area": {"name": "Rīga", "iso-3166-2-codes": ["LV-RIX"]}}, ("Rīga", "RIX", "LV")),
        ({"area": {"name": "Houston"}, "address": "1 Main St, Houston, TX 77002"}, ("Houston", "TX", "US")),
        ({"area": None, "address": "Kensington Gore, London SW7 2AP"}, (None, None, None)),
        ({"area": {"name": "X", "iso-3166-1-codes": ["DE", "PL"]}, "address": None}, ("X", None, None)),
    ],
)
def test_places(changes: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    (row,) = read_lines(EVENT | {"relations": [held_at(HALL | changes)]}).rows("venues")
    assert (row["city"], row["state"], row["country"]) == expected
    assert row["timezone"] == time_zone(expected[2], expected[1], expected[0])


def test_malformed_lines_are_rows_and_the_others_stay() -> None:
    bad: list[Any] = [
        "{",
        '{"id": "x", "id": "y"}',
        '{"id": ' + "[" * 10_000 + "]" * 10_000 + "}",
        "7",
        {"id": "x", "name": "an artist"},
        EVENT | {"life-span": "2014"},
        EVENT | {"relations": {}},
        EVENT | {"cancelled": "no"},
        EVENT | {"relations": [performer("main performer", "The Wolves")]},
        EVENT | {"relations": [held_at(HALL | {"area": {"iso-3166-1-codes": "LV"}})]},
        EVENT | {"relations": [held_at(HALL | {"name": "a\0b"})]},
    ]
    found = read_lines(*bad, EVENT)
    rows = found.rows("concerts")
    assert [row["concert_id"] for row in rows] == [None] * len(bad) + ["musicbrainz-e1"]
    assert [error.split(":")[0] for error in found.errors("concerts").values()] == [
        "malformed_json",
        "column_given_twice",
        "malformed_json",
        *["malformed_concert"] * 7,
        "forbidden_character",
    ]
    assert json.loads(rows[5]["_row_text"]) == bad[5]
    assert (len(found.rows("artists")), len(found.rows("venues"))) == (1, 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the object is empty (0 bytes)"),
        (b"\n \n", "it is no MusicBrainz event dump"),
        (b"hello\n", "it is no MusicBrainz event dump"),
        (b'{"programs": []}', "it is no MusicBrainz event dump"),
        (b'{"id": "\xff"}', "not UTF-8"),
        (gzip.compress(lines(EVENT), mtime=0)[:-20], "the gzip data is damaged"),
        (b'{"id": "' + b"x" * 40_000, "a line is longer than 10,000 bytes"),
    ],
)
def test_objects_refused_as_a_whole(data: bytes, reason: str) -> None:
    assert reason in refusal(data, "musicbrainz", None, max_line_bytes=10_000)


NAMES = [
    "id",
    "type",
    "life-span",
    "begin",
    "time",
    "cancelled",
    "setlist",
    "relations",
    "artist",
    "place",
    "area",
    "name",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["held at", "main performer"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6), max_size=4))
def test_any_events_are_rows_or_counted(changes: list[dict[str, Any]]) -> None:
    found = read_lines(EVENT, *[EVENT | change for change in changes])
    counted = [remark for remark in found.notes.remarks if "no concerts" in remark]
    others = int(counted[0].split(": ")[1].split()[0]) if counted else 0
    assert len(found.rows("concerts")) + others == len(changes) + 1


def test_events_are_published_and_every_row_accounted_for(tmp_path: Path) -> None:
    core = Core(tmp_path)
    nobody = EVENT | {"id": "e2", "relations": [held_at(HALL)]}
    nowhere = EVENT | {"id": "e3", "relations": EVENT["relations"][:2]}
    vague = EVENT | {"id": "e4", "life-span": {"begin": "2014-05"}}
    data = lines(EVENT, nobody, nowhere, vague, EVENT | {"type": "Competition"}, "{", EVENT)
    core.log.deliver("dump", [core.put("dump", "", data, "musicbrainz", "event")], source="musicbrainz")
    core.process()
    assert core.rows("concerts", "concert_id", "cast(event_date as varchar)", "event_timezone", "status") == [
        ("musicbrainz-e1", "2014-05-06 16:00:00", "Europe/Riga", "completed")
    ]
    assert core.outcomes("concerts") == {
        ("dump", 1): ("duplicate", "concert_id_unique"),
        ("dump", 2): ("rejected", "artist_id_required"),
        ("dump", 3): ("rejected", "venue_id_required"),
        ("dump", 4): ("rejected", "event_date_readable"),
        ("dump", 5): ("rejected", "malformed_json"),
    }
    assert accounted(core) == {
        ("event", "artists"): {"published": 1},
        ("event", "venues"): {"published": 1},
        ("event", "concerts"): {"published": 1, "duplicate": 1, "rejected": 4},
    }
    ((note,),) = core.query("select distinct note from concert_dw.load_ledger")
    assert note.startswith("events that are no concerts and no rows here: 1 (Competition 1); further performers")
