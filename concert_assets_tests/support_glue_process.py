"""A run of the Glue double as a process: the uploaded code on an interpreter that knows nothing of the repository."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from zipfile import ZipFile

from concert_assets_tests.support_moto import ENVIRONMENT, open_store


@dataclass(frozen=True)
class Interpreter:
    """A Python, and the distributions of its installation that Glue would have built in; others the job asks for."""

    python: str = sys.executable
    built_in: tuple[str, ...] = ("duckdb",)

    @property
    def packages(self) -> str:
        """The folder of its installed packages."""
        return _packages(self.python)


@cache
def _packages(python: str) -> str:
    program = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


class JobProcess:
    """The uploaded script with the arguments of the run, in a folder of its own and a process group of its own."""

    def __init__(
        self, interpreter: Interpreter, folder: Path, moto_url: str, script: str, arguments: dict[str, str]
    ) -> None:
        self._arguments = (interpreter, folder, moto_url, script, arguments)
        self._process: subprocess.Popen[str] | None = None
        self._is_killed = False
        self._lock = threading.Lock()
        self._printed = folder / "printed"

    def wait(self) -> tuple[int, list[str]]:
        """Run it; its exit code and the lines that it printed, to either stream."""
        try:
            command, environment, folder = self._prepared()
        except Exception as error:  # as on AWS, a run whose code cannot be had fails with the reason in its log
            return 1, [f"the run cannot be prepared: {type(error).__name__}: {error}"]
        with self._printed.open("wb") as printed:
            with self._lock:
                if self._is_killed:
                    return -signal.SIGKILL, []
                self._process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            code = self._process.wait()
        self._kill_group()  # what it started and left, as Spark's gateway
        return code, self._printed.read_text(errors="replace").splitlines()

    def kill(self) -> None:
        """Kill it and all that it started."""
        with self._lock:
            self._is_killed = True
            if self._process is not None and self._process.poll() is None:
                self._kill_group()

    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def _kill_group(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _prepared(self) -> tuple[list[str], dict[str, str], Path]:
        interpreter, folder, moto_url, script, arguments = self._arguments
        site = folder / "site"
        site.mkdir(parents=True)
        (program,) = self._fetched([script], folder, moto_url)
        wanted = arguments["--additional-python-modules"].split(",")
        for wheel in self._fetched([item for item in wanted if item.startswith("s3://")], folder, moto_url):
            with ZipFile(wheel) as archive:
                archive.extractall(site)
        for requirement in [*(item for item in wanted if not item.startswith("s3://")), *interpreter.built_in]:
            name, _, version = requirement.partition("==")
            install(name, version, site, interpreter.packages)
        environment = {
            **{name: os.environ[name] for name in ("PATH", "JAVA_HOME", "LANG") if name in os.environ},
            **ENVIRONMENT,
            "AWS_ENDPOINT_URL": moto_url,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "PYTHONPATH": str(site),
            "PYSPARK_PYTHON": interpreter.python,
            "PYSPARK_SUBMIT_ARGS": "--master local[1] pyspark-shell",
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        given = [part for name, value in arguments.items() for part in (name, value)]
        # -S: no installed packages but those linked, and no editable installation of the repository.
        return [interpreter.python, "-P", "-S", str(program), *given], environment, folder

    @staticmethod
    def _fetched(uris: list[str], folder: Path, moto_url: str) -> list[Path]:
        store = open_store(moto_url)
        paths = []
        for uri in uris:
            place = urlsplit(uri)
            path = folder / Path(place.path).name
            path.write_bytes(store.read(place.netloc, place.path.lstrip("/")))
            paths.append(path)
        store.client.close()
        return paths


def install(name: str, version: str, site: Path, packages: str) -> None:
    """Link an installed distribution into a folder; fails where it is of another version than asked for."""
    (found, *_) = metadata.distributions(name=name, path=[packages])
    if version and found.version != version:
        raise ValueError(f"{name} {version} was asked for, {found.version} is here")
    for top in {path.parts[0] for path in found.files or () if path.parts[0] not in ("..", "__pycache__")}:
        source = Path(str(found.locate_file(top)))
        if source.exists() and not (site / top).exists():
            (site / top).symlink_to(source)
