"""Stored models: what was signed comes back as it was, everything else is refused before a byte of it is parsed."""

import hashlib
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from concert_assets.learning import persistence
from concert_assets.learning.model import Candidate, TrainedModel
from concert_assets.learning.persistence import ModelOutdated, ModelRefused, dump, load, read_manifest
from concert_assets.learning.sales import forecast_ticket_sales, train_ticket_sales
from concert_assets.learning.settings import CODE_VERSION
from concert_assets.learning.venues import rank_venues, train_venue_popularity
from concert_assets_tests.learning_world import AS_OF, make_world, query

KEY = b"a key of this test"
Stored = tuple[bytes, dict[str, Any]]


@pytest.fixture(scope="module")
def rows() -> dict[str, pd.DataFrame]:
    world = make_world(artists=20, venues=25, concerts=500)
    return {name: query(world, name) for name in ("ticket_sales", "venue_popularity")}


@pytest.fixture(scope="module")
def model(rows: dict[str, pd.DataFrame]) -> TrainedModel:
    trained = train_ticket_sales(rows["ticket_sales"], AS_OF)
    assert isinstance(trained, Candidate)
    return trained.model


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


def test_the_manifest_tells_what_the_model_was_made_from(model: TrainedModel) -> None:
    _, manifest = dump(model, KEY, ledger_position=7, judged=b"rows")
    assert manifest["ledger_position"] == 7
    assert manifest["judged_sha256"] == hashlib.sha256(b"rows").hexdigest()
    assert manifest["data_sha256"] == model.card["data_sha256"]
    assert manifest["features"] == model.card["features"]
    assert manifest["metrics"] == model.card["metrics"]
    assert manifest["code_version"] == CODE_VERSION
    assert set(manifest["libraries"]) == {"numpy", "pandas", "scikit-learn", "skops"}


def test_histogram_boosting_with_native_categories_can_be_stored(model: TrainedModel) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=300), "kind": rng.choice(["club", "hall"], 300)})
    frame["kind"] = frame["kind"].astype("category")
    for loss in ("squared_error", "absolute_error", "poisson"):
        regressor = HistGradientBoostingRegressor(loss=loss, max_iter=5, categorical_features="from_dtype")
        pipeline = Pipeline([("regress", regressor)]).fit(frame, np.abs(frame["size"]))
        again = load(*dump(replace(model, pipeline=pipeline), KEY), KEY)
        assert (again.pipeline.predict(frame) == pipeline.predict(frame)).all()


def test_a_stored_venue_model_ranks_as_before(rows: dict[str, pd.DataFrame]) -> None:
    venues = rows["venue_popularity"]
    trained = train_venue_popularity(venues, AS_OF)
    assert isinstance(trained, Candidate)
    model = trained.model
    again = load(*dump(model, KEY), KEY)
    pd.testing.assert_frame_equal(rank_venues(again, venues, AS_OF), rank_venues(model, venues, AS_OF))


def _flips(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """The data with one bit of it flipped: of its first byte, its last, and of others drawn at random."""
    rng = np.random.default_rng(seed)
    for position in [0, len(data) - 1, *rng.integers(0, len(data), count - 2).tolist()]:
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(rng.integers(0, 8))
        yield bytes(flipped)


def test_every_flipped_bit_is_refused_before_parsing(stored: Stored, parsed: list[str]) -> None:
    data, manifest = stored
    text, refused, unchanged = json.dumps(manifest).encode(), 0, 0
    for flipped in _flips(data, 300, seed=0):
        with pytest.raises(ModelRefused, match="signature"):
            load(flipped, read_manifest(text), KEY)
        refused += 1
    for flipped in _flips(text, 300, seed=1):
        try:
            changed = read_manifest(flipped)
        except ModelRefused:
            refused += 1
            continue
        if changed == manifest:
            unchanged += 1  # another spelling of the same content, as 1E-5 for 1e-5
            continue
        with pytest.raises(ModelRefused, match=r"signature|not plain JSON"):
            load(data, changed, KEY)
        refused += 1
    assert (refused + unchanged, unchanged < 10, parsed) == (600, True, [])
    print(f"{refused} flipped bits refused before parsing, {unchanged} changed nothing")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(ModelRefused, match="manifest is not"):
        read_manifest(text)


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
        ({"format": 1}, "format 1; this program reads format 2"),
        ({"libraries": {"scikit-learn": "0.1"}}, r"other library versions \(.*scikit-learn 0.1"),
        ({"libraries": None}, "other library versions"),
        ({"code_version": "0"}, "version 0 of the learning code"),
        ({"sha256": "0" * 64}, "not those of its manifest"),
    ],
)
def test_a_model_of_another_version_is_refused_before_parsing(
    stored: Stored, change: dict[str, Any], reason: str, parsed: list[str]
) -> None:
    with pytest.raises(ModelRefused, match=reason) as caught:
        load(*_signed(*stored, **change), KEY)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ModelOutdated) is ("sha256" not in change)
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
