"""The rooms of the design: who may import what, who reads the environment, and what a module may look like."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "concert_assets"
FILES = sorted(PACKAGE.rglob("*.py"))
TEST_FILES = sorted((ROOT / "concert_assets_tests").rglob("*.py"))
MAX_LINES = 300
HEAVY = {"pandas", "sklearn", "boto3", "duckdb", "psycopg2", "matplotlib"}

ANY = frozenset({"*"})
PROTOCOLS = "resources.*.protocol"
PURE = frozenset({"numpy", "pandas", "pyarrow", "sklearn", "skops", "faker"})


@dataclass(frozen=True)
class Room:
    """What the modules of one room may import: other packages, and parts of this one besides the room itself.

    `for_types` may be imported under TYPE_CHECKING alone; `never` wins over everything.
    """

    packages: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    for_types: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()


# The first pattern that fits a module's dotted name inside the package tells its room.
ROOMS = {
    PROTOCOLS: Room(parts=frozenset({"catalog"}), for_types=frozenset({"dagster", "pandas", "pyarrow"})),
    "catalog": Room(),
    "sql": Room(packages=frozenset({"sqlglot"})),
    "simulation": Room(PURE, frozenset({"catalog"})),
    "sources": Room(PURE, frozenset({"catalog"})),
    "deliveries": Room(PURE, frozenset({"catalog", PROTOCOLS})),
    "learning": Room(PURE | {"scipy", "threadpoolctl"}, frozenset({"catalog"})),
    "reporting": Room(PURE, frozenset({"catalog"})),
    # it runs in a container that holds its own files and those of learning
    "serving": Room(frozenset({"numpy", "pandas"}), frozenset({"learning"})),
    # it reads the truth of simulated worlds, so no other room may import it but the CLI
    "evaluation": Room(frozenset({"numpy", "pandas", "pyarrow"}), frozenset({"simulation", "learning", "catalog"})),
    "warehousing": Room(
        frozenset({"numpy", "pandas", "pyarrow", "rapidfuzz"}), frozenset({"catalog", "deliveries", "sql", PROTOCOLS})
    ),
    # sqlglot: the statement that refuses rows is composed from the catalog and a SQL file
    "glue_jobs": Room(
        frozenset({"dagster_pipes", "duckdb", "numpy", "pyspark", "pyarrow", "sqlglot"}),
        frozenset({"catalog", "sources", "sql", "deliveries"})
        | {"resources.s3.folder", "resources.s3.aws", "resources.s3.protocol"},
    ),
    # the empty part is the package itself, whose folder holds the Glue jobs
    "resources": Room(ANY, frozenset({"", "catalog", "sql"})),
    # what makes the infrastructure and nothing of what runs on it
    "deploy": Room(frozenset({"botocore", "cfnlint", "yaml"})),
    "defs": Room(
        ANY,
        frozenset({"catalog", "sql", "simulation", "sources", "deliveries", "learning", "reporting"})
        | {"warehousing", "glue_jobs", "resources"},
        never=frozenset({"boto3", "botocore", "duckdb", "psycopg2"}),
    ),
    "definitions": Room(ANY, ANY),
    "aws_settings": Room(),
    "deployment": Room(ANY, ANY),
    "cli": Room(ANY, ANY),
}


def within(target: str, pattern: str) -> bool:
    """Whether a dotted name is the pattern or lies below it."""
    return pattern == "*" or fnmatchcase(target, pattern) or fnmatchcase(target, pattern + ".*")


def imports(tree: ast.AST, package: str) -> Iterator[tuple[int, str, bool]]:
    """Line, dotted name and whether for types alone, of every import in the tree, wherever it stands.

    `package` is what relative imports start from. Calls of import_module and __import__ with a literal count too.
    """
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
            names = [module if alias.name == "*" else f"{module}.{alias.name}" for alias in node.names]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"importlib.import_module", "import_module", "__import__"}
            and isinstance(node.args[0], ast.Constant)
        ):
            names = [str(node.args[0].value)]
        else:
            continue
        yield from ((node.lineno, name, id(node) in for_types) for name in names)


def reads_environment(node: ast.AST) -> bool:
    """Whether the node takes hold of the process's environment."""
    if isinstance(node, ast.ImportFrom) and node.module == "os":
        return any(alias.name in {"environ", "environb", "getenv", "*"} for alias in node.names)
    return isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv"}


