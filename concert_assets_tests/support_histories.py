"""Random histories of a home: what is delivered and decided, and what happens to the processes that work on it."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from concert_assets.deliveries.inbox import Formats, Inbox
from concert_assets.deliveries.log import DeliveryLog
from concert_assets.glue_jobs.curation import Engine
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.sources.detect import guess_format
from concert_assets.warehousing.publish import NotPublishable, judge, publication, publish
from concert_assets_tests.support_core import ARTIST, CONCERT, RAW, SALE, VENUE, Core, as_jsonl, table_hashes

ENGINE = DuckDBEngine()

# Few keys and few values, so that rows repeat, win over one another, wait for one another and break rules.
STAMP = st.sampled_from([None, "2024-01-01", "2024-01-02"])
ARTISTS = st.builds(
    lambda key, name, stamp, score: ARTIST | {"artist_id": key, "name": name, "updated_at": stamp, "popularity_score": score},
    st.sampled_from(["a1", "a2", "a3"]), st.sampled_from(["Ada", "The Wolves", "Wolves, The", ""]), STAMP,
    st.sampled_from([40, 40, 60, 101]),
)  # fmt: skip
VENUES = st.builds(
    lambda key, name, capacity, stamp: VENUE | {"venue_id": key, "name": name, "capacity": capacity, "updated_at": stamp, "city": "York"},
    st.sampled_from(["v1", "v2"]), st.sampled_from(["Hall", "Grand Theater", "Grand Theatre"]), st.sampled_from([8, 10, 0]), STAMP,
)  # fmt: skip
CONCERTS = st.builds(
    lambda key, artist, venue, tickets, stamp, prices: CONCERT
    | {
        "concert_id": key, "artist_id": artist, "venue_id": venue, "tickets_sold": tickets, "total_attendance": None,
        "updated_at": stamp, "ticket_prices": prices,
    },
    st.sampled_from(["c1", "c2"]), st.sampled_from(["a1", "a2", "a3"]), st.sampled_from(["v1", "v2"]), st.sampled_from([8, 9]),
    STAMP, st.dictionaries(st.sampled_from(["general", "vip", "lawn"]), st.sampled_from([5, 7]), max_size=2),
)  # fmt: skip
SALES = st.builds(
    lambda key, concert, quantity, when: SALE
    | {"sale_id": key, "concert_id": concert, "quantity": quantity, "total_price": None if quantity == 3 else quantity * 11,
       "purchase_timestamp": when},
    st.sampled_from(["s1", "s2", "s3"]), st.sampled_from(["c1", "c2"]), st.sampled_from([1, 2, 3, 7]),
    st.sampled_from(["2024-04-01T12:00:00Z", "2024-05-01T20:00:00Z"]),
)  # fmt: skip
CONTENT = st.fixed_dictionaries(
    {},
    optional={
        "artists": st.lists(ARTISTS, min_size=1, max_size=3),
        "venues": st.lists(VENUES, min_size=1, max_size=3),
        "concerts": st.lists(CONCERTS, min_size=1, max_size=3),
        "ticket_sales": st.lists(SALES, min_size=1, max_size=4),
    },
).filter(bool)
DROPPED = st.one_of(
    st.tuples(st.just("artists"), st.lists(ARTISTS, max_size=3)),
    st.tuples(st.just("concerts"), st.lists(CONCERTS, max_size=3)),
)
NAME = st.sampled_from(["d", "e", "f"])
NOTHING = st.none()
STEP = st.one_of(
    st.tuples(st.just("deliver"), NAME, CONTENT),
    st.tuples(st.just("deliver"), NAME, CONTENT),
    st.tuples(st.sampled_from(["interleave", "in part"]), NAME, CONTENT),
    st.tuples(st.just("shrink"), st.integers(0, 9), st.integers(0, 3)),
    st.tuples(st.just("drop"), NAME, DROPPED),
    st.tuples(st.sampled_from(["again", "retraction", "hold", "release"]), st.integers(0, 9), NOTHING),
    st.tuples(st.sampled_from(["process", "race", "rules", "sweep"]), NOTHING, NOTHING),
    st.tuples(st.just("crash"), st.integers(0, 150), NOTHING),
)
Step = tuple[str, Any, Any]


class Crash(BaseException):
    """The process ends here; nothing that would handle an exception may see it."""


class _Dying:
    """A connection of a process that ends before its n-th statement: what it had begun is rolled back, not more.

    Only statements that begin with ``word`` are counted.
    """

    def __init__(self, connection: Any, statements: list[int], word: str) -> None:
        self._connection = connection
        self._left = statements
        self._word = word

    def execute(self, sql: str, *values: Any) -> Any:
        if sql != "rollback" and sql.lower().startswith(self._word):
            self._left[0] -= 1
            if self._left[0] < 0:
                raise Crash
        return self._connection.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class _DyingStore(FolderObjectStore):
    """A store of a process that ends before its n-th write: the object is not there, and no other one is touched."""

    def __init__(self, root: Path, left: list[int]) -> None:
        super().__init__(root)
        self._left = left

    @contextmanager
    def _temporary(self, target: Path) -> Iterator[Any]:
        self._left[0] -= 1
        if self._left[0] < 0:
            raise Crash
        with super()._temporary(target) as opened:
            yield opened


class Stricter:
    """An engine under which a rule of the catalog reads otherwise: the rules' code has changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, statement: str, relations: dict[str, pa.Table]) -> pa.Table:
        changed = statement.replace("popularity_score <= 100", "popularity_score <= 50")
        assert changed != statement or "raw_artists" not in relations
        return self._engine.run(changed, relations)


