"""The whole demo in the deployment aws, on stand-ins: the published tables are the embedded run's, row by row.

The hash is made outside both engines, of rows that duckdb's and psycopg2's own clients give: values with their types,
doubles by the 15 digits that are sure, whatever the order. Glue is its double, which runs the uploaded code on the Spark
that Glue has where it is set up, as in CI it has to be, else on DuckDB.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from concert_assets.catalog.canonical import TABLES as CANONICAL
from concert_assets.defs.model_objects import MODELS, load_in_use
from concert_assets.resources.glue.aws import AwsGlueJobs
from concert_assets_tests import support_redshift
from concert_assets_tests.support_aws import (
    REGION,
    ROLE,
    Site,
    aws_settings,
    embedded_rows,
    postgres,
    postgres_rows,
    rows_hash,
    site,
)
from concert_assets_tests.support_catalog import DATABASE, TAG, described, governed, there
from concert_assets_tests.support_demo import DERIVED, OF_THE_HOME, PUBLISHED, report_of
from concert_assets_tests.support_glue import GlueDouble, glue_double
from concert_assets_tests.support_moto import MotoServer
from concert_assets_tests.support_redshift import PostgresServer
from concert_assets_tests.support_spark import interpreters, missing_in_ci

pytestmark = [
    # Dagster's own reading of its contexts, and ours of the run's id, which both versions of the name give.
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
]

TABLES = [*PUBLISHED, *DERIVED, "quality_results"]
OF_THE_RUN = OF_THE_HOME | {"run_id", "checked_at"}


@dataclass(frozen=True)
class Played:
    """Both homes after the demo, the aws one still open."""

    aws: Site
    embedded_home: Path
    server: PostgresServer
    database: str
    moto: MotoServer
    glue: GlueDouble

    def columns(self, table: str) -> str:
        found = embedded_rows(
            self.embedded_home,
            "select column_name from information_schema.columns where table_schema = 'concert_dw' "
            f"and table_name = '{table}' order by ordinal_position",
        )
        return ", ".join(name for (name,) in found if name not in OF_THE_RUN)


@pytest.fixture(scope="module")
def played(moto: MotoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    home = tmp_path_factory.mktemp("homes")
    moto.empty()
    governed(moto)
    with site({"CONCERT_HOME": str(home / "embedded")}) as embedded:
        assert embedded.run().success
    assert missing_in_ci() == (), "CI plays the job on Spark"
    with support_redshift.running() as server, glue_double(moto.url, home / "glue", interpreters()[-1]) as double:
        database = server.database()
        settings = aws_settings(home / "aws", moto.url)
        glue = AwsGlueJobs(
            region=REGION,
            processed_bucket="concert-data-processed",
            role=ROLE,
            endpoint_url=double.url,
            catalog_database=DATABASE,
            catalog_tag=TAG,
            deadline_seconds=300,
            poll_seconds=0.5,
            log_seconds=5,
        )
        with site(settings, redshift=postgres(settings, server, database), glue=glue) as aws:
            assert aws.run().success
            yield Played(aws, home / "embedded", server, database, moto, double)


@pytest.mark.parametrize("table", TABLES)
def test_a_published_table_is_that_of_the_embedded_run(played: Played, table: str) -> None:
    sql = f"select {played.columns(table)} from concert_dw.{table}"
    embedded = embedded_rows(played.embedded_home, sql)
    aws = postgres_rows(played.server, played.database, sql)
    assert len(aws) == len(embedded)
    assert rows_hash(aws) == rows_hash(embedded)


def test_the_tables_compared_are_all_that_are_published(played: Played) -> None:
    for rows in (
        embedded_rows(
            played.embedded_home, "select table_name from information_schema.tables where table_schema = 'concert_dw'"
        ),
        postgres_rows(
            played.server,
            played.database,
            "select table_name from information_schema.tables where table_schema = 'concert_dw'",
        ),
    ):
        assert {name for (name,) in rows} == {*TABLES, "publications"}


def test_glue_ran_once_and_left_nothing_behind(played: Played) -> None:
    assert [run.state for run in played.glue.runs] == ["SUCCEEDED"]
    assert played.glue.orphans() == []


def test_the_hash_tells_what_differs() -> None:
    rows = [(1, "a"), (2, None)]
    assert rows_hash(rows) == rows_hash(rows[::-1])
    others = [[(1, "a")], [(1, "a"), (2, "-")], [(1.0, "a"), (2, None)], [(1, "a"), (1, "a")], [(True, "a"), (2, None)]]
    assert len({rows_hash(rows), *map(rows_hash, others)}) == 6


def test_nothing_but_history_reports_and_locks_lies_in_the_home(played: Played) -> None:
    home = played.aws.deployment.home
    assert {path.name for path in home.iterdir()} <= {"dagster", "reports", "runs", "format.json", "setup.lock"}
    report = report_of(home)
    assert report["run"]["deployment"] == "aws"
    assert report["verdict"] == report_of(played.embedded_home)["verdict"]


def test_the_data_catalog_tells_of_the_objects_that_were_curated(played: Played) -> None:
    store, bucket = played.moto.store, "concert-data-processed"
    found = 0
    for name in [*(table.name for table in CANONICAL), "rejects"]:
        columns = [column["Name"] for column in described(played.moto, name)["StorageDescriptor"]["Columns"]]
        for folder in there(played.moto, name).values():
            (item,) = store.list(bucket, folder.removeprefix(f"s3://{bucket}/") + "/")
            with store.fetch(bucket, item.key) as path:
                assert pq.read_schema(path).names == columns
            found += 1
    curated = [item for item in store.list(bucket, "curated/") if item.key.endswith(".parquet")]
    assert found == len(curated) > 4


def test_models_are_signed_by_a_key_of_kms(played: Played) -> None:
    resources = played.aws.defs.resources or {}
    for name in MODELS:
        assert load_in_use(resources["s3"], resources["signing"], name).name == name
    found = json.loads(played.moto.store.read("concert-data-processed", "redshift-published.json"))
    assert found["number"] == 1


def test_a_second_run_publishes_nothing_new_and_leaves_no_manifest_of_a_load(played: Played) -> None:
    (before,) = postgres_rows(
        played.server, played.database, "select count(*), max(number) from concert_dw.publications"
    )
    played.moto.store.delete("concert-data-processed", "redshift-published.json")  # as if the process had died before
    assert played.aws.run("refresh_warehouse", {"generate": "never"}).success
    (after,) = postgres_rows(
        played.server, played.database, "select count(*), max(number) from concert_dw.publications"
    )
    assert after == before == (1, 1)
    assert played.moto.store.head("concert-data-processed", "redshift-published.json") is not None
    assert list(played.moto.store.list("concert-data-processed", "redshift-manifests/")) == []
