"""What the Data Catalog is told of curated tables: their columns, and a folder for each published delivery."""

from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.model import Column, Table
from concert_assets.catalog.operational import ROW_OUTCOMES
from concert_assets.deliveries.curated import CURATED_PREFIX, CuratedFile, CuratedManifest
from concert_assets.resources.glue.protocol import CatalogRefused, CatalogTable, GlueJobs
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3
from concert_assets.warehousing.names import REJECTS_COLUMNS, staged_columns
from concert_assets.warehousing.staging import Staged

_ORIGIN = {
    "_object_id": "Raw object that brought the row, the same for the same name and bytes",
    "_row_number": "Row of the object, counted from 1 per table",
}
REJECTS = "rejects"
# How often a run tells the catalog anew because another one has published in the meantime.
_LOOKS = 3


def keep_catalog(
    context: dg.AssetExecutionContext,
    s3: S3,
    glue: GlueJobs,
    redshift: Redshift,
    state: Staged,
    state_at: Callable[[int], Staged],
) -> None:
    """Tell the Data Catalog of what has been published. What it refuses is a warning: no table is made of it.

    Another run may publish while this one tells, and be done with telling before: then this one tells once more, of
    the state at the position of the log that is published by now, which ``state_at`` knows.
    """
    for _ in range(_LOOKS):
        position = redshift.published_position()
        if position > state.position:
            state = state_at(position)
        if position > state.position:
            context.log.warning(
                "the Data Catalog is not told: another run published what this version of the platform has not curated"
            )
            return
        live = {d.name: state.manifests[d.entry.content_id] for d in state.deliveries if d.state == "live"}
        tables, passed_over = catalog_tables(live, lambda key: s3.store.uri(s3.processed_bucket, key))
        try:
            database = glue.register(tables, s3.store.uri(s3.processed_bucket, CURATED_PREFIX.rstrip("/")))
        except CatalogRefused as error:
            context.log.warning(str(error))
            return
        if not database:
            return
        if passed_over:
            context.log.warning(
                f"the Data Catalog lacks {', '.join(passed_over)}: curated by a version that laid all tables into one "
                "folder, and their raw objects are gone"
            )
        if redshift.published_position() <= state.position:
            return


def catalog_tables(
    live: Mapping[str, CuratedManifest], uri: Callable[[str], str]
) -> tuple[list[CatalogTable], Sequence[str]]:
    """The curated tables, and the deliveries that cannot be told of.

    ``live`` holds the manifests of the published deliveries by name, ``uri`` turns a key into where it lies. A delivery
    whose object shares its folder with those of other tables is passed over: they would be read as rows of the table.
    """
    passed_over: set[str] = set()

    def folders(name: str, files: Callable[[CuratedManifest], Sequence[CuratedFile]]) -> dict[str, str]:
        found = {}
        for delivery, manifest in live.items():
            for item in files(manifest):
                folder = item.key.rpartition("/")[0]
                if folder.endswith(f"/{name}"):
                    found[delivery] = uri(folder)
                else:
                    passed_over.add(delivery)
        return found

    def accepted(table: Table) -> CatalogTable:
        return CatalogTable(
            table.name,
            f"{table.description} Accepted rows of every published delivery as delivered: what a later delivery of the "
            "same business key replaces is in it still.",
            _columns(table),
            folders(table.name, lambda manifest: manifest.accepted(table.name)),
        )

    told = {column.name: column.description for column in ROW_OUTCOMES.columns}
    rejects = CatalogTable(
        REJECTS,
        "Refused rows of all tables as they came, with rule, column, value and reason.",
        tuple(Column(name, kind, told[name]) for name, kind in REJECTS_COLUMNS.items()),
        folders(REJECTS, lambda manifest: manifest.rejects()),
        is_personal=True,  # a row that could not be read may hold anything anywhere
    )
    return [*map(accepted, TABLES), rejects], sorted(passed_over)


def _columns(table: Table) -> tuple[Column, ...]:
    declared = {column.name: column for column in table.columns}
    return tuple(
        declared.get(name) or Column(name, kind, _ORIGIN.get(name) or _basis(name))
        for name, kind in staged_columns(table).items()
    )


def _basis(name: str) -> str:
    return f"Whether {name.removesuffix('_basis')} was given as an instant, as a local time or as a date alone"
