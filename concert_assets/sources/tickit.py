"""AWS's TICKIT sample database: files without a header, delimited by bars or tabs, that make sense only together.

The format is that of the Amazon Redshift Database Developer Guide, "Sample database". Concerts are the events whose
category is of the group Concerts; all other events, their sales, the listings and the users are no rows here. TICKIT is
a resale market: what it sold is not what a concert sold, so tickets_sold and revenue stay null, as do ticket tiers.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO

from concert_assets.catalog import canonical
from concert_assets.sources.events import Fault, Gathered, Row, made_of, prefixed
from concert_assets.sources.model import Batches, Limits, Notes, RawObject, UnreadableObject
from concert_assets.sources.places import north_american
from concert_assets.sources.tickit_files import File, files_of

CONCERTS_GROUP = "concerts"
_PREFIX = "tickit"
_NUMBER = re.compile(r"\d{1,18}")
_AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,10})?")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d\d)(:\d\d)?")
_START = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(:\d\d)?)")
_CENT = Decimal("0.01")


def read_together(objects: Sequence[tuple[RawObject, BinaryIO]], limits: Limits, notes: Mapping[str, Notes]) -> Batches:
    """Yield venues, sales, artists and concerts of the set, each row under the object that its file came in.

    A line that cannot be taken apart is a row with an error. A concert is completed where it lies before the last sale
    that the set tells of, else scheduled: the set itself says how far it reaches. Times are local to the venue. Raises
    UnreadableObject where a file is damaged, or none of the set, or one of the set is missing.
    """
    files = files_of(objects, limits)
    reading = _Reading(limits, {obj.object_id: Gathered(obj, limits) for obj, _ in objects}, notes)
    for file in files["category"]:
        reading.look_up(file, reading.categories)
    for file in files["date"]:
        reading.look_up(file, reading.calendar)
    for file in files["event"]:
        reading.add_events(file)
    for file in files["venue"]:
        yield from reading.venues(file)
    for file in files["sales"]:
        yield from reading.sales(file)
    yield from reading.concerts()
    for file in files.get("listing", []):
        count = sum(1 for _ in file.lines())
        notes[file.obj.object_id].remarks.append(f"listings, which are offers and no rows here: {count:,}")
    for file in files.get("users", []):
        notes[file.obj.object_id].remarks.append("users are persons and are not taken over")


@dataclass(slots=True)
class _Reading:
    """What was read of the set so far."""

    limits: Limits
    gathered: dict[str, Gathered]
    notes: Mapping[str, Notes]
    categories: dict[str, list[str | None]] = field(default_factory=dict)
    calendar: dict[str, list[str | None]] = field(default_factory=dict)
    _events: list[tuple[File, str, Row | Fault]] = field(default_factory=list)
    _others: set[str] = field(default_factory=set)
    _genres: dict[str, Counter[str]] = field(default_factory=dict)
    _last_sale: str = ""

    def look_up(self, file: File, into: dict[str, list[str | None]]) -> None:
        """Keep the lines of a category or date file, which brings no rows of its own, by their number."""
        for number, line in enumerate(_held(file, self.limits), 1):
            try:
                fields = file.fields(line)
            except Fault as fault:
                self._remark(file, f"line {number:,} is passed over: {fault}")
                continue
            into[fields[0] or ""] = fields[1:]

    def add_events(self, file: File) -> None:
        """Take the events apart, which are kept until it is known how far the sales reach."""
        groups: Counter[str] = Counter()
        shifted = 0
        for line in _held(file, self.limits):
            try:
                eventid, venueid, catid, dateid, name, starttime = file.fields(line)
                group, genre = self._category(catid)
                _check_number("eventid", eventid)
                if group.casefold() != CONCERTS_GROUP:
                    groups[group] += 1
                    self._others.add(eventid or "")
                    continue
                caldate = self.calendar.get(dateid or "", [None])[0]
                event_date, is_shifted = when(caldate, starttime)
            except Fault as fault:
                self._events.append((file, line, fault))
                continue
            shifted += is_shifted
            if name is not None and genre:
                self._genres.setdefault(name, Counter())[genre] += 1
            row = {
                "concert_id": prefixed(_PREFIX, eventid),
                "artist_id": None if name is None else made_of(f"{_PREFIX}-artist", name),
                "venue_id": prefixed(f"{_PREFIX}-venue", venueid),
                "event_date": event_date,
                "_artist": name,
            }
            self._events.append((file, line, row))
        if groups:
            told = ", ".join(f"{group} {count:,}" for group, count in sorted(groups.items()))
            self._remark(file, f"events that are no concerts and no rows here: {groups.total():,} ({told})")
        if shifted:
            self._remark(
                file, f"concerts whose starttime is on another day than their dateid, which counts: {shifted:,}"
            )

    def venues(self, file: File) -> Batches:
        """The rows of a venue file; 0 seats mean that their number is unknown."""
        gathered = self.gathered[file.obj.object_id]
        for line in file.lines():
            try:
                venueid, name, city, state, seats = file.fields(line)
                _check_number("venueid", venueid)
            except Fault as fault:
                gathered.add_fault(canonical.VENUES, fault, line)
            else:
                where = north_american(city, state)
                row = {
                    "venue_id": prefixed(f"{_PREFIX}-venue", venueid),
                    "name": name,
                    "city": city,
                    "state": state,
                    "country": where.country,
                    "timezone": where.timezone,
                    "capacity": None if seats is not None and not seats.strip("0") else seats,
                }
                gathered.add(canonical.VENUES, row)
            yield from gathered.full()
        yield from gathered.rest()

    def sales(self, file: File) -> Batches:
        """The rows of a sales file, but for sales of events that are no concerts."""
        gathered = self.gathered[file.obj.object_id]
        others = 0
        for line in file.lines():
            shown = line
            try:
                salesid, _, sellerid, buyerid, eventid, _, quantity, paid, _, saletime = file.fields(line)
                shown = _with_persons(file, line, sellerid, buyerid)
                _check_number("salesid", salesid)
                sold_at = iso_time(saletime)
                if sold_at is not None and _START.fullmatch(sold_at):
                    self._last_sale = max(self._last_sale, sold_at)
                if eventid in self._others:
                    others += 1
                    continue
                row = {
                    "sale_id": prefixed(_PREFIX, salesid),
                    "concert_id": prefixed(_PREFIX, eventid),
                    "customer_id": prefixed(_PREFIX, buyerid),
                    "quantity": quantity,
                    "unit_price": unit_price(quantity, paid),
                    "total_price": paid,
                    "purchase_timestamp": sold_at,
                    "sale_status": "completed",
                }
            except Fault as fault:
                gathered.add_fault(canonical.TICKET_SALES, fault, shown)
            else:
                gathered.add(canonical.TICKET_SALES, row)
            yield from gathered.full()
        yield from gathered.rest()
        if others:
            self._remark(file, f"sales of events that are no concerts, which are no rows here: {others:,}")

    def concerts(self) -> Batches:
        """The artists and concerts of the event files."""
        for file, line, event in self._events:
            gathered = self.gathered[file.obj.object_id]
            if isinstance(event, Fault):
                gathered.add_fault(canonical.CONCERTS, event, line)
                continue
            name, date = event.pop("_artist"), event["event_date"]
            if name is not None:
                genres = self._genres.get(name, Counter())
                artist = {
                    "artist_id": event["artist_id"],
                    "name": name,
                    # Most frequent first; of several as frequent the first that came.
                    "primary_genre": max(genres, key=genres.__getitem__, default=None),
                }
                gathered.add_once(canonical.ARTISTS, artist)
            is_past = date is not None and date < self._last_sale
            gathered.add(canonical.CONCERTS, event | {"status": "completed" if is_past else "scheduled"})
            yield from gathered.full()
        for gathered in self.gathered.values():
            yield from gathered.rest()

    def _category(self, catid: str | None) -> tuple[str, str | None]:
        """Group and name, the latter in small letters as other sources write genres."""
        fields = self.categories.get(catid or "")
        if fields is None:
            raise Fault(f"catid {catid} is in no category file, so that nobody knows whether it is a concert")
        return fields[0] or "", fields[1].casefold() if fields[1] else None

    def _remark(self, file: File, remark: str) -> None:
        remarks = self.notes[file.obj.object_id].remarks
        if len(remarks) < 100:
            remarks.append(f"{file.name}: {remark}" if file.name != file.obj.name else remark)


def _held(file: File, limits: Limits) -> Iterator[str]:
    """The lines of a file that is held in memory."""
    size = 0
    for line in file.lines():
        size += len(line) + 1
        if size > limits.max_document_bytes:
            raise UnreadableObject(f"{file.name} is longer than {limits.max_document_bytes:,} bytes")
        yield line


def _with_persons(file: File, line: str, sellerid: str | None, buyerid: str | None) -> str:
    """The line of a sale with its persons' identifiers as customer_id has them, so that they are found to be erased."""
    parts = line.split(file.delimiter)
    parts[2:4] = [prefixed(_PREFIX, sellerid) or "", prefixed(_PREFIX, buyerid) or ""]
    return file.delimiter.join(parts)


