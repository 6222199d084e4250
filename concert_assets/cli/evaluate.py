"""The subcommand ``evaluate``: how near the models in use come to what could be known of a generated world.

With the room ``evaluation``, which it hands the truth to, this is the only place that reads it.
"""

import io
import json
import os
from typing import TYPE_CHECKING, Any

from concert_assets import deployment as deployments
from concert_assets.cli.errors import CommandFailed
from concert_assets.cli.runs import delivery_log, shown
from concert_assets.deployment import Deployment
from concert_assets.resources.s3.protocol import ObjectNotFound
from concert_assets.resources.s3.resource import S3

if TYPE_CHECKING:
    import pandas as pd

REPORT = "evaluation.json"
# What is asked of each published table.
_COLUMNS = {
    "artists": "artist_id, primary_genre, popularity_score",
    "venues": "venue_id, venue_type, city, timezone, capacity",
    "concerts": "concert_id, artist_id, venue_id, event_date, on_sale_date, status, tickets_sold",
    "ticket_prices": "concert_id, ticket_tier, face_value",
    "ticket_sales": "concert_id, purchase_timestamp",
}


def evaluate(deployment: Deployment, options: Any) -> int:
    """Print the figures of the models in use beside those of both ceilings, and write them as JSON."""
    deployments.check_home(deployment)
    settings = _generated(deployment)

    from concert_assets.definitions import build_resources

    resources = build_resources(deployment)
    s3 = resources["s3"]
    in_use = _in_use(s3)
    if not any(version for version, _, _ in in_use.values()):
        reasons = "; ".join(f"{name}: {reason}" for name, (_, _, reason) in in_use.items())
        raise CommandFailed(f"no model is in use in {shown(deployment.home)} ({reasons}); run demo or train")
    told = {
        "generated": {name: settings[name] for name in sorted(settings)},
        "models": _evaluated(s3, settings, _tables(resources["redshift"]), in_use),
    }
    path = deployment.reports / REPORT
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{REPORT}.{os.getpid()}")
    temporary.write_text(json.dumps(told, ensure_ascii=False, indent=2), encoding="utf-8")
    temporary.replace(path)
    for name, model in told["models"].items():
        _print(name, model)
    print(f"\nwritten to {shown(path)}; docs/ceilings.md tells what is compared")
    return 0


def _generated(deployment: Deployment) -> dict[str, Any]:
    """The settings of the world that the home holds, and nothing else; CommandFailed where it is another home."""
    from concert_assets.defs.raw_datasets import SIMULATION

    live = [item for item in delivery_log(deployment).deliveries() if item.state in ("live", "held")]
    generated = [item for item in live if item.entry.source == SIMULATION]
    foreign = sorted({item.name for item in live if item.entry.source != SIMULATION})
    home = shown(deployment.home)
    if not generated:
        raise CommandFailed(f"{home} holds no generated data, and of others no truth is known; run demo --home DIR")
    if foreign:
        raise CommandFailed(
            f"{home} holds other deliveries beside the generated data ({', '.join(foreign[:3])}), of which no truth is "
            "known; retract them, or run demo --home DIR"
        )
    if generated[-1].state == "held":
        raise CommandFailed(f"the generated data in {home} are held by the audit: {generated[-1].reason}")
    return dict(generated[-1].entry.settings or {})


def _in_use(s3: S3) -> dict[str, tuple[str, "pd.DataFrame | None", str]]:
    """Version, judged rows and else the reason why there are none, of each model."""
    from concert_assets.defs.model_objects import MODELS, in_use, judged_rows
    from concert_assets.learning.persistence import ModelRefused

    found: dict[str, tuple[str, pd.DataFrame | None, str]] = {}
    for name in sorted(MODELS):
        used = in_use(s3, name)
        if used is None or not used.version:
            found[name] = ("", None, used.skipped_reason if used else "the model was never trained")
            continue
        try:
            found[name] = (used.version, judged_rows(s3, name, used.version), "")
        except ModelRefused as error:
            raise CommandFailed(str(error)) from error
    return found


