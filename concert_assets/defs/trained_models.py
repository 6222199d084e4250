"""``model/*``: the models, trained on the published tables and judged on the future."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from concert_assets.catalog.canonical import ARTISTS, CONCERTS, TICKET_PRICES, TICKET_SALES, VENUES
from concert_assets.catalog.model import Table
from concert_assets.defs.common import has_data, has_data_spec, keys, result, spec
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.features import data_as_of, feature_rows
from concert_assets.defs.model_objects import MODELS, keep, model_uri
from concert_assets.defs.retries import retried
from concert_assets.resources.kms.local import Signing
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3

# Which published tables a model learns from, and predicts for.
READS: dict[str, tuple[Table, ...]] = {
    "venue_popularity": (ARTISTS, VENUES, CONCERTS),
    "ticket_sales": (ARTISTS, VENUES, CONCERTS, TICKET_PRICES, TICKET_SALES),
}


class TrainingConfig(dg.Config):
    """How models are judged."""

    test_size: float = Field(default=0.2, description="Share of the time range, its end, that models are judged on")


def _model(name: str, description: str) -> dg.AssetsDefinition:
    key = dg.AssetKey(["model", name])

    @dg.multi_asset(
        name=f"model_{name}",
        specs=[
            spec(
                "model",
                name,
                description,
                kinds={"scikitlearn", "s3"},
                code=("learning", f"sql/feature/{name}.sql"),
                deps=keys("warehouse", READS[name]),
            )
        ],
        check_specs=[has_data_spec(key)],
        hooks={REPORT_ON_FAILURE},
    )
    @retried
    def model(
        context: dg.AssetExecutionContext,
        config: TrainingConfig,
        s3: dg.ResourceParam[S3],
        redshift: dg.ResourceParam[Redshift],
        signing: dg.ResourceParam[Signing],
        journal: dg.ResourceParam[Any],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from concert_assets.learning.sales import train_ticket_sales
        from concert_assets.learning.settings import LearningSettingsError, NotTrainable, TrainingSettings
        from concert_assets.learning.venues import train_venue_popularity

        train = {"venue_popularity": train_venue_popularity, "ticket_sales": train_ticket_sales}[name]
        try:
            settings = TrainingSettings(test_size=config.test_size)
        except LearningSettingsError as error:
            raise dg.Failure(str(error)) from error
        with redshift.session() as session:
            as_of = data_as_of(session)
            rows = feature_rows(session, name, as_of) if as_of else None
        if as_of is None or rows is None:
            as_of = date.min
            outcome: Any = NotTrainable(name, "no concert is completed and no ticket sold")
        else:
            context.log.info(f"training {name} on {len(rows):,} rows as of {as_of}")
            outcome = train(rows, as_of, settings)
        used = keep(s3, signing, name, as_of, outcome)
        uri = model_uri(s3, name, used.version) if used.version else s3.store.uri(s3.processed_bucket)
        yield result(
            key,
            len(rows) if rows is not None and used.version else 0,
            uri,
            skipped_reason=used.skipped_reason,
            checks=[has_data(key, used.skipped_reason)],
            data_version=used.version,
            version=used.version,
            as_of=used.as_of,
            metrics=used.card.get("metrics", {}),
            baselines=used.card.get("baselines", {}),
        )

    return model


trained_models = [_model(name, description) for name, description in MODELS.items()]
