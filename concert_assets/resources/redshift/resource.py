"""The Dagster resource ``redshift``: the warehouse of the deployment."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dagster import ConfigurableResource
from pydantic import Field, PrivateAttr

from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets.resources.s3.resource import AwsS3

if TYPE_CHECKING:
    from concert_assets.resources.redshift.aws import RedshiftWarehouse


class DuckDBRedshift(ConfigurableResource):  # type: ignore[type-arg]
    """The warehouse in one DuckDB file."""

    home: str = Field(description="Folder of the file, its lock and its witness")
    memory_limit: str = Field(default="1GB", description="Memory that DuckDB may use, such as 800MB or 4GB")
    wait_seconds: float = Field(default=300.0, description="How long to wait for another process that holds the file")

    @property
    def warehouse(self) -> DuckDBWarehouse:
        """The warehouse, not opened."""
        return DuckDBWarehouse(Path(self.home), self.memory_limit, self.wait_seconds)

    @contextmanager
    def session(self, wait_seconds: float | None = None) -> Iterator[Session]:
        """A session on the warehouse, waiting for another process no longer than that or than the resource says."""
        wait = self.wait_seconds if wait_seconds is None else min(wait_seconds, self.wait_seconds)
        with DuckDBWarehouse(Path(self.home), self.memory_limit, wait).session() as session:
            yield session

    def location(self, table: str) -> str:
        """Where a table lies."""
        return self.warehouse.location(table)

    def published_position(self) -> int:
        """The position of the log that was published last; 0 where nothing is."""
        return self.warehouse.published_position()

    def is_begun(self) -> bool:
        """Whether there is a warehouse to look into; a session would make one."""
        return self.warehouse.is_begun()

    def discard(self) -> None:
        """Remove all that is published and staged, so that the next run makes it anew from the log."""
        self.warehouse.discard()


class AwsRedshift(ConfigurableResource):  # type: ignore[type-arg]
    """The warehouse on Redshift, provisioned or serverless."""

    database: str = Field(description="Name of the database")
    iam_role: str = Field(description="ARN of the role by which Redshift reads and writes objects")
    region: str = Field(description="Region of cluster or workgroup, and of the buckets")
    raw_bucket: str = Field(description="Bucket of deliveries and their log")
    processed_bucket: str = Field(description="Bucket of curated objects, from which tables are loaded")
    workgroup: str = Field(default="", description="Name of a serverless workgroup; empty for a provisioned cluster")
    cluster: str = Field(default="", description="Name of a provisioned cluster; empty for a workgroup")
    account: str = Field(default="", description="Account that owns the bucket; empty asks for none")
    endpoint_url: str = Field(default="", description="Where AWS's services listen, for a stand-in; empty for AWS")
    key: str = Field(default="", description="KMS key that objects are encrypted under; empty for the bucket's own")
    wait_seconds: float = Field(default=300.0, description="How long to wait for another run that writes")
    _s3: AwsS3 | None = PrivateAttr(default=None)

    def _warehouse(self, wait_seconds: float | None = None) -> "RedshiftWarehouse":
        from concert_assets.resources.redshift.aws import RedshiftWarehouse
        from concert_assets.resources.redshift.credentials import RedshiftSettings

        settings = RedshiftSettings(
            self.database, self.iam_role, cluster=self.cluster, workgroup=self.workgroup, region=self.region,
            endpoint_url=self.endpoint_url, has_bucket_key=bool(self.key),
            wait_seconds=self.wait_seconds if wait_seconds is None else min(wait_seconds, self.wait_seconds),
        )  # fmt: skip
        return RedshiftWarehouse(settings, self._objects(), self.processed_bucket)

    def _objects(self) -> ObjectStore:
        if self._s3 is None:
            self._s3 = AwsS3(
                region=self.region, endpoint_url=self.endpoint_url, key=self.key, account=self.account,
                raw_bucket=self.raw_bucket, processed_bucket=self.processed_bucket,
            )  # fmt: skip
        return self._s3.store

    @contextmanager
    def session(self, wait_seconds: float | None = None) -> Iterator[Session]:
        """A session on the warehouse, waiting for another run no longer than that or than the resource says."""
        with self._warehouse(wait_seconds).session() as session:
            yield session

    def location(self, table: str) -> str:
        """Where a table lies."""
        return self._warehouse().location(table)

    def published_position(self) -> int:
        """The position of the log that was published last; 0 where nothing is."""
        return self._warehouse().published_position()

    def is_begun(self) -> bool:
        """A database is there whether anything was published or not."""
        return True

    def discard(self) -> None:
        """Remove all that is published and staged, so that the next run makes it anew from the log."""
        self._warehouse().discard()


class Redshift(Protocol):
    """What assets see of the resource, in every deployment."""

    def session(self, wait_seconds: float | None = None) -> AbstractContextManager[Session]:
        """A session on the warehouse, waiting for another process no longer than that or than the resource says."""
        ...

    def location(self, table: str) -> str:
        """Where a table lies."""
        ...

    def published_position(self) -> int:
        """The position of the log that was published last; 0 where nothing is."""
        ...

    def is_begun(self) -> bool:
        """Whether there is a warehouse to look into."""
        ...

    def discard(self) -> None:
        """Remove all that is published and staged, so that the next run makes it anew from the log."""
        ...
