"""``curated/*``: accepted rows of every delivery as Parquet objects, and ``curated/rejects``, the refused ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.code import code_version
from concert_assets.catalog.operational import ROW_OUTCOMES
from concert_assets.defs.common import CURATION_CODE, import_meanwhile, keys, result, spec
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.retries import MayPass, retried
from concert_assets.deliveries.curated import (
    CURATED_PREFIX,
    CuratedManifest,
    CuratedObjectDamaged,
    discard_manifest,
    older_manifest,
    read_manifest,
)
from concert_assets.deliveries.log import Delivery, DeliveryLog, Entry, settle
from concert_assets.resources.glue.protocol import GlueJobFailed, GlueJobs
from concert_assets.resources.s3.resource import S3
from concert_assets.warehousing.staging import needs_curation


def rules_version() -> str:
    """The version of everything that decides what curation makes of a row."""
    return code_version(*CURATION_CODE)


def manifest_reader(s3: S3, entries: Sequence[Entry]) -> Callable[[str], CuratedManifest | None]:
    """A function that finds the manifest of a delivery by its content.

    It is the one under the rules as they are now; where the raw objects are gone, so that the delivery cannot be
    curated anew, the one under the rules it was curated by.
    """
    by_content = {entry.content_id: entry for entry in entries if entry.kind == "delivery"}

    def manifest_of(content_id: str) -> CuratedManifest | None:
        found = read_manifest(s3.store, s3.processed_bucket, content_id, rules_version())
        if found is None and not is_complete(s3, by_content[content_id]):
            found = older_manifest(s3.store, s3.processed_bucket, content_id)
        return found

    return manifest_of


def is_complete(s3: S3, entry: Entry) -> bool:
    """Whether every raw object of a delivery is there in its size."""
    infos = ((item, s3.store.head(s3.raw_bucket, item.key)) for item in entry.objects)
    return all(info is not None and info.size_bytes == item.size_bytes for item, info in infos)


def _missing(context: dg.AssetExecutionContext, s3: S3, entries: Sequence[Entry]) -> list[Delivery]:
    """The deliveries that are to be curated."""
    manifest_of = manifest_reader(s3, entries)
    missing = []
    for delivery in needs_curation(settle(entries)):
        try:
            if manifest_of(delivery.entry.content_id) is None:
                missing.append(delivery)
        except CuratedObjectDamaged as error:
            context.log.warning(f"{error}; it is curated anew")
            discard_manifest(s3.store, s3.processed_bucket, delivery.entry.content_id, rules_version())
            missing.append(delivery)
    return missing


def _hold_uncurable(s3: S3, log: DeliveryLog, faults: Mapping[str, str]) -> list[str]:
    """Hold the live deliveries whose raw objects are not what was delivered, so that the next run goes on without them.

    One that was curated before, by whatever rules, is not held: its rows are published and stay so.
    """
    held = []
    for delivery in log.deliveries():
        fault = faults.get(delivery.entry.content_id)
        if fault is None or delivery.state != "live":
            continue
        if older_manifest(s3.store, s3.processed_bucket, delivery.entry.content_id) is None:
            log.judge(delivery, "hold", f"it cannot be curated: {fault}"[:2000])
            held.append(delivery.name)
    return held


@dg.multi_asset(
    name="curated",
    specs=[
        *(
            spec(
                "curated",
                table.name,
                f"Accepted rows of {table.name.replace('_', ' ')}, typed, one Parquet object a delivery.",
                kinds={"glue", "s3", "parquet"},
                code=CURATION_CODE,
                deps=keys("raw", TABLES),
                columns=table.columns,
            )
            for table in TABLES
        ),
        spec(
            "curated",
            "rejects",
            "Refused rows of all tables as they came, with rule, column, value and reason.",
            kinds={"glue", "s3", "parquet"},
            code=CURATION_CODE,
            deps=keys("raw", TABLES),
            columns=ROW_OUTCOMES.columns,
        ),
    ],
    hooks={REPORT_ON_FAILURE},
)
@retried
def s3_objects(
    context: dg.AssetExecutionContext,
    s3: dg.ResourceParam[S3],
    glue: dg.ResourceParam[GlueJobs],
    journal: dg.ResourceParam[Any],
) -> Iterator[dg.MaterializeResult[Any]]:
    """Curate what is not curated yet under the rules as they are now."""
    log = DeliveryLog(s3.store, s3.raw_bucket)
    entries = log.entries()
    missing = _missing(context, s3, entries)
    failure: GlueJobFailed | None = None
    told: Sequence[Mapping[str, Any]] = ()
    if missing:
        extras = {
            "store": s3.url,
            "raw_bucket": s3.raw_bucket,
            "processed_bucket": s3.processed_bucket,
            "deliveries": [
                {
                    "name": delivery.name,
                    "content_id": delivery.entry.content_id,
                    "rules_version": rules_version(),
                    "objects": [asdict(item) for item in delivery.entry.objects],
                }
                for delivery in missing
            ],
        }
        import_meanwhile("duckdb", "sqlglot", "pandas", "concert_assets.learning.sales", "skops.io")
        try:
            told = glue.run(context, "curate", extras)
        except GlueJobFailed as error:
            failure, told = error, error.messages
    errors = {message["content_id"]: message["error"] for message in told if "error" in message}
    faults = {message["content_id"]: message["error"] for message in told if message.get("is_its_fault")}
    passing = {message["content_id"] for message in told if message.get("may_pass")}
    # What the job reported lies in the manifests, so it is not lost when the job died after some deliveries.
    manifest_of = manifest_reader(s3, entries)
    deliveries = needs_curation(settle(entries))
    manifests = {d.sequence: manifest_of(d.entry.content_id) for d in deliveries}
    undone = [d for d in deliveries if d.state == "live" and manifests[d.sequence] is None]
    if failure is not None or undone:
        held = _hold_uncurable(s3, log, faults)
        reasons = [str(failure)] if failure else []
        reasons += [f"{d.name}: {errors[d.entry.content_id]}" for d in deliveries if d.entry.content_id in errors]
        reasons += [f"held: {', '.join(held)}"] if held else []
        message = f"{len(deliveries) - len(undone)} of {len(deliveries)} deliveries are curated; {'; '.join(reasons)}"
        all_may_pass = failure is not None or all(d.entry.content_id in passing for d in undone)
        raise MayPass(message) if all_may_pass else dg.Failure(message)
    live = [m for d in deliveries if d.state == "live" and (m := manifests[d.sequence]) is not None]
    for table in TABLES:
        counts = [count for manifest in live for count in manifest.counts if count.table == table.name]
        files = [item for manifest in live for item in manifest.accepted(table.name)]
        yield result(
            dg.AssetKey(["curated", table.name]),
            sum(count.accepted for count in counts),
            s3.store.uri(s3.processed_bucket, CURATED_PREFIX.rstrip("/")),
            objects=len(files),
            size_bytes=sum(item.size_bytes for item in files),
            rows_in=sum(count.rows_in for count in counts),
            rows_refused=sum(count.rejected for count in counts),
            deliveries_curated_now=len(missing),
        )
    rejects = [item for manifest in live for item in manifest.rejects()]
    refused_objects = [f"{note.key}: {note.refused}" for manifest in live for note in manifest.notes if note.refused]
    yield result(
        dg.AssetKey(["curated", "rejects"]),
        sum(item.rows for item in rejects),
        s3.store.uri(s3.processed_bucket, CURATED_PREFIX.rstrip("/")),
        objects=len(rejects),
        size_bytes=sum(item.size_bytes for item in rejects),
        refused_objects=refused_objects,
        by_rule=_by_rule(live),
    )


def _by_rule(manifests: Sequence[CuratedManifest]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for manifest in manifests:
        for count in manifest.rule_counts:
            if count.effect == "refused":
                name = f"{count.table}.{count.rule}"
                counts[name] = counts.get(name, 0) + count.rows
    return counts
