"""MusicBrainz event dump: a JSON event a line, as in the file ``event`` of the project's JSON dumps.

The format is that of https://musicbrainz.org/doc/MusicBrainz_API with relations included. Concerts are events of the
types in ``TYPES`` and those of no type; the artist is the first main performer, else the first orchestra, else the
first conductor; the venue is the first place that an event is held at. Other performers are no rows here.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

from concert_assets.catalog import canonical
from concert_assets.sources.events import (
    Fault,
    Gathered,
    Row,
    is_true,
    lines_of,
    mapping,
    mappings,
    parsed,
    prefixed,
    text,
)
from concert_assets.sources.jsonl import blocks
from concert_assets.sources.model import Batches, Limits, Notes, RawObject, UnreadableObject
from concert_assets.sources.places import at_end_of, time_zone
from concert_assets.sources.streams import TextStream

TYPES = ("Concert", "Festival")
# Relations of an artist to an event, the one that makes the artist of a concert first.
HEADLINERS = ("main performer", "orchestra", "conductor")
HELD_AT = "held at"
# Types of place that are a canonical venue_type; the rest, such as "Venue", says less.
VENUE_TYPES = {"indoor arena": "arena", "stadium": "stadium", "amphitheatre": "amphitheater", "park": "outdoor"}
# Types of area that are no city and none of its parts.
_WIDE_AREAS = ("Country", "Subdivision", "County", "Island")
_PREFIX = "musicbrainz"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_NO_SETLIST = re.compile(r'"setlist"\s*:\s*(""|null)')


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield artists, venues and concerts, the first two once each, as they come.

    An event without artist, place or full date stays a row, which the required columns refuse. A line that cannot be
    taken apart is a row of concerts with an error. Raises UnreadableObject for what holds no line that is an event.
    """
    reach = played_until(_lines(stream, limits), limits)
    gathered = Gathered(obj, limits)
    others: Counter[str] = Counter()
    further, is_known = 0, False
    for line in _lines(stream, limits):
        try:
            event = mapping(parsed(line, limits), "the line")
            if not {"id", "life-span"} <= event.keys():
                raise Fault("it is no event: it has no 'id' or no 'life-span'")
            is_known = True
            kind = text(event.get("type"), "type")
            if kind is not None and kind not in TYPES:
                others[kind] += 1
                continue
            further += _add(gathered, event, reach)
        except Fault as fault:
            gathered.add_fault(canonical.CONCERTS, fault, line)
        yield from gathered.full()
    if not is_known:
        raise UnreadableObject("it is no MusicBrainz event dump: no line is an event with 'id' and 'life-span'")
    yield from gathered.rest()
    if others:
        told = ", ".join(f"{name} {rows:,}" for name, rows in sorted(others.items()))
        notes.remarks.append(f"events that are no concerts and no rows here: {others.total():,} ({told})")
    if further:
        notes.remarks.append(f"further performers of concerts, who are no rows here: {further:,}")


def played_until(lines: Iterator[str], limits: Limits) -> str:
    """The day up to which the dump tells what was played; empty where it tells of nothing.

    The dump does not say when it was made, and an event to come is written like one that has been. What was played is
    known of past events, and of a few to come whose programme is announced; so the latest hundredth of the days counts
    for nothing.
    """
    days: Counter[str] = Counter()
    for line in lines:
        if '"setlist"' not in line or _NO_SETLIST.search(line):
            continue
        try:
            event = mapping(parsed(line, limits), "the line")
            day = text(mapping(event.get("life-span"), "life-span").get("begin"), "begin")
            if day is not None and _DAY.fullmatch(day) and text(event.get("setlist"), "setlist"):
                days[day] += 1
        except Fault:
            continue  # the line is a row with an error when it is read
    left = days.total() // 100
    for day in sorted(days, reverse=True):
        left -= days[day]
        if left < 0:
            return day
    return ""


def _lines(stream: BinaryIO, limits: Limits) -> Iterator[str]:
    return lines_of(blocks(TextStream(stream, limits), limits))


def _add(gathered: Gathered, event: dict[str, Any], reach: str) -> int:
    """Add an event's rows; returns how many performers it has besides its artist."""
    relations = mappings(event.get("relations"), "relations")
    performers = [
        (text(relation.get("type"), "relation.type"), mapping(relation.get("artist"), "artist"))
        for relation in relations
        if relation.get("artist") is not None
    ]
    named = {text(artist.get("id"), "artist.id"): None for _, artist in performers}
    artist = next((one for wanted in HEADLINERS for kind, one in performers if kind == wanted), {})
    place = next(
        (
            mapping(relation.get("place"), "place")
            for relation in relations
            if relation.get("place") is not None and relation.get("type") == HELD_AT
        ),
        {},
    )
    artist_id = prefixed(f"{_PREFIX}-artist", text(artist.get("id"), "artist.id"))
    venue_id = prefixed(f"{_PREFIX}-venue", text(place.get("id"), "place.id"))
    day = text(mapping(event.get("life-span"), "life-span").get("begin"), "life-span.begin")
    clock = text(event.get("time"), "time")
    is_cancelled = is_true(event.get("cancelled"), "cancelled")
    concert = {
        "concert_id": prefixed(_PREFIX, text(event.get("id"), "id")),
        "artist_id": artist_id,
        "venue_id": venue_id,
        "event_date": f"{day} {clock}" if day and _DAY.fullmatch(day) and _CLOCK.fullmatch(clock or "") else day,
        "status": "cancelled" if is_cancelled else "completed" if day is not None and day <= reach else "scheduled",
    }
    artist_row: Row = {"artist_id": artist_id, "name": text(artist.get("name"), "artist.name")}
    venue = _venue(place, venue_id)
    # All is taken apart; from here on nothing fails, so that an event's rows are added all or none.
    if artist_id is not None:
        gathered.add_once(canonical.ARTISTS, artist_row)
    if venue_id is not None:
        gathered.add_once(canonical.VENUES, venue)
    gathered.add(canonical.CONCERTS, concert)
    return len(named) - bool(artist)


def _venue(place: dict[str, Any], venue_id: str | None) -> Row:
    address = text(place.get("address"), "address")
    area = mapping(place.get("area"), "area")
    coordinates = mapping(place.get("coordinates"), "coordinates")
    city = None if text(area.get("type"), "area.type") in _WIDE_AREAS else text(area.get("name"), "area.name")
    state, country = _codes(area)
    told = at_end_of(address or "")
    country = country or told.country
    state = state or (told.state if told.country == country else None)
    kind = text(place.get("type"), "place.type")
    return {
        "venue_id": venue_id,
        "name": text(place.get("name"), "place.name"),
        "venue_type": VENUE_TYPES.get((kind or "").casefold()),
        "address": address,
        "city": city,
        "state": state,
        "country": country,
        "timezone": time_zone(country, state, city),
        "latitude": text(coordinates.get("latitude"), "latitude"),
        "longitude": text(coordinates.get("longitude"), "longitude"),
    }


def _codes(area: dict[str, Any]) -> tuple[str | None, str | None]:
    """State and country of an area by its ISO 3166 codes, where it has one of them."""
    found = []
    for name in ("iso-3166-2-codes", "iso-3166-1-codes"):
        codes = area.get(name) or []
        if not isinstance(codes, list):
            raise Fault(f"{name} is no list")
        found.append(text(codes[0], name) if len(codes) == 1 else None)
    country, _, state = (found[0] or "").partition("-")
    return state or None, found[1] or country or None
