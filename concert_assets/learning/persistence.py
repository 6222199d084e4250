"""Storing a model as skops bytes beside a signed manifest, and refusing what is not exactly what was signed."""

import hashlib
import hmac
import json
import re
from typing import Any

import skops.io

from concert_assets.learning.intervals import Calibration
from concert_assets.learning.model import TrainedModel, canonical_json, library_versions
from concert_assets.learning.settings import CODE_VERSION

FORMAT = 2
# What the models are made of beyond the types that skops trusts by itself: trees of both kinds, and the encoder that
# histogram boosting makes for its categories.
TRUSTED_TYPES = [
    "functools.partial",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
]


Manifest = dict[str, Any]


class ModelRefused(Exception):
    """A stored model that is not loaded. Its text is one line saying why."""


class ModelOutdated(ModelRefused):
    """A model as it was stored, by another version of this program or its libraries; training again replaces it."""


def dump(model: TrainedModel, key: bytes, *, ledger_position: int = 0, judged: bytes = b"") -> tuple[bytes, Manifest]:
    """The model's bytes and its manifest, plain JSON, signed with ``key`` (HMAC-SHA256 over manifest and bytes).

    ``ledger_position`` is the position of the delivery log whose publication it learned from, ``judged`` the bytes of
    the rows it was judged on, whose hash the manifest keeps. The bytes differ from call to call, the version does not.
    ValueError for an empty key.
    """
    _check_key(key)
    data: bytes = skops.io.dumps(model.pipeline)
    manifest: Manifest = {
        "format": FORMAT,
        "name": model.name,
        "version": model.version,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "data_sha256": model.card["data_sha256"],
        "judged_sha256": hashlib.sha256(judged).hexdigest(),
        "ledger_position": ledger_position,
        "features": model.card["features"],
        "metrics": model.card["metrics"],
        "code_version": CODE_VERSION,
        "libraries": library_versions(),
        "calibration": model.calibration.to_dict(),
        "extras": model.extras,
        "card": model.card,
    }
    return data, manifest | {"signature": _signature(data, manifest, key)}


def read_manifest(text: bytes) -> Manifest:
    """A manifest as it was written, not verified yet; ModelRefused where it is not a JSON object."""
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelRefused("the model's manifest is not JSON") from error
    if not isinstance(manifest, dict):
        raise ModelRefused("the model's manifest is not a JSON object")
    return manifest


def load(data: bytes, manifest: Manifest, key: bytes) -> TrainedModel:
    """The model that was dumped. Nothing of ``data`` is parsed before all that the manifest says of it is verified.

    ``manifest`` is what ``dump`` gave, also after a way through JSON. Raises ModelRefused; ValueError for an empty key.
    """
    _verify_signature(data, manifest, key)
    return _parsed(data, manifest)


def load_pinned(data: bytes, text: bytes, sha256: str) -> TrainedModel:
    """The model of a manifest whose bytes have a hash that was kept when its signature was verified.

    For where the key is not to be had. As ``load`` does, it parses nothing before all is verified; raises ModelRefused.
    """
    if not hmac.compare_digest(hashlib.sha256(text).hexdigest().encode(), sha256.encode()):
        raise ModelRefused("the model's manifest is not the one that was verified")
    return _parsed(data, read_manifest(text))


def _parsed(data: bytes, manifest: Manifest) -> TrainedModel:
    """The model of a manifest that can be believed."""
    _verify_content(data, manifest)
    label = f"model {manifest['version']}"
    try:
        untrusted = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED_TYPES))
        if untrusted:
            raise ModelRefused(f"{label} holds types that are not trusted: {', '.join(untrusted)}")
        pipeline = skops.io.loads(data, trusted=TRUSTED_TYPES)
    except ModelRefused:
        raise
    except Exception as error:
        raise ModelRefused(f"{label} cannot be read: {type(error).__name__}") from error
    return TrainedModel(
        name=manifest["name"],
        version=manifest["version"],
        pipeline=pipeline,
        calibration=Calibration.from_dict(manifest["calibration"]),
        card=manifest["card"],
        extras=manifest["extras"],
    )


def _verify_signature(data: bytes, manifest: Manifest, key: bytes) -> None:
    """Raise ModelRefused unless these are the bytes and the manifest that were signed.

    It goes first: what is not signed says nothing about itself that could be believed.
    """
    _check_key(key)
    unsigned = {name: value for name, value in manifest.items() if name != "signature"}
    signature = manifest.get("signature")
    if not isinstance(signature, str) or not re.fullmatch("[0-9a-f]{64}", signature):
        raise ModelRefused("the model's manifest carries no signature")
    try:
        expected = _signature(data, unsigned, key)
    except (TypeError, ValueError) as error:
        raise ModelRefused(f"the model's manifest is not plain JSON: {error}") from error
    if not hmac.compare_digest(signature, expected):
        raise ModelRefused("the signature does not fit the model's bytes and manifest under this key")


def _verify_content(data: bytes, manifest: Manifest) -> None:
    """Raise ModelRefused unless a manifest that can be believed is of these bytes and of this program as it is now."""
    label = f"model {manifest.get('version')}"
    if manifest.get("format") != FORMAT:
        raise ModelOutdated(
            f"{label} has format {manifest.get('format')!r}; this program reads format {FORMAT}; train again"
        )
    if manifest.get("sha256") != hashlib.sha256(data).hexdigest():
        raise ModelRefused(f"the bytes of {label} are not those of its manifest")
    stored, here = dict(manifest.get("libraries") or {}), library_versions()
    if stored != here:
        others = ", ".join(f"{name} {stored.get(name)}" for name in here if stored.get(name) != here[name])
        raise ModelOutdated(f"{label} was stored with other library versions ({others}); train again")
    if manifest.get("code_version") != CODE_VERSION:
        raise ModelOutdated(
            f"{label} was made by version {manifest.get('code_version')} of the learning code, and this is version"
            f" {CODE_VERSION}; train again"
        )


def _check_key(key: bytes) -> None:
    if not key:
        raise ValueError("the key that signs models is empty")


def _signature(data: bytes, unsigned: dict[str, Any], key: bytes) -> str:
    # The length keeps manifest and bytes apart, so that nothing can move from one to the other.
    signed = canonical_json(unsigned)
    return hmac.new(key, b"%d\n%s\n%s" % (len(signed), signed, data), hashlib.sha256).hexdigest()
