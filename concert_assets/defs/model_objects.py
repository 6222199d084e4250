"""Trained models as objects of the processed bucket: a folder a version, which is in use, what was decided last.

A version's folder holds ``model.skops``, ``manifest.json`` (signed), ``judged.parquet`` (the future rows it was judged
on) and ``card.md``. Promotion alone writes the next number of ``in_use/``, the last of which counts, so that of two
trainings at once one has to look again; every training writes ``decision.json``.
"""

import hashlib
import io
import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from concert_assets.defs.retries import MayPass
from concert_assets.resources.kms.local import Signing
from concert_assets.resources.s3.protocol import ObjectExists, ObjectNotFound
from concert_assets.resources.s3.resource import S3

if TYPE_CHECKING:
    import pandas as pd

    from concert_assets.learning.model import Candidate, TrainedModel
    from concert_assets.learning.settings import NotTrainable

MODEL_PREFIX = "models/"
_POINTER = re.compile(r".*/in_use/(?P<number>[0-9]{8})\.json")

MODELS = {
    "venue_popularity": "Forecast of a venue's popularity score over the coming year, histogram gradient boosting.",
    "ticket_sales": "Forecast of the tickets that a concert will sell, histogram gradient boosting.",
}


@dataclass(frozen=True, slots=True)
class InUse:
    """What is in use of a model: a version with its card, or the reason why there is none.

    ``is_damaged`` where the object that should tell cannot be read: then the reason says what to do. ``number`` is that
    of the object, 0 where there is none.
    """

    name: str
    version: str
    as_of: str
    skipped_reason: str
    card: dict[str, Any]
    is_damaged: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True)
class LastDecision:
    """What the last training came to.

    ``request`` stands for all that it depended on. ``version`` is empty where nothing could be trained; then
    ``reasons`` say why, else why it was promoted or not. ``leaks`` is the plain leak report, ``figures`` those of the
    decision. ``position`` is the log position that was published, ``decided_at`` an instant in UTC.
    """

    name: str
    request: str
    version: str
    as_of: str
    is_promoted: bool
    reasons: list[str]
    position: int
    decided_at: str
    leaks: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


def _folder(name: str, version: str) -> str:
    return f"{MODEL_PREFIX}{name}/{version}/"


def _pointer(name: str, number: int) -> str:
    return f"{MODEL_PREFIX}{name}/in_use/{number:08d}.json"


def _last_pointer(s3: S3, name: str) -> int:
    there = s3.store.list(s3.processed_bucket, f"{MODEL_PREFIX}{name}/in_use/")
    found = (_POINTER.fullmatch(info.key) for info in there)
    return max((int(match["number"]) for match in found if match), default=0)


def _decision(name: str) -> str:
    return f"{MODEL_PREFIX}{name}/decision.json"


def model_uri(s3: S3, name: str, version: str) -> str:
    """Where a version of a model lies."""
    return s3.store.uri(s3.processed_bucket, _folder(name, version) + "model.skops")


def card_uri(s3: S3, name: str, version: str) -> str:
    """Where the card of a version lies."""
    return s3.store.uri(s3.processed_bucket, _folder(name, version) + "card.md")


