"""The subcommand ``forget``: takes a customer out of everything that the home keeps, and logs that it was done."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, BinaryIO, cast

import pyarrow.compute as pc

from concert_assets import deployment as deployments
from concert_assets.catalog.canonical import BY_NAME
from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.looking import look
from concert_assets.cli.runs import data_place, delivery_log, open_home, run_job, shown
from concert_assets.cli.traces import redact_home, tell_traces
from concert_assets.cli.upkeep import alone, drop_abandoned, living_runs
from concert_assets.cli.work import USE_WHAT_IS_DELIVERED
from concert_assets.deliveries.curated import CURATED_PREFIX
from concert_assets.deliveries.erasure import Person, erasure, leftovers, named_keys
from concert_assets.deliveries.hashing import HashingWriter
from concert_assets.deliveries.log import DELIVERY_PREFIX, RAW_ROWS, DeliveredObject, DeliveryLog, Entry, now
from concert_assets.deployment import Deployment
from concert_assets.glue_jobs.raw_objects import raw_rows
from concert_assets.sources.model import OBJECT_ID, Notes, UnreadableObject
from concert_assets.sources.raw_rows import RawRowsWriter

_MOST_LETTERS = 200
# A write that nobody names for so long is of a process that is gone.
_ABANDONED_SECONDS = 3600


def _refresh(deployment: Deployment) -> int:
    return run_job(deployment, "refresh_warehouse", {"ops": USE_WHAT_IS_DELIVERED})


def forget(deployment: Deployment, options: Any, *, refresh: Callable[[Deployment], int] = _refresh) -> int:
    """Erase a customer, then make the warehouse anew; run again after a crash, it goes on."""
    person = Person.of(options.customer)
    if not 0 < len(person.id) <= _MOST_LETTERS:
        raise WrongOption(
            f"CUSTOMER: {options.customer[:40]!r} is not allowed; it must have 1 to {_MOST_LETTERS} letters"
        )
    deployments.check_home(deployment)
    if not delivery_log(deployment).recorded():
        raise CommandFailed(f"nothing is delivered in {data_place(deployment)}; there is nobody to forget")
    open_home(deployment)
    with alone(deployment):
        return _forget(deployment, person, options.dry_run, refresh)


def _forget(deployment: Deployment, person: Person, is_rehearsal: bool, refresh: Callable[[Deployment], int]) -> int:
    from concert_assets.definitions import build_resources

    resources = build_resources(deployment)
    log = delivery_log(deployment)
    mark = person.mark(resources["signing"].key())
    if not is_rehearsal:
        _wait_for_runs(deployment)
        _take_in(deployment, resources["s3"], log)
    seen: dict[tuple[str, ...], int] = {}
    alike: set[str] = set()
    is_known = any(entry.kind == "erasure" and entry.note == mark for entry in log.recorded())
    is_first = True
    while True:
        found = look(deployment, log, person, seen)
        alike |= found.alike
        if found.lost:
            names = ", ".join(sorted({entry.delivery for entry in found.lost}))
            raise CommandFailed(
                f"the raw objects of {names} are gone or altered, and what is left or was curated of them holds "
                "the customer: restore them, or retract the delivery, and run forget again"
            )
        if is_first and not (found.is_sure or is_known):
            tell_traces(log, person, alike, is_rehearsal)
            raise CommandFailed(f"no delivery in {data_place(deployment)} holds the customer; nothing was changed")
        what = f"{found.rows:,} rows in {sum(map(len, found.units)):,} objects of {len(found.deliveries):,} deliveries"
        if is_rehearsal:
            print(f"would erase {what}" if found.units or found.gone else "erased already; nothing holds the customer")
            tell_traces(log, person, alike, is_rehearsal)
            return 0
        if not found.units:
            break
        made = [pair for unit in found.units for pair in _rewrite(log, unit, person)]
        entry = log.append(erasure(made, mark, found.rows, now()))
        print(f"erased {what}; entry {entry.sequence} of the log")
        is_first = False
    _delete(deployment, log, found.gone)
    resources["redshift"].discard()
    if person.is_distinctive:
        for path in redact_home(deployment.home, person):
            print(f"taken out of {shown(path)}")
    else:
        # A 20 in a report is most often something else, and Dagster's history would be broken by taking it out.
        print(
            "reports, Dagster's history and what the inbox left were not looked through: "
            "the id cannot be told from other words and numbers"
        )
    code = refresh(deployment)
    _delete(deployment, log, found.gone)  # also what a process that began before has curated meanwhile
    is_left = tell_traces(log, person, alike, is_rehearsal)
    return 1 if is_left else code


def _wait_for_runs(deployment: Deployment) -> None:
    """Wait until no run goes on: one that began before would write what is to be erased once more."""
    deadline = time.monotonic() + deployment.wait_seconds
    is_told = False
    while running := living_runs(deployment):
        if time.monotonic() > deadline:
            raise CommandFailed(f"run {running[0][:8]} is going on; run forget again when it has ended")
        if not is_told:
            print(f"waiting for run {running[0][:8]} to end")
            is_told = True
        time.sleep(0.5)


def _take_in(deployment: Deployment, s3: Any, log: DeliveryLog) -> None:
    """Make deliveries of what lies in the inbox, for the next run would, and bring the customer back."""
    from concert_assets.defs.raw_datasets import inbox_of

    inbox = inbox_of(s3, log)
    deadline = time.monotonic() + deployment.wait_seconds
    while (arrivals := inbox.arrivals()).settling:
        if time.monotonic() > deadline:
            raise CommandFailed(f"{arrivals.settling[0]} is still being written; run forget again when it is complete")
        time.sleep(0.5)
    inbox.take_in(arrivals)


def _rewrite(
    log: DeliveryLog, unit: Sequence[DeliveredObject], person: Person
) -> list[tuple[DeliveredObject, DeliveredObject]]:
    """Each object with one that holds the same rows in the same order, without the person, and nothing else."""
    notes = {item.object_id: Notes() for item in unit}
    refused = ""
    counts: Counter[tuple[str, str]] = Counter()
    made: dict[str, tuple[str, HashingWriter, RawRowsWriter]] = {}
    with ExitStack() as stack:
        for item in unit:
            name = person.redacted(item.key.rsplit("/", 1)[-1])
            key = f"{DELIVERY_PREFIX}erased/{uuid.uuid4().hex}/{name}"
            hashing = HashingWriter(stack.enter_context(log.store.open_write(log.bucket, key)))
            writer = RawRowsWriter(cast(BinaryIO, hashing))
            stack.callback(writer.abandon)
            made[item.object_id] = (key, hashing, writer)
        try:
            for table, batch in raw_rows(log.store, log.bucket, unit, notes):
                for object_id in batch[OBJECT_ID].unique().to_pylist():
                    rows = batch.filter(pc.equal(batch[OBJECT_ID], object_id)) if len(unit) > 1 else batch
                    made[object_id][2].write(table, person.erased(BY_NAME[table], rows)[0])
                    counts[object_id, table] += rows.num_rows
        except UnreadableObject as error:
            refused = person.redacted(str(error))
        for object_id, (_, _, writer) in made.items():
            writer.close(_redacted(notes[object_id], person), refused)
    pairs = []
    for item in unit:
        key, hashing, _ = made[item.object_id]
        info = log.store.head(log.bucket, key)
        new = replace(item, key=key, format=RAW_ROWS, size_bytes=hashing.size_bytes, sha256=hashing.sha256)
        pairs.append((item, replace(new, version=info.version if info else "")))
    _read_back(log, [new for _, new in pairs], counts, refused)
    return pairs


def _read_back(
    log: DeliveryLog, made: Sequence[DeliveredObject], counts: Counter[tuple[str, str]], refused: str
) -> None:
    """Make sure that the new objects hold what the old ones did, for these are about to be deleted."""
    found: Counter[tuple[str, str]] = Counter()
    reason = ""
    for item in made:
        try:
            for table, batch in raw_rows(log.store, log.bucket, [item], {item.object_id: Notes()}):
                found[item.object_id, table] += batch.num_rows
        except UnreadableObject as error:
            reason = str(error)
    if reason != refused or (not refused and found != counts):
        raise CommandFailed(f"{made[0].key} was not written as it should be ({reason or found}); nothing was changed")


def _redacted(notes: Notes, person: Person) -> Notes:
    columns = {table: [person.redacted(name) for name in names] for table, names in notes.unknown_columns.items()}
    return Notes(columns, [person.redacted(remark) for remark in notes.remarks])


def _delete(deployment: Deployment, log: DeliveryLog, gone: Sequence[Entry]) -> None:
    """Delete what erasures took the place of, and what nobody names: each step may be done again."""
    left = leftovers(log.recorded())
    named = named_keys([entry for entry in log.entries() if entry not in gone])
    for key in left.keys | {item.key for entry in gone for item in entry.objects if item.key not in named}:
        log.store.delete(log.bucket, key)
    for key, version in left.dropped:
        info = log.store.head(log.bucket, key)
        if info is not None and info.version == version:
            log.store.delete(log.bucket, key)
    for content_id in left.content_ids | {entry.content_id for entry in gone}:
        for info in log.store.list(deployment.processed_bucket, f"{CURATED_PREFIX}{content_id}/"):
            log.store.delete(deployment.processed_bucket, info.key)
    drop_abandoned(deployment, time.time() - _ABANDONED_SECONDS)
