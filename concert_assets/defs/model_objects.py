"""Trained models as objects of the processed bucket: a folder a version, and which version is in use."""

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from concert_assets.resources.kms.local import Signing
from concert_assets.resources.s3.protocol import ObjectNotFound
from concert_assets.resources.s3.resource import S3

if TYPE_CHECKING:
    from concert_assets.learning.model import TrainedModel
    from concert_assets.learning.settings import NotTrainable

MODEL_PREFIX = "models/"

MODELS = {
    "venue_popularity": "Forecast of a venue's popularity score over the coming year, a random forest.",
    "ticket_sales": "Forecast of the tickets that a concert will sell, gradient boosting.",
}


@dataclass(frozen=True, slots=True)
class InUse:
    """What is in use of a model: a version with its card, or the reason why there is none."""

    name: str
    version: str
    as_of: str
    skipped_reason: str
    card: dict[str, Any]


def _folder(name: str, version: str) -> str:
    return f"{MODEL_PREFIX}{name}/{version}/"


def _pointer(name: str) -> str:
    return f"{MODEL_PREFIX}{name}/in_use.json"


def model_uri(s3: S3, name: str, version: str) -> str:
    """Where a version of a model lies."""
    return s3.store.uri(s3.processed_bucket, _folder(name, version) + "model.skops")


def keep(s3: S3, signing: Signing, name: str, as_of: date, outcome: "TrainedModel | NotTrainable") -> InUse:
    """Store what training came to, the object before the pointer, so that a pointer never leads nowhere."""
    from concert_assets.learning.persistence import dump
    from concert_assets.learning.settings import NotTrainable

    if isinstance(outcome, NotTrainable):
        used = InUse(name, "", as_of.isoformat(), outcome.reason, {})
    else:
        data, manifest = dump(outcome, signing.key())
        folder = _folder(name, outcome.version)
        s3.store.write(s3.processed_bucket, folder + "model.skops", data)
        s3.store.write(s3.processed_bucket, folder + "manifest.json", json.dumps(manifest).encode())
        used = InUse(name, outcome.version, as_of.isoformat(), "", outcome.card)
    fields = {field: getattr(used, field) for field in InUse.__slots__}
    s3.store.write(s3.processed_bucket, _pointer(name), json.dumps(fields, ensure_ascii=False).encode())
    return used


def in_use(s3: S3, name: str) -> InUse | None:
    """What is in use of a model, or None where it was never trained."""
    try:
        return InUse(**json.loads(s3.store.read(s3.processed_bucket, _pointer(name))))
    except ObjectNotFound:
        return None


def load_in_use(s3: S3, signing: Signing, name: str) -> "TrainedModel | NotTrainable":
    """The model in use, its signature verified before it is parsed; the reason where there is none."""
    from concert_assets.learning.persistence import load
    from concert_assets.learning.settings import NotTrainable

    used = in_use(s3, name)
    if used is None or not used.version:
        return NotTrainable(name, used.skipped_reason if used else "the model was never trained")
    folder = _folder(name, used.version)
    manifest = json.loads(s3.store.read(s3.processed_bucket, folder + "manifest.json"))
    return load(s3.store.read(s3.processed_bucket, folder + "model.skops"), manifest, signing.key())
