"""Schedules: what runs by the clock. Off until somebody turns them on."""

import dagster as dg

from concert_assets.defs.jobs import refresh_warehouse

daily_refresh = dg.ScheduleDefinition(
    name="daily_refresh",
    job=refresh_warehouse,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Refresh the warehouse every day at 05:00 UTC.",
)

schedules = [daily_refresh]
