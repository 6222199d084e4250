"""Where the platform runs and with what settings: the only reader of the environment, and the keeper of the home.

The settings are listed in ``docs/settings.md``.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from concert_assets.aws_settings import OF_AWS
from concert_assets.catalog.canonical import TABLES

HOME_FORMAT = 1
DEPLOYMENTS = ("embedded", "aws")

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_NAMESPACE = re.compile(r"[\w.:/-]{0,200}", re.ASCII)
_MEMORY = re.compile(r"[1-9][0-9]*(MB|GB)")

_DAGSTER_YAML = """\
telemetry: {enabled: false}
nux: {enabled: false}
run_monitoring: {enabled: true, poll_interval_seconds: 20}
run_retries: {enabled: true, max_retries: 2, retry_on_asset_or_op_failure: false}
run_coordinator:
  module: dagster
  class: QueuedRunCoordinator
  config: {dequeue_interval_seconds: 1}
sensors: {use_threads: true, num_workers: 4}
retention:
  schedule: {purge_after_days: 90}
  sensor:
    purge_after_days: {skipped: 7, failure: 30, success: 90}
"""

_WORKSPACE_YAML = """\
load_from:
  - python_module:
      module_name: concert_assets.definitions
      location_name: concert_assets
"""


class ConfigurationError(ValueError):
    """A setting has a value that is not allowed. One line: the setting, what came, what is allowed."""


class HomeOfOtherVersion(Exception):
    """The home was made by a version of the platform that keeps it differently."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The settings of one deployment. ``memory_limit`` is DuckDB's, ``wait_seconds`` how long to wait for a lock.

    Those from ``region`` on are of the deployment aws alone.
    """

    name: str = "embedded"
    home: Path = Path(".concert")
    raw_bucket: str = "concert-data-raw"
    processed_bucket: str = "concert-data-processed"
    memory_limit: str = "1GB"
    wait_seconds: float = 300.0
    lineage_namespace: str = ""
    region: str = ""
    account: str = ""
    endpoint_url: str = ""
    bucket_key: str = ""
    redshift_workgroup: str = ""
    redshift_cluster: str = ""
    redshift_database: str = "concerts"
    redshift_role: str = ""
    glue_job: str = "concert-assets-curate"
    glue_role: str = ""
    glue_workers: int = 10
    glue_deadline_seconds: int = 7200
    catalog_database: str = ""
    catalog_tag: str = ""
    sagemaker_role: str = ""
    signing_key: str = ""
    arrival_queue: str = ""
    stack: str = ""
    alert_topic: str = ""

    @property
    def is_embedded(self) -> bool:
        """Whether all state lies in the home."""
        return self.name == "embedded"

    @property
    def objects(self) -> Path:
        """The folder of the buckets."""
        return self.home / "objects"

    @property
    def inbox(self) -> Path:
        """The folder into which people drop files, below a folder for each table."""
        return self.objects / self.raw_bucket / "inbox"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME: event log, runs and schedules."""
        return self.home / "dagster"

    @property
    def reports(self) -> Path:
        """The folder of the reports."""
        return self.home / "reports"


def _bucket(name: str, value: str) -> str:
    if not _BUCKET.fullmatch(value):
        option = name.removeprefix("CONCERT").lower().replace("_", "-").replace("-", "--", 1)
        raise ConfigurationError(
            f"{name} ({option}) is {value!r}; "
            "expected a bucket name of 3 to 63 lower-case letters, digits, dots and dashes"
        )
    return value


def read(environment: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None) -> Deployment:
    """The deployment that options and environment describe, options first.

    ``options`` holds settings by their name in the environment. ConfigurationError names the first that is wrong.
    """
    values = {**(os.environ if environment is None else environment), **(options or {})}
    default = Deployment()
    name = values.get("CONCERT_DEPLOYMENT", default.name)
    if name not in DEPLOYMENTS:
        raise ConfigurationError(f"CONCERT_DEPLOYMENT (--deployment) is {name!r}; allowed: {', '.join(DEPLOYMENTS)}")
    memory = values.get("CONCERT_MEMORY_LIMIT", default.memory_limit)
    if not _MEMORY.fullmatch(memory):
        raise ConfigurationError(f"CONCERT_MEMORY_LIMIT is {memory!r}; expected a size such as 800MB or 4GB")
    wait = values.get("CONCERT_WAIT_SECONDS", str(default.wait_seconds))
    if not re.fullmatch(r"[0-9]{1,6}([.][0-9]+)?", wait):
        raise ConfigurationError(f"CONCERT_WAIT_SECONDS is {wait!r}; expected a number of seconds, 0 or more")
    home = values.get("CONCERT_HOME", "") or str(default.home)
    if Path(home).exists() and not Path(home).is_dir():
        raise ConfigurationError(f"CONCERT_HOME (--home) is {home!r}, which is a file; expected a folder")
    raw_bucket = _bucket("CONCERT_RAW_BUCKET", values.get("CONCERT_RAW_BUCKET", default.raw_bucket))
    processed = _bucket("CONCERT_PROCESSED_BUCKET", values.get("CONCERT_PROCESSED_BUCKET", default.processed_bucket))
    namespace = values.get("CONCERT_LINEAGE_NAMESPACE", "")
    if not _NAMESPACE.fullmatch(namespace):
        raise ConfigurationError(
            f"CONCERT_LINEAGE_NAMESPACE is {namespace!r}; expected up to 200 letters, digits and any of . _ : / -"
        )
    if raw_bucket == processed:
        raise ConfigurationError(f"CONCERT_RAW_BUCKET and CONCERT_PROCESSED_BUCKET are both {processed!r}; name two")
    place = Path(home).expanduser().absolute()
    return Deployment(
        name, place, raw_bucket, processed, memory, float(wait), namespace, **_of_aws(values, name == "aws")
    )