class HistoryCore(Core):
    """A home to which histories happen. The version of the rules lies beside it, as the code does beside a home."""

    def __init__(self, home: Path, rules: str = "rules-1") -> None:
        super().__init__(home, ENGINE)
        self.use_rules(rules)
        self.inbox = Inbox(self.log, Formats(guess_format), 0)

    def use_rules(self, rules: str) -> None:
        self.rules = self.code_version = rules
        self.engine = Stricter(ENGINE) if rules == "rules-2" else ENGINE  # type: ignore[assignment]

    def happen(self, step: Step) -> None:
        kind, choice, content = step
        deliveries = self.log.deliveries()
        match kind:
            case "deliver":
                self.deliver(choice, **content)
            case "drop":
                table, rows = content
                path = self.home / "objects" / RAW / "inbox" / table / f"{choice}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(as_jsonl(rows))
                self.inbox.take_in(self.inbox.arrivals())
            case "sweep":
                shutil.rmtree(self.home / "objects" / RAW / "inbox", ignore_errors=True)
            case "process":
                self.settle()
            case "race":
                self.race()
            case "rules":
                self.use_rules("rules-2")
            case "crash":
                self.crash(choice, content or "")
            case "interleave":
                self.interleave(choice, content)
            case "in part":
                self.process_in_part(choice, content)
            case _ if deliveries:
                meant = deliveries[choice % len(deliveries)]
                if kind == "again":
                    self.log.deliver(meant.name, meant.entry.objects, source="test")
                elif kind == "shrink":
                    self.log.deliver(
                        meant.name, meant.entry.objects[:content] or meant.entry.objects[:1], source="test"
                    )
                elif meant.state in ("live", "held"):
                    self.log.judge(meant, kind, "because")  # type: ignore[arg-type]

    def race(self) -> None:
        """Two processes that do the same at once."""
        raised: list[BaseException] = []

        def settle() -> None:
            other = HistoryCore(self.home, self.rules)
            other.engine = Stricter(DuckDBEngine()) if self.rules == "rules-2" else DuckDBEngine()  # type: ignore[assignment]
            try:
                other.settle()
            except BaseException as error:
                raised.append(error)

        threads = [threading.Thread(target=settle) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert raised == []

    def crash(self, statements: int, word: str = "") -> None:
        """A process that ends when it has written that many objects and run that many statements of a kind."""
        left = [statements]
        other = HistoryCore(self.home, self.rules)
        other.store = _DyingStore(self.store.root, left)
        other.log = DeliveryLog(other.store, RAW)
        opened = other.warehouse.session

        def session() -> Any:
            context = opened()
            enter = type(context).__enter__

            class Opened:
                def __enter__(self) -> Any:
                    made = enter(context)
                    made._connection = _Dying(made._connection, left, word)
                    return made

                def __exit__(self, *error: Any) -> Any:
                    return context.__exit__(*error)

            return Opened()

        other.warehouse.session = session  # type: ignore[method-assign]
        before = self.published()
        try:
            other.settle()
        except Crash:
            after = self.published()
            assert after[0] > before[0] or after == before, "what is seen after a crash is the old state or a new one"

    def published(self) -> tuple[int, dict[str, str]]:
        """Number of the last publication and hashes of what is published."""
        with self.warehouse.session() as session:
            last = publication(session)
            return (last.number, table_hashes(session)) if last else (0, {})

    def interleave(self, name: str, content: Any) -> None:
        """A process audits what is staged, another stages what has come since, and the first goes on to publish."""
        self.settle()
        self.curate()
        with self.warehouse.session() as session:
            self.stage(session)
            judge(session, "first")
        self.deliver(name, **content)
        self.curate()
        with self.warehouse.session() as session:
            self.stage(session)
        with self.warehouse.session() as session, suppress(NotPublishable):
            publish(session, "first")

    def process_in_part(self, name: str, content: Any) -> None:
        """A process works on when the newest delivery but one is not curated yet."""
        self.settle()
        late = self.deliver(name, **content)
        newest = self.deliver("g", artists=[ARTIST])
        self.curate(newest.sequence)
        with self.warehouse.session() as session, suppress(NotPublishable):
            self.stage(session)
            made = publish(session, "part")
            is_curated = self.manifest(late.content_id) is not None
            assert made.position < late.sequence or is_curated, "what is published is a state that the log went through"


def fresh(core: HistoryCore, home: Path) -> HistoryCore:
    """Another home that knows the log, the raw objects and the rules as they are now, and nothing else."""
    shutil.copytree(core.home / "objects" / "raw", home / "objects" / "raw")
    return HistoryCore(home, core.rules)
