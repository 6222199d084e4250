"""Stored models: what was signed comes back as it was, everything else is refused before a byte of it is parsed."""

import hashlib
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from concert_assets.learning import persistence
from concert_assets.learning.model import TrainedModel
from concert_assets.learning.persistence import ModelRefused, dump, load
from concert_assets.learning.sales import forecast_ticket_sales, train_ticket_sales
from concert_assets.learning.venues import rank_venues, train_venue_popularity
from concert_assets_tests.learning_world import AS_OF, make_world, query

KEY = b"a key of this test"
Stored = tuple[bytes, dict[str, Any]]


@pytest.fixture(scope="module")
def rows() -> dict[str, pd.DataFrame]:
    world = make_world(artists=20, venues=25, concerts=400)
    return {name: query(world, name) for name in ("ticket_sales", "venue_popularity")}


@pytest.fixture(scope="module")
def model(rows: dict[str, pd.DataFrame]) -> TrainedModel:
    trained = train_ticket_sales(rows["ticket_sales"], AS_OF)
    assert isinstance(trained, TrainedModel)
    return trained


@pytest.fixture(scope="module")
def stored(model: TrainedModel) -> Stored:
    data, manifest = dump(model, KEY)
    return data, json.loads(json.dumps(manifest, allow_nan=False))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call of a parser of model bytes, by name."""
    calls: list[str] = []

    def watch(name: str) -> Callable[..., Any]:
        original = getattr(skops.io, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            return original(*args, **kwargs)

        return watched

    for name in ("loads", "get_untrusted_types"):
        monkeypatch.setattr(skops.io, name, watch(name))
    return calls


def test_a_stored_sales_model_forecasts_as_before(
    model: TrainedModel, stored: Stored, rows: dict[str, pd.DataFrame], parsed: list[str]
) -> None:
    again = load(*stored, KEY)
    assert parsed == ["get_untrusted_types", "loads"]
    assert (again.name, again.version, again.card, again.extras) == (
        model.name,
        model.version,
        model.card,
        model.extras,
    )
    sales = rows["ticket_sales"]
    pd.testing.assert_frame_equal(
        forecast_ticket_sales(again, sales, AS_OF), forecast_ticket_sales(model, sales, AS_OF)
    )


def test_a_stored_venue_model_ranks_as_before(rows: dict[str, pd.DataFrame]) -> None:
    venues = rows["venue_popularity"]
    model = train_venue_popularity(venues, AS_OF)
    assert isinstance(model, TrainedModel)
    again = load(*dump(model, KEY), KEY)
    pd.testing.assert_frame_equal(rank_venues(again, venues, AS_OF), rank_venues(model, venues, AS_OF))


def test_every_flipped_bit_is_refused_before_parsing(stored: Stored, parsed: list[str]) -> None:
    data, manifest = stored
    rng = np.random.default_rng(0)
    for position in [0, len(data) - 1, *rng.integers(0, len(data), 38).tolist()]:
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(rng.integers(0, 8))
        with pytest.raises(ModelRefused, match="signature"):
            load(bytes(flipped), manifest, KEY)
    assert parsed == []


def test_a_swapped_pickle_is_refused_before_parsing(stored: Stored, parsed: list[str]) -> None:
    _, manifest = stored
    evil = pickle.dumps({"any": "thing"})
    with pytest.raises(ModelRefused, match="signature"):
        load(evil, manifest, KEY)
    with pytest.raises(ModelRefused, match="signature"):
        load(evil, manifest | {"sha256": hashlib.sha256(evil).hexdigest(), "size_bytes": len(evil)}, KEY)
    assert parsed == []


@pytest.mark.parametrize("change", [{"version": "ticket_sales-0"}, {"card": {}}, {"extras": {}}, {"more": 1}])
def test_a_changed_manifest_is_refused_before_parsing(
    stored: Stored, change: dict[str, Any], parsed: list[str]
) -> None:
    data, manifest = stored
    with pytest.raises(ModelRefused, match="signature"):
        load(data, manifest | change, KEY)
    assert parsed == []


@pytest.mark.parametrize("signature", [None, "", 7, "0" * 64, "é" * 64, "0" * 63])
def test_a_missing_or_malformed_signature_is_refused(stored: Stored, signature: object, parsed: list[str]) -> None:
    data, manifest = stored
    with pytest.raises(ModelRefused, match="signature"):
        load(data, manifest | {"signature": signature}, KEY)
    assert parsed == []


def test_a_manifest_beyond_json_is_refused(stored: Stored, parsed: list[str]) -> None:
    data, manifest = stored
    with pytest.raises(ModelRefused, match="not plain JSON"):
        load(data, manifest | {"size_bytes": float("nan")}, KEY)
    assert parsed == []


def test_another_key_is_refused(stored: Stored, parsed: list[str]) -> None:
    with pytest.raises(ModelRefused, match="signature"):
        load(*stored, b"another key")
    assert parsed == []


def test_an_empty_key_signs_nothing(model: TrainedModel, stored: Stored) -> None:
    with pytest.raises(ValueError, match="key that signs models is empty"):
        dump(model, b"")
    with pytest.raises(ValueError, match="key that signs models is empty"):
        load(*stored, b"")


def _signed(data: bytes, manifest: dict[str, Any], **change: Any) -> Stored:
    """What one who has the key could sign."""
    unsigned = {name: value for name, value in manifest.items() if name != "signature"} | change
    return data, unsigned | {"signature": persistence._signature(data, unsigned, KEY)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format 2; this program reads format 1"),
        ({"libraries": {"scikit-learn": "0.1"}}, "other library versions"),
        ({"sha256": "0" * 64}, "not those of its manifest"),
    ],
)
def test_a_model_of_another_version_is_refused_before_parsing(
    stored: Stored, change: dict[str, Any], reason: str, parsed: list[str]
) -> None:
    with pytest.raises(ModelRefused, match=reason) as caught:
        load(*_signed(*stored, **change), KEY)
    assert "\n" not in str(caught.value)
    assert parsed == []


def test_signed_bytes_that_are_no_model_are_refused(stored: Stored) -> None:
    data = pickle.dumps([1])
    with pytest.raises(ModelRefused, match="cannot be read"):
        load(*_signed(data, stored[1], sha256=hashlib.sha256(data).hexdigest()), KEY)


def test_signed_types_outside_the_list_are_refused_without_loading(stored: Stored, parsed: list[str]) -> None:
    data = skops.io.dumps(FunctionTransformer(pickle.loads))
    with pytest.raises(ModelRefused, match=r"types that are not trusted: .*loads"):
        load(*_signed(data, stored[1], sha256=hashlib.sha256(data).hexdigest()), KEY)
    assert parsed == ["get_untrusted_types"]
