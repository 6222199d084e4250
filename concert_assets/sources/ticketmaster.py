"""Ticketmaster Discovery API v2: pages of events as the API answers them, or events one by one, as documents or lines.

The format is that of the documentation at https://developer.ticketmaster.com/products-and-docs/apis/discovery-api/v2.
Concerts are the events of the segment Music; the first attraction is the artist. The API tells what is on sale, not
what took place, so no concert is completed here; nor does it tell what was sold. A price range is the lowest and the
highest price of all tickets, not the price of a tier, so that it makes no ticket price.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from concert_assets.catalog import canonical
from concert_assets.catalog.timezones import TIMEZONES
from concert_assets.sources.events import (
    Fault,
    Gathered,
    is_true,
    lines_of,
    mapping,
    mappings,
    parsed,
    prefixed,
    text,
)
from concert_assets.sources.json_values import EXACT_JSON, is_deeper, json_text
from concert_assets.sources.jsonl import blocks
from concert_assets.sources.model import Batches, Limits, Notes, RawObject, UnreadableObject
from concert_assets.sources.places import time_zone
from concert_assets.sources.streams import BLOCK_BYTES, TextStream

# The segment's identifier is the same in every language, its name is not.
MUSIC = ("KZFzniwnSyZfZ7v7nJ", "music")
STATUSES = {
    "onsale": "scheduled",
    "offsale": "scheduled",
    "rescheduled": "scheduled",  # with its new date
    "canceled": "cancelled",
    "cancelled": "cancelled",
    "postponed": "postponed",
}
_PREFIX = "ticketmaster"
_NO_GENRE = ("undefined", "other")
# What the API writes for an on-sale date that it does not know.
_UNKNOWN_YEAR = 1900
# How many lines are looked at for one that is an object by itself.
_TELLING_LINES = 10


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield artists, venues and concerts, the first two once each, as they come.

    An event that cannot be taken apart is a row of concerts with an error. Raises UnreadableObject for what is no such
    document.
    """
    gathered, counts = Gathered(obj, limits), Counter[str]()
    for event, source in _events(stream, limits):
        try:
            if isinstance(event, Fault):
                raise event
            _add(gathered, mapping(event, "an event"), counts)
        except Fault as fault:
            gathered.add_fault(canonical.CONCERTS, fault, source or json_text(event))
        yield from gathered.full()
    yield from gathered.rest()
    others = {name.removeprefix("segment "): rows for name, rows in counts.items() if name.startswith("segment ")}
    if others:
        told = ", ".join(f"{name} {rows:,}" for name, rows in sorted(others.items()))
        notes.remarks.append(f"events that are no music and no rows here: {sum(others.values()):,} ({told})")
    if counts["test"]:
        notes.remarks.append(f"events marked as tests, which are no rows here: {counts['test']:,}")
    if counts["ranges"]:
        notes.remarks.append(f"concerts with price ranges, which are no ticket prices: {counts['ranges']:,}")


def _events(stream: BinaryIO, limits: Limits) -> Iterator[tuple[Any, str]]:
    """The events, with the text of those that are no JSON."""
    if not _is_lines(stream, limits):
        for document in _documents(TextStream(stream, limits), limits):
            try:
                yield from ((event, "") for event in events_of(document))
            except Fault as fault:
                raise UnreadableObject(f"it is no document of the Ticketmaster Discovery API: {fault}") from None
        return
    for line in lines_of(blocks(TextStream(stream, limits), limits)):
        try:
            yield from ((event, "") for event in events_of(parsed(line, limits)))
        except Fault as fault:
            yield fault, line


def _is_lines(stream: BinaryIO, limits: Limits) -> bool:
    """Whether the values are told apart by lines, as one of the first lines shows that is an object by itself."""
    size = min(BLOCK_BYTES, limits.max_line_bytes)
    head = TextStream(stream, limits).read(size)
    if head.lstrip().startswith(b"[") or b"\n" not in head.strip():
        return False
    whole = head.split(b"\n")[: None if len(head) < size else -1]
    for line in islice(filter(bytes.strip, whole), _TELLING_LINES):
        try:
            value = parsed(line.decode("utf-8", "replace"), limits)
        except Fault:
            continue
        if isinstance(value, dict) and value:
            return True
    return False


