"""The Dagster resource ``s3``: the object store of the deployment and the names of its buckets."""

from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from dagster import ConfigurableResource
from pydantic import Field, PrivateAttr

from concert_assets.resources.s3.announced import ArrivalQueue
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectStore


class S3(Protocol):
    """What assets see of the resource, in every deployment."""

    raw_bucket: str
    processed_bucket: str
    settle_seconds: float

    @property
    def store(self) -> ObjectStore:
        """The object store."""
        ...

    @property
    def arrivals(self) -> ArrivalQueue | None:
        """The queue that announces what arrives in the inbox; None where nothing does."""
        ...

    @property
    def url(self) -> str:
        """Where the store lies, for a job that opens it by itself."""
        ...


class FolderS3(ConfigurableResource):  # type: ignore[type-arg]
    """Buckets as folders."""

    root: str = Field(description="Folder that holds a folder per bucket")
    raw_bucket: str = Field(description="Bucket of deliveries and their log")
    processed_bucket: str = Field(description="Bucket of curated objects and models")
    settle_seconds: float = Field(
        default=2.0,
        description="Seconds for which a file in the inbox must be unchanged before it is taken for complete",
    )

    @property
    def store(self) -> ObjectStore:
        """The object store."""
        return FolderObjectStore(Path(self.root))

    @property
    def arrivals(self) -> ArrivalQueue | None:
        """None: a folder announces nothing."""
        return None

    @property
    def url(self) -> str:
        """The folder as a URL."""
        return Path(self.root).absolute().as_uri()


class AwsS3(ConfigurableResource):  # type: ignore[type-arg]
    """Buckets of S3, which are there already.

    Not dagster-aws's S3Resource: steps and hooks would get its client in place of it, its requests have no deadlines of
    their own, and it takes secrets as configuration, which Dagster keeps.
    """

    region: str = Field(description="Region of the buckets")
    raw_bucket: str = Field(description="Bucket of deliveries and their log")
    processed_bucket: str = Field(description="Bucket of curated objects and models")
    account: str = Field(default="", description="Account that owns the buckets; empty asks for none")
    endpoint_url: str = Field(default="", description="Where S3 listens, for a stand-in; empty for AWS")
    key: str = Field(default="", description="KMS key that objects are encrypted under; empty for the bucket's own")
    arrival_queue: str = Field(default="", description="URL of the queue that announces arrivals; empty for none")
    settle_seconds: float = Field(default=0.0, description="Objects in S3 appear whole, so there is no need to wait")
    _store: Any = PrivateAttr(default=None)

    @property
    def store(self) -> ObjectStore:
        """The object store; its client is made once, for that takes longer than most requests."""
        if self._store is None:
            from concert_assets.resources.s3.aws import S3ObjectStore, s3_client

            client = s3_client(region_name=self.region, endpoint_url=self.endpoint_url or None, account=self.account)
            self._store = S3ObjectStore(client, self.key)
        return self._store  # type: ignore[no-any-return]

    @property
    def arrivals(self) -> ArrivalQueue | None:
        """The queue that announces what arrives in the inbox; None without one."""
        return ArrivalQueue(self.arrival_queue, self.region, self.endpoint_url) if self.arrival_queue else None

    @property
    def url(self) -> str:
        """The settings of the store as a URL, without credentials: ``s3://?region=…&endpoint_url=…``."""
        given = {name: getattr(self, name) for name in ("region", "endpoint_url", "key", "account")}
        return "s3://?" + urlencode({name: value for name, value in given.items() if value})
