"""Drift of the models in use: looked at with every prediction, kept as quality results, and what retraining goes by."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from concert_assets.catalog.operational import QUALITY_RESULTS
from concert_assets.defs.model_objects import MODEL_PREFIX, judged_rows
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.s3.protocol import ObjectNotFound
from concert_assets.resources.s3.resource import S3
from concert_assets.warehousing.names import create_table
from concert_assets.warehousing.publish import publication

if TYPE_CHECKING:
    import pandas as pd

    from concert_assets.learning.drift import Drift
    from concert_assets.learning.model import TrainedModel

DRIFT = "drift"
# The scope of these rows among the quality results: they judge a model, and no run is scored by them.
SCOPE = "model"


@dataclass(frozen=True, slots=True)
class Watched:
    """What was found of the version in use as of a day of data; ``reasons`` is empty where nothing has drifted."""

    name: str
    version: str
    as_of: str
    reasons: list[str]
    rows: int
    completed: int
    error_ratio: float | None
    largest_psi: float | None
    feature: str


def _place(name: str) -> str:
    return f"{MODEL_PREFIX}{name}/drift.json"


def last_watched(s3: S3, name: str) -> Watched | None:
    """What was found last; None where nothing was looked at yet, or where it cannot be read: it is looked at again."""
    try:
        return Watched(**json.loads(s3.store.read(s3.processed_bucket, _place(name))))
    except (ObjectNotFound, TypeError, ValueError, RecursionError):
        return None


def watch(
    session: Session, s3: S3, model: "TrainedModel", rows: "pd.DataFrame", as_of: date, run_id: str, table: str
) -> Watched:
    """Compare what came true since the model was trained with what it learned; keep the result for the sensor.

    Two rows go to ``quality_results``, under the table of the predictions, in place of those of the same run. Where
    the rows that the version was judged on are lost or damaged there is nothing to compare with: that is the reason
    then, for which the sensor retrains, which stores them again; predictions do without.
    """
    from concert_assets.learning.known import drift_of
    from concert_assets.learning.persistence import ModelRefused

    try:
        judged = judged_rows(s3, model.name, model.version)
    except ModelRefused as error:
        reason = f"drift cannot be told: {error}"
        return _kept(s3, Watched(model.name, model.version, as_of.isoformat(), [reason], 0, 0, None, None, ""))
    found = drift_of(model, judged, rows, as_of)
    worst = found.features[0] if found.features else None
    watched = Watched(
        model.name,
        model.version,
        as_of.isoformat(),
        list(found.reasons),
        found.rows,
        found.completed,
        found.error_ratio,
        worst["psi"] if worst else None,
        worst["feature"] if worst else "",
    )
    _kept(s3, watched)
    _record(session, found, run_id, table)
    return watched


def _kept(s3: S3, watched: Watched) -> Watched:
    s3.store.write(s3.processed_bucket, _place(watched.name), json.dumps(asdict(watched), allow_nan=False).encode())
    return watched


def _record(session: Session, found: "Drift", run_id: str, table: str) -> None:
    moved = [item for item in found.features if item["psi"] > item["most"]]
    errors = [reason for reason in found.reasons if reason.startswith("errors ")]
    now = datetime.now(UTC).replace(tzinfo=None)
    last = publication(session)
    position = last.position if last else 0
    results: list[tuple[str, int, int, list[str], str]] = [
        (
            "features_stable",
            len(moved),
            len(found.features),
            [f"{item['feature']}: PSI {item['psi']:.2f}" for item in moved],
            f"no feature of {found.rows:,} rows completed since training has moved beyond its bound",
        ),
        (
            "errors_stable",
            found.completed if errors else 0,
            found.completed,
            errors,
            "errors on what was completed since training are those of the test rows, up to noise",
        ),
    ]
    with session.transaction():
        session.execute(create_table(QUALITY_RESULTS.qualified, {c.name: c.type for c in QUALITY_RESULTS.columns}))
        session.execute(
            f"delete from {QUALITY_RESULTS.qualified}"
            " where run_id = :run_id and table_name = :table and scope = :scope",
            {"run_id": run_id, "table": table, "scope": SCOPE},
        )
        session.insert_rows(
            QUALITY_RESULTS.qualified,
            QUALITY_RESULTS.column_names,
            [
                (
                    run_id, table, rule, DRIFT, SCOPE, "warning", failing, total, not failing,
                    100.0 * (1 - failing / total) if total else None, json.dumps(sample, ensure_ascii=False),
                    description, position, now,
                )
                for rule, failing, total, sample, description in results
            ],
        )  # fmt: skip


def drift_check(key: dg.AssetKey, watched: Watched | None) -> dg.AssetCheckResult:
    """A warning where the model in use has drifted; without one there is nothing to drift."""
    metadata: dict[str, Any] = {}
    if watched is not None:
        metadata = {"rows": watched.rows, "completed": watched.completed}
        if watched.error_ratio is not None:
            metadata["error_ratio"] = watched.error_ratio
        if watched.largest_psi is not None:
            metadata |= {"largest_psi": watched.largest_psi, "feature": watched.feature}
    return dg.AssetCheckResult(
        passed=watched is None or not watched.reasons,
        asset_key=key,
        check_name=DRIFT,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(watched.reasons) if watched else "",
        metadata=metadata,
    )
