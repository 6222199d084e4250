"""The endpoint over real HTTP: it says what the platform says, and in one line what is wrong with a request."""

import http.client
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest

from concert_assets.defs.model_objects import load_in_use, stored_version
from concert_assets.learning.features import day_number
from concert_assets.learning.model import TrainedModel
from concert_assets.learning.persistence import ModelRefused, load
from concert_assets.learning.sales import FORECAST_COLUMNS, forecast_ticket_sales
from concert_assets.serving.handler import model_fn
from concert_assets.serving.package import packed
from concert_assets.serving.requests import COLUMNS, CSV, JSON, MOST_BYTES, MOST_ROWS
from concert_assets_tests.learning_world import AS_OF, make_world, query
from concert_assets_tests.support_models import NAME, Home, honest, make_home, train

Answer = tuple[int, str, str]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose champion is fit to be served."""
    rows = query(make_world(artists=50, venues=25, concerts=800), NAME)
    found = make_home(tmp_path_factory.mktemp("serving"), rows)
    assert found.put(honest(train(rows))).is_promoted
    return found


@pytest.fixture(scope="module")
def model(home: Home) -> TrainedModel:
    found = load_in_use(home.s3, home.signing, NAME)
    assert isinstance(found, TrainedModel)
    return found


@pytest.fixture(scope="module")
def package(home: Home, model: TrainedModel) -> bytes:
    return packed(*stored_version(home.s3, NAME, model.version))


@pytest.fixture(scope="module")
def unpacked(package: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def url(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The program of the package, in a process of its own that sees the package's files before all others."""
    log = tmp_path_factory.mktemp("log") / "log"
    options = ["--model-dir", str(unpacked), "--host", "127.0.0.1", "--port", "0"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, str(unpacked / "code" / "serve.py"), "serve", *options],
            stdout=subprocess.PIPE,
            stderr=stream,
            cwd=unpacked,
        )
        assert process.stdout is not None
        try:
            where, _, what = process.stdout.readline().decode().partition(" serves ")
            assert what.startswith("ticket_sales-"), log.read_text()
            yield where
        finally:
            process.kill()
            process.wait(30)
            process.stdout.close()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def scheduled(home: Home) -> pd.DataFrame:
    """The rows that the platform forecasts, by the columns that the endpoint asks for."""
    rows = home.rows[(home.rows["status"] == "scheduled") & (home.rows["event_day"] >= day_number(AS_OF))]
    assert len(rows) > 20
    return rows[list(COLUMNS)].reset_index(drop=True)


def ask(url: str, body: bytes = b"", kind: str = JSON, method: str = "POST", path: str = "/invocations") -> Answer:
    """Status, content type and text of an answer."""
    return asked(url, method, path, body, {"Content-Type": kind})


