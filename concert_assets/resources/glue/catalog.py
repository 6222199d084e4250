"""Curated tables in the Glue Data Catalog, so that Athena, Spark and Redshift Spectrum find them.

A partition is the folder of one live delivery. Tables and partitions are compared with what is there, and written only
where they differ, so a run in which nothing changed writes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from concert_assets.catalog.model import Column
from concert_assets.resources.clients import asked, aws_client
from concert_assets.resources.glue.protocol import CatalogRefused, CatalogTable
from concert_assets.resources.glue.tags import PersonalTags

# A table without this mark is somebody else's and stays as it is.
MARK = {"concert_assets": "curated"}
PARTITION_KEY = "delivery"
_TYPES = {"varchar": "string", "integer": "int", "double precision": "double"}
_LONGEST_COMMENT = 255
# As many as one call takes.
_CREATED, _UPDATED, _DELETED = 100, 100, 25
# Another run was faster.
_GONE, _THERE = "EntityNotFoundException", "AlreadyExistsException"
_PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}
# A load waits for this, and needs it for nothing.
_WAIT: dict[str, Any] = {"connect_seconds": 5, "read_seconds": 20, "attempts": 3}


class DataCatalog:
    """One database of the Data Catalog; where ``tag`` is not empty, Lake Formation is told what is personal."""

    def __init__(self, database: str, tag: str, region: str, endpoint_url: str = "") -> None:
        """Nothing is asked yet."""
        self._database = database
        self._client = aws_client("glue", region, endpoint_url, **_WAIT)
        self._tags: PersonalTags | None = None
        if tag:
            self._tags = PersonalTags(tag, database, aws_client("lakeformation", region, endpoint_url, **_WAIT))

    def keep(self, table: CatalogTable, location: str) -> None:
        """Make the table and its partitions what they should be; raises CatalogRefused."""
        wanted = _table_input(table, location)
        found = self.ask("get_table", {_GONE}, Name=table.name).get("Table")
        if found is None:
            # Another run may be making it too; what it makes differently is mended by the next one.
            self.ask("create_table", {_THERE}, TableInput=wanted)
        elif not _holds(found.get("Parameters", {}), MARK):
            raise CatalogRefused(
                f"the Data Catalog has a table {table.name} in CONCERT_CATALOG_DATABASE {self._database!r} that this "
                "platform did not make; it stays as it is, name another database"
            )
        elif not _holds(found, wanted):
            parameters = {**found.get("Parameters", {}), **wanted["Parameters"]}
            self.ask("update_table", TableInput={**wanted, "Parameters": parameters}, SkipArchive=True)
        # What is gone goes before anything that may be refused: a delivery that was retracted is the worst to read.
        there = self._partitions(table.name)
        gone = [{"Values": [name]} for name in there if name not in table.folders]
        for some in _slices(gone, _DELETED):
            answer = self.ask("batch_delete_partition", TableName=table.name, PartitionsToDelete=some)
            self._check(answer, "batch_delete_partition", _GONE)
        if self._tags:
            self._tags.tell(table, [PARTITION_KEY])
        self._add_partitions(table, wanted["StorageDescriptor"], there)

    def _add_partitions(
        self, table: CatalogTable, descriptor: Mapping[str, Any], there: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Make the partitions that are not there, and mend those that are others."""
        wanted = {
            name: {"Values": [name], "StorageDescriptor": {**descriptor, "Location": folder}}
            for name, folder in table.folders.items()
        }
        new = [one for name, one in wanted.items() if name not in there]
        changed = [
            {"PartitionValueList": [name], "PartitionInput": one}
            for name, one in wanted.items()
            if name in there and not _holds(there[name], one)
        ]
        for some in _slices(changed, _UPDATED):
            answer = self.ask("batch_update_partition", TableName=table.name, Entries=some)
            self._check(answer, "batch_update_partition", _GONE)
        for some in _slices(new, _CREATED):
            answer = self.ask("batch_create_partition", TableName=table.name, PartitionInputList=some)
            self._check(answer, "batch_create_partition", _THERE)

    def _partitions(self, table: str) -> dict[str, Mapping[str, Any]]:
        """The partitions that are there, by delivery."""
        found: dict[str, Mapping[str, Any]] = {}
        page: dict[str, str] = {}
        while True:
            answer = self.ask("get_partitions", TableName=table, **page)
            found |= {one["Values"][0]: one for one in answer.get("Partitions", ())}
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}

    def ask(self, call: str, passed: Sequence[str] | set[str] = (), **arguments: Any) -> dict[str, Any]:
        """The answer to a call; empty where it is refused by one of the codes ``passed``."""
        answer, reason = asked(self._client, call, DatabaseName=self._database, **arguments)
        if reason and reason not in passed:
            raise CatalogRefused(self._refused(call, reason))
        return answer

    def _check(self, answer: Mapping[str, Any], call: str, passed: str = "") -> None:
        """Raise CatalogRefused where a call that answers well says that it left something undone."""
        codes = {one.get("ErrorDetail", {}).get("ErrorCode", "unknown") for one in answer.get("Errors", ())} - {passed}
        if codes:
            raise CatalogRefused(self._refused(call, ", ".join(sorted(codes))))

    def _refused(self, call: str, reason: str) -> str:
        return f"the Data Catalog refuses {call} in CONCERT_CATALOG_DATABASE {self._database!r} ({reason})"


def _slices(items: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _table_input(table: CatalogTable, location: str) -> dict[str, Any]:
    """The table as the Data Catalog is told of it."""
    return {
        "Name": table.name,
        "Description": table.description,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet", **MARK},
        "PartitionKeys": [{"Name": PARTITION_KEY, "Type": "string", "Comment": "Name of the delivery"}],
        "StorageDescriptor": {"Columns": [_column(one) for one in table.columns], "Location": location, **_PARQUET},
    }


def _column(column: Column) -> dict[str, str]:
    base = column.type.partition("(")[0]
    told = f"{column.description} ({column.unit})" if column.unit else column.description
    return {
        "Name": column.name,
        "Type": _TYPES.get(base, column.type),
        "Comment": told[:_LONGEST_COMMENT],
    }


def _holds(found: Any, wanted: Any) -> bool:
    """Whether what was found is what is wanted; of objects it may have more, such as what AWS adds by itself."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_holds, found, wanted))
    return bool(found == wanted)
