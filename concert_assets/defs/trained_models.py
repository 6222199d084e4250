"""``model/*``: the models, trained on the published tables and judged on the future."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from concert_assets.catalog.canonical import ARTISTS, CONCERTS, TICKET_PRICES, TICKET_SALES, VENUES
from concert_assets.catalog.model import Table
from concert_assets.defs.common import has_data, has_data_spec, keys, result, spec
from concert_assets.defs.failure_hook import REPORT_ON_FAILURE
from concert_assets.defs.feature_shift import future_shift_of
from concert_assets.defs.features import data_as_of, feature_rows
from concert_assets.defs.model_objects import MODELS, LastDecision, card_uri, in_use, model_uri
from concert_assets.defs.model_verdict import judge, known_decision, note_untrainable, request_of
from concert_assets.defs.retries import retried
from concert_assets.resources.kms.local import Signing
from concert_assets.resources.redshift.resource import Redshift
from concert_assets.resources.s3.resource import S3
from concert_assets.warehousing.publish import publication

if TYPE_CHECKING:
    from concert_assets.learning.settings import TrainingSettings

LEAK_FREE, PROMOTED, COVERAGE = "leak_free", "promoted", "coverage"

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
        check_specs=[has_data_spec(key), *_check_specs(key)],
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
        from concert_assets.learning.settings import LearningSettingsError, TrainingSettings

        try:
            settings = TrainingSettings(test_size=config.test_size)
        except LearningSettingsError as error:
            raise dg.Failure(str(error)) from error
        last, rows = _trained(context, s3, redshift, signing, name, settings)
        used = in_use(s3, name)
        version = used.version if used else ""
        reason = "" if version else (used.skipped_reason if used else last.reasons[0])
        told: dict[str, Any] = {}
        if used and version:
            told = {"as_of": used.as_of, "metrics": used.card["metrics"], "baselines": used.card["baselines"]}
            told["card"] = dg.MetadataValue.path(card_uri(s3, name, version))
        # What is stored is told first; a leak fails the step after that, and has put nothing in use.
        yield result(
            key,
            rows,
            model_uri(s3, name, version) if version else s3.store.uri(s3.processed_bucket),
            skipped_reason=reason,
            checks=[has_data(key, reason), *_checks(key, last, version)],
            data_version=version,
            version=version,
            trained_version=last.version,
            decision="; ".join(last.reasons),
            **told,
        )

    return model


def _trained(
    context: dg.AssetExecutionContext,
    s3: S3,
    redshift: Redshift,
    signing: Signing,
    name: str,
    settings: "TrainingSettings",
) -> tuple[LastDecision, int]:
    """Train on what is published now, unless that was done already; what came of it, and the number of rows."""
    from concert_assets.learning.sales import train_ticket_sales
    from concert_assets.learning.settings import NotTrainable
    from concert_assets.learning.venues import train_venue_popularity

    train = {"venue_popularity": train_venue_popularity, "ticket_sales": train_ticket_sales}[name]
    with redshift.session() as session:
        as_of = data_as_of(session)
        rows = feature_rows(session, name, as_of) if as_of else None
        last = publication(session)
    position = last.position if last else 0
    if as_of is None or rows is None:
        nothing = NotTrainable(name, "no concert is completed and no ticket sold")
        return note_untrainable(s3, nothing, as_of=None, position=position, request=""), 0
    request = request_of(name, rows, as_of, settings)
    if known := known_decision(s3, signing, name, request):
        context.log.info(f"{name} was trained on these data before; nothing has changed")
        return known, len(rows)
    context.log.info(f"training {name} on {len(rows):,} rows as of {as_of}")
    outcome = train(rows, as_of, settings)
    if isinstance(outcome, NotTrainable):
        return note_untrainable(s3, outcome, as_of=as_of, position=position, request=request), len(rows)
    with redshift.session() as session:
        shift = future_shift_of(session, name, as_of)
        reach = data_as_of(session) or as_of  # somebody may have published meanwhile
    decided = judge(
        s3, signing, outcome, rows, as_of=as_of, reach=reach, shift=shift, position=position, request=request
    )
    context.log.info(f"{decided.version} is {'promoted' if decided.is_promoted else 'not promoted'}:")
    for reason in decided.reasons:
        context.log.info(f"  {reason}")
    return decided, len(rows)


def _check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(LEAK_FREE, asset=key, description="No feature knows the target", blocking=True),
        dg.AssetCheckSpec(PROMOTED, asset=key, description="The version trained last is better than the one in use"),
        dg.AssetCheckSpec(COVERAGE, asset=key, description="Intervals cover the share of outcomes that they say"),
    ]


def _checks(key: dg.AssetKey, last: LastDecision, in_use: str) -> list[dg.AssetCheckResult]:
    """What was decided last, as checks. Where nothing could be trained and nothing is in use, ``has_data`` says so."""
    leaks = last.leaks.get("reasons", [])
    missed = [reason for reason in last.reasons if " % interval covers " in reason]
    found = {name: last.leaks[name] for name in ("linear_r2", "shuffled_r2", "rows_shifted") if last.leaks.get(name)}
    return [
        dg.AssetCheckResult(
            passed=not leaks,
            asset_key=key,
            check_name=LEAK_FREE,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(leaks),
            metadata=found,
        ),
        dg.AssetCheckResult(
            passed=last.is_promoted or not (last.version or in_use),
            asset_key=key,
            check_name=PROMOTED,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(last.reasons),
        ),
        dg.AssetCheckResult(
            passed=not missed,
            asset_key=key,
            check_name=COVERAGE,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(missed),
            metadata={f"{level} %": share["coverage"] for level, share in last.figures.get("coverage", {}).items()},
        ),
    ]


trained_models = [_model(name, description) for name, description in MODELS.items()]
