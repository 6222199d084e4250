"""The Dagster resource ``redshift``: the warehouse of the deployment."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from dagster import ConfigurableResource
from pydantic import Field

from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.redshift.protocol import Session


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
