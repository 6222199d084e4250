"""The subcommand ``predict``: what the model in use says of one concert, or of the concerts of a file."""

import json
import sys
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from concert_assets import deployment as deployments
from concert_assets.cli.errors import CommandFailed
from concert_assets.cli.runs import data_place, is_published
from concert_assets.deployment import Deployment

if TYPE_CHECKING:
    import pandas as pd

    from concert_assets.learning.model import TrainedModel
    from concert_assets.resources.redshift.protocol import Session

MODEL = "ticket_sales"
_COLUMNS = ("horizon_days", "predicted", "low_50", "high_50", "low_90", "high_90", "confidence_score")


def predict(deployment: Deployment, options: Any) -> int:
    """Print forecasts with their intervals; 1 where a row of the file has none."""
    from concert_assets.cli.planned import planned_forecasts
    from concert_assets.definitions import build_resources

    model = champion(deployment)
    with build_resources(deployment)["redshift"].session() as session:
        as_of = reach(session)
        refused: list[str] = []
        if options.concert is not None:
            told = [_of_concert(session, model, as_of, options.concert)]
        else:
            told, refused = planned_forecasts(session, model, as_of, options.file)
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for item in told:
            _print(item)
        print(f"model {model.version}, trained on data up to {model.card['as_of']}; forecast as of {as_of}")
    for reason in refused:
        print(f"concert-assets predict: {reason}", file=sys.stderr)
    return 1 if refused else 0


def champion(deployment: Deployment) -> "TrainedModel":
    """The model in use; CommandFailed, one line, where there is none that can be used."""
    from concert_assets.definitions import build_resources
    from concert_assets.defs.model_objects import load_in_use
    from concert_assets.learning.persistence import ModelRefused
    from concert_assets.learning.settings import NotTrainable

    deployments.check_home(deployment)
    if not is_published(deployment):
        raise CommandFailed(f"nothing is published in {data_place(deployment)}; run demo or ingest first")
    resources = build_resources(deployment)
    try:
        model = load_in_use(resources["s3"], resources["signing"], MODEL)
    except ModelRefused as error:
        raise CommandFailed(f"the model in use is refused: {error}") from error
    if isinstance(model, NotTrainable):
        raise CommandFailed(f"there is no model to ask: {model.reason}")
    return model


def reach(session: "Session") -> date:
    """The day that the published data reach to."""
    from concert_assets.defs.features import data_as_of

    as_of = data_as_of(session)
    if as_of is None:
        raise CommandFailed("no concert is completed and no ticket sold; there is nothing to go by")
    return as_of


def facts(session: "Session", concert: str) -> dict[str, Any]:
    """What is published of a concert; CommandFailed where it is not there or not one to forecast."""
    rows = session.query(
        "select c.concert_id, a.name, v.name, v.venue_type, v.capacity, cast(c.event_date as date), c.status,"
        " c.tickets_sold from concert_dw.concerts as c inner join concert_dw.artists as a on c.artist_id = a.artist_id"
        " inner join concert_dw.venues as v on c.venue_id = v.venue_id where c.concert_id = :concert",
        {"concert": concert},
    )
    if not rows:
        raise CommandFailed(f"no concert {concert!r} is published")
    names = ("concert_id", "artist", "venue", "venue_type", "capacity", "event_date", "status", "tickets_sold")
    found = dict(zip(names, rows[0], strict=True))
    return found | {"event_date": found["event_date"].isoformat()}


def check_day(found: dict[str, Any], as_of: date) -> str:
    """Empty where the concert lies ahead of the data, or is completed; else why it has no forecast."""
    if found["status"] == "completed":
        return "" if found["tickets_sold"] is not None else "it is completed, and tickets_sold is not known"
    if found["status"] != "scheduled":
        return f"it is {found['status']}; scheduled and completed concerts have forecasts"
    if date.fromisoformat(found["event_date"]) < as_of:
        return f"it was to be on {found['event_date']}, before {as_of}, the day that the data reach to"
    return ""


def last_day(concert: str, found: dict[str, Any]) -> str:
    """What is said of a concert that features know nothing of: only days before the data's last one are over."""
    return (
        f"concert {concert!r} has no forecast: it was on {found['event_date']}, on the last day of the data or after it"
    )


def _of_concert(session: "Session", model: "TrainedModel", as_of: date, concert: str) -> dict[str, Any]:
    from concert_assets.defs.features import feature_rows
    from concert_assets.learning.features import TICKET_SALES, typed
    from concert_assets.learning.known import predicted

    found = facts(session, concert)
    if reason := check_day(found, as_of):
        raise CommandFailed(f"concert {concert!r} has no forecast: {reason}")
    rows = feature_rows(session, MODEL, as_of)
    rows = rows[rows["concert_id"] == concert]
    if rows.empty:
        raise CommandFailed(last_day(concert, found))
    if found["status"] == "scheduled":
        return found | {"forecasts": scheduled_forecasts(model, rows, as_of)[concert]}
    ahead = typed(rows, TICKET_SALES).set_index("horizon")["days_out"]
    said = predicted(model, rows)
    said = said.assign(horizon_days=said["horizon"].map(ahead).astype(int)).sort_values("horizon_days", ascending=False)
    learned = found["event_date"] <= model.card["samples"]["train"]["last_target_day"]
    note = "the model has learned from this concert" if learned else ""
    return found | {"forecasts": _plain(said), "note": note}


def scheduled_forecasts(model: "TrainedModel", rows: "pd.DataFrame", as_of: date) -> dict[str, list[dict[str, Any]]]:
    """The forecast of each scheduled concert among rows of ``feature/ticket_sales``, by id."""
    from concert_assets.learning.sales import forecast_ticket_sales

    said = forecast_ticket_sales(model, rows, as_of).rename(
        columns=lambda name: name.replace("predicted_tickets", "predicted").replace("tickets_", "")
    )
    return {str(concert): _plain(own) for concert, own in said.groupby("concert_id")}


def _plain(said: "pd.DataFrame") -> list[dict[str, Any]]:
    kept = said[[name for name in _COLUMNS if name in said.columns]]
    return [
        {str(name): float(value) if name == "confidence_score" else int(value) for name, value in row.items()}
        for row in kept.to_dict("records")
    ]


def _print(item: dict[str, Any]) -> None:
    room = f"{item['capacity']:,} places" if item["capacity"] is not None else "capacity unknown"
    kind = f"{item['venue_type']}, " if item["venue_type"] else ""
    print(f"{item['concert_id']} · {item['artist']} at {item['venue']} ({kind}{room}) · {item['event_date']}")
    if item["status"] == "completed":
        print(f"  sold {item['tickets_sold']:,} tickets")
    if item.get("note"):
        print(f"  {item['note']}")
    if item["capacity"] is None:
        print("  the median of the venue type stands in for the capacity, and the confidence is 0")
    print(f"  {'days before':>11}  {'forecast':>9}  {'50 %':>19}  {'90 %':>19}  confidence")
    for row in item["forecasts"]:
        spans = (f"{row[f'low_{level}']:,} to {row[f'high_{level}']:,}" for level in (50, 90))
        score = f"{row['confidence_score']:.2f}" if "confidence_score" in row else ""
        texts: Sequence[str] = tuple(f"{span:>19}" for span in spans)
        print(f"  {row['horizon_days']:>11,}  {row['predicted']:>9,}  {'  '.join(texts)}  {score:>10}")
