"""The engine that runs curated SQL embedded: DuckDB in memory, fed and read through Arrow."""

from typing import Any, cast

import duckdb
import pyarrow as pa

from concert_assets.sql.files import translate


class DuckDBEngine:
    """Runs one Spark SQL statement over Arrow tables."""

    name = "duckdb"

    def __init__(self, memory_limit: str = "1GB") -> None:
        """``memory_limit`` is DuckDB's, such as ``1GB``."""
        self._connection = duckdb.connect(config={"memory_limit": memory_limit})
        self._connection.execute("set timezone = 'UTC'")

    def run(self, statement: str, relations: dict[str, pa.Table]) -> pa.Table:
        """The rows that a statement yields over the named relations, in any order, for threads make them."""
        for name, table in relations.items():
            self._connection.register(name, table)
        try:
            return cast(Any, self._connection.sql(translate(statement, "spark", "duckdb"))).to_arrow_table()
        finally:
            for name in relations:
                self._connection.unregister(name)

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()
