"""Tags of Lake Formation on what is personal in a table, by which its grants tell who may read which columns.

A table is tagged as personal, and those of its columns that are not are opened one by one: a column of which nothing
was told yet, such as one that has just been added, is closed.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from concert_assets.resources.clients import asked
from concert_assets.resources.glue.protocol import CatalogRefused, CatalogTable

PERSONAL, OPEN = "yes", "no"


class PersonalTags:
    """One tag, ``yes`` on what is personal and ``no`` on the rest. A column without an own one has its table's."""

    def __init__(self, key: str, database: str, client: Any) -> None:
        """``client`` is one of Lake Formation."""
        self._key = key
        self._database = database
        self._client = client

    def tell(self, table: CatalogTable, partition_keys: Sequence[str]) -> None:
        """Close the table, and then what is personal of it and was open, before the rest is opened.

        Of a table that is not personal as a whole ``partition_keys`` are open: no engine reads partitions without them.
        """
        columns = [*partition_keys, *(column.name for column in table.columns)]
        closed = {column.name for column in table.columns if column.is_personal}
        if table.is_personal:
            closed = set(columns)
        name = {"DatabaseName": self._database, "Name": table.name}
        if self._value(self._told({"Table": name}).get("LFTagsOnTable", ())) != PERSONAL:
            self._tag({"Table": name}, PERSONAL)
        told = self._told({"TableWithColumns": {**name, "ColumnNames": columns}})
        opened = {one["Name"] for one in told.get("LFTagsOnColumns", ()) if self._value(one.get("LFTags", ())) == OPEN}
        self._tag_columns(name, opened & closed, PERSONAL)
        self._tag_columns(name, set(columns) - closed - opened, OPEN)

    def _tag_columns(self, table: Mapping[str, str], names: Collection[str], value: str) -> None:
        if names:
            self._tag({"TableWithColumns": {**table, "ColumnNames": sorted(names)}}, value)

    def _told(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        return self._ask("get_resource_lf_tags", Resource=resource, ShowAssignedLFTags=True)

    def _value(self, tags: Collection[Mapping[str, Any]]) -> str:
        return next((tag["TagValues"][0] for tag in tags if tag["TagKey"] == self._key), "")

    def _tag(self, resource: Mapping[str, Any], value: str) -> None:
        self._ask("add_lf_tags_to_resource", Resource=resource, LFTags=[{"TagKey": self._key, "TagValues": [value]}])

    def _ask(self, call: str, **arguments: Any) -> dict[str, Any]:
        answer, reason = asked(self._client, call, **arguments)
        codes = {one.get("Error", {}).get("ErrorCode", "unknown") for one in answer.get("Failures", ())}
        if reason or codes:
            raise self._refused(call, reason or ", ".join(sorted(codes)))
        return answer

    def _refused(self, call: str, reason: str) -> CatalogRefused:
        return CatalogRefused(f"Lake Formation refuses {call} of CONCERT_CATALOG_TAG {self._key!r} ({reason})")