def _of_aws(values: Mapping[str, str], is_bound: bool) -> dict[str, Any]:
    """The settings of the deployment aws by field. They may be left out where it is not the one that is asked for."""
    found: dict[str, Any] = {}
    for name, setting in OF_AWS.items():
        default = getattr(Deployment(), _field(name))
        value = values.get(name) or str(default)
        if value and not re.fullmatch(setting.pattern, value):
            raise ConfigurationError(f"{name} is {value!r}; expected {setting.expected}")
        if is_bound and setting.is_needed and not value:
            raise ConfigurationError(f"{name} is not set; the deployment aws needs {setting.expected}")
        found[_field(name)] = type(default)(value)
    if is_bound and bool(found["redshift_workgroup"]) == bool(found["redshift_cluster"]):
        raise ConfigurationError(
            "of CONCERT_REDSHIFT_WORKGROUP and CONCERT_REDSHIFT_CLUSTER the deployment aws needs one and takes no more"
        )
    return found


def _field(name: str) -> str:
    return name.removeprefix("CONCERT_").lower()


def activate(deployment: Deployment) -> None:
    """Let this process and those that it starts see the deployment's settings and its Dagster home."""
    os.environ.update(_environment(deployment))


def write_workspace(deployment: Deployment) -> Path:
    """Write a workspace file into the home that loads the installed package, and return its path."""
    path = deployment.home / "workspace.yaml"
    _write(path, _WORKSPACE_YAML)
    return path


def _environment(deployment: Deployment) -> dict[str, str]:
    return {
        "CONCERT_DEPLOYMENT": deployment.name,
        "CONCERT_HOME": str(deployment.home),
        "CONCERT_RAW_BUCKET": deployment.raw_bucket,
        "CONCERT_PROCESSED_BUCKET": deployment.processed_bucket,
        "CONCERT_MEMORY_LIMIT": deployment.memory_limit,
        "CONCERT_WAIT_SECONDS": str(deployment.wait_seconds),
        **({"CONCERT_LINEAGE_NAMESPACE": deployment.lineage_namespace} if deployment.lineage_namespace else {}),
        "DAGSTER_HOME": str(deployment.dagster_home),
        **({} if deployment.is_embedded else {name: str(getattr(deployment, _field(name))) for name in OF_AWS}),
    }


def check_home(deployment: Deployment) -> None:
    """Raise HomeOfOtherVersion where the home is of another format; nothing is written."""
    path = deployment.home / "format.json"
    if not path.exists():
        return
    found = json.loads(path.read_text())["version"]
    if found != HOME_FORMAT:
        raise HomeOfOtherVersion(
            f"the home {deployment.home} is of format {found}, this version keeps format {HOME_FORMAT}; "
            "use the version of concert_assets that made it, or another --home"
        )


def prepare_home(deployment: Deployment) -> None:
    """Make the home where it is not there yet: its format, and a Dagster home whose storage is initialised.

    Under a lock, for of several processes that start on an empty Dagster home most crash.
    """
    check_home(deployment)
    try:
        deployment.dagster_home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"CONCERT_HOME (--home) is {str(deployment.home)!r}, where no folder can be made: {error.strerror}; "
            "expected a folder that can be written to"
        ) from error
    with FileLock(str(deployment.home / "setup.lock"), timeout=deployment.wait_seconds):
        for table in TABLES if deployment.is_embedded else ():
            (deployment.inbox / table.name).mkdir(parents=True, exist_ok=True)
        settings = deployment.dagster_home / "dagster.yaml"
        if not settings.exists():
            _write(settings, _DAGSTER_YAML)
        marker = deployment.home / "format.json"
        if not marker.exists():
            from dagster import DagsterInstance

            with DagsterInstance.from_config(str(deployment.dagster_home)) as instance:
                instance.get_runs_count()
                instance.get_asset_keys(limit=1)
                instance.all_instigator_state()
            _write(marker, json.dumps({"version": HOME_FORMAT}))


def write_dotenv(deployment: Deployment, folder: Path) -> None:
    """Write ``.env`` into the working folder, so that plain ``dagster`` commands find the home, its data and history.

    A setting that the file holds already is the user's and stays as it is.
    """
    path = folder / ".env"
    text = path.read_text() if path.exists() else ""
    text += "\n" if text and not text.endswith("\n") else ""
    for name, value in _environment(deployment).items():
        if not re.search(rf"^\s*(export\s+)?{name}=", text, re.MULTILINE):
            text += f"{name}={value}\n"
    _write(path, text)


def adopt_dotenv(deployment: Deployment, folder: Path) -> bool:
    """Whether ``.env`` of a folder leads elsewhere than the deployment; what else it says is then taken from it.

    The environment goes before it, and no setting of another deployment is taken.
    """
    from dotenv import dotenv_values

    found = {name: value for name, value in dotenv_values(folder / ".env").items() if value is not None}
    settings = _environment(deployment)
    of_platform = {name for name in found if name.startswith("CONCERT_") or name == "DAGSTER_HOME"}
    if all(found[name] == settings.get(name) for name in of_platform):
        return False
    for name in found.keys() - of_platform:
        os.environ.setdefault(name, found[name])
    return True


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)
