"""The code location: all of ``defs`` bound to the resources of the deployment."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from concert_assets import deployment as deployments
from concert_assets.defs.jobs import jobs
from concert_assets.defs.journal import RunJournal
from concert_assets.defs.marts import marts
from concert_assets.defs.predictions import predictions
from concert_assets.defs.quality_results import quality_results
from concert_assets.defs.raw_datasets import raw_datasets
from concert_assets.defs.redshift_tables import staging, warehouse
from concert_assets.defs.reports import reports
from concert_assets.defs.s3_objects import s3_objects
from concert_assets.defs.schedules import schedules
from concert_assets.defs.sensors import sensors
from concert_assets.defs.trained_models import trained_models
from concert_assets.deployment import Deployment
from concert_assets.resources.glue.local import LocalGlue
from concert_assets.resources.kms.local import LocalSigning
from concert_assets.resources.redshift.resource import DuckDBRedshift
from concert_assets.resources.s3.resource import FolderS3


def build_resources(deployment: Deployment) -> dict[str, Any]:
    """The resources of a deployment, by key."""
    return {
        "s3": FolderS3(
            root=str(deployment.objects),
            raw_bucket=deployment.raw_bucket,
            processed_bucket=deployment.processed_bucket,
        ),
        "glue": LocalGlue(memory_limit=deployment.memory_limit),
        "redshift": DuckDBRedshift(
            home=str(deployment.home), memory_limit=deployment.memory_limit, wait_seconds=deployment.wait_seconds
        ),
        "signing": LocalSigning(path=str(deployment.home / "keys" / "model.key")),
        "journal": RunJournal(home=str(deployment.home), deployment=deployment.name),
    }


def build_definitions(
    deployment: Deployment | None = None,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """All definitions; ``resources`` take the place of the deployment's by key, ``loggers`` of the console's."""
    bound = build_resources(deployment or deployments.read())
    return dg.Definitions(
        assets=[
            raw_datasets,
            s3_objects,
            staging,
            quality_results,
            warehouse,
            *marts,
            *trained_models,
            *predictions,
            reports,
        ],
        jobs=jobs,
        schedules=schedules,
        sensors=sensors,
        resources=bound | dict(resources or {}),
        loggers=loggers,
        # One process a run: steps share one DuckDB file, and spawning a process costs more than most steps take.
        executor=dg.in_process_executor,
    )


defs = build_definitions()
