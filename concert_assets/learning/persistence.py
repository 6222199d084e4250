"""Storing a model as skops bytes beside a signed manifest, and refusing what is not exactly what was signed."""

import hashlib
import hmac
import re
from typing import Any

import skops.io

from concert_assets.learning.intervals import Calibration
from concert_assets.learning.model import TrainedModel, canonical_json, library_versions

FORMAT = 1
# What the two baseline models are made of beyond the types that skops trusts by itself.
TRUSTED_TYPES = ["numpy.dtype", "sklearn.tree._tree.Tree"]


class ModelRefused(Exception):
    """A stored model that is not loaded. Its text is one line saying why."""


def dump(model: TrainedModel, key: bytes) -> tuple[bytes, dict[str, Any]]:
    """The model's bytes and its manifest, plain JSON, signed with ``key`` (HMAC-SHA256 over manifest and bytes).

    The bytes differ from call to call, the version does not. ValueError for an empty key.
    """
    _check_key(key)
    data: bytes = skops.io.dumps(model.pipeline)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "name": model.name,
        "version": model.version,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "libraries": library_versions(),
        "calibration": model.calibration.to_dict(),
        "extras": model.extras,
        "card": model.card,
    }
    return data, manifest | {"signature": _signature(data, manifest, key)}


def load(data: bytes, manifest: dict[str, Any], key: bytes) -> TrainedModel:
    """The model that was dumped. Nothing of ``data`` is parsed before signature, hash and libraries are verified.

    ``manifest`` is what ``dump`` gave, also after a way through JSON. Raises ModelRefused; ValueError for an empty key.
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
    label = f"model {manifest.get('version')}"
    if manifest.get("format") != FORMAT:
        raise ModelRefused(f"{label} has format {manifest.get('format')!r}; this program reads format {FORMAT}")
    if manifest.get("sha256") != hashlib.sha256(data).hexdigest():
        raise ModelRefused(f"the bytes of {label} are not those of its manifest")
    if manifest.get("libraries") != library_versions():
        raise ModelRefused(f"{label} was stored with other library versions; train again")
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


def _check_key(key: bytes) -> None:
    if not key:
        raise ValueError("the key that signs models is empty")


def _signature(data: bytes, unsigned: dict[str, Any], key: bytes) -> str:
    # The length keeps manifest and bytes apart, so that nothing can move from one to the other.
    signed = canonical_json(unsigned)
    return hmac.new(key, b"%d\n%s\n%s" % (len(signed), signed, data), hashlib.sha256).hexdigest()
