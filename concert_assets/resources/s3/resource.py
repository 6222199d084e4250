"""The Dagster resource ``s3``: the object store of the deployment and the names of its buckets."""

from pathlib import Path
from typing import Protocol

from dagster import ConfigurableResource
from pydantic import Field

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
    def url(self) -> str:
        """The folder as a URL."""
        return Path(self.root).absolute().as_uri()
