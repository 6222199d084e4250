"""The four functions by which SageMaker's container for scikit-learn serves a model: load, read, forecast, write.

The package that it is served from was verified when it was made: signature and verdict of the version, by the key that
signs models. That key is not given to the endpoint, for whoever can verify an HMAC can also sign. What is loaded here
is the model whose manifest has the hash that the package names, and it is parsed only then.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from concert_assets.learning.estimators import threads_for
from concert_assets.learning.features import day_text
from concert_assets.learning.model import TrainedModel
from concert_assets.learning.persistence import ModelRefused, load_pinned
from concert_assets.learning.sales import FORECAST_COLUMNS, NAME, forecast_ticket_sales
from concert_assets.serving.requests import CSV, JSON, RequestRefused, rows_of

MODEL_FILE, MANIFEST_FILE, PIN_FILE = "model.skops", "manifest.json", "code/manifest.sha256"


def model_fn(model_dir: str) -> TrainedModel:
    """The model of an unpacked package; ModelRefused, one line, where it is not the one that was packed."""
    folder = Path(model_dir)
    try:
        data, manifest = (folder / MODEL_FILE).read_bytes(), (folder / MANIFEST_FILE).read_bytes()
        pin = (folder / PIN_FILE).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelRefused(f"the package in {model_dir} is not whole: {type(error).__name__}") from None
    model = load_pinned(data, manifest, pin)
    if model.name != NAME:
        raise ModelRefused(f"model {model.version} is not a model {NAME}")
    return model


def input_fn(request_body: bytes | str, request_content_type: str) -> pd.DataFrame:
    """The feature rows of a request; RequestRefused."""
    body = request_body.encode() if isinstance(request_body, str) else bytes(request_body)
    return rows_of(body, request_content_type)


def predict_fn(input_data: pd.DataFrame, model: TrainedModel) -> pd.DataFrame:
    """The platform's own forecast of each row, columns FORECAST_COLUMNS, in the order of the rows.

    Each row is asked as of its own ``cutoff_day``. Rows of the same concert stay apart.
    """
    found = []
    days = input_data["cutoff_day"].astype(int)
    with threads_for(len(input_data)):
        for day in sorted(set(days)):
            rows = input_data[days == day]
            # By place and not by id: forecasts come in the order of ids, which may be there more than once.
            placed = rows.assign(concert_id=[f"{place:09d}" for place in rows.index])
            found.append(forecast_ticket_sales(model, placed, date.fromisoformat(day_text(day))))
    forecasts = pd.concat(found).sort_values("concert_id", ignore_index=True)
    return forecasts.assign(concert_id=input_data["concert_id"].to_numpy())[list(FORECAST_COLUMNS)]


def output_fn(prediction: pd.DataFrame, accept: str) -> tuple[str, str]:
    """Forecasts as the caller accepts them, and their content type; RequestRefused 406."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    for kind in kinds:
        if kind in ("", "*/*", "application/*", JSON):
            return json.dumps({"forecasts": [_plain(row) for row in prediction.to_dict("records")]}), JSON
        if kind in ("text/*", CSV):
            return prediction.to_csv(index=False), CSV
    raise RequestRefused(406, f"{JSON} or {CSV} can be given, and neither is accepted")


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """A forecast in JSON's types."""
    kinds = {"int64": int, "float64": float, "str": str, "object": str}
    return {name: kinds[kind](row[name]) for name, kind in FORECAST_COLUMNS.items()}
