"""The subcommands that bring deliveries and judge them: ``ingest``, ``release`` and ``retract``."""

import hashlib
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from concert_assets import deployment as deployments
from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.runs import delivery_log, inbox, inbox_place, open_home, run_job
from concert_assets.cli.work import SIMULATION, USE_WHAT_IS_DELIVERED, check_test_size, training_config
from concert_assets.deliveries.hashing import HashingWriter
from concert_assets.deliveries.inbox import copy_key
from concert_assets.deliveries.log import DeliveredObject, DeliveryLog, NoSuchDelivery, object_id, position_of
from concert_assets.deployment import Deployment
from concert_assets.resources.s3.protocol import KeyRefused
from concert_assets.sources.detect import HEAD_BYTES, guess_format
from concert_assets.sources.model import OBJECT_ID, Notes, RawObject, UnreadableObject
from concert_assets.sources.read import GROUPED, SEVERAL_TABLES, read, read_together


def ingest(deployment: Deployment, options: Any) -> int:
    """Deliver each file that can be read, then bring everything up to date; 1 where a file was refused."""
    check_test_size(options)
    _check_names(options)
    deployments.check_home(deployment)
    if not options.files:
        return _ingest_inbox(deployment, options)
    refused = 0
    accepted: list[_File] = []
    for paths in _units(options):
        try:
            accepted += _read_through(paths, options)
        except (UnreadableObject, OSError) as error:
            refused += 1
            reason = error.strerror if isinstance(error, OSError) else str(error)
            if options.source in GROUPED and isinstance(error, OSError):
                reason = f"{error.filename}: {reason}"
            print(f"refused {options.source if options.source in GROUPED else paths[0]}: {reason}", file=sys.stderr)
    if not accepted:
        raise CommandFailed("no file could be read; nothing was delivered")
    open_home(deployment)
    log = delivery_log(deployment)
    if any(item.state == "live" and item.entry.source == SIMULATION for item in log.deliveries()):
        print("note: this home holds generated data too; use another --home to keep yours apart", file=sys.stderr)
    if options.delivery or options.source in GROUPED:
        _deliver(log, options.delivery or options.source, accepted, options)
    else:
        for file in accepted:
            _deliver(log, f"{options.table or options.source}/{file.path.name}", [file], options)
    config = {"ops": {**USE_WHAT_IS_DELIVERED, **training_config(options)}}
    code = run_job(deployment, "refresh_warehouse", config)
    return 1 if refused else code


def _ingest_inbox(deployment: Deployment, options: Any) -> int:
    """Take in what lies in the inbox, and end what a killed command had begun."""
    from concert_assets.definitions import build_resources

    open_home(deployment)
    arrivals = inbox(deployment).arrivals()
    redshift = build_resources(deployment)["redshift"]
    is_behind = redshift.published_position() < position_of(delivery_log(deployment).entries())
    if not arrivals.deliveries and not is_behind:
        left = f"; {len(arrivals.settling)} still changing" if arrivals.settling else ""
        print(f"nothing new in the inbox {inbox_place(deployment)}{left}")
        return 1 if left else 0
    return run_job(deployment, "refresh_warehouse", {"ops": {**USE_WHAT_IS_DELIVERED, **training_config(options)}})


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    kind: str
    rows: dict[str, int]


def _check_names(options: Any) -> None:
    if options.files and not (options.table or options.source):
        raise WrongOption("one of --table and --source must be given, to say what the files are")
    if not options.files and (options.table or options.source or options.delivery):
        raise WrongOption("FILE: --table, --source and --delivery are said of files, and none is given")
    names = Counter(Path(name).name for name in options.files)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        # Each would take the place of the one before it: the name of a file is the name of its delivery.
        raise WrongOption(f"FILE: {twice[0]!r} is the name of {names[twice[0]]} files; names must differ")
    if options.delivery is not None and not 0 < len(options.delivery.strip()) <= 200:
        raise WrongOption(f"--delivery: {options.delivery[:40]!r} is not allowed; it must have 1 to 200 letters")
    if options.delivery == SIMULATION:
        raise WrongOption(f"--delivery: {SIMULATION!r} is the name of generated data; choose another")


def _units(options: Any) -> list[list[Path]]:
    """The files by what is read at once; of a source whose files belong together a folder stands for its files."""
    paths = [Path(name) for name in options.files]
    if options.source not in GROUPED:
        return [[path] for path in paths]
    return [
        [file for path in paths for file in (sorted(filter(_is_plain, path.iterdir())) if path.is_dir() else [path])]
    ]


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _read_through(paths: Sequence[Path], options: Any) -> list[_File]:
    """Files with format and rows by table; UnreadableObject where they cannot be read to their end."""
    if not paths:
        raise UnreadableObject("the folder holds no files")
    with ExitStack() as stack:
        opened = []
        for position, path in enumerate(paths):
            stream = stack.enter_context(path.open("rb"))
            kind = options.source or guess_format(path.name, stream.read(HEAD_BYTES))
            if kind is None:
                raise UnreadableObject("neither name nor content tell the format: csv, jsonl, json, xml or parquet")
            if options.table and kind in SEVERAL_TABLES:
                raise UnreadableObject(f"it is of the format {kind}; ingest it with --source {kind}")
            stream.seek(0)
            opened.append((RawObject(str(position), options.table, kind, path.name), stream))
        rows: list[Counter[str]] = [Counter() for _ in paths]
        if options.source in GROUPED:
            for table, batch in read_together(opened, {obj.object_id: Notes() for obj, _ in opened}):
                rows[int(batch[OBJECT_ID][0].as_py())][table] += batch.num_rows
        else:
            for table, batch in read(*opened[0]):
                rows[0][table] += batch.num_rows
        return [_File(path, obj.format, dict(found)) for path, (obj, _), found in zip(paths, opened, rows, strict=True)]


def _deliver(log: DeliveryLog, name: str, files: Sequence[_File], options: Any) -> None:
    objects = [_copy(log, name, file, options.table or "") for file in files]
    entry, is_new = log.deliver(name, objects, source=options.source or "files")
    rows: Counter[str] = Counter()
    for file in files:
        rows.update(file.rows)
    told = ", ".join(f"{count:,} {table}" for table, count in rows.items()) or "no rows"
    print(f"delivered {name} as number {entry.sequence}: {told}" if is_new else f"{name} is delivered already: {told}")


def _copy(log: DeliveryLog, name: str, file: _File, table: str) -> DeliveredObject:
    """Copy a file into the raw bucket, under its hash, and make sure that it held still meanwhile."""
    with file.path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        key = copy_key(name, file.path.name, sha256)
        try:
            with log.store.open_write(log.bucket, key) as target:
                hashing = HashingWriter(target)
                shutil.copyfileobj(stream, hashing, 1 << 20)
        except KeyRefused as error:
            raise CommandFailed(f"{file.path}: {error}") from error
    if hashing.sha256 != sha256:
        raise CommandFailed(f"{file.path} changed while it was read; deliver it again when it is complete")
    info = log.store.head(log.bucket, key)
    return DeliveredObject(
        object_id(name, file.path.name, sha256),
        key,
        table,
        file.kind,
        hashing.size_bytes,
        sha256,
        version=info.version if info else "",
        rows=file.rows,
    )


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
