"""The subcommand ``explain``: what each feature adds to one forecast of the model in use."""

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from concert_assets.cli.errors import CommandFailed
from concert_assets.cli.forecasts import MODEL, champion, check_day, facts, last_day, reach
from concert_assets.deployment import Deployment

if TYPE_CHECKING:
    import pandas as pd

# So many of the features are listed; the others are added up.
_LISTED = 12


def explain(deployment: Deployment, options: Any) -> int:
    """Print the features by what they add to the forecast of one concert, the largest first."""
    from concert_assets.definitions import build_resources
    from concert_assets.defs.features import feature_rows

    model = champion(deployment)
    with build_resources(deployment)["redshift"].session() as session:
        as_of = reach(session)
        found = facts(session, options.concert)
        if reason := check_day(found, as_of):
            raise CommandFailed(f"concert {options.concert!r} has no forecast: {reason}")
        rows = feature_rows(session, MODEL, as_of)
    if not (rows["concert_id"] == options.concert).any():
        raise CommandFailed(last_day(options.concert, found))
    told = _explained(model, rows, as_of, found)
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
    print(f"{found['concert_id']} · {found['artist']} at {found['venue']} · {found['event_date']}")
    print(f"  {told['base']:>12,.0f}  {told['base_is']}")
    for item in told["contributions"][:_LISTED]:
        shown = f"{item['value']:,.4g}" if isinstance(item["value"], float) else str(item["value"])
        print(f"  {item['adds']:>+12,.0f}  {item['feature']} is {shown} (± {item['error']:,.0f})")
    rest = told["contributions"][_LISTED:]
    if rest:
        print(f"  {sum(item['adds'] for item in rest):>+12,.0f}  {len(rest)} other features")
    print(f"  {told['predicted']:>12,.0f}  tickets are forecast by {model.version}")
    return 0


def _explained(model: Any, rows: "pd.DataFrame", as_of: date, found: dict[str, Any]) -> dict[str, Any]:
    """The contributions in tickets of this concert's room, against shows that the model was trained on or judged by."""
    import numpy as np

    from concert_assets.learning.explain import explain as explained
    from concert_assets.learning.known import outcomes
    from concert_assets.learning.model import predict_values
    from concert_assets.learning.sales import ANNOUNCEMENT, feature_frame, span_of

    columns = model.card["features"]
    own = rows[rows["concert_id"] == found["concert_id"]]
    asked = "now" if found["status"] == "scheduled" else ANNOUNCEMENT
    frame = feature_frame(model, own)
    frame = frame[frame["horizon"] == asked] if (frame["horizon"] == asked).any() else frame.head(1)
    known = outcomes(MODEL, rows, as_of)
    if known.empty:
        raise CommandFailed("no concert is completed to compare with")
    past = feature_frame(model, rows).merge(known[["concert_id", "horizon"]], on=["concert_id", "horizon"])
    background = past[past["horizon"] == ANNOUNCEMENT][columns]
    span = span_of(model, own[own["horizon"] == frame["horizon"].iloc[0]])

    def predict(table: "pd.DataFrame") -> Any:
        return predict_values(model.pipeline, table, span.take(np.zeros(len(table), dtype=np.intp)))

    one = explained(predict, frame[columns], background)
    return found | {
        "horizon": asked,
        "predicted": one.predicted,
        "base": one.base,
        "base_is": "tickets would be forecast for completed shows on the mean, if they were in this room",
        "contributions": [
            {"feature": item.feature, "value": _plain(item.value), "adds": item.adds, "error": item.error}
            for item in one.contributions
        ],
        "model_version": model.version,
    }


def _plain(value: object) -> float | str | None:
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    return None if number != number else number
