"""What holds for every test: which tests this machine cannot run, and that it says so; and what tests share."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets_tests.support_moto import MotoServer, running
from concert_assets_tests.support_spark import missing_for_spark

BROWSER_PROGRAMS = ("chromium", "chromedriver")


def missing_programs() -> list[str]:
    """The programs of the browser test that this machine lacks."""
    return [name for name in BROWSER_PROGRAMS if not shutil.which(name)]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the browser tests out where there is no browser."""
    if missing_programs():
        left_out = [item for item in items if item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why they were left out."""
    if missing := missing_programs():
        terminalreporter.write_line(f"browser tests were left out: {' and '.join(missing)} not found")
    if lacking := missing_for_spark():
        terminalreporter.write_line(f"Glue jobs were played on DuckDB alone: no {' and no '.join(lacking)}")


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    """S3 on a loopback port, for as long as the tests run."""
    with running() as server:
        yield server


@pytest.fixture
def data_catalog(moto: MotoServer) -> MotoServer:
    """An empty account with a database of the Data Catalog and a tag of Lake Formation."""
    from concert_assets_tests.support_catalog import governed

    moto.empty()
    return governed(moto)


@pytest.fixture
def asked_of_catalog() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What is asked of Data Catalog and Lake Formation from now on."""
    from concert_assets_tests.support_catalog import noting

    with noting() as calls:
        yield calls


@pytest.fixture(params=["folder", "moto"])
def store_kind(request: pytest.FixtureRequest) -> str:
    """Every implementation of the object store in turn."""
    return str(request.param)


@pytest.fixture
def make_store(store_kind: str, request: pytest.FixtureRequest) -> Callable[[Path], ObjectStore]:
    """Makes an empty store, in a folder where it is one of folders."""
    if store_kind == "folder":
        return FolderObjectStore
    server: MotoServer = request.getfixturevalue("moto")
    return lambda _: server.empty()


@pytest.fixture
def store(make_store: Callable[[Path], ObjectStore], tmp_path: Path) -> ObjectStore:
    """An empty store of each kind."""
    return make_store(tmp_path / "root")
