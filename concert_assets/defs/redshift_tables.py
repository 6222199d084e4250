"""``staging/*`` and ``warehouse/*``: every accepted row, and the tables published of them with their ledger."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from concert_assets.catalog.canonical import TABLES, TICKET_PRICES, TICKET_SALES, published_columns
from concert_assets.catalog.code import code_version
from concert_assets.catalog.identity import IDENTITY_MAP
from concert_assets.catalog.operational import LOAD_LEDGER, ROW_OUTCOMES
from concert_assets.defs.common import WAREHOUSE_CODE, keys, result, spec
from concert_assets.defs.data_catalog import keep_catalog
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.holds import hold
from concert_assets.defs.lineage import staging_lineage, warehouse_lineage
from concert_assets.defs.retries import retried
from concert_assets.defs.s3_objects import manifest_reader
from concert_assets.deliveries.log import DeliveryLog, Entry
from concert_assets.resources.glue.protocol import GlueJobs
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3
from concert_assets.warehousing.names import STAGED_COUNTS, STAGED_OBJECTS, staged
from concert_assets.warehousing.publish import NotPublishable, Publication, publish
from concert_assets.warehousing.staging import Staged, curated_state, stage

TOLD = (LOAD_LEDGER, ROW_OUTCOMES, IDENTITY_MAP)  # what is published of how the tables came about
PUBLISHED = (*TABLES, *TOLD)

# Sales are expected every day; a day and a bit without is a warning, more than two are a failure.
_DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26))
_SALES = (TICKET_PRICES, TICKET_SALES)


def _state(s3: S3, entries: Sequence[Entry]) -> Staged:
    return curated_state(entries, manifest_reader(s3, entries), code_version(*WAREHOUSE_CODE))


def _stage(session: Session, s3: S3) -> Staged:
    """Stage the log as it is now. Under the session's lock, so that no run stages an older state over a newer one."""
    state = _state(s3, DeliveryLog(s3.store, s3.raw_bucket).entries())
    # Also where the state is the staged one: its objects may have been curated anew, under other keys.
    stage(session, state, lambda key: s3.store.uri(s3.processed_bucket, key))
    return state


@dg.multi_asset(
    name="staging",
    specs=[
        spec(
            "staging",
            table.name,
            f"Every accepted row of {table.name.replace('_', ' ')} of every live delivery.",
            kinds={"redshift", "sql"},
            code=WAREHOUSE_CODE,
            deps=[dg.AssetKey(["curated", table.name])],
            columns=table.columns,
            table=staged(table),
        )
        for table in TABLES
    ],
    hooks={REPORT_ON_FAILURE},
)
@retried
def staging(
    context: dg.AssetExecutionContext,
    s3: dg.ResourceParam[S3],
    redshift: dg.ResourceParam[Redshift],
    journal: dg.ResourceParam[Any],
) -> Iterator[dg.MaterializeResult[Any]]:
    """Make staging reflect the log as far as it is curated."""
    with redshift.session() as session:
        state = _stage(session, s3)
        counts = {
            name: int(rows)
            for name, rows in session.query(
                f"select c.table_name, sum(c.rows_in - c.rows_rejected) from {STAGED_COUNTS} as c "
                f"inner join {STAGED_OBJECTS} as o on o.object_id = c.object_id and o.sequence = c.sequence "
                "where o.state = 'live' group by c.table_name"
            )
        }
    for table in TABLES:
        yield result(
            dg.AssetKey(["staging", table.name]),
            counts.get(table.name, 0),
            redshift.location(staged(table)),
            log_position=state.position,
            lineage=staging_lineage(table),
        )


def _publish(context: dg.AssetExecutionContext, session: Session, s3: S3) -> tuple[Publication, Staged]:
    """Publish the log as it is now, and tell what that was; a delivery that the audit stops here is held.

    The others are published.
    """
    log = DeliveryLog(s3.store, s3.raw_bucket)
    while True:
        # The log may have moved since the audit of this run; then publish judges again what is staged here.
        state = _stage(session, s3)
        try:
            return publish(session, context.run_id), state
        except NotPublishable as error:
            if error.verdict is None or not hold(log, error.verdict.holds, context.log.error):
                raise dg.Failure(str(error)) from error


@dg.multi_asset(
    name="warehouse",
    specs=[
        *(
            spec(
                "warehouse",
                table.name,
                table.description,
                kinds={"redshift", "sql"},
                code=WAREHOUSE_CODE,
                deps=[*keys("quality", TABLES), dg.AssetKey(["staging", table.name])],
                columns=published_columns(table),
                table=table.qualified,
                freshness=_DAILY if table in _SALES else None,
            )
            for table in TABLES
        ),
        *(
            spec(
                "warehouse",
                table.name,
                table.description,
                kinds={"redshift", "sql"},
                code=WAREHOUSE_CODE,
                deps=[*keys("quality", TABLES), *keys("staging", TABLES)],
                columns=table.columns,
                table=table.qualified,
            )
            for table in TOLD
        ),
    ],
    hooks={REPORT_ON_FAILURE},
)
@retried
def warehouse(
    context: dg.AssetExecutionContext,
    s3: dg.ResourceParam[S3],
    glue: dg.ResourceParam[GlueJobs],
    redshift: dg.ResourceParam[Redshift],
    journal: dg.ResourceParam[Any],
) -> Iterator[dg.MaterializeResult[Any]]:
    """Publish the candidate that the audit passed, all tables and the ledger in one transaction."""
    with redshift.session() as session:
        published, state = _publish(context, session, s3)
        if not published.is_new:
            session.publication_made()  # the process that made it may have died before it could note it
        counts = {
            table.name: int(session.query(f"select count(*) from {table.qualified}")[0][0]) for table in PUBLISHED
        }
        versions = {table.name: session.content_hash(table.qualified) for table in PUBLISHED}
    log = DeliveryLog(s3.store, s3.raw_bucket)
    keep_catalog(context, s3, glue, redshift, state, lambda position: _state(s3, log.entries()[:position]))
    for table in PUBLISHED:
        yield result(
            dg.AssetKey(["warehouse", table.name]),
            counts[table.name],
            redshift.location(table.qualified),
            log_position=published.position,
            publication=published.number,
            is_new_publication=published.is_new,
            fingerprint=published.fingerprint,
            lineage=warehouse_lineage(table) if table in TABLES else None,
            data_version=versions[table.name],
        )
