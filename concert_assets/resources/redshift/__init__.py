"""The warehouse: the protocol, DuckDB and Redshift."""
