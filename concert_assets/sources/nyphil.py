"""New York Philharmonic performance history JSON: one document that brings artists, venues and concerts.

The format is the archive's ``Programs/json``: programs with concerts and works. The archive writes ``None`` for what it
does not know; such values are null here, and a venue it does not know is named ``(venue not recorded)``.
"""

import json
import re
from collections import Counter
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from concert_assets.catalog import canonical
from concert_assets.sources import events
from concert_assets.sources.events import Fault, Gathered, Row, made_of
from concert_assets.sources.json_values import EXACT_JSON, forbidden, is_deeper, json_text
from concert_assets.sources.model import Batches, Limits, Notes, RawObject, UnreadableObject
from concert_assets.sources.places import place
from concert_assets.sources.streams import BLOCK_BYTES, TextStream

UNRECORDED_VENUE = "(venue not recorded)"
# Every artist here is a conductor or an ensemble of the Philharmonic's own archive.
GENRE = "classical"
_NEW_YORK = ZoneInfo("America/New_York")
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)\s*([AP])M", re.IGNORECASE)
_NO_CONDUCTOR = "Not conducted"


def read(obj: RawObject, stream: BinaryIO, limits: Limits, notes: Notes) -> Batches:
    """Yield artists, venues and concerts, the first two in order of first appearance.

    A concert's artist is the program's principal conductor, else its orchestra. A concert that cannot be taken apart is
    a row with an error. Raises UnreadableObject for what is no such document.
    """
    archive = _Archive()
    for program in _programs(TextStream(stream, limits), limits):
        archive.add(program)
    gathered = Gathered(obj, limits)
    for artist in archive.artists.values():
        gathered.add(canonical.ARTISTS, artist)
    for venue in archive.venues.values():
        gathered.add(canonical.VENUES, venue)
    for concert in archive.concerts:
        if isinstance(concert, dict):
            gathered.add(canonical.CONCERTS, concert)
        else:
            gathered.add_fault(canonical.CONCERTS, *concert)
    yield from gathered.rest()


def _programs(stream: TextStream, limits: Limits) -> list[Any]:
    data = b""
    while more := stream.read(BLOCK_BYTES):
        data += more
        if len(data) > limits.max_document_bytes:
            raise UnreadableObject(f"the document is longer than {limits.max_document_bytes:,} bytes")
    try:
        document = EXACT_JSON.decode(data.decode("utf-8"))
    except json.JSONDecodeError as error:
        hint = "" if data.rstrip().endswith((b"}", b"]")) else "; it may be truncated, for it does not end as JSON does"
        raise UnreadableObject(
            f"it is no JSON document: {error.msg} at line {error.lineno}, column {error.colno}{hint}"
        ) from None
    except ValueError as error:
        raise UnreadableObject(f"it is no sound JSON document: {error}") from None
    except RecursionError:
        document, too_deep = None, True
    else:
        too_deep = is_deeper(document, limits.max_nesting)
    if too_deep:
        raise UnreadableObject(f"the document is nested deeper than {limits.max_nesting} levels")
    if not isinstance(document, dict) or "programs" not in document:
        raise UnreadableObject("it is no New York Philharmonic performance history: it has no 'programs'")
    programs = document["programs"]
    if not isinstance(programs, list):
        raise UnreadableObject("it is no New York Philharmonic performance history: 'programs' is no list")
    return programs


class _Archive:
    """Gathers the rows of the three tables, program by program."""

    def __init__(self) -> None:
        self.artists: dict[str, Row] = {}
        self.venues: dict[str, Row] = {}
        self.concerts: list[Row | tuple[Fault, str]] = []
        self._counted: Counter[str] = Counter()

    def add(self, program: Any) -> None:
        """Add a program's concerts, or one faulty row where the program does not say which they are."""
        concerts = program.get("concerts") if isinstance(program, dict) else None
        if not isinstance(concerts, list):
            self.concerts.append((Fault("the program has no list of concerts"), json_text(program)))
            return
        for concert in concerts:
            try:
                self._add_concert(program, concert)
            except Fault as fault:
                self.concerts.append((fault, json_text(concert)))

    def _add_concert(self, program: dict[str, Any], concert: Any) -> None:
        number = _text(program.get("programID"), "programID")
        if number is None:
            raise Fault("its program has no programID")
        # Counted before anything can fail, so that a concert keeps its number when another one is mended.
        self._counted[number] += 1
        if not isinstance(concert, dict):
            raise Fault("it is no JSON object")
        artist = principal_conductor(program.get("works")) or _text(program.get("orchestra"), "orchestra")
        if artist is None:
            raise Fault("its program names neither a conductor nor an orchestra")
        venue = _text(concert.get("Venue"), "Venue") or UNRECORDED_VENUE
        location = _text(concert.get("Location"), "Location") or ""
        artist_id, venue_id = made_of("nyphil-artist", artist), made_of("nyphil-venue", venue, location)
        self.concerts.append(
            {
                "concert_id": f"nyphil-{number}-{self._counted[number]}",
                "artist_id": artist_id,
                "venue_id": venue_id,
                "event_date": event_date(concert.get("Date"), concert.get("Time")),
                "status": "completed",
            }
        )
        self.artists.setdefault(artist_id, {"artist_id": artist_id, "name": artist, "primary_genre": GENRE})
        where = place(location)
        self.venues.setdefault(
            venue_id,
            {
                "venue_id": venue_id,
                "name": venue,
                "city": where.city,
                "state": where.state,
                "country": where.country,
                "timezone": where.timezone,
            },
        )


def principal_conductor(works: Any) -> str | None:
    """Who conducted most works of a program, of several with as many the first listed; None where nobody is named.

    A work with two conductors, ``Bergmann, Carl;  Neuendorff, Adolph``, counts for each of them.
    """
    counted: Counter[str] = Counter()
    for work in works if isinstance(works, list) else []:
        named = work.get("conductorName") if isinstance(work, dict) else None
        if isinstance(named, str):
            names = dict.fromkeys(" ".join(name.split()) for name in named.split(";"))
            counted.update(name for name in names if name not in ("", "None", _NO_CONDUCTOR) and not forbidden(name))
    # Counter keeps the order in which names came, and max takes the first of equals.
    return max(counted, key=counted.__getitem__, default=None)


def event_date(day: Any, clock: Any) -> str:
    """``1842-12-07 20:00:00`` in local time, or the bare date where the time is not known or cannot be read.

    ``day`` is a UTC instant whose date in New York is the day of the concert, ``clock`` the local start, ``8:00PM``.
    """
    try:
        instant = datetime.fromisoformat(day)
        date = instant.astimezone(_NEW_YORK).date().isoformat()
    except (TypeError, ValueError, OverflowError):
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Fault(f"Date is {json_text(day)[:100]}; a UTC instant such as 1842-12-07T05:00:00Z is expected")
    matched = _CLOCK.fullmatch(clock.strip()) if isinstance(clock, str) else None
    if matched is None or not 1 <= int(matched[1]) <= 12:
        return date
    hour = int(matched[1]) % 12 + (12 if matched[3] in "Pp" else 0)
    return f"{date} {hour:02}:{matched[2]}:00"


def _text(value: Any, name: str) -> str | None:
    """The text with white space collapsed; None where the archive knows none."""
    found = events.text(value, name)
    return None if found == "None" else found
