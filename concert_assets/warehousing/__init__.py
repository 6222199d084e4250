"""Staging, resolve, audit and publish: SQL in order, over a warehouse handed in. Never Dagster."""