def breaches(path: str, source: str) -> list[str]:
    """What a module breaks of the design, a line each; `path` is relative to the package, as 'learning/fit.py'."""
    module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__").removesuffix("__init__")
    if not module:
        return []
    tree = ast.parse(source)
    pattern = next((pattern for pattern in ROOMS if within(module, pattern)), None)
    if pattern is None:
        return [f"{path}: the design has no room for it"]
    room = ROOMS[pattern]
    own = module if pattern == PROTOCOLS else pattern
    package = (
        f"concert_assets.{module}" if path.endswith("__init__.py") else f"concert_assets.{module}".rpartition(".")[0]
    )
    found = []
    for line, name, is_for_types in imports(tree, package):
        top, _, part = name.partition(".")
        if top == "concert_assets":
            is_allowed = any(within(part, allowed) for allowed in (own, *room.parts))
        else:
            packages = room.packages | room.for_types if is_for_types else room.packages
            is_allowed = (bool({top, "*"} & packages) or top in sys.stdlib_module_names) and top not in room.never
        if not is_allowed or within(name, "dagster._*"):
            found.append(f"{path}:{line}: {pattern} may not import {name}")
    if module != "deployment":
        found += [
            f"{path}:{node.lineno}: only deployment.py reads the environment"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute | ast.ImportFrom) and reads_environment(node)
        ]
    return found


@pytest.mark.parametrize("path", [str(file.relative_to(PACKAGE)) for file in FILES])
def test_a_module_keeps_to_its_room(path: str) -> None:
    assert breaches(path, (PACKAGE / path).read_text("utf-8")) == []


def test_every_room_is_there_to_be_checked() -> None:
    modules = [str(file.relative_to(PACKAGE).with_suffix("")).replace("/", ".") for file in FILES]
    assert [pattern for pattern in ROOMS if not any(within(module, pattern) for module in modules)] == []