def _documents(stream: TextStream, limits: Limits) -> Iterator[Any]:
    data = b""
    while more := stream.read(BLOCK_BYTES):
        data += more
        if len(data) > limits.max_document_bytes:
            raise UnreadableObject(f"the document is longer than {limits.max_document_bytes:,} bytes")
    rest = data.decode("utf-8").strip()
    if not rest:
        raise UnreadableObject("the object holds nothing but blank lines")
    end = 0
    while end < len(rest):
        try:
            document, end = EXACT_JSON.raw_decode(rest, end)
        except json.JSONDecodeError as error:
            hint = "" if rest.endswith(("}", "]")) else "; it may be truncated, for it does not end as JSON does"
            raise UnreadableObject(
                f"it is no JSON document: {error.msg} at line {error.lineno}, column {error.colno}{hint}"
            ) from None
        except ValueError as error:
            raise UnreadableObject(f"it is no sound JSON document: {error}") from None
        except RecursionError:
            raise UnreadableObject(f"the document is nested deeper than {limits.max_nesting} levels") from None
        if is_deeper(document, limits.max_nesting):
            raise UnreadableObject(f"the document is nested deeper than {limits.max_nesting} levels")
        yield document
        while end < len(rest) and rest[end].isspace():
            end += 1


def events_of(value: Any) -> list[Any]:
    """The events of a page, of a list of pages or events, or an event by itself; Fault where it is none of these."""
    if isinstance(value, list):
        return [event for item in value for event in events_of(item)]
    page = mapping(value, "the value")
    embedded = mapping(page.get("_embedded"), "_embedded")
    if "events" in embedded:
        if not isinstance(embedded["events"], list):
            raise Fault("'_embedded.events' is no list")
        return list(embedded["events"])
    if "id" in page:
        return [page]
    if "page" in page:  # of no results
        return []
    if "fault" in page or "errors" in page:
        raise Fault(f"it is an answer that tells of an error: {json_text(page)[:200]}")
    raise Fault("it has no '_embedded.events' and no 'id'")


def _add(gathered: Gathered, event: dict[str, Any], counts: Counter[str]) -> None:
    """Add an event's rows, or count it where it is no row here."""
    classification = _primary(event)
    if classification is None:
        raise Fault("it has no classification, so that nobody knows whether it is music")
    segment = mapping(classification.get("segment"), "segment")
    name = text(segment.get("name"), "segment.name")
    if text(segment.get("id"), "segment.id") != MUSIC[0] and (name or "").casefold() != MUSIC[1]:
        counts[f"segment {name or '(unnamed)'}"] += 1
        return
    if is_true(event.get("test"), "test"):
        counts["test"] += 1
        return
    embedded = mapping(event.get("_embedded"), "_embedded")
    attraction = next(iter(mappings(embedded.get("attractions"), "attractions")), {})
    venue = next(iter(mappings(embedded.get("venues"), "venues")), {})
    artist_id = prefixed(f"{_PREFIX}-artist", text(attraction.get("id"), "attraction.id"))
    venue_id = prefixed(f"{_PREFIX}-venue", text(venue.get("id"), "venue.id"))
    dates = mapping(event.get("dates"), "dates")
    where = _venue(venue, venue_id, text(dates.get("timezone"), "dates.timezone"))
    code = text(mapping(dates.get("status"), "status").get("code"), "status.code")
    concert = {
        "concert_id": prefixed(_PREFIX, text(event.get("id"), "id")),
        "artist_id": artist_id,
        "venue_id": venue_id,
        "event_date": event_date(mapping(dates.get("start"), "dates.start")),
        "on_sale_date": on_sale_date(
            mapping(mapping(event.get("sales"), "sales").get("public"), "sales.public"), where["timezone"]
        ),
        "status": None if code is None else STATUSES.get(code.casefold(), code),
    }
    genres = _genres(_primary(attraction) or {}) or _genres(classification)
    artist = {
        "artist_id": artist_id,
        "name": text(attraction.get("name"), "attraction.name"),
        "primary_genre": next(iter(genres), None),
        "genres": json_text(genres) if genres else None,
    }
    # All is taken apart; from here on nothing fails, so that an event's rows are added all or none.
    counts["ranges"] += bool(event.get("priceRanges"))
    if artist_id is not None:
        gathered.add_once(canonical.ARTISTS, artist)
    if venue_id is not None:
        gathered.add_once(canonical.VENUES, where)
    gathered.add(canonical.CONCERTS, concert)