def _check_number(name: str, value: str | None) -> None:
    if value is not None and not _NUMBER.fullmatch(value):
        raise Fault(f"{name} is {value[:40]!r}; a whole number is expected", "malformed_csv")


def when(caldate: str | None, starttime: str | None) -> tuple[str | None, bool]:
    """Start of an event in local time, and whether its two dates differ.

    The day is that of the date file, the time of day that of ``starttime``: in the files as published every event of
    May has the first of May as its starttime, while its dateid agrees with the times of its sales.
    """
    start = iso_time(starttime)
    matched = _START.fullmatch(start) if start is not None else None
    if caldate is None or (start is not None and matched is None):
        return start, False
    if matched is None:
        return caldate, False
    return f"{caldate} {matched[2]}", matched[1] != caldate


def iso_time(value: str | None) -> str | None:
    """A time written ``2/18/2008 02:36:48`` as ``2008-02-18 02:36:48``; any other text as it came."""
    matched = _AMERICAN.fullmatch(value) if value is not None else None
    if matched is None:
        return value
    month, day, year, hour, minute, second = matched.groups()
    return f"{year}-{int(month):02}-{int(day):02} {int(hour):02}:{minute}{second or ''}"


def unit_price(quantity: str | None, paid: str | None) -> str:
    """The price of one ticket, to the cent; Fault where the total is not that of so many equal tickets."""
    if quantity is None or not _NUMBER.fullmatch(quantity) or int(quantity) == 0:
        raise Fault(f"qtysold is {quantity}; a whole number from 1 on is expected", "quantity_range")
    if paid is None or not _AMOUNT.fullmatch(paid):
        raise Fault(f"pricepaid is {paid}; an amount is expected", "total_price_readable")
    price = Decimal(paid) / int(quantity)
    if price * int(quantity) != Decimal(paid) or price != price.quantize(_CENT):
        raise Fault(
            f"a pricepaid of {paid} for {quantity} tickets is no whole number of cents a ticket",
            "total_price_arithmetic",
        )
    return str(price.quantize(_CENT))
