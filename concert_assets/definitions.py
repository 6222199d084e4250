"""The code location: all of ``defs`` bound to the resources of the deployment."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from concert_assets import deployment as deployments
from concert_assets.defs.assets import ASSETS
from concert_assets.defs.jobs import jobs
from concert_assets.defs.journal import RunJournal
from concert_assets.defs.schedules import schedules
from concert_assets.defs.sensors import sensors
from concert_assets.deployment import Deployment
from concert_assets.resources.glue.aws import AwsGlueJobs
from concert_assets.resources.glue.local import LocalGlue
from concert_assets.resources.kms.aws import KmsSigning
from concert_assets.resources.kms.local import LocalSigning
from concert_assets.resources.redshift.resource import AwsRedshift, DuckDBRedshift
from concert_assets.resources.s3.resource import AwsS3, FolderS3


def build_resources(deployment: Deployment) -> dict[str, Any]:
    """The resources of a deployment, by key. Nothing is opened, and nothing that leads to AWS is imported."""
    bound = _embedded(deployment) if deployment.is_embedded else _aws(deployment)
    namespace = deployment.lineage_namespace
    journal = RunJournal(
        home=str(deployment.home),
        deployment=deployment.name,
        aws=_watched(deployment),
        lineage={"namespace": namespace, "region": deployment.region} if namespace else {},
    )
    return bound | {"journal": journal}


def _watched(deployment: Deployment) -> dict[str, str]:
    """Who on AWS is told of runs: the metrics of a stack and the subscribers of a topic, each where it is set."""
    if deployment.is_embedded or not (deployment.stack or deployment.alert_topic):
        return {}
    return {
        "stack": deployment.stack,
        "topic": deployment.alert_topic,
        "region": deployment.region,
        "endpoint_url": deployment.endpoint_url,
    }


def _embedded(deployment: Deployment) -> dict[str, Any]:
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
    }


def _aws(deployment: Deployment) -> dict[str, Any]:
    place: dict[str, Any] = {"region": deployment.region, "endpoint_url": deployment.endpoint_url}
    buckets: dict[str, Any] = {
        "raw_bucket": deployment.raw_bucket,
        "processed_bucket": deployment.processed_bucket,
        "key": deployment.bucket_key,
        "account": deployment.account,
    }
    return {
        "s3": AwsS3(arrival_queue=deployment.arrival_queue, **place, **buckets),
        "glue": AwsGlueJobs(
            job_name=deployment.glue_job,
            role=deployment.glue_role,
            workers=deployment.glue_workers,
            deadline_seconds=deployment.glue_deadline_seconds,
            processed_bucket=deployment.processed_bucket,
            key=deployment.bucket_key,
            account=deployment.account,
            catalog_database=deployment.catalog_database,
            catalog_tag=deployment.catalog_tag,
            **place,
        ),
        "redshift": AwsRedshift(
            database=deployment.redshift_database,
            iam_role=deployment.redshift_role,
            workgroup=deployment.redshift_workgroup,
            cluster=deployment.redshift_cluster,
            wait_seconds=deployment.wait_seconds,
            **place,
            **buckets,
        ),
        "signing": KmsSigning(key_id=deployment.signing_key, **place),
    }


def build_definitions(
    deployment: Deployment | None = None,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """All definitions; ``resources`` take the place of the deployment's by key, ``loggers`` of the console's."""
    bound = build_resources(deployment or deployments.read())
    return dg.Definitions(
        assets=ASSETS,
        jobs=jobs,
        schedules=schedules,
        sensors=sensors,
        resources=bound | dict(resources or {}),
        loggers=loggers,
        # One process a run: steps share one DuckDB file, and spawning a process costs more than most steps take.
        executor=dg.in_process_executor,
    )


defs = build_definitions()
