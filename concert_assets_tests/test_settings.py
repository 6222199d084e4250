"""The table of settings against the code, both ways: what is read is told, what is told is read."""

import argparse
import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.cli.main import main
from concert_assets.cli.options import SOURCES, parser
from concert_assets.deployment import DEPLOYMENTS, ConfigurationError, Deployment, activate, read
from concert_assets.simulation.settings import RAW_FORMATS, SettingsError, SimulationSettings
from concert_assets_tests.support_demo import clean_environment

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    variable: str
    option: str
    of: str
    default: str
    allowed: str


ROWS = [
    Row(*(cell.strip().strip("`") for cell in line.split("|")[1:6]))
    for line in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not line.startswith(("| variable", "|---"))
]
VARIABLES = [row for row in ROWS if row.variable != "-"]
OPTIONS = [row for row in ROWS if row.option != "-"]
BAD = {
    "CONCERT_DEPLOYMENT": ["", "cloud"],
    "CONCERT_HOME": [__file__],
    "CONCERT_RAW_BUCKET": ["", "ab", "A-bucket", "-bucket", "concert-data-processed"],
    "CONCERT_PROCESSED_BUCKET": ["x" * 64, "bucket/", "concert-data-raw"],
    "CONCERT_MEMORY_LIMIT": ["", "0GB", "1", "1.5GB", "1gb"],
    "CONCERT_WAIT_SECONDS": ["", "-1", "soon", "1000000"],
    "CONCERT_REGION": ["Ireland", "eu-west"],
    "CONCERT_ENDPOINT_URL": ["127.0.0.1:5000", "https://user:password@host", "ftp://host"],
    "CONCERT_BUCKET_KEY": ["a key"],
    "CONCERT_REDSHIFT_WORKGROUP": ["ab", "A-Group"],
    "CONCERT_REDSHIFT_CLUSTER": ["1st", "x" * 64],
    "CONCERT_REDSHIFT_DATABASE": ["Concerts", "a; drop", "1st"],
    "CONCERT_REDSHIFT_ROLE": ["redshift", "arn:aws:iam::12:role/x", "arn:aws:iam::123456789012:user/x"],
    "CONCERT_GLUE_JOB": ["a/b", "x" * 256],
    "CONCERT_GLUE_ROLE": ["glue", "arn:aws:s3:::bucket"],
    "CONCERT_GLUE_WORKERS": ["1", "300", "many"],
    "CONCERT_GLUE_DEADLINE_SECONDS": ["9", "604001", "1000000", "1.5"],
    "CONCERT_SIGNING_KEY": ["a key", "key;"],
    "CONCERT_ACCOUNT": ["12345678901", "1234567890123", "account"],
    "CONCERT_LINEAGE_NAMESPACE": ["a name", "x" * 201],
    "CONCERT_CATALOG_DATABASE": ["Concerts", "con-certs", "1st"],
    "CONCERT_CATALOG_TAG": ["a tag", "Personal", "-tag"],
    "CONCERT_SAGEMAKER_ROLE": ["sagemaker", "arn:aws:s3:::bucket"],
    "CONCERT_ARRIVAL_QUEUE": ["arrivals", "https://sqs.eu-west-1.amazonaws.com/arrivals"],
    "CONCERT_STACK": ["-stack", "a stack", "x" * 129],
    "CONCERT_ALERT_TOPIC": ["alerts", "arn:aws:sqs:eu-west-1:123456789012:alerts"],
}
ROLE = "arn:aws:iam::123456789012:role/concerts"
OTHER = {
    "CONCERT_DEPLOYMENT": "embedded",
    "CONCERT_MEMORY_LIMIT": "2GB",
    "CONCERT_WAIT_SECONDS": "7",
    "CONCERT_REGION": "eu-west-1",
    "CONCERT_ENDPOINT_URL": "http://127.0.0.1:5000",
    "CONCERT_ACCOUNT": "123456789012",
    "CONCERT_REDSHIFT_ROLE": ROLE,
    "CONCERT_GLUE_ROLE": ROLE,
    "CONCERT_GLUE_WORKERS": "20",
    "CONCERT_GLUE_DEADLINE_SECONDS": "60",
    "CONCERT_SAGEMAKER_ROLE": ROLE,
    "CONCERT_ARRIVAL_QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/arrivals",
    "CONCERT_ALERT_TOPIC": "arn:aws:sns:eu-west-1:123456789012:alerts",
}
# The least that the deployment aws is described by.
AWS = {
    "CONCERT_DEPLOYMENT": "aws",
    "CONCERT_REGION": "eu-west-1",
    "CONCERT_REDSHIFT_WORKGROUP": "concerts",
    "CONCERT_REDSHIFT_ROLE": ROLE,
    "CONCERT_GLUE_ROLE": ROLE,
    "CONCERT_SIGNING_KEY": "alias/concerts",
}