def _tables(warehouse: Any) -> dict[str, "pd.DataFrame"]:
    from concert_assets.catalog.canonical import BY_NAME

    with warehouse.session() as session:
        return {
            name: session.query_frame(f"select {columns} from {BY_NAME[name].qualified}", is_large=True)
            for name, columns in _COLUMNS.items()
        }


def _evaluated(
    s3: S3,
    settings: dict[str, Any],
    tables: dict[str, "pd.DataFrame"],
    in_use: dict[str, tuple[str, "pd.DataFrame | None", str]],
) -> dict[str, dict[str, Any]]:
    from datetime import date

    from concert_assets.evaluation.published import observe
    from concert_assets.evaluation.scoring import evaluate_ticket_sales, evaluate_venue_popularity
    from concert_assets.evaluation.truth import TruthMissing, read_truth

    as_of = date.fromisoformat(settings["as_of"])
    seen = observe(tables["artists"], tables["venues"], tables["concerts"], tables["ticket_prices"], as_of)
    try:
        truth = read_truth(seen, _truth_frames(s3, settings))
    except TruthMissing as error:
        raise CommandFailed(str(error)) from error
    found: dict[str, dict[str, Any]] = {}
    for name, (version, judged, reason) in in_use.items():
        told: dict[str, Any] = {"version": version, "skipped_reason": reason}
        if judged is None:
            told["horizons"] = []
        elif name == "ticket_sales":
            told |= evaluate_ticket_sales(judged, seen, tables["ticket_sales"], truth)
        else:
            told |= evaluate_venue_popularity(judged, seen, truth, seed=int(settings["seed"]))
        found[name] = told
    return found


def _truth_frames(s3: S3, settings: dict[str, Any]) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    from concert_assets.defs.raw_datasets import SIMULATION, TRUTH_PREFIX
    from concert_assets.evaluation.truth import OBJECTS

    frames = {}
    for name in OBJECTS:
        key = f"{TRUTH_PREFIX}{SIMULATION}/{settings['fingerprint']}/{name}.parquet"
        try:
            frames[name] = pd.read_parquet(io.BytesIO(s3.store.read(s3.raw_bucket, key)))
        except ObjectNotFound as error:
            raise CommandFailed(f"the truth of the generated world is gone: {s3.raw_bucket} has no {key}") from error
    return frames


def _print(name: str, model: dict[str, Any]) -> None:
    print(f"\n{name} · {model['version'] or 'skipped: ' + model['skipped_reason']}")
    for horizon in model["horizons"]:
        days = horizon["horizon"]
        when = f"{days} day{'' if days == '1' else 's'} before the show" if days.isdecimal() else days
        print(f"\n{when}, {horizon['rows']:,} rows")
        has_ranks = "spearman" in horizon["forecasts"][0]
        ranks = "   Spearman    NDCG@10" if has_ranks else ""
        print(f"  {'forecast':<32}{'R²':>9}{'MAE, ' + model['unit']:>18}{ranks}")
        for item in horizon["forecasts"]:
            label = item["name"] if item["kind"] == "model" else f"{item['kind']}: {item['name']}"
            more = f"{_figure(item['spearman']):>11}{_figure(item['ndcg_at_10']):>11}" if has_ranks else ""
            print(f"  {label:<32}{_figure(item['r2']):>9}{item['mae']:>18,.2f}{more}")
        for of in ("knowable", "oracle"):
            between = _between(horizon["r2_share_interval_90"][of])
            gain = _percent(horizon["mae_gain_share"][of])
            print(f"  model: {_percent(horizon['r2_share'][of])}{between} of the R² of {of}, {gain} of its gain in MAE")
        print(f"  model: MAE {_percent(horizon['mae_below_best_naive_share'])} below the best naive")


def _between(interval: list[float] | None) -> str:
    return "" if interval is None else f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
