"""The Dagster layer alone: assets in lineage order, checks, jobs, schedules and sensors."""
