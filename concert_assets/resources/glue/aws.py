"""Glue jobs on AWS: runs that always end, and whose reports are kept.

Not dagster-aws's PipesGlueClient: it polls a run in state EXPIRED for ever, leaves a run behind where polling fails,
and drops what a run that failed had reported.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, ConfigurableResource
from pydantic import Field

from concert_assets.resources.glue.package import script_of
from concert_assets.resources.glue.protocol import CatalogRefused, CatalogTable


class AwsGlueJobs(ConfigurableResource):  # type: ignore[type-arg]
    """Runs ``concert_assets/glue_jobs/<job>.py`` as a job of AWS Glue, which is created where it is not there."""

    region: str = Field(description="Region of the job")
    processed_bucket: str = Field(description="Bucket of the job's code, and of context and messages of its runs")
    job_name: str = Field(default="concert-assets-curate", description="Name of the job in Glue")
    role: str = Field(description="ARN of the IAM role that the job has")
    workers: int = Field(default=10, description="Most workers that auto scaling may give a run")
    deadline_seconds: float = Field(default=7200, description="After so long a run is stopped and has failed")
    account: str = Field(default="", description="Account that owns the bucket; empty asks for none")
    endpoint_url: str = Field(default="", description="Where Glue, S3 and CloudWatch listen, for a stand-in")
    key: str = Field(default="", description="KMS key that objects are encrypted under; empty for the bucket's own")
    catalog_database: str = Field(default="", description="Database of the Data Catalog for curated tables, or none")
    catalog_tag: str = Field(default="", description="Key of the Lake Formation tag of what is personal; may be none")
    poll_seconds: float = Field(default=20, description="Longest wait between two looks at a run")
    patience_seconds: float = Field(default=180, description="How long a call is repeated that fails and may succeed")
    stop_seconds: float = Field(default=300, description="How long a run that was stopped may take to end")
    log_seconds: float = Field(default=15, description="How long to wait for the log of a run that failed")

    def script(self, job: str) -> Path:
        """The program of a job."""
        return script_of(job)

    def run(self, context: AssetExecutionContext, job: str, extras: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run a job to its end and return the custom messages it reported.

        A run in flight that was asked for the same is joined, and read from its first message: the process that
        started it may have been killed. A run of something else is waited for. A run started here is stopped where
        this is left by an exception of any kind; one that was joined goes on. Raises GlueJobFailed, GlueUnavailable,
        StoreBusy and StoreUnavailable.
        """
        from concert_assets.resources.glue.session import GlueSession  # here, for it imports botocore

        return GlueSession(self, context.log).run(context, self.script(job), extras)

    def register(self, tables: Sequence[CatalogTable], location: str) -> str:
        """Let the Data Catalog know these tables and their deliveries.

        One that is refused does not keep the others from being told of; CatalogRefused then says which were refused
        what. No more are tried after ``patience_seconds``.
        """
        if not self.catalog_database:
            return ""
        from concert_assets.resources.glue.catalog import DataCatalog  # here, for it imports botocore

        catalog = DataCatalog(self.catalog_database, self.catalog_tag, self.region, self.endpoint_url)
        deadline = time.monotonic() + self.patience_seconds
        refused: dict[str, list[str]] = {}
        for table in tables:
            try:
                if time.monotonic() > deadline:
                    raise CatalogRefused(f"the Data Catalog was not asked any more after {self.patience_seconds:.0f} s")
                catalog.keep(table, location)
            except CatalogRefused as error:
                refused.setdefault(str(error), []).append(table.name)
        if refused:
            raise CatalogRefused("; ".join(f"{reason}: {', '.join(names)}" for reason, names in refused.items()))
        return self.catalog_database
