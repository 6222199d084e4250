"""The command ``endpoint``: the champion is packed, served by the packed handler, and asked what is known here."""

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from concert_assets.cli import endpoint as command
from concert_assets.cli.main import main
from concert_assets.defs.model_objects import load_in_use
from concert_assets.serving.handler import input_fn, model_fn, output_fn, predict_fn
from concert_assets_tests.learning_world import AS_OF, make_world, query
from concert_assets_tests.support_endpoint import IMAGE, NOTHING, REGION, ROLE, Cloud, cloud_of
from concert_assets_tests.support_models import NAME, Home, honest, make_home, train

Said = pytest.CaptureFixture[str]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with cloud_of(monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    rows = query(make_world(artists=50, venues=25, concerts=800), NAME)
    found = make_home(tmp_path_factory.mktemp("endpoint"), rows)
    assert found.put(honest(train(rows))).is_promoted
    return found


@pytest.fixture
def bound(home: Home, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cloud:
    """The command in the deployment aws, with a home's objects, key and rows, and containers that run the package."""
    resources = {
        "s3": home.s3,
        "signing": home.signing,
        "redshift": SimpleNamespace(session=lambda: nullcontext(None)),
    }
    monkeypatch.setattr("concert_assets.definitions.build_resources", lambda deployment: resources)
    monkeypatch.setattr(command, "champion", lambda deployment: load_in_use(home.s3, home.signing, NAME))
    monkeypatch.setattr(command, "reach", lambda session: AS_OF)
    monkeypatch.setattr("concert_assets.defs.features.feature_rows", lambda *given: home.rows)
    for name, value in {
        "DEPLOYMENT": "aws",
        "HOME": str(tmp_path / "home"),
        "REGION": REGION,
        "REDSHIFT_WORKGROUP": "shows",
        "REDSHIFT_ROLE": ROLE,
        "GLUE_ROLE": ROLE,
        "SIGNING_KEY": "alias/signing",
        "SAGEMAKER_ROLE": ROLE,
    }.items():
        monkeypatch.setenv(f"CONCERT_{name}", value)

    def container(body: bytes) -> bytes:
        folder = tmp_path / "unpacked"
        (package,) = home.s3.store.list(home.s3.processed_bucket, command.SERVING_PREFIX)
        with tarfile.open(fileobj=io.BytesIO(home.s3.store.read(home.s3.processed_bucket, package.key))) as archive:
            archive.extractall(folder)
        rows = input_fn(body, "application/json")
        return output_fn(predict_fn(rows, model_fn(str(folder))), "application/json")[0].encode()

    cloud.other = container
    return cloud


def test_the_champion_is_packed_served_and_asked(bound: Cloud, capsys: Said) -> None:
    assert main(["endpoint", "--image", IMAGE, "--name", "shows"]) == 0
    assert "endpoint shows serves it, and says what is said here" in capsys.readouterr().out
    state = bound.state()
    assert state["serves"] == state["checked"]
    assert main(["endpoint", "--image", IMAGE, "--name", "shows"]) == 0
    assert "served it already" in capsys.readouterr().out
    assert bound.state() == state
    assert main(["endpoint", "--remove", "--name", "shows"]) == 0
    assert bound.state() == NOTHING
    assert main(["endpoint", "--remove", "--name", "shows"]) == 0
    assert "there is no endpoint shows" in capsys.readouterr().out


def test_a_container_that_forecasts_otherwise_is_told_in_one_line(bound: Cloud, capsys: Said) -> None:
    right = bound.other

    def wrong(body: bytes) -> bytes:
        said = json.loads(right(body))
        said["forecasts"][1]["predicted_tickets"] += 40
        return json.dumps(said).encode()

    bound.other = wrong
    assert main(["endpoint", "--image", IMAGE, "--name", "shows"]) == 1
    error = capsys.readouterr().err
    assert "fails its health check: it says predicted_tickets" in error
    assert error.count("\n") == 1
    assert bound.state() == NOTHING


@pytest.mark.parametrize(
    ("answer", "said"),
    [(b"{", "are not 1 forecasts"), (b'{"forecasts": []}', "are not 1"), (b'{"forecasts": [{}]}', "are not 1")],
)
def test_an_answer_that_is_none_is_a_fault(answer: bytes, said: str) -> None:
    assert said in command.fault_of(answer, [{"concert_id": "a"}])


def test_figures_may_differ_by_rounding_and_by_no_more() -> None:
    expected = [{"concert_id": "a", "horizon_days": 3, "predicted_tickets": 100, "confidence_score": 0.5}]

    def fault(**changes: Any) -> str:
        return command.fault_of(json.dumps({"forecasts": [expected[0] | changes]}).encode(), expected)

    assert [fault(), fault(predicted_tickets=101), fault(confidence_score=0.505)] == ["", "", ""]
    wrong = [fault(predicted_tickets=102), fault(confidence_score=0.6), fault(concert_id="b"), fault(horizon_days=4)]
    assert all(text.startswith("it says ") for text in [*wrong, fault(predicted_tickets="100")])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--image", "nginx"], "--image: 'nginx' is not allowed"),
        ([], "--image: None is not allowed"),
        (["--image", IMAGE, "--memory", "1000"], "--memory: 1000 is not allowed; allowed: 1024"),
        (["--image", IMAGE, "--concurrency", "0"], "--concurrency: 0 is not allowed"),
        (["--image", IMAGE, "--name", "My_Shows"], "--name: 'My_Shows' is not allowed"),
        (["--remove", "--deadline-seconds", "0"], "--deadline-seconds: 0 is not allowed"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_asked(
    bound: Cloud, options: list[str], said: str, capsys: Said
) -> None:
    assert main(["endpoint", *options]) == 2
    assert said in capsys.readouterr().err
    assert bound.state() == NOTHING


def test_without_a_role_or_in_the_other_deployment_one_line_says_so(
    bound: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.delenv("CONCERT_SAGEMAKER_ROLE")
    assert main(["endpoint", "--image", IMAGE]) == 2
    assert "CONCERT_SAGEMAKER_ROLE is not set" in capsys.readouterr().err
    assert main(["endpoint", "--image", IMAGE, "--deployment", "embedded"]) == 2
    assert "CONCERT_DEPLOYMENT (--deployment) is embedded" in capsys.readouterr().err


def test_features_that_are_none_are_told(bound: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.setattr("concert_assets.defs.features.feature_rows", lambda *given: pd.DataFrame())
    assert main(["endpoint", "--image", IMAGE]) == 1
    assert "there is nothing to check an endpoint with" in capsys.readouterr().err
    assert bound.state() == NOTHING