def asked(url: str, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def as_json(rows: pd.DataFrame) -> bytes:
    """Rows as a caller writes them: what is not known is null."""
    return json.dumps({"rows": json.loads(rows.to_json(orient="records", double_precision=15))}).encode()


def plain(forecasts: pd.DataFrame) -> list[dict[str, Any]]:
    """Forecasts of the platform as JSON tells them."""
    rows = forecasts.assign(as_of=forecasts["as_of"].map(date.isoformat)).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


# --- what is right


def test_a_ping_is_answered(url: str) -> None:
    assert ask(url, method="GET", path="/ping")[0] == 200


def test_forecasts_over_http_are_the_platforms_own(url: str, home: Home, scheduled: pd.DataFrame, model: Any) -> None:
    own = forecast_ticket_sales(model, home.rows, AS_OF)
    status, kind, text = ask(url, as_json(scheduled))
    assert (status, kind) == (200, JSON)
    said = json.loads(text)["forecasts"]
    assert [row["concert_id"] for row in said] == list(scheduled["concert_id"])
    assert sorted(said, key=lambda row: str(row["concert_id"])) == plain(own)
    assert set(said[0]) == set(FORECAST_COLUMNS)


def test_rows_of_csv_and_answers_in_csv_say_the_same(url: str, scheduled: pd.DataFrame) -> None:
    body = scheduled.to_csv(index=False).encode()
    status, kind, text = asked(url, "POST", "/invocations", body, {"Content-Type": CSV, "Accept": "text/csv"})
    assert (status, kind) == (200, CSV)
    said = pd.read_csv(io.StringIO(text), dtype={"concert_id": str}).to_dict("records")
    assert said == json.loads(ask(url, as_json(scheduled))[2])["forecasts"]


def test_each_row_is_answered_in_its_place_as_of_its_own_day(url: str, scheduled: pd.DataFrame) -> None:
    one = scheduled.iloc[[0]]
    later = one.assign(cutoff_day=one["cutoff_day"] - 3)
    rows = pd.concat([later, one, scheduled.iloc[[5]], later])
    said = json.loads(ask(url, as_json(rows))[2])["forecasts"]
    assert [row["concert_id"] for row in said] == list(rows["concert_id"])
    assert said[0] == said[3]
    assert [said[0]["horizon_days"] - said[1]["horizon_days"], said[1]["as_of"]] == [3, AS_OF.isoformat()]


def test_a_room_of_unknown_capacity_has_no_confidence(url: str, scheduled: pd.DataFrame, model: Any) -> None:
    rows = scheduled.head(3).assign(capacity=None)
    said = json.loads(ask(url, as_json(rows))[2])["forecasts"]
    assert [row["confidence_score"] for row in said] == [0.0] * 3
    assert said == plain(forecast_ticket_sales(model, rows.assign(capacity=float("nan")), AS_OF))


# --- what is wrong


def changed(rows: pd.DataFrame, **values: Any) -> bytes:
    """One row as JSON with other values."""
    (row,) = json.loads(rows.head(1).to_json(orient="records"))
    return json.dumps({"rows": [row | values]}).encode()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"days_out": "12"}, "row 1: days_out is '12'; expected a number"),
        ({"is_holiday": True}, "row 1: is_holiday is True; expected a number"),
        ({"capacity": 0}, "row 1: capacity is 0; expected 1 or more"),
        ({"venue_past_price_usd": 1e300}, "row 1: venue_past_price_usd is 1e+300; expected a number"),
        ({"artist_strength": [1]}, "row 1: artist_strength is [1]; expected a number"),
        ({"venue_type": 7}, "row 1: venue_type is 7; expected a text"),
        ({"concert_id": None}, "row 1: concert_id must be known"),
        ({"event_day": 1.5}, "row 1: event_day is 1.5; expected whole days"),
        ({"cutoff_day": -1}, "row 1: cutoff_day is -1; expected whole days"),
        ({"event_day": 5_000_000}, "row 1: event_day is 5000000; expected whole days"),
        ({"event_day": 0}, "row 1: event_day lies before cutoff_day"),
        ({"days_out": -2}, "row 1: days_out is -2; expected 0 or more"),
        ({"status": "completed"}, "row 1: status is 'completed'; scheduled concerts are forecast"),
        ({"colour": 1, "mood\n": 2}, "row 1 has columns that are not known: colour, mood"),
        ({"days_out": "x" * 5000}, "row 1: days_out is 'xxx"),
    ],
)
def test_a_wrong_value_is_told_in_one_line(
    url: str, scheduled: pd.DataFrame, values: dict[str, Any], said: str
) -> None:
    assert_refused(ask(url, changed(scheduled, **values)), 400, said)


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"", JSON, 400, "the body is not JSON"),
        (b"{", JSON, 400, "the body is not JSON"),
        (b"[" * 100_000, JSON, 400, "the body is not JSON"),
        (b'{"rows": [{"a": NaN}]}', JSON, 400, "the body is not JSON: NaN is no number"),
        (b"[]", JSON, 400, "the body is not of the form"),
        (b'{"rows": 1}', JSON, 400, "the body is not of the form"),
        (b'{"rows": []}', JSON, 400, "the body has 0 rows"),
        (b'{"rows": [1]}', JSON, 400, "row 1 is not an object"),
        (b'{"rows": [{}]}', JSON, 400, "row 1 lacks concert_id, horizon, status"),
        (b"\xff\xfe", JSON, 400, "the body is not UTF-8"),
        (b"", CSV, 400, "the header lacks concert_id"),
        (b'"a', CSV, 400, "the body is not CSV"),
        (",".join([*COLUMNS, "status"]).encode(), CSV, 400, "the header has columns twice: status"),
        (f"{','.join(COLUMNS)}\na,b\n".encode(), CSV, 400, f"row 1 has 2 values; the header has {len(COLUMNS)}"),
        (f"{','.join(COLUMNS)}\n{',' * (len(COLUMNS) - 1)}\n".encode(), CSV, 400, "row 1: concert_id must be known"),
        (f"{','.join(COLUMNS)}\n{','.join('x' * len(COLUMNS))}\n".encode(), CSV, 400, "is 'x'; expected a number"),
        (b"x", "application/x-npy", 415, "the content type is 'application/x-npy'"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_in_one_line(
    url: str, body: bytes, kind: str, status: int, said: str
) -> None:
    assert_refused(ask(url, body, kind), status, said)


def test_what_is_too_much_is_refused(url: str, scheduled: pd.DataFrame) -> None:
    many = b'{"rows": [' + b",".join([b"{}"] * 2) + b"]}"
    assert_refused(ask(url, many), 400, "row 1 lacks")
    header = ",".join(COLUMNS)
    rows = (f"{header}\n" + f"{',' * (len(COLUMNS) - 1)}\n" * (MOST_ROWS + 1)).encode()
    assert len(rows) < MOST_BYTES
    assert_refused(ask(url, rows, CSV), 400, f"the body has {MOST_ROWS + 1:,} rows; 1 to {MOST_ROWS:,} are taken")
    assert_refused(ask(url, b" " * (MOST_BYTES + 1)), 413, f"{MOST_BYTES:,} are taken at most")
    assert ask(url, as_json(scheduled))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "said"),
    [
        ("GET", "/", {}, 404, "there is /ping and /invocations"),
        ("GET", "/invocations", {}, 405, "/invocations takes POST"),
        ("POST", "/ping", {}, 405, "/ping takes GET"),
        ("POST", "/invocations", {"Transfer-Encoding": "chunked"}, 411, "Content-Length"),
        ("POST", "/invocations", {"Content-Length": "many"}, 411, "Content-Length"),
    ],
)
def test_a_request_of_another_kind_is_refused(
    url: str, method: str, path: str, headers: dict[str, str], status: int, said: str
) -> None:
    assert_refused(asked(url, method, path, None, headers), status, said)


