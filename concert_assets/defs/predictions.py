"""``prediction/*``: what the models in use say of every venue and every scheduled concert, as tables."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from concert_assets.catalog.analytics import TICKET_SALES_FORECAST, VENUE_RANKING
from concert_assets.catalog.model import Table
from concert_assets.defs.automation import WITH_ITS_INPUTS
from concert_assets.defs.common import has_data, has_data_spec, keys, result, spec
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.features import data_as_of, feature_rows
from concert_assets.defs.model_drift import DRIFT, Watched, drift_check, watch
from concert_assets.defs.model_objects import load_in_use
from concert_assets.defs.retries import retried
from concert_assets.defs.trained_models import READS
from concert_assets.resources.kms.local import Signing
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3
from concert_assets.warehousing.names import create_table

_MODELS = {VENUE_RANKING: "venue_popularity", TICKET_SALES_FORECAST: "ticket_sales"}


def _prediction(table: Table) -> dg.AssetsDefinition:
    key = dg.AssetKey(["prediction", table.name])
    model = _MODELS[table]

    @dg.multi_asset(
        name=table.name,
        specs=[
            spec(
                "prediction",
                table.name,
                table.description,
                kinds={"redshift", "scikitlearn"},
                code=("catalog", "learning", f"sql/feature/{model}.sql"),
                deps=[dg.AssetKey(["model", model]), *keys("warehouse", READS[model])],
                columns=table.columns,
                table=table.qualified,
                automation=WITH_ITS_INPUTS,
            )
        ],
        check_specs=[
            has_data_spec(key),
            dg.AssetCheckSpec(DRIFT, asset=key, description="The world is still the one that the model learned from"),
        ],
        hooks={REPORT_ON_FAILURE},
    )
    @retried
    def prediction(
        context: dg.AssetExecutionContext,
        s3: dg.ResourceParam[S3],
        redshift: dg.ResourceParam[Redshift],
        signing: dg.ResourceParam[Signing],
        journal: dg.ResourceParam[Any],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from concert_assets.learning.persistence import ModelRefused
        from concert_assets.learning.sales import forecast_ticket_sales
        from concert_assets.learning.settings import NotTrainable
        from concert_assets.learning.venues import rank_venues

        predict = {"venue_popularity": rank_venues, "ticket_sales": forecast_ticket_sales}[model]
        try:
            champion = load_in_use(s3, signing, model)
        except ModelRefused as error:
            raise dg.Failure(f"the model {model} in use is refused: {error}") from error
        reason = champion.reason if isinstance(champion, NotTrainable) else ""
        rows: list[Any] = []
        watched: Watched | None = None
        with redshift.session() as session:
            as_of = data_as_of(session)
            if not isinstance(champion, NotTrainable) and as_of is not None:
                # Of the data as they are now: the champion may have been trained long before.
                frame = feature_rows(session, model, as_of)
                predicted = predict(champion, frame, as_of)
                rows = list(predicted[list(table.column_names)].itertuples(index=False, name=None))
                if not rows:
                    reason = "there is nothing to predict: no venue is known or no concert is scheduled"
                watched = watch(session, s3, champion, frame, as_of, context.run_id, table.name)
            replacement = f"{table.schema}.new__{table.name}"
            with session.transaction():
                session.execute(f"drop table if exists {replacement}")
                session.execute(create_table(replacement, {c.name: c.type for c in table.columns}))
                session.insert_rows(replacement, table.column_names, rows)
                session.replace_table(table.qualified, replacement)
        yield result(
            key,
            len(rows),
            redshift.location(table.qualified),
            skipped_reason=reason,
            checks=[has_data(key, reason), drift_check(key, watched)],
            model_version="" if isinstance(champion, NotTrainable) else champion.version,
        )

    return prediction


predictions = [_prediction(table) for table in _MODELS]
