"""The package as it is installed: pins, what the wheel would hold, and the set-up that make does."""

import fnmatch
import os
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PIN_LINES = (ROOT / "constraints.txt").read_text("utf-8").splitlines()


def normal(name: str) -> str:
    """A package's name as indexes compare it, extras and version left off."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", name.strip())[0]).lower()  # type: ignore[index]


PINS = {normal(line): line.partition("==")[2] for line in PIN_LINES}


def test_every_line_of_the_pins_is_a_name_and_a_version() -> None:
    odd = [
        line for line in PIN_LINES if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==[0-9][0-9a-z.]*", line)
    ]
    assert odd == []
    assert len(PINS) == len(PIN_LINES)
    assert "://" not in "".join(PIN_LINES)


def test_dagster_and_its_aws_library_are_the_pair_that_fits() -> None:
    assert (PINS["dagster"], PINS["dagster-aws"], PINS["dagster-webserver"]) == ("1.13.27", "0.29.27", "1.13.27")


def test_the_pins_reach_every_package_that_is_needed_in_the_end() -> None:
    project = PROJECT["project"]
    ahead = {Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["dev"]}
    reached: set[Requirement] = set()
    while ahead:
        needed = ahead.pop()
        reached.add(needed)
        extras = needed.extras | {""}
        required = {Requirement(line) for line in metadata.requires(needed.name) or []}
        ahead |= {
            child
            for child in required
            if child.marker is None or any(child.marker.evaluate({"extra": extra}) for extra in extras)
        } - reached
    names = {normal(needed.name) for needed in reached}
    assert sorted(names - set(PINS)) == []
    assert len(names) > 100
    assert {name: metadata.version(name) for name in names} == {name: PINS[name] for name in names}


def test_the_package_ships_its_data() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["concert_assets"]
    data = [
        str(file.relative_to(ROOT / "concert_assets"))
        for file in (ROOT / "concert_assets").rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"}
    ]
    assert data, "the package has SQL files at least"
    # package-data's ** takes no folder as well as many
    flat = [pattern.replace("**/", "*") for pattern in patterns]
    assert [path for path in data if not any(fnmatch.fnmatchcase(path, pattern) for pattern in flat)] == []


def test_the_package_holds_no_path_or_host_of_a_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    files = [ROOT / name for name in tracked if name] or sorted((ROOT / "concert_assets").rglob("*.py"))
    assert len(files) > 30
    # where SageMaker unpacks a model, in every container
    machine = re.compile("/" + r"(?:root|work|opt(?!/ml/model))/|\b" + r"(?:pypi|pythonhosted)\.org")
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in files
        if file.is_file() and (match := machine.search(file.read_bytes().decode("utf-8", "replace")))
    ]
    assert found == []


# --- set-up, with stand-ins for the interpreter: what it says when it cannot begin


def checkout(folder: Path) -> Path:
    """A folder with what make needs to judge the set-up."""
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def make(folder: Path, *arguments: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    """Run make there, with nothing of this environment but a path."""
    program = shutil.which("make")
    assert program, "make is not installed"
    return subprocess.run(
        [program, "--no-print-directory", *arguments],
        cwd=folder,
        env={"PATH": path, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_target_that_is_no_file() -> None:
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[1]  # type: ignore[index]
    shown = make(ROOT).stdout
    assert {"demo", "test", "dev", "check", "pins"} <= set(targets.split())
    assert [name for name in targets.split() if name != "stale" and f"make {name}" not in shown] == []


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = make(checkout(tmp_path), "demo", "PYTHON=python3.2")
    assert done.returncode == 2
    assert done.stderr.startswith("set-up needs Python 3.11 or newer, and python3.2 is not there;")
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    old.write_text('#!/bin/sh\ncase "$2" in *exit*) exit 1 ;; *) echo 3.9.2 ;; esac\n')
    old.chmod(0o755)
    done = make(checkout(tmp_path), "test", f"PYTHON={old}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"set-up needs Python 3.11 or newer, and {old} is 3.9.2;")


def test_a_python_without_venv_says_what_to_install(tmp_path: Path) -> None:
    bare = tmp_path / "bare-python"
    bare.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.11.2 ;; esac\n')
    bare.chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat", "make", "awk"):  # a path on which uv cannot be
        (tools / name).symlink_to(shutil.which(name) or pytest.fail(f"no {name}"))
    done = make(checkout(tmp_path), "check", f"PYTHON={bare}", path=str(tools))
    assert done.returncode == 2
    assert done.stderr.startswith(f"set-up needs venv and ensurepip, which {bare} (3.11.2) lacks;")


def ready(folder: Path) -> Path:
    """A checkout whose .venv claims to be ready, with a stand-in for each program that prints how it was called."""
    binaries = checkout(folder) / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "concert-assets", "ruff", "mypy"):
        (binaries / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (binaries / name).chmod(0o755)
    (folder / ".venv" / ".checkout").write_text(f"{folder}\n")
    (folder / ".venv" / ".python").write_text("python3\n")
    for stamp in (".ready-run", ".ready-dev"):
        (folder / ".venv" / stamp).touch()
    return folder


def test_a_ready_environment_is_used_as_it_is_and_options_are_passed_on(tmp_path: Path) -> None:
    ready(tmp_path)
    demo = make(tmp_path, "demo", "ARGS=--sales 1000 --seed 7")
    test = make(tmp_path, "test", "ARGS=-k ledger")
    assert demo.stdout == "concert-assets demo --sales 1000 --seed 7\n"
    assert test.stdout.startswith("python -m pytest ")
    assert test.stdout.endswith(" -k ledger\n")


@pytest.mark.parametrize("cause", ["pins", "moved", "python asked for", "python lost", "killed"])
def test_an_environment_that_is_out_of_date_is_not_used(tmp_path: Path, cause: str) -> None:
    ready(tmp_path)
    venv = tmp_path / ".venv"
    if cause == "pins":
        newer = (venv / ".ready-run").stat().st_mtime_ns + 10**9
        os.utime(tmp_path / "constraints.txt", ns=(newer, newer))
    elif cause == "moved":
        (venv / ".checkout").write_text("/elsewhere\n")
    elif cause == "python lost":
        (venv / "bin" / "python").unlink()
    elif cause == "killed":
        (venv / ".ready-run").unlink()
    # an interpreter that does not exist stops the set-up at its first step, so nothing is installed here
    (venv / ".python").write_text("no-such-python\n" if cause != "python asked for" else "python3\n")
    done = make(tmp_path, "demo", "PYTHON=no-such-python")
    assert done.returncode == 2
    assert "no-such-python is not there" in done.stderr
    assert "concert-assets" not in done.stdout
