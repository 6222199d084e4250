"""What the Data Catalog is told of curated tables: their columns, and a folder for each live delivery."""

from collections.abc import Callable, Mapping, Sequence

from concert_assets.catalog.canonical import TABLES
from concert_assets.catalog.model import Column, Table
from concert_assets.catalog.operational import ROW_OUTCOMES
from concert_assets.deliveries.curated import CuratedFile, CuratedManifest
from concert_assets.resources.glue.protocol import CatalogTable
from concert_assets.warehousing.names import REJECTS_COLUMNS, staged_columns

_ORIGIN = {
    "_object_id": "Raw object that brought the row, the same for the same name and bytes",
    "_row_number": "Row of the object, counted from 1 per table",
}
REJECTS = "rejects"


def catalog_tables(
    live: Mapping[str, CuratedManifest], uri: Callable[[str], str]
) -> tuple[list[CatalogTable], Sequence[str]]:
    """The curated tables, and the deliveries that cannot be told of.

    ``live`` holds the manifests of the live deliveries by name, ``uri`` turns a key into where it lies. A delivery
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
            f"{table.description} Accepted rows of every live delivery as delivered: what a later delivery of the same "
            "business key replaces is in it still.",
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