def field_of(variable: str) -> str:
    """The deployment's field that a variable sets."""
    return {"CONCERT_DEPLOYMENT": "name"}.get(variable, variable.removeprefix("CONCERT_").lower())


def declared() -> Iterator[tuple[str, str, Any]]:
    """Option, command and default of every option of every command."""
    (commands,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        for action in command._actions:
            for option in action.option_strings:
                if option not in {"-h", "--help"}:
                    yield option, name, action.default


def test_every_variable_that_is_read_is_told_and_the_other_way_round() -> None:
    files = [ROOT / "concert_assets" / name for name in ("deployment.py", "aws_settings.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {text for text in texts if re.fullmatch(r"CONCERT_[A-Z_]+", text)}
    assert sorted(row.variable for row in VARIABLES) == sorted(named)
    assert {field_of(row.variable) for row in VARIABLES} == {field.name for field in fields(Deployment)}


@pytest.mark.parametrize("row", VARIABLES, ids=lambda row: row.variable)
def test_a_variable_has_the_default_that_is_told(row: Row) -> None:
    default = "" if row.default == "empty" else row.default
    assert read({row.variable: default}) == read({}) == read({}, {row.variable: default})
    if row.variable != "CONCERT_DEPLOYMENT":
        assert read({row.variable: OTHER.get(row.variable, "elsewhere")}) != read({})


def test_the_deployment_aws_is_described_by_its_settings() -> None:
    found = read(AWS)
    assert (found.name, found.region, found.redshift_workgroup, found.glue_workers) == (
        "aws",
        "eu-west-1",
        "concerts",
        10,
    )
    assert not found.is_embedded


@pytest.mark.parametrize("variable", [name for name in AWS if name != "CONCERT_DEPLOYMENT"])
def test_what_the_deployment_aws_needs_is_named_where_it_is_missing(variable: str) -> None:
    assert f"| `{variable}` |" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    with pytest.raises(ConfigurationError, match=variable) as caught:
        read({name: value for name, value in AWS.items() if name != variable})
    assert "\n" not in str(caught.value)


def test_one_warehouse_is_named() -> None:
    with pytest.raises(ConfigurationError, match="WORKGROUP and CONCERT_REDSHIFT_CLUSTER"):
        read(AWS | {"CONCERT_REDSHIFT_CLUSTER": "big"})
    assert read(AWS | {"CONCERT_REDSHIFT_WORKGROUP": "", "CONCERT_REDSHIFT_CLUSTER": "big"}).redshift_cluster == "big"


@pytest.mark.parametrize("settings", [{}, AWS], ids=["embedded", "aws"])
def test_what_is_activated_describes_the_same_deployment(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = read(settings | {"CONCERT_HOME": str(tmp_path), "CONCERT_GLUE_WORKERS": "12"} if settings else settings)
    seen: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", seen)
    activate(given)
    assert read() == given
    assert ("CONCERT_REGION" in seen) is bool(settings), "the embedded deployment knows nothing of AWS"


def test_the_deployments_are_told() -> None:
    (row,) = (row for row in VARIABLES if row.variable == "CONCERT_DEPLOYMENT")
    assert row.allowed == ", ".join(DEPLOYMENTS)


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_variable_that_is_not_allowed_is_named(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=variable) as caught:
        read({variable: value})
    assert "\n" not in str(caught.value)


def test_every_variable_has_values_that_are_not_allowed() -> None:
    assert set(BAD) == {row.variable for row in VARIABLES}


def test_every_option_is_told_with_its_commands_and_the_other_way_round() -> None:
    every = {command for _, command, _ in declared()}
    found: dict[str, set[str]] = {}
    for option, command, _ in declared():
        found.setdefault(option, set()).add(command)
    told = {row.option: every if row.of == "every command" else set(row.of.split(", ")) for row in OPTIONS}
    assert told == found
    assert len(told) == len(OPTIONS)


@pytest.mark.parametrize("row", [row for row in OPTIONS if row.variable == "-"], ids=lambda row: row.option)
def test_an_option_has_the_default_that_is_told(row: Row) -> None:
    words = {None: ("-", "table or source, and file"), False: ("off",), "": ("empty",)}
    defaults = {default for option, _, default in declared() if option == row.option}
    assert len(defaults) == 1
    (default,) = defaults
    assert row.default in words.get(default, (str(default),))


@pytest.mark.parametrize("row", [row for row in OPTIONS if row.variable != "-"], ids=lambda row: row.option)
def test_an_option_goes_before_its_variable(row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [default for option, _, default in declared() if option == row.option and default is not None] == []
    bad = str(Path(__file__)) if row.option == "--home" else "No Such"
    assert main(["status", "--home", str(tmp_path), row.option, bad]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert row.option in said
    assert bad in said


@pytest.mark.parametrize(
    ("option", "names"), [("--raw-format", RAW_FORMATS), ("--source", SOURCES), ("--table", tuple(BY_NAME))]
)
def test_the_names_allowed_are_told(option: str, names: tuple[str, ...]) -> None:
    (row,) = (row for row in OPTIONS if row.option == option)
    assert row.allowed == ", ".join(names)


def bounds(row: Row) -> tuple[str, str] | None:
    """The bounds that a row tells."""
    found = re.match(r"([\d.-]+) to ([\d.-]+)", row.allowed)
    return (found[1], found[2]) if found else None


@pytest.mark.parametrize(
    "row", [row for row in OPTIONS if row.of == "demo" and bounds(row)], ids=lambda row: row.option
)
def test_the_bounds_told_are_those_that_hold(row: Row) -> None:
    name = row.option.removeprefix("--").replace("-", "_")
    kind = type(getattr(SimulationSettings(), name))
    low, high = (date.fromisoformat(text) if kind is date else kind(text) for text in bounds(row) or ())
    step: Any = {date: date.resolution, float: 1e-6}.get(kind, 1)
    for value in (low, high):
        SimulationSettings(**{name: value}).validate()
    for value in (low - step, high + step):
        with pytest.raises(SettingsError, match=row.option):
            SimulationSettings(**{name: value}).validate()


@pytest.mark.parametrize("value", ["0", "1", "-0.5", "half"])
def test_a_test_size_beyond_its_bounds_is_refused(
    value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: Any = main(["train", "--home", str(tmp_path), f"--test-size={value}"])
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
    assert "--test-size" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "65536"])
def test_a_port_beyond_its_bounds_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bounds(next(row for row in OPTIONS if row.option == "--port")) == ("1", "65535")
    with pytest.raises(SystemExit, match="2"):
        main(["dev", "--port", value])
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize("home", ["mine", "."])
def test_the_web_ui_is_led_by_the_settings_of_its_command_and_not_by_the_file_of_another_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """Dagster takes ``.env`` of its working folder before the environment."""
    lines = ["CONCERT_HOME=/elsewhere", "CONCERT_MEMORY_LIMIT=3GB", "CONCERT_ACCOUNT=1", "OWN='kept'", "GIVEN=file"]
    (tmp_path / ".env").write_text("\n".join(lines), "utf-8")
    told, folder, command = become_dagster(tmp_path, monkeypatch, home)
    assert (told["CONCERT_HOME"], told["CONCERT_MEMORY_LIMIT"]) == (str((tmp_path / home).absolute()), "2GB")
    assert (told["OWN"], told["GIVEN"]) == ("kept", "environment")
    assert "CONCERT_ACCOUNT" not in told
    assert not (folder / ".env").exists()
    assert Path(command[command.index("-w") + 1]).is_absolute()


def test_the_web_ui_starts_where_its_command_does_if_the_file_is_of_the_same_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(f"CONCERT_HOME={tmp_path / 'mine'}\nCONCERT_MEMORY_LIMIT=2GB\nOWN=kept\n", "utf-8")
    assert become_dagster(tmp_path, monkeypatch, "mine")[1] == tmp_path


def become_dagster(folder: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> tuple[dict[str, str], Path, list[str]]:
    """Environment, folder and command that ``dev`` becomes."""
    monkeypatch.chdir(folder)
    seen: list[Any] = []

    def become(path: str, command: list[str]) -> None:
        seen.extend((dict(os.environ), Path.cwd(), command))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", become)
    with clean_environment(GIVEN="environment", CONCERT_MEMORY_LIMIT="2GB"), pytest.raises(SystemExit):
        main(["dev", "--home", home, "--port", "3999"])
    return seen[0], seen[1], seen[2]
