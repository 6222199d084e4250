"""Concert data platform: one Dagster asset graph from delivered bytes to audited tables, trained models and reports."""
