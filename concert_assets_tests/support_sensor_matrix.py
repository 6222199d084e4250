"""The sensor matrix: what people do to files between two looks at the inbox, the designs that look, and how they are judged.

A design sees, and then loads what it saw. What it must load is told by each scenario; what it did load is compared, key
by key and in order: what is lacking was missed, what is over was loaded twice.
"""

import hashlib
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import dagster as dg
from dagster_aws.s3.sensor import get_objects

from concert_assets.defs.arrivals import raw_object_arrived
from concert_assets.defs.jobs import load_arrivals
from concert_assets.defs.raw_datasets import inbox_of
from concert_assets.deliveries.log import DeliveryLog
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import INBOX_PREFIX, ObjectStore
from concert_assets_tests.support_core import ARTIST, PROCESSED, RAW, as_jsonl
from concert_assets_tests.support_moto import MotoServer

BEGIN = 1_700_000_000
FOLDER = f"{INBOX_PREFIX}artists/"
Load = tuple[str, str]  # name of the file and sha256 of the bytes that were loaded


def content(text: str) -> bytes:
    """An artist of that name: texts of one length make files of one size."""
    return as_jsonl([ARTIST | {"name": text}])


class Place(Protocol):
    """Where files are dropped, as people and their programs drop them."""

    store: ObjectStore

    def drop(self, key: str, data: bytes, second: int) -> None:
        """Put bytes there; they bear the time of that second, whenever they come."""
        ...

    def remove(self, key: str) -> None:
        """Take an object away."""
        ...


class DroppedFolder:
    """The inbox of a folder store. Files are renamed into it, or written in place where ``is_in_place``."""

    def __init__(self, home: Path, *, is_in_place: bool) -> None:
        self.store: ObjectStore = FolderObjectStore(home / "objects")
        self._root = home / "objects" / RAW
        self._beside = home / "beside"
        self._is_in_place = is_in_place
        home.mkdir(parents=True, exist_ok=True)

    def drop(self, key: str, data: bytes, second: int) -> None:
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        written = target if self._is_in_place else self._beside
        written.write_bytes(data)
        os.utime(written, (BEGIN + second, BEGIN + second))
        if written is not target:
            written.replace(target)

    def remove(self, key: str) -> None:
        (self._root / key).unlink()


class DroppedS3:
    """The inbox of a bucket."""

    def __init__(self, server: MotoServer) -> None:
        self.store: ObjectStore = server.empty()
        self._server = server
        self._second = -1

    def drop(self, key: str, data: bytes, second: int) -> None:
        # The time may lie before that of objects that are there: an upload in parts bears the time of its beginning.
        if second != self._second:
            self._server.clock(BEGIN + second)
            self._second = second
        self._server.store.client.put_object(Bucket=RAW, Key=key, Body=data)

    def remove(self, key: str) -> None:
        self._server.store.client.delete_object(Bucket=RAW, Key=key)


class Design(Protocol):
    """A way to find out what has arrived."""

    loaded: list[Load]

    def see(self) -> Any:
        """One tick: what is to be loaded."""
        ...

    def load(self, seen: Any, meanwhile: Callable[[], None]) -> None:
        """Load what was seen; ``meanwhile`` happens when it is known and not yet loaded."""
        ...


@dataclass
class Buckets:
    """The resource ``s3`` over the store of a place."""

    store: ObjectStore
    raw_bucket: str = RAW
    processed_bucket: str = PROCESSED
    settle_seconds: float = 0.0
    url: str = ""
    arrivals: None = None


@dataclass
class Published:
    """What the sensor sees of the resource ``redshift``."""

    position: int = 0

    def published_position(self) -> int:
        return self.position


@dg.job(name=load_arrivals.name)
def _run_that_was() -> None:
    """Stands in the run history for a run of that job, whose first step is done here."""


class OfTheLog:
    """This project's: the sensor, and what the run that it asks for takes in. What was loaded is what the log says."""

    def __init__(self, place: Place) -> None:
        self._s3 = Buckets(place.store)
        self._redshift = Published()
        self._log = DeliveryLog(place.store, RAW)
        self._asked: set[str | None] = set()
        self._instance = dg.DagsterInstance.ephemeral()

    @property
    def loaded(self) -> list[Load]:
        objects = [item for delivery in self._log.deliveries() for item in delivery.entry.objects]
        return [(item.source_key.removeprefix(FOLDER), item.sha256) for item in objects]

    def see(self) -> dg.RunRequest | dg.SkipReason:
        context = dg.build_sensor_context(instance=self._instance)
        found = raw_object_arrived(context, s3=self._s3, redshift=self._redshift)
        assert isinstance(found, dg.RunRequest | dg.SkipReason)
        return found

    def load(self, seen: dg.RunRequest | dg.SkipReason, meanwhile: Callable[[], None]) -> None:
        if isinstance(seen, dg.SkipReason) or seen.run_key in self._asked:
            return meanwhile()
        self._asked.add(seen.run_key)  # Dagster starts no run for a key that it knows
        inbox = inbox_of(self._s3, self._log)
        arrivals = inbox.arrivals()
        meanwhile()
        inbox.take_in(arrivals)
        self._redshift.position = len(self._log.entries())
        self._instance.create_run_for_job(_run_that_was, tags=seen.tags, status=dg.DagsterRunStatus.SUCCESS)
        return None


