"""The subcommands that bring deliveries and judge them: ``ingest``, ``release`` and ``retract``."""

import hashlib
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from concert_assets import deployment as deployments
from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.runs import open_home, run_job
from concert_assets.cli.work import USE_WHAT_IS_DELIVERED, check_test_size, delivery_log, training_config
from concert_assets.deliveries.log import DELIVERY_PREFIX, DeliveredObject, DeliveryLog, NoSuchDelivery, object_id
from concert_assets.deployment import Deployment
from concert_assets.sources.detect import HEAD_BYTES, guess_format
from concert_assets.sources.model import RawObject, UnreadableObject
from concert_assets.sources.read import read


def ingest(deployment: Deployment, options: Any) -> int:
    """Deliver each file that can be read, then bring everything up to date; 1 where a file was refused."""
    check_test_size(options)
    if options.delivery is not None and not options.delivery.strip():
        raise WrongOption("--delivery: a name must not be empty")
    deployments.check_home(deployment)
    refused = 0
    accepted = []
    for name in options.files:
        try:
            accepted.append((Path(name), *_read_through(Path(name), options)))
        except (UnreadableObject, OSError) as error:
            refused += 1
            reason = error.strerror if isinstance(error, OSError) else str(error)
            print(f"refused {name}: {reason}", file=sys.stderr)
    if not accepted:
        raise CommandFailed("no file could be read; nothing was delivered")
    open_home(deployment)
    log = delivery_log(deployment)
    if any(item.state == "live" and item.entry.source == "simulation" for item in log.deliveries()):
        print("note: this home holds generated data too; use another --home to keep yours apart", file=sys.stderr)
    for path, kind, rows in accepted:
        entry_name = options.delivery or f"{options.table or options.source}/{path.name}"
        _deliver(log, entry_name, path, options.table or "", kind, rows)
    config = {"ops": {**USE_WHAT_IS_DELIVERED, **training_config(options)}}
    code = run_job(deployment, "refresh_warehouse", config)
    return 1 if refused else code


def _read_through(path: Path, options: Any) -> tuple[str, dict[str, int]]:
    """The format of a file and its rows by table; UnreadableObject where it cannot be read to its end."""
    with path.open("rb") as stream:
        kind = options.source or guess_format(path.name, stream.read(HEAD_BYTES))
        if kind is None:
            raise UnreadableObject("neither name nor content tell the format; expected jsonl, csv or parquet")
        stream.seek(0)
        rows: Counter[str] = Counter()
        for table, batch in read(RawObject("", options.table, kind, path.name), stream):
            rows[table] += batch.num_rows
    return kind, dict(rows)


def _deliver(log: DeliveryLog, name: str, path: Path, table: str, kind: str, rows: dict[str, int]) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    sha256 = digest.hexdigest()
    key = f"{DELIVERY_PREFIX}{name}/{sha256[:16]}/{path.name}"
    size = 0
    copied = hashlib.sha256()
    with path.open("rb") as stream, log.store.open_write(log.bucket, key) as target:
        while block := stream.read(1 << 20):
            target.write(block)
            copied.update(block)
            size += len(block)
    if copied.hexdigest() != sha256:
        raise CommandFailed(f"{path} changed while it was read; deliver it again when it is complete")
    item = DeliveredObject(object_id(name, path.name, sha256), key, table, kind, size, sha256, rows=rows)
    entry, is_new = log.deliver(name, [item], source=kind)
    told = ", ".join(f"{count:,} {name}" for name, count in rows.items()) or "no rows"
    print(f"delivered {name} as number {entry.sequence}: {told}" if is_new else f"{name} is delivered already: {told}")


def release(deployment: Deployment, options: Any) -> int:
    """Accept a held delivery after all."""
    return _judge(deployment, options, "release")


def retract(deployment: Deployment, options: Any) -> int:
    """Take a delivery back."""
    return _judge(deployment, options, "retraction")


def _judge(deployment: Deployment, options: Any, kind: Any) -> int:
    deployments.check_home(deployment)
    log = delivery_log(deployment)
    try:
        delivery = log.find(options.delivery)
    except NoSuchDelivery as error:
        raise CommandFailed(str(error)) from error
    if kind == "release" and delivery.state != "held":
        raise CommandFailed(f"delivery {delivery.name} (number {delivery.sequence}) is {delivery.state}, not held")
    if delivery.state in ("retracted", "replaced"):
        raise CommandFailed(f"delivery {delivery.name} (number {delivery.sequence}) is {delivery.state} already")
    open_home(deployment)
    log.judge(delivery, kind, options.note)
    print(f"logged: {kind} of delivery {delivery.name} (number {delivery.sequence})")
    return run_job(deployment, "refresh_warehouse", {"ops": USE_WHAT_IS_DELIVERED})
