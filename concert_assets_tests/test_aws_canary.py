"""No secret anywhere: what runs that end well and badly leave in logs, events, reports, home, settings and buckets."""

import json
import logging
import socket
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from concert_assets import deployment as deployments
from concert_assets.cli.main import main
from concert_assets.defs import retries
from concert_assets.resources.clients import aws_client
from concert_assets.resources.glue.aws import AwsGlueJobs
from concert_assets_tests import support_redshift
from concert_assets_tests.support_aws import REGION, ROLE, SMALL_WORLD, aws_settings, postgres, postgres_rows, site
from concert_assets_tests.support_canary import files, forms, leaks, objects
from concert_assets_tests.support_demo import clean_environment
from concert_assets_tests.support_glue import glue_double
from concert_assets_tests.support_moto import ENVIRONMENT, MotoServer
from concert_assets_tests.support_redshift import PASSWORD, PostgresServer

pytestmark = [
    # Dagster's own reading of its contexts, and ours of the run's id, which both versions of the name give.
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
]
TOKEN = "canary-token-of-a-session/with+signs=="
LINEAGE = "canary-key-of-lineage/4b7d"
SECRETS = {"secret key", "session token", "password of the warehouse", "signing key", "key for lineage"}
BUCKETS = ("concert-data-raw", "concert-data-processed")


@dataclass
class Left:
    """What was left behind, by place, and the secrets to look for in it."""

    home: Path
    moto: MotoServer
    secrets: dict[str, bytes]
    told: list[tuple[str, bytes]] = field(default_factory=list)

    def places(self) -> Iterator[tuple[str, bytes]]:
        yield from self.told
        yield from files(self.home)
        yield from objects(self.moto.store, BUCKETS)