class OfDagsterAws:
    """The helper of dagster-aws, its cursor kept as its documentation does; reads each object that it names.

    A run is asked for again where key, ETag or time are others, which is kinder than the key alone.
    """

    def __init__(self, place: Place, *, since: str) -> None:
        self.loaded: list[Load] = []
        self._client = place.store.client  # type: ignore[attr-defined]
        self._since = since
        self._cursor: Any = None
        self._asked: set[tuple[str, str, datetime]] = set()

    def see(self) -> list[Any]:
        objects = get_objects(RAW, INBOX_PREFIX, client=self._client, **{self._since: self._cursor})
        if objects:
            self._cursor = objects[-1]["Key" if self._since == "since_key" else "LastModified"]
        return objects

    def load(self, seen: list[Any], meanwhile: Callable[[], None]) -> None:
        meanwhile()
        for item in seen:
            version = (item["Key"], item["ETag"], item["LastModified"])
            if version in self._asked:
                continue
            self._asked.add(version)
            try:
                data = self._client.get_object(Bucket=RAW, Key=item["Key"])["Body"].read()
            except self._client.exceptions.NoSuchKey:
                continue
            self.loaded.append((item["Key"].removeprefix(FOLDER), hashlib.sha256(data).hexdigest()))


OURS = "the log"
DESIGNS: dict[str, Callable[[Place], Design]] = {
    OURS: OfTheLog,
    "since_key": partial(OfDagsterAws, since="since_key"),
    "since_last_modified": partial(OfDagsterAws, since="since_last_modified"),
}


@dataclass
class Trial:
    """A scenario as it goes on: drops that are to be loaded unless they say otherwise, and ticks."""

    place: Place
    design: Design
    seconds: list[float] = field(default_factory=list)
    said: str = ""
    _expected: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def drop(self, name: str, text: str = "one", second: int = 0, *, is_new: bool = True) -> None:
        """Drop a file; ``is_new`` tells whether its bytes are to be loaded."""
        data = content(text)
        self.place.drop(FOLDER + name, data, second)
        if is_new:
            self._expected[name].append(hashlib.sha256(data).hexdigest())

    def remove(self, name: str) -> None:
        """Delete a file."""
        self.place.remove(FOLDER + name)

    def tick(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Look, and load what was seen; ``meanwhile`` happens in between."""
        started = time.perf_counter()
        try:
            seen = self.design.see()
        except Exception as error:  # a design's failure is what the matrix is to show
            self.said = str(error)
            return
        finally:
            self.seconds.append(time.perf_counter() - started)
        self.design.load(seen, meanwhile)

    def judge(self) -> "Judged":
        """What was missed and what was loaded twice."""
        loaded: dict[str, list[str]] = defaultdict(list)
        for name, sha256 in self.design.loaded:
            loaded[name].append(sha256)
        matched = Counter({name: _common(hashes, loaded[name]) for name, hashes in self._expected.items()})
        return Judged(
            missed=sum(len(hashes) - matched[name] for name, hashes in self._expected.items()),
            twice=sum(len(hashes) - matched[name] for name, hashes in loaded.items()),
            loaded=sum(map(len, loaded.values())),
            tick_seconds=max(self.seconds),
            said=self.said,
        )


@dataclass(frozen=True)
class Judged:
    """How a design fared: objects missed, objects loaded once too often, and its longest tick."""

    missed: int
    twice: int
    loaded: int
    tick_seconds: float
    said: str


def _common(expected: list[str], loaded: list[str]) -> int:
    """The length of the longest common subsequence."""
    lengths = [0] * (len(loaded) + 1)
    for wanted in expected:
        before = 0
        for place, found in enumerate(loaded, 1):
            before, lengths[place] = (
                lengths[place],
                max(before + 1 if wanted == found else 0, lengths[place], lengths[place - 1]),
            )
    return lengths[-1]


def run(scenario: Callable[[Trial], None], place: Place, design: str) -> Judged:
    """Play a scenario before a design and judge it, after one more tick in which nothing has happened."""
    trial = Trial(place, DESIGNS[design](place))
    scenario(trial)
    trial.tick()
    return trial.judge()