@pytest.mark.parametrize(
    ("path", "source", "said"),
    [
        ("catalog/model.py", "import numpy", "catalog may not import numpy"),
        ("catalog/model.py", "from concert_assets.sql.files import bind", "catalog may not import concert_assets.sql"),
        ("sql/files.py", "import duckdb", "sql may not import duckdb"),
        (
            "simulation/market.py",
            "def f():\n    import scipy.stats",
            "market.py:2: simulation may not import scipy.stats",
        ),
        (
            "sources/read.py",
            "from concert_assets import deliveries",
            "sources may not import concert_assets.deliveries",
        ),
        ("sources/read.py", "from ..deliveries import log", "sources may not import concert_assets.deliveries.log"),
        ("deliveries/log.py", "from concert_assets.resources.s3.folder import F", "deliveries may not import"),
        ("deliveries/log.py", "from concert_assets.resources.s3 import folder", "deliveries may not import"),
        ("learning/fit.py", "import dagster as dg", "learning may not import dagster"),
        (
            "reporting/page/show.py",
            "import importlib\nimportlib.import_module('matplotlib')",
            "show.py:2: reporting may not",
        ),
        ("reporting/page/show.py", "import concert_assets", "reporting may not import concert_assets"),
        ("warehousing/publish.py", "import sqlglot", "warehousing may not import sqlglot"),
        ("glue_jobs/curate.py", "from dagster import open_pipes_session", "glue_jobs may not import dagster.open"),
        ("glue_jobs/curate.py", "from concert_assets.resources.redshift.aws import A", "glue_jobs may not import"),
        ("resources/s3/protocol.py", "import pandas", "resources.*.protocol may not import pandas"),
        (
            "resources/s3/protocol.py",
            "from concert_assets.resources.s3.folder import F",
            "may not import concert_assets",
        ),
        ("resources/s3/folder.py", "from concert_assets.learning import fit", "resources may not import"),
        ("resources/s3/aws.py", "from dagster._core.errors import DagsterError", "may not import dagster._core"),
        ("defs/marts.py", "import boto3", "defs may not import boto3"),
        ("defs/marts.py", "if True:\n    from duckdb import connect", "marts.py:2: defs may not import duckdb.connect"),
        (
            "defs/marts.py",
            "from concert_assets.deployment import settings",
            "defs may not import concert_assets.deployment",
        ),
        ("cli.py", "import os\nhome = os.environ['HOME']", "cli.py:2: only deployment.py reads the environment"),
        ("resources/s3/aws.py", "import os\nos.getenv('A')", "only deployment.py"),
        ("learning/fit.py", "from os import environ", "only deployment.py"),
        ("helpers/strings.py", "import re", "no room for it"),
    ],
)
def test_a_breach_is_found(path: str, source: str, said: str) -> None:
    found = breaches(path, source)
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("learning/fit.py", "import json\nimport numpy as np\nfrom concert_assets.catalog import canonical"),
        ("learning/fit.py", "from concert_assets.learning.splits import split\nfrom . import metrics"),
        ("deliveries/log.py", "from concert_assets.resources.s3.protocol import ObjectStore"),
        ("deliveries/log.py", "from concert_assets.resources.s3 import protocol"),
        ("resources/redshift/protocol.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas"),
        ("defs/marts.py", "import dagster as dg\nfrom concert_assets.resources.redshift.protocol import Warehouse"),
        ("deployment.py", "import os\nos.environ.get('CONCERT_HOME')"),
        ("definitions.py", "import dagster\nfrom concert_assets import deployment"),
    ],
)
def test_what_the_design_allows_passes(path: str, source: str) -> None:
    assert breaches(path, source) == []


def test_nothing_but_the_command_reaches_what_reads_the_truth() -> None:
    reached = [
        f"{place}: {name}"
        for file in FILES
        if (place := str(file.relative_to(PACKAGE))).partition("/")[0] not in {"cli", "evaluation"}
        for _, name, _ in imports(ast.parse(file.read_text("utf-8")), f"concert_assets.{place}".rpartition("/")[0])
        if within(name, "concert_assets.evaluation") or within(name, "concert_assets.cli")
    ]
    assert reached == []


def test_an_init_holds_a_docstring_and_nothing_else() -> None:
    inits = [file for file in FILES + TEST_FILES if file.name == "__init__.py"]
    bodies = {file: ast.parse(file.read_text("utf-8")) for file in inits}
    assert [file for file, tree in bodies.items() if len(tree.body) != 1 or not ast.get_docstring(tree)] == []


def test_no_file_is_too_long() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in FILES + TEST_FILES}
    assert {file: length for file, length in lengths.items() if length > MAX_LINES} == {}


def test_tests_use_dagster_by_its_public_face() -> None:
    private = [
        f"{file.name}:{line}: {name}"
        for file in TEST_FILES
        for line, name, _ in imports(ast.parse(file.read_text("utf-8")), "concert_assets_tests")
        if within(name, "dagster._*")
    ]
    assert private == []


def test_loading_the_definitions_imports_nothing_heavy_and_writes_nothing(tmp_path: Path) -> None:
    program = "import json, sys; import concert_assets.definitions; print(json.dumps(sorted(sys.modules)))"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CONCERT_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**kept, "HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = done.stdout.splitlines()[-1]
    assert '"concert_assets.definitions"' in modules
    assert {name for name in HEAVY if f'"{name}"' in modules} == set()
    assert "concert_assets.evaluation" not in modules
    assert list(tmp_path.iterdir()) == []
