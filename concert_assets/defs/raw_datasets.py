"""``raw/*``: the live deliveries in the raw bucket, generated where there are none and none are expected."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Any, BinaryIO, Literal, cast

import dagster as dg
from pydantic import Field

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.code import code_version
from concert_assets.defs.common import result, spec
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.retries import retried
from concert_assets.defs.s3_objects import is_complete
from concert_assets.deliveries.inbox import Formats, Inbox
from concert_assets.deliveries.log import DELIVERY_PREFIX, DeliveredObject, Delivery, DeliveryLog, object_id
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets.resources.s3.resource import S3

SIMULATION = "simulation"
TRUTH_PREFIX = "truth/"  # no asset reads below it


class GenerationConfig(dg.Config):
    """What to generate, and when. The defaults are the demo's."""

    generate: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="auto: where nothing is delivered; always: even beside a user's files; never: use what is there",
    )
    artists: int = Field(default=1_000, description="Artists to generate")
    venues: int = Field(default=500, description="Venues to generate")
    concerts: int = Field(default=10_000, description="Concerts to generate")
    sales: str = Field(default="50000", description="Ticket orders to generate, or full for all that the concerts sell")
    seed: int = Field(default=42, description="Seed of the random streams")
    as_of: str = Field(default="2026-01-01", description="Day that divides past concerts from those to come")
    defect_rate: float = Field(default=0.01, description="Share of rows that carry an injected defect")
    raw_format: str = Field(default="jsonl", description="Format of the raw objects: jsonl, csv or parquet")


class _Sink:
    """Hands the generator streams below one prefix of the raw bucket."""

    def __init__(self, store: ObjectStore, bucket: str, prefix: str) -> None:
        self._store = store
        self._bucket = bucket
        self._prefix = prefix

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        return self._store.open_write(self._bucket, self._prefix + key)


def _generate(context: dg.AssetExecutionContext, s3: S3, log: DeliveryLog, config: GenerationConfig) -> None:
    from concert_assets.simulation.settings import SettingsError, SimulationSettings
    from concert_assets.simulation.world import simulate

    asked = config.model_dump(exclude={"generate"})
    settings_text = json.dumps(asked | {"generator": code_version("simulation")}, sort_keys=True)
    fingerprint = hashlib.sha256(settings_text.encode()).hexdigest()[:16]
    prefix = f"{DELIVERY_PREFIX}{SIMULATION}/{fingerprint}/"
    for delivery in log.deliveries():
        if delivery.name == SIMULATION and delivery.state in ("live", "held"):
            is_same = (delivery.entry.settings or {}).get("fingerprint") == fingerprint
            if is_same and is_complete(s3, delivery.entry):
                context.log.info("the same world is delivered already; nothing is generated")
                return
    try:
        sales: int | Literal["full"] = "full" if config.sales == "full" else int(config.sales)
        settings = SimulationSettings(
            **cast(Any, asked | {"sales": sales, "as_of": date.fromisoformat(config.as_of)}),
        )
        generated = simulate(
            settings,
            _Sink(s3.store, s3.raw_bucket, prefix),
            _Sink(s3.store, s3.raw_bucket, f"{TRUTH_PREFIX}{SIMULATION}/{fingerprint}/"),
            progress=_tell_progress(context),
        )
    except (SettingsError, ValueError) as error:
        raise dg.Failure(str(error)) from error
    objects = [
        DeliveredObject(
            object_id(SIMULATION, item.key, item.sha256),
            prefix + item.key,
            item.table,
            item.format,
            item.size_bytes,
            item.sha256,
            version=info.version if (info := s3.store.head(s3.raw_bucket, prefix + item.key)) else "",
            rows={item.table: item.rows},
        )
        for item in generated.objects
    ]
    log.deliver(
        SIMULATION,
        objects,
        source=SIMULATION,
        settings=asked
        | {
            "fingerprint": fingerprint,
            "sample_rate": generated.sample_rate,
            "generated": generated.generated,
            "delivered": generated.delivered,
        },
    )