class Records(logging.Handler):
    """All that is logged, as text with its tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with support_redshift.running() as found:
        yield found


@pytest.fixture(scope="module")
def left(moto: MotoServer, server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """One run that ends well and four that do not: a bucket, a warehouse and a key that are not there, a job that fails.

    What takes lineage answers none of them.
    """
    home = tmp_path_factory.mktemp("home")
    moto.empty()
    database = server.database()
    with (
        socket.socket() as closed,
        glue_double(moto.url, tmp_path_factory.mktemp("glue")) as double,
    ):
        closed.bind(("127.0.0.1", 0))
        lineage = {
            "CONCERT_LINEAGE_NAMESPACE": "concerts",
            "OPENLINEAGE__TRANSPORT__TYPE": "http",
            "OPENLINEAGE__TRANSPORT__URL": f"http://127.0.0.1:{closed.getsockname()[1]}",
            "OPENLINEAGE__TRANSPORT__RETRY": '{"total": 0}',
            "OPENLINEAGE__TRANSPORT__AUTH": json.dumps({"type": "api_key", "apiKey": LINEAGE}),
        }
        settings = aws_settings(home, moto.url, AWS_SESSION_TOKEN=TOKEN, **lineage)
        glue = AwsGlueJobs(
            region=REGION,
            processed_bucket="concert-data-processed",
            role=ROLE,
            endpoint_url=double.url,
            deadline_seconds=300,
            poll_seconds=0.3,
            log_seconds=1,
        )
        dead = PostgresServer(closed.getsockname()[1])
        redshift = postgres(settings, server, database)
        runs = {
            "well": (settings, redshift),
            "bucket": (settings | {"CONCERT_PROCESSED_BUCKET": "not-there"}, redshift),
            "warehouse": (settings, postgres(settings, dead, database)),
            "key": (settings | {"CONCERT_SIGNING_KEY": "alias/not-there"}, redshift),
            "job": (settings, redshift),
        }
        records, patch = Records(), pytest.MonkeyPatch()
        patch.setattr(retries, "FIRST_WAIT_SECONDS", 0.0)
        secrets = {"secret key": ENVIRONMENT["AWS_SECRET_ACCESS_KEY"].encode(), "session token": TOKEN.encode()}
        secrets |= {"password of the warehouse": PASSWORD.encode(), "key for lineage": LINEAGE.encode()}
        found = Left(home, moto, secrets)
        logging.getLogger().addHandler(records)
        try:
            for name, (changed, warehouse) in runs.items():
                with site(changed, redshift=warehouse, glue=glue) as deployed:
                    world = SMALL_WORLD if name == "well" else SMALL_WORLD | {"seed": len(name)}
                    for _ in range(10 if name == "job" else 0):
                        double.fate("FAILED")
                    result = deployed.run("retrain_models", {}) if name == "key" else deployed.run("run_demo", world)
                    assert result.success is (name == "well"), name
                    errors = [
                        event.step_failure_data.error_display_string
                        for event in result.all_events
                        if event.event_type_value == "STEP_FAILURE"
                    ]
                    assert bool(errors) is (name != "well")
                    found.told.append((f"tracebacks of the run {name}", "\n".join(errors).encode()))
                    if name == "well":
                        found.secrets["signing key"] = (deployed.defs.resources or {})["signing"].key()
                        deployments.write_dotenv(deployed.deployment, home)
                        found.told.append(("resources", repr(deployed.defs.resources).encode()))
        finally:
            logging.getLogger().removeHandler(records)
            patch.undo()
        found.told += [(f"job {name} of Glue", repr(job).encode()) for name, job in double.jobs.items()]
        found.told += [(f"run {run.run_id} of Glue", repr(vars(run)).encode()) for run in double.runs]
    found.told.append(("logs", "\n".join(records.lines).encode()))
    logs = aws_client("logs", REGION, moto.url)
    for group in ("/aws-glue/jobs/output", "/aws-glue/jobs/error"):
        lines = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
        found.told.append((f"lines of {group}", "\n".join(lines).encode()))
    for table in ("load_ledger", "quality_results", "row_outcomes", "publications"):
        rows = postgres_rows(server, database, f"select * from concert_dw.{table}")
        found.told.append((f"table {table}", repr(rows).encode()))
    return found


def test_no_secret_is_left_anywhere(left: Left, capsys: pytest.CaptureFixture[str]) -> None:
    found, looked = leaks(left.places(), left.secrets)
    assert found == []
    assert set(left.secrets) == SECRETS
    names = [name for name, _ in left.places()]
    parts = ("tracebacks", "logs", "resources", "/dagster/", "rows of ", "report.html", ".env", "of Glue", "/aws-glue/")
    for part in (*parts, *BUCKETS):
        assert any(part in name for name in names), part
    with capsys.disabled():
        print(f"\ncanary: {len(left.secrets)} secrets sought in {looked} places, {len(found)} found")


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_that_is_left_is_found(left: Left, name: str) -> None:
    secret = left.secrets[name]
    planted = left.home / "reports" / "latest" / "planted.json"
    for form in forms(secret):
        planted.write_bytes(b"before " + form + b" after")
        assert leaks(files(left.home / "reports"), left.secrets)[0] == [f"{name} in {planted}"]
    planted.unlink()
    left.moto.store.write(BUCKETS[0], "planted", b"-" + secret)
    assert leaks(objects(left.moto.store, BUCKETS), left.secrets)[0] == [f"{name} in s3://{BUCKETS[0]}/planted"]
    left.moto.store.delete(BUCKETS[0], "planted")


@pytest.mark.parametrize(
    ("name", "code", "setting"),
    [
        ("bucket", "NoSuchBucket", "CONCERT_PROCESSED_BUCKET"),
        ("warehouse", "connection to server|refused", "CONCERT_REDSHIFT_WORKGROUP"),
        ("key", "NotFoundException", "CONCERT_SIGNING_KEY"),
        ("job", "FAILED", "concert-assets-curate"),
    ],
)
def test_a_failing_run_names_the_setting_and_the_code(left: Left, name: str, code: str, setting: str) -> None:
    told = dict(left.told)[f"tracebacks of the run {name}"].decode()
    lines = [line for line in told.splitlines() if setting in line]
    assert any(part in line for line in lines for part in code.split("|")), told


def test_nothing_half_made_is_left_by_the_failing_runs(left: Left) -> None:
    tables = json.loads(dict(left.places())["s3://concert-data-processed/redshift-published.json"])
    assert tables["number"] == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"CONCERT_RAW_BUCKET": "not-there"}, "NoSuchBucket; look at CONCERT_RAW_BUCKET"),
        ({"AWS_SECRET_ACCESS_KEY": "", "AWS_ACCESS_KEY_ID": ""}, "boto3 finds no AWS credentials"),
        ({"AWS_PROFILE": "not-there"}, "ProfileNotFound"),
        ({"CONCERT_ENDPOINT_URL": "nonsense"}, "CONCERT_ENDPOINT_URL"),
        ({"CONCERT_REGION": ""}, "CONCERT_REGION is not set"),
        ({"CONCERT_REDSHIFT_ROLE": "someone"}, "CONCERT_REDSHIFT_ROLE is 'someone'"),
    ],
)
def test_a_command_tells_what_is_wrong_in_one_line(
    moto: MotoServer,
    tmp_path: Path,
    changed: dict[str, str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {name: value for name, value in (aws_settings(tmp_path, moto.url) | changed).items() if value}
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it remembers the credentials of the tests before
    with clean_environment(**settings):
        for name in [name for name, value in changed.items() if not value]:
            monkeypatch.delenv(name, raising=False)
        assert main(["demo", "--artists", "5"]) in (1, 2)
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert leaks([("told", told.encode())], {"secret": ENVIRONMENT["AWS_SECRET_ACCESS_KEY"].encode()})[0] == []


def test_a_traceback_is_looked_through() -> None:
    try:
        raise ValueError(PASSWORD)
    except ValueError:
        text = traceback.format_exc().encode()
    assert leaks([("t", text)], {"password": PASSWORD.encode()}) == (["password in t"], 1)
