"""The Glue job ``curate``: raw objects of deliveries in, accepted and refused rows with a manifest a delivery out.

A program of its own that talks to whoever launched it through Dagster Pipes. Its extras are ``raw_bucket``,
``processed_bucket``, ``store`` (a URL of the object store) and ``deliveries`` (a list of ``content_id``,
``rules_version`` and ``objects``), and where they are told, ``engine`` (``duckdb`` or ``spark``; else Spark where it
is installed, as on Glue) and ``memory_limit`` of DuckDB. A delivery that is curated already is left as it is, so a job
that died is simply run again.
"""

import os
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from dagster_pipes import PipesContext

from concert_assets.deliveries.curated import read_manifest
from concert_assets.deliveries.log import DeliveredObject
from concert_assets.glue_jobs.curation import curate_delivery
from concert_assets.glue_jobs.raw_objects import ObjectAltered
from concert_assets.glue_jobs.transport import open_pipes
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectNotFound, ObjectStore, may_pass


def open_store(url: str) -> ObjectStore:
    """The object store behind a URL, ``file:///folder`` or ``s3://`` with its settings as the query.

    ValueError for a scheme that the job does not know.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderObjectStore(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        from concert_assets.resources.s3.aws import S3ObjectStore, s3_client

        told = {name: values[0] for name, values in parse_qs(parts.query).items()}
        client = s3_client(
            region_name=told.get("region"), endpoint_url=told.get("endpoint_url"), account=told.get("account", "")
        )
        return S3ObjectStore(client, told.get("key", ""))
    raise ValueError(f"the curate job cannot open the object store {url!r}; expected a file:// or s3:// URL")


def open_engine(extras: Mapping[str, Any]) -> Any:
    """The engine that is asked for, or the one that is there; ValueError for one that the job does not know."""
    name = extras.get("engine") or ("spark" if find_spec("pyspark") else "duckdb")
    if name == "spark":
        from concert_assets.glue_jobs.spark import SparkEngine

        return SparkEngine()
    if name == "duckdb":
        from concert_assets.glue_jobs.engine import DuckDBEngine

        return DuckDBEngine(extras.get("memory_limit", "1GB"))
    raise ValueError(f"the curate job knows no engine {name!r}; expected duckdb or spark")


def run(extras: Mapping[str, Any], pipes: PipesContext) -> None:
    """Curate every delivery of the request that has no manifest yet, and report each as it is done.

    Of one that could not be curated it reports ``error``, whether ``is_its_fault``, and whether it ``may_pass``.
    """
    store = open_store(extras["store"])
    launcher = os.getppid()

    def stop_if_orphaned(table: str, rows: int) -> None:
        if os.getppid() != launcher:
            sys.exit("the process that launched this job is gone")

    with closing(open_engine(extras)) as engine:
        for request in extras["deliveries"]:
            started = time.monotonic()
            content_id, rules_version = request["content_id"], request["rules_version"]
            if read_manifest(store, extras["processed_bucket"], content_id, rules_version) is not None:
                continue
            try:
                manifest = curate_delivery(
                    engine,
                    store,
                    extras["raw_bucket"],
                    extras["processed_bucket"],
                    content_id,
                    rules_version,
                    [DeliveredObject(**item) for item in request["objects"]],
                    stop_if_orphaned,
                )
            except Exception as error:  # one delivery that cannot be curated must not keep the others from it
                pipes.log.error(f"delivery {request['name']} could not be curated: {error}\n{traceback.format_exc()}")
                pipes.report_custom_message(
                    {
                        "content_id": content_id,
                        "error": f"{type(error).__name__}: {error}",
                        # Anything else, such as a full disk, says nothing of the delivery.
                        "is_its_fault": isinstance(error, ObjectAltered | ObjectNotFound),
                        # The job ends well either way, so whoever launched it has to be told that it is worth another.
                        "may_pass": may_pass(error),
                    }
                )
                continue
            rows_in = sum(count.rows_in for count in manifest.counts)
            rejected = sum(count.rejected for count in manifest.counts)
            pipes.log.info(
                f"curated delivery {request['name']}: {rows_in:,} rows in, {rejected:,} refused, "
                f"{time.monotonic() - started:.1f} s"
            )
            pipes.report_custom_message({"content_id": content_id, "rows_in": rows_in, "rejected": rejected})


def main() -> int:
    """Run the job under Dagster Pipes."""
    with open_pipes() as pipes:
        run(pipes.extras, pipes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
