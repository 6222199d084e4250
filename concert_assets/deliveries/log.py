"""The append-only delivery log in the raw bucket: entries, how they are written, and what is live after them.

An entry is one create-once object ``log/<sequence>.json``, so two writers never share a number and nothing is ever
rewritten. What is published is a function of these entries alone.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from concert_assets.resources.s3.protocol import ObjectExists, ObjectNotFound, ObjectStore

EntryKind = Literal["delivery", "sighting", "hold", "release", "retraction", "erasure"]
State = Literal["live", "held", "replaced", "retracted"]

LOG_PREFIX = "log/"
DELIVERY_PREFIX = "deliveries/"
RAW_ROWS = "raw_rows"  # the format of an object that an erasure wrote in place of another


class NoSuchDelivery(Exception):
    """The log knows no delivery of that name or number."""


@dataclass(frozen=True, slots=True)
class DeliveredObject:
    """One object of a delivery. ``table`` is empty where the format itself says which tables the object brings.

    ``rows`` are those that the deliverer states by table, where it does. ``source_key`` and ``source_version`` tell
    which object of the inbox it was copied from, where it came that way.
    """

    object_id: str
    key: str
    table: str
    format: str
    size_bytes: int
    sha256: str
    version: str = ""
    rows: dict[str, int] | None = None
    source_key: str = ""
    source_version: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log. ``refers_to`` is the sequence of the delivery that another kind of entry means.

    A sighting tells that the bytes of a delivery lay in the inbox again, as another version of the object; it changes
    nothing but that this version is known. An erasure puts its objects in place of those whose key, table
    and format stand under ``replaced`` in its settings, in the same order, wherever an entry before it names them.
    """

    sequence: int
    kind: EntryKind
    delivery: str
    recorded_at: str
    objects: tuple[DeliveredObject, ...] = ()
    refers_to: int = 0
    source: str = ""
    note: str = ""
    settings: dict[str, Any] | None = None

    @property
    def content_id(self) -> str:
        """What the delivery brings, whatever its number: the key of everything derived from it."""
        digest = hashlib.sha256(self.delivery.encode())
        for item in self.objects:
            digest.update(f"\0{item.object_id}\0{item.table}\0{item.format}".encode())
            if (
                item.format == RAW_ROWS
            ):  # which keeps the id of the object in whose place it stands, and may equal others
                digest.update(f"\0{item.key}".encode())
        return digest.hexdigest()[:32]

    def to_json(self) -> bytes:
        """The entry as it is stored."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @staticmethod
    def from_json(data: bytes) -> "Entry":
        """The entry that was stored."""
        fields = json.loads(data)
        fields["objects"] = tuple(DeliveredObject(**item) for item in fields["objects"])
        return Entry(**fields)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery entry with the state the whole log leaves it in and, where it is held, the reason."""

    entry: Entry
    state: State
    is_released: bool = False
    reason: str = ""

    @property
    def name(self) -> str:
        """The name under which it was delivered; a later delivery of the name replaces it."""
        return self.entry.delivery

    @property
    def sequence(self) -> int:
        """Its number in the log."""
        return self.entry.sequence


# Entries that this process has read, by place: version and entry. A sensor looks at the log every few seconds.
_READ: dict[str, tuple[str, Entry]] = {}


def object_id(delivery: str, name: str, sha256: str) -> str:
    """A stable identifier of an object of a delivery: the same name and bytes have the same one in every home."""
    return hashlib.sha256(f"{delivery}\0{name}\0{sha256}".encode()).hexdigest()[:32]


def erased(entries: Sequence[Entry], erasure: Entry) -> list[Entry]:
    """The entries as an erasure among them leaves them, late ones of processes that knew nothing of it included."""
    made = dict(zip(map(tuple, (erasure.settings or {})["replaced"]), erasure.objects, strict=True))
    last = erasure.sequence
    before = [item for entry in entries if entry.sequence < last for item in entry.objects if item.source_key]
    taken_in = {(item.source_key, item.source_version) for item in before}

    def left(entry: Entry, item: DeliveredObject) -> DeliveredObject:
        new = made.get((item.key, item.table, item.format))
        is_before = (entry.refers_to if entry.kind == "sighting" else entry.sequence) < last
        # The same bytes have the same key: what is dropped anew after the erasure is told by its version alone.
        if new is None or not (is_before or (item.source_key, item.source_version) in taken_in):
            return item
        size, sha256 = new.size_bytes, new.sha256
        return replace(item, key=new.key, format=new.format, size_bytes=size, sha256=sha256, version=new.version)

    return [replace(entry, objects=tuple(left(entry, item) for item in entry.objects)) for entry in entries]


