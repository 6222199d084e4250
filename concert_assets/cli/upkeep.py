"""The subcommand ``gc``, and what it shares with ``forget``: one at a time, and no harm to runs that go on."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from concert_assets import deployment as deployments
from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.runs import data_place, delivery_log, object_store, open_home, shown
from concert_assets.deliveries.curated import CuratedObjectDamaged
from concert_assets.deliveries.garbage import Garbage, curated_garbage, drop, raw_garbage
from concert_assets.deployment import Deployment
from concert_assets.resources.redshift.loading import MANIFESTS
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectInfo, ObjectStore

_SHOWN = 20


@contextmanager
def alone(deployment: Deployment) -> Iterator[None]:
    """Let no other upkeep of the home go on meanwhile."""
    try:
        with FileLock(str(deployment.home / "upkeep.lock"), timeout=deployment.wait_seconds):
            yield
    except Timeout as error:
        raise CommandFailed(
            f"another gc or forget is at {shown(deployment.home)}; try again when it has ended"
        ) from error


def living_runs(deployment: Deployment) -> list[str]:
    """The ids of the runs that other processes are at."""
    from concert_assets.definitions import build_resources

    return list(build_resources(deployment)["journal"].alive())


def gc(deployment: Deployment, options: Any, *, now: Callable[[], float] = time.time) -> int:
    """Drop what no manifest in use and no entry of the log names, or list it."""
    if options.older_than < 1:
        raise WrongOption(f"--older-than: {options.older_than} is not allowed; it must be 1 hour or more")
    deployments.check_home(deployment)
    if not delivery_log(deployment).recorded():
        raise CommandFailed(f"nothing is delivered in {data_place(deployment)}; there is nothing to drop")
    open_home(deployment)
    with alone(deployment):
        before = _not_before_runs(deployment, now() - options.older_than * 3600)
        is_caught_up = _is_caught_up(deployment)
        found = [*_abandoned(deployment, before), *_found(deployment, before, is_caught_up)]
        sizes: dict[str, list[int]] = defaultdict(list)
        for position, (garbage, drop_it) in enumerate(found):
            if options.dry_run and position < _SHOWN:
                print(f"{garbage.info.size_bytes:>14,}  {garbage.bucket}/{garbage.info.key}")
            if options.dry_run or drop_it():
                sizes[garbage.reason].append(garbage.info.size_bytes)
    if options.dry_run and len(found) > _SHOWN:
        print(f"{len(found) - _SHOWN:,} more")
    for reason, of_reason in sorted(sizes.items()):
        print(f"{len(of_reason):>8,} objects  {sum(of_reason):>14,} bytes  {reason}")
    objects, total = sum(map(len, sizes.values())), sum(map(sum, sizes.values()))
    print(f"{'would drop' if options.dry_run else 'dropped'} {objects:,} objects, {total:,} bytes")
    if not is_caught_up:
        print(
            "the warehouse is behind the log or the rules, so what it may refer to is kept: run rebuild, then gc again"
        )
    return 0


def _found(deployment: Deployment, before: float, is_caught_up: bool) -> Iterator[tuple[Garbage, Callable[[], bool]]]:
    from concert_assets.defs.s3_objects import rules_version

    log = delivery_log(deployment)
    garbage = [
        *raw_garbage(log.store, log.bucket, log.entries, before),
        *curated_garbage(
            log.store,
            deployment.processed_bucket,
            log.entries(),
            rules_version(),
            before,
            is_caught_up=is_caught_up,
        ),
    ]
    for item in garbage:
        yield item, partial(drop, log.store, item, log.entries, before)


def drop_abandoned(deployment: Deployment, before: float) -> None:
    """Remove what no entry and no manifest names, and no living process is about to name."""
    for _, drop_it in [*_abandoned(deployment, before), *_found(deployment, before, is_caught_up=False)]:
        drop_it()


def _abandoned(deployment: Deployment, before: float) -> Iterator[tuple[Garbage, Callable[[], bool]]]:
    """Files of writes that were begun and left, and what Redshift was to load or gave and no process took away."""
    store = object_store(deployment)
    if not isinstance(store, FolderObjectStore):
        for info in store.list(deployment.processed_bucket, MANIFESTS):
            if info.changed_at < before:
                found = Garbage(deployment.processed_bucket, info, "a load that was begun and left")
                yield found, partial(_delete, store, found)
        return  # of uploads that were begun and left a lifecycle rule of the buckets disposes
    for bucket in (deployment.raw_bucket, deployment.processed_bucket):
        for path in store.unfinished(bucket):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # the write has ended
            if status.st_mtime < before:
                key = str(path.relative_to(deployment.objects / bucket))
                info = ObjectInfo(key, status.st_size, "", status.st_mtime)
                yield (
                    Garbage(bucket, info, "a write that was begun and left"),
                    partial(_unlink, path, status.st_mtime_ns),
                )


def _delete(store: ObjectStore, garbage: Garbage) -> bool:
    store.delete(garbage.bucket, garbage.info.key)
    return True


def _unlink(path: Path, changed_ns: int) -> bool:
    """Remove a file unless it was written to since it was listed."""
    with suppress(FileNotFoundError):  # the write has ended
        if path.stat().st_mtime_ns == changed_ns:
            path.unlink()
            return True
    return False


def _not_before_runs(deployment: Deployment, before: float) -> float:
    """The time, or that at which the oldest of the runs that are going on began, if it is earlier."""
    import dagster as dg

    running = living_runs(deployment)
    if not running:
        return before
    with dg.DagsterInstance.get() as instance:
        records = instance.get_run_records(dg.RunsFilter(run_ids=running))
    return min([before, *(record.create_timestamp.timestamp() for record in records)])


def _is_caught_up(deployment: Deployment) -> bool:
    """Whether what is staged is what a run would stage now, so that it refers to nothing else."""
    from concert_assets.catalog.code import code_version
    from concert_assets.definitions import build_resources
    from concert_assets.defs.common import WAREHOUSE_CODE
    from concert_assets.defs.s3_objects import manifest_reader
    from concert_assets.warehousing.staging import curated_state, staged_position

    resources = build_resources(deployment)
    if not resources["redshift"].is_begun():
        return True
    with resources["redshift"].session() as session:
        entries = delivery_log(deployment).entries()
        try:
            state = curated_state(entries, manifest_reader(resources["s3"], entries), code_version(*WAREHOUSE_CODE))
        except CuratedObjectDamaged:
            return False
        return staged_position(session) == (state.position, state.fingerprint)
