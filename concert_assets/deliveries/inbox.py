"""The inbox: what people dropped below ``inbox/<table>/``, what of it the log does not know yet, how it is taken in.

What has arrived is a difference of sets: the object versions that lie below ``inbox/`` against those that the log
named last. There is no cursor that could point past one. A file that is taken in is copied, for what lies in the inbox
belongs to the people who drop it and may be overwritten or deleted at any time.
"""

import hashlib
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from concert_assets.deliveries.hashing import HashingWriter
from concert_assets.deliveries.log import (
    DELIVERY_PREFIX,
    DeliveredObject,
    DeliveryLog,
    Entry,
    now,
    object_id,
    settle,
)
from concert_assets.resources.s3.protocol import INBOX_PREFIX, KeyRefused, ObjectChanged, ObjectInfo, ObjectNotFound

SOURCE = "inbox"
_MOST_NAME_BYTES = 480
# What a file is called while a program is still writing it: such a name is given up for another when it is complete.
_UNFINISHED = re.compile(r"\..*|.*\.(?:tmp|part|partial|crdownload|filepart)|.*~", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Formats:
    """What the inbox must know of formats.

    ``guess`` tells the format by name and first ``head_bytes``, None where neither tells; the folder of a format in
    ``several_tables`` bears its name instead of a table's; of one in ``grouped``, the objects of a folder are one
    delivery.
    """

    guess: Callable[[str, bytes], str | None]
    several_tables: Collection[str] = ()
    grouped: Collection[str] = ()
    head_bytes: int = 4_096


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What the log does not know yet: by name of the delivery to be, the object versions that make it up.

    ``settling`` are the keys of objects that changed so shortly ago that they may change on.
    """

    deliveries: dict[str, tuple[ObjectInfo, ...]]
    settling: tuple[str, ...] = ()

    @property
    def objects(self) -> int:
        """How many objects are ready."""
        return sum(map(len, self.deliveries.values()))

    @property
    def set_hash(self) -> str:
        """A hash of the set of object versions that are ready."""
        versions = sorted(f"{info.key}\0{info.version}" for infos in self.deliveries.values() for info in infos)
        return hashlib.sha256("\0\0".join(versions).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of arrivals: new deliveries, names whose bytes were known, keys that did not hold still."""

    new: tuple[Entry, ...]
    known: tuple[str, ...]
    left: tuple[str, ...]


def delivery_name(key: str) -> str:
    """The name of the delivery that an object of the inbox makes: its key there, cut with a hash where it is long."""
    name = key.removeprefix(INBOX_PREFIX)
    if len(name.encode()) <= _MOST_NAME_BYTES:
        return name
    shown = name.encode()[: _MOST_NAME_BYTES - 40].decode("utf-8", "ignore")
    return f"{shown}…{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def copy_key(name: str, file_name: str, sha256: str) -> str:
    """Where the copy of a delivered file lies. Any name can be had there, whatever letters and length it came with."""
    first = re.sub(r"[^A-Za-z0-9_-]", "_", name.partition("/")[0])[:40]
    last = re.sub(r"[^A-Za-z0-9._-]", "_", file_name)[-80:].lstrip(".") or "file"
    return f"{DELIVERY_PREFIX}{first}/{object_id(name, file_name, sha256)}/{last}"


def _parts(key: str) -> tuple[str, str]:
    """The folder, which names a table or a format, and what follows; no folder for what lies beside the folders."""
    folder, slash, file_name = key.removeprefix(INBOX_PREFIX).partition("/")
    return (folder, file_name) if slash else ("", folder)


class Inbox:
    """The inbox of the bucket of one log."""

    def __init__(self, log: DeliveryLog, formats: Formats, settle_seconds: float) -> None:
        """``settle_seconds`` is how long an object must have been left alone; 0 where objects appear whole."""
        self.log = log
        self._formats = formats
        self._settle_seconds = settle_seconds

    def arrivals(self) -> Arrivals:
        """What lies in the inbox and is not in the log; nothing is read but the listing and the log."""
        infos = [
            info
            for info in self.log.store.list(self.log.bucket, INBOX_PREFIX)
            if not info.key.endswith("/")  # as which S3's console keeps a folder
            and not any(map(_UNFINISHED.fullmatch, info.key.removeprefix(INBOX_PREFIX).split("/")))
        ]
        # What was named last: where two processes logged two versions in the wrong order, the newer one arrives again.
        known = {
            item.source_key: item.source_version
            for entry in self.log.entries()
            for item in entry.objects
            if item.source_key
        }
        lying: dict[str, list[ObjectInfo]] = defaultdict(list)
        for info in infos:
            lying[self._delivery(info.key)].append(info)
        ready: dict[str, tuple[ObjectInfo, ...]] = {}
        settling: list[str] = []
        for name, objects in lying.items():
            if all(known.get(info.key) == info.version for info in objects):
                continue
            changing = [info.key for info in objects if self._may_change(info)]
            settling += changing
            if not changing:
                ready[name] = tuple(objects)
        # Oldest first, so that of two that bring the same key the later drop is the later delivery.
        order = sorted(ready, key=lambda name: (max(info.changed_at for info in ready[name]), name))
        return Arrivals({name: ready[name] for name in order}, tuple(settling))

    def take_in(self, arrivals: Arrivals) -> TakenIn:
        """Copy what has arrived and log it, a delivery each.

        Bytes that are those of the newest delivery of the name already are logged as seen again; so what was retracted
        comes back by a command alone, and not by a backup or a change of rights. An object that changes or vanishes
        meanwhile is left; if it is there again, it is another version, and arrives.
        """
        newest = {item.name: item for item in settle(self.log.entries())}
        new: list[Entry] = []
        known: list[str] = []
        left: list[str] = []
        for name, infos in arrivals.deliveries.items():
            objects = [copied for info in infos if (copied := self._copy(name, info)) is not None]
            if len(objects) < len(infos):
                left += [info.key for info in infos if info.key not in {item.source_key for item in objects}]
                continue
            entry = Entry(0, "delivery", name, now(), tuple(objects), source=SOURCE)
            last = newest.get(name)
            if last is not None and last.entry.content_id == entry.content_id:
                self.log.append(replace(entry, kind="sighting", refers_to=last.sequence))
                known.append(name)
            else:
                new.append(self.log.append(entry))
        return TakenIn(tuple(new), tuple(known), tuple(left))

    def _delivery(self, key: str) -> str:
        folder, _ = _parts(key)
        return delivery_name(key.rpartition("/")[0] if folder in self._formats.grouped else key)

    def _may_change(self, info: ObjectInfo) -> bool:
        # A time to come is of a clock that was put back, and must not keep the object out until then.
        return abs(time.time() - info.changed_at) < self._settle_seconds

    def _copy(self, name: str, info: ObjectInfo) -> DeliveredObject | None:
        """The object as it is to be logged, its bytes copied; None where it is not the version that was listed."""
        store, bucket = self.log.store, self.log.bucket
        folder, file_name = _parts(info.key)
        is_archive = folder in self._formats.several_tables
        try:
            with store.fetch(bucket, info.key, info.version) as path, path.open("rb") as stream:
                kind = folder if is_archive else self._formats.guess(file_name, stream.read(self._formats.head_bytes))
                stream.seek(0)
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
                stream.seek(0)
                key = copy_key(name, file_name, sha256)
                with store.open_write(bucket, key) as target:
                    hashing = HashingWriter(target)
                    shutil.copyfileobj(stream, hashing, 1 << 20)
        except (ObjectNotFound, ObjectChanged, FileNotFoundError, PermissionError, KeyRefused):
            return None
        if hashing.sha256 != sha256:
            return None
        copied = store.head(bucket, key)
        return DeliveredObject(
            object_id(name, file_name, sha256),
            key,
            "" if is_archive else folder,
            kind or "",
            hashing.size_bytes,
            sha256,
            version=copied.version if copied else "",
            source_key=info.key,
            source_version=info.version,
        )
