"""What Redshift and a stand-in for it do differently: the words of a statement, loading and unloading."""

from typing import Any, Protocol

from concert_assets.resources.redshift.statements import (
    copy_statement,
    unload_statement,
    with_attributes,
    with_older_zones,
)


class Backend(Protocol):
    """What Redshift and a stand-in for it do differently."""

    def statement(self, sql: str) -> str:
        """A statement of ours as the server takes it; parameters stay ``:name``."""
        ...

    def copy(self, cursor: Any, table: str, manifest_uri: str) -> None:
        """Load the objects of a manifest into all columns of a table, by position."""
        ...

    def unload(self, cursor: Any, query: str, prefix_uri: str) -> int:
        """Write the rows of a query, its values in it, as Parquet below a prefix; returns their number.

        Beside them a manifest names the objects, ``manifest`` below the prefix, where there are rows.
        """
        ...


class RedshiftBackend:
    """Redshift itself."""

    def __init__(self, iam_role: str, *, has_bucket_key: bool = False) -> None:
        """``iam_role`` is the ARN of the role by which Redshift reads and writes objects.

        ``has_bucket_key`` tells whether the bucket encrypts under a key of KMS.
        """
        self._iam_role = iam_role
        self._has_bucket_key = has_bucket_key

    def statement(self, sql: str) -> str:
        """The statement with the physical attributes of the catalog, and zones by the names that Redshift knows."""
        return with_attributes(with_older_zones(sql))

    def copy(self, cursor: Any, table: str, manifest_uri: str) -> None:
        """COPY by manifest, with the role."""
        cursor.execute(copy_statement(table, manifest_uri, self._iam_role))

    def unload(self, cursor: Any, query: str, prefix_uri: str) -> int:
        """UNLOAD with a manifest, with the role, and Redshift's own count of what it wrote."""
        cursor.execute(unload_statement(query, prefix_uri, self._iam_role, has_bucket_key=self._has_bucket_key))
        cursor.execute("select pg_last_unload_count()")
        ((rows,),) = cursor.fetchall()
        return int(rows)