def test_an_answer_that_cannot_be_given_is_refused(url: str, scheduled: pd.DataFrame) -> None:
    headers = {"Content-Type": JSON, "Accept": "image/png"}
    answer = asked(url, "POST", "/invocations", as_json(scheduled.head(1)), headers)
    assert_refused(answer, 406, "neither is accepted")


def assert_refused(answer: Answer, status: int, said: str) -> None:
    assert (answer[0], answer[1].partition(";")[0]) == (status, "text/plain"), answer
    assert said in answer[2]
    assert answer[2].count("\n") == 1
    assert answer[2].endswith("\n")
    assert len(answer[2]) < 250


# --- the package


def test_the_same_champion_makes_the_same_package(home: Home, model: TrainedModel, package: bytes) -> None:
    data, manifest = stored_version(home.s3, NAME, model.version)
    assert packed(data, manifest) == package
    assert load(data, json.loads(manifest), home.signing.key()).version == model.version


@pytest.mark.parametrize("name", ["model.skops", "manifest.json", "code/manifest.sha256"])
def test_a_package_that_was_changed_or_is_not_whole_is_not_served(unpacked: Path, tmp_path: Path, name: str) -> None:
    for file in ("model.skops", "manifest.json", "code/manifest.sha256"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes((unpacked / file).read_bytes())
    assert model_fn(str(tmp_path)).name == NAME
    (tmp_path / name).write_bytes((unpacked / name).read_bytes()[:-9] + b"{changed}")
    with pytest.raises(ModelRefused, match=r"not the one that was verified|are not those of its manifest"):
        model_fn(str(tmp_path))
    (tmp_path / name).unlink()
    done = subprocess.run(
        [sys.executable, str(unpacked / "code" / "serve.py"), "--model-dir", str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"serve: the package in {tmp_path} is not whole: FileNotFoundError\n"