def _tell_progress(context: dg.AssetExecutionContext) -> Callable[[str, int, int], None]:
    """Tell of every finished table, and of one that takes long every few seconds."""
    told = time.monotonic()

    def tell(table: str, done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() - told > 3:
            told = time.monotonic()
            context.log.info(f"generated {done:,} of {total:,} rows of {table}")

    return tell


def inbox_of(s3: S3, log: DeliveryLog) -> Inbox:
    """The inbox of the deployment's raw bucket."""
    from concert_assets.sources.detect import HEAD_BYTES, guess_format
    from concert_assets.sources.read import GROUPED, SEVERAL_TABLES

    return Inbox(log, Formats(guess_format, SEVERAL_TABLES, frozenset(GROUPED), HEAD_BYTES), s3.settle_seconds)


def _take_in(context: dg.AssetExecutionContext, s3: S3, log: DeliveryLog) -> None:
    """Log what was dropped into the inbox, in every run, whoever launched it."""
    inbox = inbox_of(s3, log)
    arrivals = inbox.arrivals()
    taken = inbox.take_in(arrivals)
    for entry in taken.new:
        context.log.info(f"delivered {entry.delivery} as number {entry.sequence}")
    if taken.known:
        context.log.info(f"dropped again, byte by byte the same: {_some(taken.known)}")
    left = [*arrivals.settling, *taken.left]
    if left:
        context.log.warning(f"left for the next run, for they were still changing or cannot be read: {_some(left)}")
    if left and not log.deliveries():
        raise dg.Failure(f"what lies in the inbox is still changing or cannot be read: {_some(left)}; run again")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _is_wanted(config: GenerationConfig, deliveries: list[Delivery]) -> bool:
    # A home into which anything was ever delivered expects deliveries, also when all were taken back.
    if config.generate == "never" and not deliveries:
        raise dg.Failure(
            "nothing is delivered and generation is off: ingest files, drop them in the inbox, "
            "or generate (generate: auto)"
        )
    return config.generate == "always" or (config.generate == "auto" and not deliveries)


@dg.multi_asset(
    name="raw",
    specs=[
        spec(
            "raw",
            table.name,
            f"Delivered objects that bring {table.name.replace('_', ' ')}, bytes as they came.",
            kinds={"s3"},
            code=("simulation", "deliveries"),
        )
        for table in TABLES
    ],
    hooks={REPORT_ON_FAILURE},
)
@retried
def raw_datasets(
    context: dg.AssetExecutionContext,
    config: GenerationConfig,
    s3: dg.ResourceParam[S3],
    journal: dg.ResourceParam[Any],
) -> Iterator[dg.MaterializeResult[Any]]:
    """The live deliveries."""
    log = DeliveryLog(s3.store, s3.raw_bucket)
    _take_in(context, s3, log)
    if _is_wanted(config, log.deliveries()):
        _generate(context, s3, log, config)
    deliveries = log.deliveries()
    live = [delivery for delivery in deliveries if delivery.state == "live"]
    for table in TABLES:
        # A format may bring several tables in one object; it then names no table and is shown with each.
        objects = [
            (delivery, item)
            for delivery in live
            for item in delivery.entry.objects
            if item.table in ("", table.name) or (table.name == "ticket_prices" and item.table == "concerts")
        ]
        stated = [(item.rows or {}).get(table.name) for _, item in objects]
        yield result(
            dg.AssetKey(["raw", table.name]),
            sum(cast(list[int], stated)) if None not in stated else None,
            s3.store.uri(s3.raw_bucket),
            objects=len(objects),
            size_bytes=sum(item.size_bytes for _, item in objects),
            deliveries=sorted({delivery.name for delivery, _ in objects}),
            held_deliveries=sorted(delivery.name for delivery in deliveries if delivery.state == "held"),
            log_position=len(log.entries()),
        )
