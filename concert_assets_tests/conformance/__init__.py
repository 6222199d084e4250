"""Holds the two engines of curation to the same rows: DuckDB embedded, and the Spark that Glue has."""
