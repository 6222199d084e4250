"""What the platform asks of Glue. Standard library and the catalog alone at run time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from concert_assets.catalog.model import Column

if TYPE_CHECKING:
    from dagster import AssetExecutionContext


class GlueJobFailed(Exception):
    """A job run ended without success, or none could be started or followed for now; it may be tried again.

    ``messages`` are the custom messages that the job had reported before.
    """

    def __init__(self, text: str, messages: Sequence[dict[str, Any]] = ()) -> None:
        """``text`` is one line."""
        super().__init__(text)
        self.messages = list(messages)


class GlueUnavailable(Exception):
    """Glue refuses what is asked with these settings; trying again does not help."""


class CatalogRefused(Exception):
    """The Data Catalog did not take what it was told, in one line; nothing that runs depends on it."""


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """What the Data Catalog is to know of a curated table.

    ``folders`` tells for every live delivery, by name, the URI of the folder of its Parquet objects. Where
    ``is_personal`` the whole table is, otherwise those of its columns that say so.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    folders: Mapping[str, str]
    is_personal: bool = False


class GlueJobs(Protocol):
    """Runs jobs to their end, whatever that end is."""

    def run(self, context: "AssetExecutionContext", job: str, extras: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Run a job with ``extras`` in its Pipes context and return the custom messages it reported.

        Raises GlueJobFailed where the job did not succeed and GlueUnavailable where none can be run with these
        settings; no run is left behind either way.
        """
        ...

    def register(self, tables: Sequence[CatalogTable], location: str) -> str:
        """Let the Data Catalog know these tables, all below ``location``, and their deliveries, no others of them.

        Returns the name of the database, empty where there is no catalog. Raises CatalogRefused.
        """
        ...
