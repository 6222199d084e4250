"""What ``deploy`` and ``destroy`` say when they cannot go on: wrong options, nobody to ask, a stack of somebody else."""

import io
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from concert_assets.cli.main import main
from concert_assets.deploy.stack import TAG
from concert_assets_tests.support_moto import ENVIRONMENT, MotoServer
from concert_assets_tests.support_stacks import ACCOUNT, REGION, STACK, clients, cloud

Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def served() -> Iterator[MotoServer]:
    with cloud() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, no settings, and credentials that lead nowhere."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONCERT_DEPLOYMENT", "CONCERT_HOME", "CONCERT_REGION", "CONCERT_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps what it once found of the environment
    return tmp_path


@pytest.fixture
def account(served: MotoServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> MotoServer:
    served.empty()
    monkeypatch.setenv("CONCERT_ENDPOINT_URL", served.url)
    monkeypatch.setenv("CONCERT_REGION", REGION)
    return served


def said_in_one_line(capsys: Said) -> str:
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    assert "canary-secret" not in error
    return error


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("deploy", "--stack", "My_Stack"), ("--stack", "My_Stack", "lower-case")),
        (("destroy", "--stack", "x"), ("--stack", "'x'", "3 to 40")),
        (("deploy", "--account", "12"), ("--account", "'12'", "twelve")),
        (("deploy", "--deadline-seconds", "0"), ("--deadline-seconds", "0", "1 or more")),
        (("deploy", "--deadline-seconds", "soon"), ("--deadline-seconds", "soon", "whole number")),
        (("deploy", "--set", "GlueWorkers"), ("--set", "GlueWorkers", "NAME=VALUE")),
        (("deploy", "--set", "Colour=red"), ("--set", "Colour", "RawBucket")),
        (("deploy", "--set", "GlueWorkers=1"), ("--set", "GlueWorkers", "'1'", "from 2 to 299")),
        (("deploy", "--plan", "--set", "QualityFloor=200"), ("--set", "QualityFloor", "'200'", "to 100")),
        (("destroy", "--set", "A=b"), ("--set", "--help")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_option_is_said_in_one_line_before_anybody_is_asked(
    folder: Path, capsys: Said, arguments: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    try:
        code = main(arguments)
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    error = said_in_one_line(capsys)
    assert [part for part in parts if part not in error] == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "no credentials of AWS"),
        (("AWS_DEFAULT_REGION",), "CONCERT_REGION"),
    ],
)
def test_without_an_account_a_plan_is_checked_and_nothing_else_is_done(
    folder: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], said: str
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    assert main(["deploy", "--plan"]) == 0
    told = capsys.readouterr()
    assert "not compared with an account" in told.out
    assert (said in told.out, told.err) == (True, "")
    for command in ("deploy", "destroy"):
        assert main([command]) == 1
        assert said in said_in_one_line(capsys)
    assert list(folder.iterdir()) == []


def test_a_profile_that_is_not_there_is_named(folder: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert main(["deploy"]) == 1
    assert "ProfileNotFound" in said_in_one_line(capsys)


def test_where_nothing_answers_the_settings_are_named(
    folder: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERT_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("concert_assets.resources.clients.ATTEMPTS", 1)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert main(["deploy"]) == 1
    assert "CONCERT_ENDPOINT_URL" in said_in_one_line(capsys)


def test_credentials_of_another_account_are_refused(account: MotoServer, capsys: Said) -> None:
    for command in ("deploy", "destroy"):
        assert main([command, "--account", "999999999999"]) == 1
        assert f"credentials are of account {ACCOUNT}" in said_in_one_line(capsys)
    assert clients(account)("cloudformation").list_stacks()["StackSummaries"] == []


def test_a_stack_of_somebody_else_is_neither_changed_nor_removed(account: MotoServer, capsys: Said) -> None:
    client = clients(account)("cloudformation")
    body = '{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    client.create_stack(StackName=STACK, TemplateBody=body)
    for command in (["deploy"], ["deploy", "--plan"], ["destroy", "--confirm", STACK]):
        assert main(command) == 1
        assert TAG in said_in_one_line(capsys)
    assert len(clients(account)("sns").list_topics()["Topics"]) == 1


@pytest.mark.parametrize(("answer", "said"), [("yes\n", "'yes' is not"), ("", "without --confirm"), (f"{STACK}\n", "")])
def test_removing_asks_for_the_name(
    account: MotoServer, capsys: Said, monkeypatch: pytest.MonkeyPatch, answer: str, said: str
) -> None:
    assert main(["deploy", "--set", "RedshiftWorkgroup=concerts"]) == 0
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert main(["destroy"]) == (1 if said else 0)
    if said:
        assert said in said_in_one_line(capsys)
    left = clients(account)("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]
    assert bool(left) == bool(said)


def test_a_file_that_cannot_be_written_is_named(account: MotoServer, capsys: Said) -> None:
    assert main(["deploy", "--plan", "--template", "no/folder.json"]) == 1
    assert "--template: 'no/folder.json'" in said_in_one_line(capsys)
    assert main(["deploy", "--set", "RedshiftWorkgroup=concerts", "--env-file", "no/env"]) == 1
    assert "--env-file: 'no/env'" in said_in_one_line(capsys)


def test_what_aws_refuses_is_told_by_its_code(account: MotoServer, capsys: Said) -> None:
    # moto has no Redshift Serverless, so it refuses the template that makes one
    assert main(["deploy"]) == 1
    assert "ExecuteChangeSet failed with ValidationError" in said_in_one_line(capsys)