def settle(entries: Iterable[Entry]) -> list[Delivery]:
    """The state of every delivery after the entries, in log order.

    Of each name the newest accepted delivery is live. A held one is not accepted, so the one before it stays live; a
    release accepts it after all, unless a later delivery of the name has taken its place. A retraction of an accepted
    delivery does not bring back what it had replaced. An entry that delivers what its predecessor of the name did,
    as of two processes that saw the same file, is no delivery.
    """
    deliveries: dict[int, Entry] = {}
    holds: dict[int, str] = {}
    released: set[int] = set()
    retracted: set[int] = set()
    last_of_name: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda item: item.sequence):
        match entry.kind:
            case "delivery":
                last = last_of_name.get(entry.delivery)
                if last is None or last.content_id != entry.content_id or last.sequence in retracted:
                    deliveries[entry.sequence] = last_of_name[entry.delivery] = entry
            case "hold":
                holds[entry.refers_to] = entry.note
                released.discard(entry.refers_to)  # what was released for one reason may be held for another
            case "release":
                released.add(entry.refers_to)
            case "retraction":
                retracted.add(entry.refers_to)
    newest_accepted: dict[str, int] = {}
    newest: dict[str, int] = {}
    for sequence, entry in deliveries.items():
        newest[entry.delivery] = sequence
        if sequence not in holds or sequence in released:
            newest_accepted[entry.delivery] = sequence
    settled = []
    for sequence, entry in deliveries.items():
        is_held = sequence in holds and sequence not in released
        state: State
        if sequence in retracted:
            state = "retracted"
        elif newest_accepted.get(entry.delivery, 0) > sequence or (is_held and newest[entry.delivery] > sequence):
            state = "replaced"
        else:
            state = "held" if is_held else "live"
        settled.append(Delivery(entry, state, sequence in released, holds.get(sequence, "") if is_held else ""))
    return settled


def position_of(entries: Sequence[Entry]) -> int:
    """The number of the last entry that changes what is published; 0 where there is none."""
    return max((item.sequence for item in entries if item.kind != "sighting"), default=0)


class DeliveryLog:
    """The log of one raw bucket."""

    def __init__(self, store: ObjectStore, bucket: str) -> None:
        """Nothing is read or written until it is asked for."""
        self.store = store
        self.bucket = bucket
        self._last = 0

    def entries(self) -> list[Entry]:
        """All entries in order, from 1 on, as erasures leave them: what was erased stands at no earlier position."""
        found = self.recorded()
        for entry in found:
            if entry.kind == "erasure":
                found = erased(found, entry)
        return found

    def recorded(self) -> list[Entry]:
        """All entries in order, as they were written; ValueError naming the first that is missing.

        A folder listed while entries are added may show a later one and not an earlier, so what the listing lacks is
        asked for by its key. An entry never changes, so a version of it that this process has read is not read again.
        """
        versions = {info.key: info.version for info in self.store.list(self.bucket, LOG_PREFIX)}
        last = int(max(versions).removeprefix(LOG_PREFIX).removesuffix(".json")) if versions else 0
        found = [self._entry(sequence, versions.get(self._key(sequence), "")) for sequence in range(1, last + 1)]
        self._last = max(self._last, last)
        return found

    def _entry(self, sequence: int, version: str) -> Entry:
        key = self._key(sequence)
        known = _READ.get(self.store.uri(self.bucket, key))
        if known is not None and version and known[0] == version:
            return known[1]
        try:
            entry = Entry.from_json(self.store.read(self.bucket, key))
        except ObjectNotFound as error:
            raise ValueError(
                f"the delivery log of bucket {self.bucket} lacks entry {sequence}; restore {key} from a backup"
            ) from error
        if len(_READ) >= 200_000:
            _READ.clear()
        _READ[self.store.uri(self.bucket, key)] = (version, entry)
        return entry

    def deliveries(self) -> list[Delivery]:
        """Every delivery with its state."""
        return settle(self.entries())

    def append(self, entry: Entry) -> Entry:
        """Write an entry under the next free number and return it as numbered."""
        if not self._last:
            self.entries()
        sequence = self._last + 1  # an entry is never removed, so the search may begin at the last that was seen
        while True:
            numbered = replace(entry, sequence=sequence)
            try:
                self.store.create(self.bucket, self._key(sequence), numbered.to_json())
            except ObjectExists:
                sequence += 1  # another writer took the number
                continue
            self._last = sequence
            return numbered

    def deliver(
        self,
        delivery: str,
        objects: Sequence[DeliveredObject],
        *,
        source: str,
        settings: dict[str, Any] | None = None,
        note: str = "",
    ) -> tuple[Entry, bool]:
        """Log a delivery and say whether it is new.

        The same objects as the newest delivery of that name, unless that was retracted, are no new delivery.
        """
        entry = Entry(0, "delivery", delivery, now(), tuple(objects), source=source, settings=settings, note=note)
        of_name = [item for item in self.deliveries() if item.name == delivery]
        if of_name and of_name[-1].state != "retracted" and of_name[-1].entry.content_id == entry.content_id:
            return of_name[-1].entry, False
        return self.append(entry), True

    def find(self, reference: str) -> Delivery:
        """The newest delivery of that name that is live or held, or else that of that number.

        Raises NoSuchDelivery where neither is there.
        """
        deliveries = self.deliveries()
        matches = [item for item in deliveries if item.name == reference and item.state in ("live", "held")]
        if not matches and re.fullmatch("[0-9]{1,12}", reference):
            matches = [item for item in deliveries if item.sequence == int(reference)]
        if not matches:
            known = ", ".join(sorted({item.name for item in deliveries})) or "none yet"
            raise NoSuchDelivery(f"no delivery {reference!r}; the log knows: {known}")
        return matches[-1]

    def judge(self, delivery: Delivery, kind: Literal["hold", "release", "retraction"], note: str) -> Entry:
        """Log a hold, release or retraction of a delivery."""
        return self.append(Entry(0, kind, delivery.name, now(), refers_to=delivery.sequence, note=note))

    @staticmethod
    def _key(sequence: int) -> str:
        return f"{LOG_PREFIX}{sequence:012d}.json"


def now() -> str:
    """The time as entries record it: ISO 8601 to the second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
