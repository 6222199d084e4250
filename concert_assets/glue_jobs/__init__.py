"""Programs that Glue runs as they are. Never Dagster."""