def store_version(s3: S3, signing: Signing, candidate: "Candidate", position: int) -> None:
    """Store a version, its manifest last: without one the folder is no version, whatever a killed process left.

    A version that is there is left alone, for it may be in use, and the same version is the same model; but one that
    was not promoted when it was first judged, and is so now, is stored again with that verdict.
    """
    from concert_assets.learning.card import model_card
    from concert_assets.learning.persistence import ModelRefused, dump

    model = candidate.model
    with suppress(ModelRefused):
        stored = load_version(s3, signing, model.name, model.version)
        judged_rows(s3, model.name, model.version)
        if stored.card["promotion"]["is_promoted"] or not model.card["promotion"]["is_promoted"]:
            return
    judged = io.BytesIO()
    candidate.judged.to_parquet(judged, index=False)
    data, manifest = dump(model, signing.key(), ledger_position=position, judged=judged.getvalue())
    objects = {
        "model.skops": data,
        "judged.parquet": judged.getvalue(),
        "card.md": model_card(model.card).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    for name, content in objects.items():
        s3.store.write(s3.processed_bucket, _folder(model.name, model.version) + name, content)


def promote(s3: S3, model: "TrainedModel", after: InUse | None) -> InUse:
    """Put a stored version in use in place of what the decision was about; MayPass where that has changed meanwhile."""
    return _point(s3, InUse(model.name, model.version, model.card["as_of"], "", model.card), after)


def retire(s3: S3, name: str, as_of: str, reason: str, after: InUse | None) -> InUse:
    """Put no version in use, for a reason; MayPass where what was in use has changed meanwhile."""
    return _point(s3, InUse(name, "", as_of, reason, {}), after)


def _point(s3: S3, used: InUse, after: InUse | None) -> InUse:
    used = replace(used, number=(after.number if after else 0) + 1)
    text = json.dumps(asdict(used), ensure_ascii=False).encode()
    try:
        s3.store.create(s3.processed_bucket, _pointer(used.name, used.number), text)
    except ObjectExists:
        raise MayPass(f"another training decided on {used.name} meanwhile; it is decided once more") from None
    return used


def note_decision(s3: S3, decision: LastDecision) -> None:
    """Keep what was decided, in place of what was decided before."""
    text = json.dumps(asdict(decision), ensure_ascii=False, allow_nan=False)
    s3.store.write(s3.processed_bucket, _decision(decision.name), text.encode())


def last_decision(s3: S3, name: str) -> LastDecision | None:
    """What was decided last; None where nothing was, or where it cannot be read: training decides anew."""
    try:
        return LastDecision(**json.loads(s3.store.read(s3.processed_bucket, _decision(name))))
    except (ObjectNotFound, TypeError, ValueError, RecursionError):
        return None


def in_use(s3: S3, name: str) -> InUse | None:
    """What is in use of a model, or None where it was never trained."""
    number = _last_pointer(s3, name)
    if not number:
        return None
    try:
        used = InUse(**json.loads(s3.store.read(s3.processed_bucket, _pointer(name, number))))
        is_whole = used.name == name and isinstance(used.version, str) and isinstance(used.card, dict)
    except ObjectNotFound:
        return in_use(s3, name)  # somebody removed it between listing and reading
    except (TypeError, ValueError, RecursionError):
        is_whole = False
    if is_whole:
        return replace(used, number=number)
    place = s3.store.uri(s3.processed_bucket, _pointer(name, number))
    reason = f"{place} is damaged: restore it, or remove it for what was in use before"
    return InUse(name, "", "", reason, {}, is_damaged=True, number=number)


def stored_version(s3: S3, name: str, version: str) -> tuple[bytes, bytes]:
    """The bytes of a stored version and of its manifest, nothing of which is verified; ModelOutdated without them."""
    from concert_assets.learning.persistence import ModelOutdated

    folder = _folder(name, version)
    try:
        text = s3.store.read(s3.processed_bucket, folder + "manifest.json")
        return s3.store.read(s3.processed_bucket, folder + "model.skops"), text
    except ObjectNotFound as error:
        raise ModelOutdated(f"an object of model {version} is gone; train again") from error


def load_version(s3: S3, signing: Signing, name: str, version: str) -> "TrainedModel":
    """A stored version, its signature verified before it is parsed; ModelRefused where it is not as it was stored."""
    from concert_assets.learning.persistence import ModelRefused, load, read_manifest

    data, text = stored_version(s3, name, version)
    model = load(data, read_manifest(text), signing.key())
    if (model.name, model.version) != (name, version):
        raise ModelRefused(f"what lies in the place of model {version} is {model.version}, signed, but another")
    return model


def load_in_use(s3: S3, signing: Signing, name: str) -> "TrainedModel | NotTrainable":
    """The model in use; the reason where there is none, or none that this program can use any more.

    ModelRefused where a model is not what was stored, where it cannot be told which is in use, and where what is
    pointed at was not promoted, by its signed card: that is nothing to go on from.
    """
    from concert_assets.learning.persistence import ModelOutdated, ModelRefused
    from concert_assets.learning.settings import NotTrainable

    used = in_use(s3, name)
    if used is not None and used.is_damaged:
        raise ModelRefused(used.skipped_reason)
    if used is None or not used.version:
        return NotTrainable(name, used.skipped_reason if used else f"the model {name} was never trained")
    try:
        model = load_version(s3, signing, name, used.version)
    except ModelOutdated as error:
        return NotTrainable(name, str(error))
    check_promoted(model)
    return model


def check_promoted(model: "TrainedModel") -> None:
    """Raise ModelRefused for a version that its signed card does not call promoted: the pointer alone is not signed."""
    from concert_assets.learning.persistence import ModelRefused

    if not model.card.get("promotion", {}).get("is_promoted"):
        raise ModelRefused(f"model {model.version} was not promoted when it was trained, and yet is set in use")


def learned_position(s3: S3, name: str, version: str) -> int:
    """The log position of the publication that a version learned from; 0 where its manifest cannot be read."""
    from concert_assets.learning.persistence import ModelRefused, read_manifest

    try:
        manifest = read_manifest(s3.store.read(s3.processed_bucket, _folder(name, version) + "manifest.json"))
        return int(manifest["ledger_position"])
    except (ObjectNotFound, ModelRefused, KeyError, TypeError, ValueError):
        return 0


def judged_rows(s3: S3, name: str, version: str) -> "pd.DataFrame":
    """The future rows that a version was judged on; ModelRefused where they are not those that its manifest names."""
    import pandas as pd

    from concert_assets.learning.persistence import ModelOutdated, ModelRefused, read_manifest

    folder = _folder(name, version)
    try:
        manifest = read_manifest(s3.store.read(s3.processed_bucket, folder + "manifest.json"))
        data = s3.store.read(s3.processed_bucket, folder + "judged.parquet")
    except ObjectNotFound as error:
        raise ModelOutdated(f"an object of model {version} is gone; train again") from error
    if hashlib.sha256(data).hexdigest() != manifest.get("judged_sha256"):
        raise ModelRefused(f"the judged rows of model {version} are not those of its manifest")
    return pd.read_parquet(io.BytesIO(data))
