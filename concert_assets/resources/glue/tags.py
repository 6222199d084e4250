"""Tags of Lake Formation on what is personal in a table, by which its grants tell who may read which columns.

A table without a tag, and one whose columns are just being changed, is closed to whoever is granted what is not
personal: its columns get their tags before it gets its own.
"""

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

    def hide(self, table: CatalogTable) -> None:
        """Close the whole table, for columns are about to come that have no tag yet."""
        self._tag({"Table": self._name(table)}, PERSONAL)

    def tell(self, table: CatalogTable) -> None:
        """Tag the columns and then the table, as far as they are not."""
        names = [column.name for column in table.columns]
        personal = {column.name for column in table.columns if column.is_personal}
        by_column = {"TableWithColumns": {**self._name(table), "ColumnNames": names}}
        answer = self._ask("get_resource_lf_tags", Resource=by_column, ShowAssignedLFTags=True)
        told = {
            one["Name"] for one in answer.get("LFTagsOnColumns", ()) if PERSONAL in self._values(one.get("LFTags", ()))
        }
        if personal - told:
            self._tag(self._columns(table, personal - told), PERSONAL)
        whole = PERSONAL if table.is_personal else OPEN
        answer = self._ask("get_resource_lf_tags", Resource={"Table": self._name(table)}, ShowAssignedLFTags=True)
        if self._values(answer.get("LFTagsOnTable", ())) != [whole]:
            self._tag({"Table": self._name(table)}, whole)
        if told - personal:
            self._ask(
                "remove_lf_tags_from_resource",
                Resource=self._columns(table, told - personal),
                LFTags=[{"TagKey": self._key, "TagValues": [PERSONAL]}],
            )

    def _name(self, table: CatalogTable) -> dict[str, Any]:
        return {"DatabaseName": self._database, "Name": table.name}

    def _columns(self, table: CatalogTable, names: set[str]) -> dict[str, Any]:
        return {"TableWithColumns": {**self._name(table), "ColumnNames": sorted(names)}}

    def _values(self, tags: Any) -> list[str]:
        return [value for tag in tags if tag["TagKey"] == self._key for value in tag["TagValues"]]

    def _tag(self, resource: dict[str, Any], value: str) -> None:
        self._ask("add_lf_tags_to_resource", Resource=resource, LFTags=[{"TagKey": self._key, "TagValues": [value]}])

    def _ask(self, call: str, **arguments: Any) -> dict[str, Any]:
        answer, reason = asked(self._client, call, **arguments)
        codes = {one.get("Error", {}).get("ErrorCode", "unknown") for one in answer.get("Failures", ())}
        if reason or codes:
            raise self._refused(call, reason or ", ".join(sorted(codes)))
        return answer

    def _refused(self, call: str, reason: str) -> CatalogRefused:
        return CatalogRefused(f"Lake Formation refuses {call} of CONCERT_CATALOG_TAG {self._key!r} ({reason})")
