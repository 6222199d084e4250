"""The hook of every asset: a run in which a step fails leaves its report at once, however it was launched."""

import dagster as dg


@dg.failure_hook(required_resource_keys={"journal", "s3", "redshift"})
def REPORT_ON_FAILURE(context: dg.HookContext) -> None:
    """Write the report of a run in which a step has just failed: its report assets will not come to it."""
    from concert_assets.defs.report_writer import write_reports

    there = context.resources
    write_reports(context.instance, context.run_id, there.journal, there.s3, there.redshift, context.log.warning)
