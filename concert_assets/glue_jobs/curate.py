"""The Glue job ``curate``: raw objects of deliveries in, accepted and refused rows with a manifest a delivery out.

A program of its own that talks to whoever launched it through Dagster Pipes. Its extras are ``raw_bucket``,
``processed_bucket``, ``store`` (a URL of the object store), ``memory_limit`` and ``deliveries`` (a list of
``content_id``, ``rules_version`` and ``objects``). A delivery that is curated already is left as it is, so a job that
died is simply run again.
"""

import os
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dagster_pipes import PipesContext, open_dagster_pipes

from concert_assets.deliveries.curated import read_manifest
from concert_assets.deliveries.log import DeliveredObject
from concert_assets.glue_jobs.curation import curate_delivery
from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.glue_jobs.raw_objects import ObjectAltered
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectNotFound, ObjectStore


def open_store(url: str) -> ObjectStore:
    """The object store behind a URL; ValueError for a scheme that the job does not know."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderObjectStore(Path(unquote(parts.path)))
    raise ValueError(f"the curate job cannot open the object store {url!r}; expected a file:// URL")


def run(extras: Mapping[str, Any], pipes: PipesContext) -> None:
    """Curate every delivery of the request that has no manifest yet, and report each as it is done."""
    store = open_store(extras["store"])
    engine = DuckDBEngine(extras["memory_limit"])
    launcher = os.getppid()

    def stop_if_orphaned(table: str, rows: int) -> None:
        if os.getppid() != launcher:
            sys.exit("the process that launched this job is gone")

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
    engine.close()


def main() -> int:
    """Run the job under Dagster Pipes."""
    with open_dagster_pipes() as pipes:
        run(pipes.extras, pipes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
