"""What befalls a run of a Glue job, and that it ends in one line, with no run left behind and no report lost."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import boto3
import pytest

from concert_assets.resources.glue.logs import tail
from concert_assets.resources.glue.protocol import GlueJobFailed
from concert_assets.resources.glue.runs import JobRun
from concert_assets_tests.support_faults import fault_line
from concert_assets_tests.support_glue import LOST_ANSWER, RESET, SYSTEM_LINE, GlueDouble, glue_double
from concert_assets_tests.support_glue_jobs import (
    DIES,
    REPORTS,
    REPORTS_AND_DIES,
    REPORTS_AND_FAILS,
    REPORTS_MUCH,
    Launched,
    launch,
    resource,
)
from concert_assets_tests.support_moto import ENVIRONMENT, MotoServer

NOTHING = {"deliveries": []}
MAY_PASS = ["ThrottlingException", "InternalServiceException", RESET]


@pytest.fixture
def double(moto: MotoServer, tmp_path: Path) -> Iterator[GlueDouble]:
    moto.empty()
    with glue_double(moto.url, tmp_path / "runs") as double:
        yield double


def failure(done: Launched) -> str:
    """The one line that tells of a failure."""
    assert isinstance(done.failure, GlueJobFailed)
    assert "\n" not in str(done.failure)
    return str(done.failure)


def lost_or_doubled(done: Launched, *deliveries: str) -> int:
    """How many reports of deliveries are missing or came twice."""
    messages = done.failure.messages if isinstance(done.failure, GlueJobFailed) else done.messages
    found = Counter(message["delivery"] for message in messages if "delivery" in message)
    return ((found - Counter(deliveries)) + (Counter(deliveries) - found)).total()


def line(double: GlueDouble, fault: str, happened: str, amiss: int = 0) -> None:
    """A row of the table of faults: reports lost or doubled, runs left behind."""
    fault_line(f"Glue: {fault}", happened, amiss, len(double.orphans()))


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED"])
def test_every_bad_end_is_an_end(double: GlueDouble, tmp_path: Path, state: str) -> None:
    """EXPIRED too, which the stock client polls for ever."""
    double.fate("STARTING", "RUNNING", state)
    told = failure(launch(resource(double, tmp_path, "", log_seconds=0), NOTHING))
    assert f"ended as {state}" in told
    assert ("CONCERT_GLUE_DEADLINE_SECONDS" in told) == (state == "TIMEOUT")
    assert double.runs[0].looks <= 4, "an end is not looked at again"
    line(double, f"a run ends as {state}", "GlueJobFailed, one line")


def test_a_state_that_is_not_known_is_taken_for_running(double: GlueDouble, tmp_path: Path) -> None:
    double.fate("RUNNING", "REBOOTING", "REBOOTING", "SUCCEEDED")
    done = launch(resource(double, tmp_path, ""), NOTHING)
    assert done.failure is None
    assert sum("REBOOTING, which is not known" in told for told in done.lines) == 1


@pytest.mark.parametrize("state", ["RUNNING", "WAITING", "REBOOTING"])
def test_a_run_that_does_not_end_is_stopped_at_the_deadline(double: GlueDouble, tmp_path: Path, state: str) -> None:
    double.fate(state)
    # Long enough for what comes before the first look, also where others are at work.
    told = failure(launch(resource(double, tmp_path, "", deadline_seconds=3.0), NOTHING))
    assert f"was {state} after" in told
    assert "CONCERT_GLUE_DEADLINE_SECONDS" in told
    assert [run.state for run in double.runs] == ["STOPPED"]
    line(double, f"a run is {state} without an end", "stopped at the deadline")


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        *((operation, "ThrottlingException") for operation in ("GetJob", "CreateJob", "GetJobRuns")),
        *((operation, fault) for operation in ("StartJobRun", "GetJobRun") for fault in MAY_PASS),
        ("CreateJob", LOST_ANSWER),
    ],
)
def test_what_may_pass_passes(double: GlueDouble, tmp_path: Path, operation: str, fault: str) -> None:
    double.fate("RUNNING", "RUNNING", "SUCCEEDED")
    double.plan(operation, fault, 2)
    assert launch(resource(double, tmp_path, ""), NOTHING).failure is None
    line(double, f"{operation} meets {fault}, twice", "asked again, one run", abs(len(double.runs) - 1))


@pytest.mark.parametrize("looks", [0, 2])
@pytest.mark.parametrize("fault", ["ThrottlingException", "AccessDeniedException", RESET])
def test_a_run_that_cannot_be_looked_at_is_stopped(double: GlueDouble, tmp_path: Path, looks: int, fault: str) -> None:
    """The stock client leaves it running."""
    double.fate("RUNNING")
    double.plan("GetJobRun", "", looks)
    double.plan("GetJobRun", fault)
    done = launch(resource(double, tmp_path, "", patience_seconds=0), NOTHING)
    assert "GetJobRun" in str(done.failure)
    assert [run.state for run in double.runs] == ["STOPPED"]
    line(double, f"GetJobRun meets {fault} for too long, after {looks} looks", "run stopped, one line")


def test_a_start_whose_answer_is_lost_is_found_not_repeated(double: GlueDouble, tmp_path: Path) -> None:
    double.fate("RUNNING", "RUNNING", "RUNNING", "SUCCEEDED")
    double.plan("StartJobRun", LOST_ANSWER)
    assert launch(resource(double, tmp_path, ""), NOTHING).failure is None
    assert double.calls.count("StartJobRun") == 1
    line(double, "the answer to StartJobRun is lost", "run found, not started twice", abs(len(double.runs) - 1))


def test_a_run_whose_start_was_given_up_is_stopped(double: GlueDouble, tmp_path: Path) -> None:
    double.fate("RUNNING")
    double.plan("StartJobRun", LOST_ANSWER)
    told = failure(launch(resource(double, tmp_path, "", patience_seconds=0), NOTHING))
    assert "StartJobRun" in told
    assert [run.state for run in double.runs] == ["STOPPED"]
    line(double, "the answer to StartJobRun is lost and given up", "run found and stopped")


@pytest.mark.parametrize("code", ["ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"])
def test_room_is_waited_for(double: GlueDouble, tmp_path: Path, code: str) -> None:
    double.fate("SUCCEEDED")
    double.plan("StartJobRun", code, 5)
    done = launch(resource(double, tmp_path, "", patience_seconds=0), NOTHING)
    assert done.failure is None
    assert sum("waiting for room" in told for told in done.lines) == 1
    line(double, f"StartJobRun meets {code}, five times", "waited for room", abs(len(double.runs) - 1))


def test_room_is_waited_for_until_the_deadline(double: GlueDouble, tmp_path: Path) -> None:
    double.plan("StartJobRun", "ConcurrentRunsExceededException", 1000)
    told = failure(launch(resource(double, tmp_path, "", deadline_seconds=0.5), NOTHING))
    assert "ConcurrentRunsExceededException" in told
    assert "CONCERT_GLUE_DEADLINE_SECONDS" in told
    line(double, "StartJobRun finds no room until the deadline", "GlueJobFailed, one line", len(double.runs))


def test_a_job_that_dies_before_it_reports_is_told_as_one_line(double: GlueDouble, tmp_path: Path) -> None:
    told = failure(launch(resource(double, tmp_path, DIES, log_seconds=0), NOTHING))
    assert "ended as FAILED: Command failed with exit code -9; no log in /aws-glue/jobs/output" in told
    assert told.endswith(f"; in /aws-glue/jobs/error: {SYSTEM_LINE}")
    line(double, "the job is killed before it reports", "GlueJobFailed, one line")


def test_what_a_job_reported_before_it_died_is_kept(double: GlueDouble, tmp_path: Path) -> None:
    """The stock client drops it."""
    done = launch(resource(double, tmp_path, REPORTS_AND_DIES, log_seconds=0), NOTHING)
    failure(done)
    line(double, "the job is killed after it reported", "GlueJobFailed, report kept", lost_or_doubled(done, "one"))


def test_a_failure_tells_the_end_of_the_log_without_secrets(double: GlueDouble, tmp_path: Path) -> None:
    done = launch(resource(double, tmp_path, REPORTS_AND_FAILS), NOTHING)
    told = failure(done)
    assert told.endswith("RuntimeError: the disk is full")
    for secret in ("canary-of-the-log", ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]):
        assert not done.logged(secret)
        assert secret not in told
    line(double, "the job fails with an error", "GlueJobFailed, log told, report kept", lost_or_doubled(done, "one"))


@pytest.mark.parametrize(
    ("group", "stream", "told"),
    [
        ("output", "jr", "log: why"),
        ("output", "jr-driver", "log: why"),
        ("error", "jr", "no log in /aws-glue/jobs/output: ResourceNotFoundException; in /aws-glue/jobs/error: why"),
        (
            "error",
            "jr_g-1",
            "no log in /aws-glue/jobs/output: ResourceNotFoundException, nor in /aws-glue/jobs/error",
        ),
    ],
)
def test_the_log_is_found_where_glue_writes_it(double: GlueDouble, group: str, stream: str, told: str) -> None:
    double.log(group, stream, ["", "why"])
    if group == "output":
        double.log("error", "jr", [SYSTEM_LINE])
    with closing(boto3.client("logs", endpoint_url=double.url, region_name="us-east-1")) as client:
        assert tail(client, JobRun("jr", "FAILED", "", "", "", "/aws-glue/jobs"), 0, ()) == told


def test_all_that_was_reported_is_read_however_late(double: GlueDouble, tmp_path: Path) -> None:
    """The stock reader leaves some ten seconds after the end, having read an object a second."""
    done = launch(resource(double, tmp_path, REPORTS_MUCH), NOTHING)
    assert done.failure is None
    assert done.messages == [{"n": number} for number in range(30)]
    assert done.logged("what is no message, 'no message'")


def test_a_run_that_cannot_be_stopped_is_told(double: GlueDouble, tmp_path: Path) -> None:
    double.fate("RUNNING")
    double.plan("BatchStopJobRun", "AccessDeniedException")
    told = failure(launch(resource(double, tmp_path, "", deadline_seconds=0.3), NOTHING))
    assert "a run may be left behind" in told
    assert "BatchStopJobRun" in told
    assert double.jobs["concert-assets-curate"]["Timeout"] == 1, "minutes, after which Glue ends it by itself"


def test_a_run_of_the_same_request_is_counted_once(double: GlueDouble, tmp_path: Path) -> None:
    glue = resource(double, tmp_path, REPORTS)
    for _ in range(2):
        assert lost_or_doubled(launch(glue, {"deliveries": ["one"]}), "one") == 0
    assert len(double.runs) == 2, "one that has ended is not joined"
