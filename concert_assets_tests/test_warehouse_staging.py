"""The contract of a warehouse session where objects have a part: staging, and the note of what is published.

It is held by DuckDB over a folder, and by what speaks to Redshift over PostgreSQL's wire and S3's.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from concert_assets.catalog.operational import PUBLICATIONS
from concert_assets.resources.redshift.duckdb import DuckDBWarehouse
from concert_assets.resources.redshift.protocol import Session
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets.warehousing.names import create_table
from concert_assets_tests.support_redshift import PostgresServer, World, parquet, running


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as found:
        yield found


@pytest.fixture(params=["duckdb", "redshift"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "duckdb":
        return World(DuckDBWarehouse(tmp_path), FolderObjectStore(tmp_path / "objects"))
    store = request.getfixturevalue("moto").empty()
    found: PostgresServer = request.getfixturevalue("server")
    return World(found.warehouse(store), store)


@pytest.fixture
def session(world: World) -> Iterator[Session]:
    with world.warehouse.session() as found:
        found.execute("create schema if not exists concert_dw")
        found.execute("create schema if not exists concert_dw_staging")
        yield found


STAGED = "concert_dw_staging.things"
COLUMNS = {"id": "integer", "name": "varchar(8)", "price": "decimal(12,2)"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], []),
        ([parquet(id=[1], name=["a"], price=[Decimal("1.10")])], [(1, "a", Decimal("1.10"))]),
        ([parquet(id=[1], name=["a"], price=[None]), parquet(id=[2], name=["b"], price=[None])], [(1, "a", None), (2, "b", None)]),
        ([parquet(price=[Decimal("1.10")], name=["a"], id=[1])], [(1, "a", Decimal("1.10"))]),
        ([parquet(id=[1], name=["a"])], [(1, "a", None)]),
        ([parquet(id=[1], name=["a"], n=[5], price=[None])], [(1, "a", None)]),
        ([parquet(id=[1], name=["ä" * 4], price=[None])], [(1, "ä" * 4, None)]),
        ([parquet(id=[], name=[], price=[])], []),
        ([parquet(name=["b"], id=[2]), parquet(id=[1], name=["a"], price=[None]), parquet(name=["c"], id=[3])],
         [(1, "a", None), (2, "b", None), (3, "c", None)]),
    ],
)  # fmt: skip
def test_staging_holds_the_rows_of_the_objects_by_name(
    world: World, session: Session, files: list[pa.Table], expected: Any
) -> None:
    uris = [world.put(f"a b/it's {number}.parquet", columns) for number, columns in enumerate(files)]
    session.stage(STAGED, COLUMNS, uris)
    assert session.query(f"select {', '.join(COLUMNS)} from {STAGED} order by id") == expected
    assert session.table_exists(STAGED)
    session.stage(STAGED, COLUMNS, uris[:1])
    assert session.query(f"select count(*) from {STAGED}") == [(files[0].num_rows if files else 0,)]


def test_staging_within_a_transaction_that_fails_is_as_before(world: World, session: Session) -> None:
    uri = world.put("a.parquet", parquet(id=[1], name=["a"], price=[None]))
    session.stage(STAGED, COLUMNS, [uri])
    with pytest.raises(RuntimeError), session.transaction():  # noqa: PT012
        session.stage(STAGED, COLUMNS, [])
        raise RuntimeError
    assert session.query(f"select id from {STAGED}") == [(1,)]


def test_nothing_is_published_at_first_and_then_the_last(
    world: World, publish: Callable[[Session, int, int], None]
) -> None:
    with world.warehouse.session() as session:
        session.execute("create schema if not exists concert_dw")
    assert world.warehouse.published_position() == 0
    with world.warehouse.session() as session:
        publish(session, 1, 5)
        publish(session, 2, 7)
    assert world.warehouse.published_position() == 7


@pytest.fixture
def publish() -> Callable[[Session, int, int], None]:
    def made(session: Session, number: int, position: int) -> None:
        with session.transaction():
            session.execute(create_table(PUBLICATIONS.qualified, {c.name: c.type for c in PUBLICATIONS.columns}))
            row = (number, position, f"f{number}", "run", datetime(2024, 1, 1))
            session.insert_rows(PUBLICATIONS.qualified, PUBLICATIONS.column_names, [row])
        session.publication_made()

    return made
