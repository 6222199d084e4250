"""Schedules: what runs by the clock. Off until somebody turns them on."""

import dagster as dg

from concert_assets.defs.jobs import refresh_warehouse, retrain_models

daily_refresh = dg.ScheduleDefinition(
    name="daily_refresh",
    job=refresh_warehouse,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Refresh the warehouse every day at 05:00 UTC.",
)

monthly_training = dg.ScheduleDefinition(
    name="monthly_training",
    job=retrain_models,
    cron_schedule="0 6 1 * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Train both models anew on the first day of every month at 06:00 UTC.",
)

schedules = [daily_refresh, monthly_training]
