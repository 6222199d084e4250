"""Glue runs that go well: what is uploaded is what runs, what it reports arrives, and the job is what it should be."""

import ast
import base64
import csv
import hashlib
import sys
from collections.abc import Iterator
from importlib import metadata
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from concert_assets.resources.glue.package import MODULES, upload, wheel
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets_tests.support_faults import fault_line
from concert_assets_tests.support_glue import GlueDouble, glue_double
from concert_assets_tests.support_glue_jobs import REPORTS, launch, resource
from concert_assets_tests.support_moto import MotoServer

JOB = "concert-assets-curate"


@pytest.fixture
def double(moto: MotoServer, tmp_path: Path) -> Iterator[GlueDouble]:
    moto.empty()
    with glue_double(moto.url, tmp_path / "runs") as double:
        yield double


def test_the_uploaded_code_runs_and_what_it_reports_arrives(double: GlueDouble, tmp_path: Path) -> None:
    done = launch(resource(double, tmp_path, REPORTS), {"deliveries": ["one", "two"]})
    assert done.failure is None
    told, *others = done.messages
    assert others == [{"delivery": "one"}, {"delivery": "two"}]
    assert Path(told["package"]).is_relative_to(double.folder / double.runs[0].run_id), "not the repository"
    assert told["arguments"]["--JOB_NAME"] == JOB
    assert done.logged("curated one")
    assert double.orphans() == []


def test_the_job_is_as_the_design_has_it(double: GlueDouble, tmp_path: Path) -> None:
    double.fate("SUCCEEDED")
    assert launch(resource(double, tmp_path, "", workers=7, deadline_seconds=61), {}).failure is None
    job = double.jobs[JOB]
    assert (job["GlueVersion"], job["WorkerType"], job["NumberOfWorkers"]) == ("5.0", "G.1X", 7)
    assert (job["MaxRetries"], job["ExecutionProperty"], job["Timeout"]) == (0, {"MaxConcurrentRuns": 1}, 2)
    assert job["Command"]["Name"] == "glueetl"
    assert job["Command"]["ScriptLocation"].startswith("s3://processed/glue/code/")
    assert job["DefaultArguments"]["--enable-auto-scaling"] == "true"
    arguments = double.runs[0].arguments
    assert arguments["--scriptLocation"] == job["Command"]["ScriptLocation"]
    assert job["DefaultArguments"].items() <= arguments.items()


def test_a_job_is_changed_only_where_it_differs(double: GlueDouble, tmp_path: Path) -> None:
    for workers in (2, 2, 3, 3):
        double.fate("SUCCEEDED")
        assert launch(resource(double, tmp_path, "", workers=workers), {}).failure is None
    assert [double.calls.count(name) for name in ("CreateJob", "UpdateJob")] == [1, 1]
    assert double.jobs[JOB]["NumberOfWorkers"] == 3
    double.fate("SUCCEEDED")
    launch(resource(double, tmp_path, "pass", workers=3), {})
    assert double.calls.count("UpdateJob") == 2, "another script"


def test_what_others_set_of_a_job_stays(double: GlueDouble, tmp_path: Path) -> None:
    for workers in (2, 3):
        double.fate("SUCCEEDED")
        assert launch(resource(double, tmp_path, "", workers=workers), {}).failure is None
        double.jobs[JOB]["SecurityConfiguration"] = "theirs"
        double.jobs[JOB]["DefaultArguments"]["--TempDir"] = "s3://theirs/"
    assert double.calls.count("UpdateJob") == 1
    assert double.jobs[JOB]["SecurityConfiguration"] == "theirs"
    assert double.jobs[JOB]["DefaultArguments"]["--TempDir"] == "s3://theirs/"


@pytest.mark.parametrize("race", ["AlreadyExistsException", "ConcurrentModificationException"])
def test_two_that_create_the_job_at_once_agree(double: GlueDouble, tmp_path: Path, race: str) -> None:
    double.fate("SUCCEEDED")
    double.plan("CreateJob", race, 2)
    assert launch(resource(double, tmp_path, ""), {}).failure is None
    assert double.calls.count("CreateJob") == 3
    orphans = len(double.orphans())
    fault_line(f"Glue: CreateJob meets {race}, twice", "looked again, one run", abs(len(double.runs) - 1), orphans)


def test_a_wheel_is_one_by_its_format_and_always_the_same(tmp_path: Path) -> None:
    data = wheel()
    wheel.cache_clear()
    assert wheel() == data
    with ZipFile(BytesIO(data)) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path)
    (record,) = [name for name in names if name.endswith("/RECORD")]
    assert {row[0] for row in csv.reader((tmp_path / record).read_text().splitlines())} == set(names)
    found = metadata.Distribution.at(tmp_path / Path(record).parent)
    assert (found.metadata["Name"], found.version, found.requires) == ("concert-assets", "0", None)
    for line in (tmp_path / record).read_text().splitlines()[:-1]:
        name, digest, size = line.split(",")
        content = (tmp_path / name).read_bytes()
        expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={expected}", str(len(content)))
    assert "concert_assets/sql/mart/daily_sales_summary.sql" in names
    assert "concert_assets/glue_jobs/curate.py" in names
    assert not [name for name in names if "test" in name or "pyc" in name]


def test_code_is_uploaded_once(tmp_path: Path) -> None:
    store, script = FolderObjectStore(tmp_path / "store"), tmp_path / "job.py"
    script.write_text("1")
    first = upload(store, "b", script)
    written = [(info.key, info.changed_at) for info in store.list("b")]
    assert upload(store, "b", script) == first
    assert [(info.key, info.changed_at) for info in store.list("b")] == written
    script.write_text("2")
    second = upload(store, "b", script)
    assert (second.wheel, second.script == first.script) == (first.wheel, False)


def test_the_modules_are_all_that_the_jobs_import_and_pinned(tmp_path: Path) -> None:
    """What they require in turn is among them too, so that pip chooses nothing by itself."""
    wanted = {name.replace("-", "_").lower() for name in MODULES}
    required = set()
    for name in MODULES:
        for requirement in metadata.requires(name) or ():
            parsed = Requirement(requirement)
            if parsed.marker is None or parsed.marker.evaluate({"extra": ""}):
                required.add(parsed.name.replace("-", "_").lower())
    assert required <= wanted
    (tmp_path / "job.py").write_text("")
    modules = upload(FolderObjectStore(tmp_path / "store"), "b", tmp_path / "job.py").modules
    assert modules == ",".join(f"{name}=={metadata.version(name)}" for name in MODULES)
    assert imported("glue_jobs/curate.py") <= {*wanted, *BUILT_IN}


# What Glue's Spark brings along, and the engine of the embedded deployment, which is not imported there.
BUILT_IN = {"pyspark", "duckdb"}


def imported(place: str) -> set[str]:
    """The modules from outside that a module of the package and all that it imports of the package need."""
    root = Path(__file__).parents[1] / "concert_assets"
    waiting, seen, found = [root / place], set(), set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for name in names:
                parts = name.split(".")
                if parts[0] == "concert_assets":
                    waiting += [p for p in [root.joinpath(*parts[1:]).with_suffix(".py")] if p.is_file()]
                elif parts[0] not in sys.stdlib_module_names:
                    found.add(parts[0])
    return found