def _primary(value: dict[str, Any]) -> dict[str, Any] | None:
    """The classification that is marked as the primary one, else the first."""
    found = mappings(value.get("classifications"), "classifications")
    return next((item for item in found if item.get("primary") is True), next(iter(found), None))


def _genres(classification: dict[str, Any]) -> list[str]:
    """Genre and subgenre in small letters, as other sources write them."""
    found = [
        text(mapping(classification.get(level), level).get("name"), f"{level}.name") for level in ("genre", "subGenre")
    ]
    names = dict.fromkeys(name.casefold() for name in found if name is not None)
    return [name for name in names if name not in _NO_GENRE]


def _venue(venue: dict[str, Any], venue_id: str | None, event_zone: str | None) -> dict[str, str | None]:
    address = mapping(venue.get("address"), "address")
    lines = [text(address.get(f"line{number}"), f"address.line{number}") for number in (1, 2, 3)]
    city = text(mapping(venue.get("city"), "city").get("name"), "city.name")
    region = mapping(venue.get("state"), "state")
    state = text(region.get("stateCode"), "stateCode") or text(region.get("name"), "state.name")
    country = text(mapping(venue.get("country"), "country").get("countryCode"), "countryCode")
    location = mapping(venue.get("location"), "location")
    return {
        "venue_id": venue_id,
        "name": text(venue.get("name"), "venue.name"),
        "address": ", ".join(filter(None, lines)) or None,
        "city": city,
        "state": state,
        "country": country,
        "postal_code": text(venue.get("postalCode"), "postalCode"),
        "timezone": text(venue.get("timezone"), "timezone") or event_zone or time_zone(country, state, city),
        "latitude": text(location.get("latitude"), "latitude"),
        "longitude": text(location.get("longitude"), "longitude"),
    }


def event_date(start: dict[str, Any]) -> str | None:
    """The start as an instant, else in local time, else its date alone; None where the date is yet to be told."""
    if any(is_true(start.get(name), name) for name in ("dateTBA", "dateTBD")):
        return None
    day = text(start.get("localDate"), "localDate")
    clock, instant = text(start.get("localTime"), "localTime"), text(start.get("dateTime"), "dateTime")
    if any(is_true(start.get(name), name) for name in ("timeTBA", "noSpecificTime")):
        return day
    return instant or (f"{day} {clock}" if day and clock else day)


def on_sale_date(sale: dict[str, Any], zone: str | None) -> str | None:
    """The day in the venue's zone on which tickets go on sale; what is no time stays as it came."""
    if any(is_true(sale.get(name), name) for name in ("startTBA", "startTBD")):
        return None
    start = text(sale.get("startDateTime"), "startDateTime")
    if start is None:
        return None
    try:
        instant = datetime.fromisoformat(start)
        if instant.tzinfo is not None:
            instant = instant.astimezone(ZoneInfo(zone) if zone in TIMEZONES else UTC)
    except (ValueError, OverflowError):
        return start
    return None if instant.year <= _UNKNOWN_YEAR else instant.date().isoformat()
