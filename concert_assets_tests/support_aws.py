"""The deployment aws on stand-ins: S3 and KMS by moto, Redshift by PostgreSQL on its wire, the Glue job in this process."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import duckdb

from concert_assets import deployment as deployments
from concert_assets.definitions import build_definitions
from concert_assets.deployment import Deployment
from concert_assets.resources.redshift.aws import RedshiftWarehouse
from concert_assets.resources.redshift.resource import AwsRedshift
from concert_assets_tests.support_demo import clean_environment
from concert_assets_tests.support_moto import ACCOUNT, ENVIRONMENT
from concert_assets_tests.support_redshift import PostgresServer

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/concerts"
# The world of the comparison: small, with every table, defect and mart in it.
WORLD = {"generate": "always", "artists": 300, "venues": 100, "concerts": 1_500, "sales": "5000", "defect_rate": 0.02}
SMALL_WORLD = WORLD | {"artists": 40, "venues": 20, "concerts": 200, "sales": "600"}


class PostgresRedshift(AwsRedshift):
    """The resource, its warehouse on the stand-in: login, TLS and the words of Redshift are taken over by it."""

    port: int

    def _warehouse(self, wait_seconds: float | None = None) -> RedshiftWarehouse:
        server = PostgresServer(self.port)
        return server.warehouse(self._objects(), self.database, bucket=self.processed_bucket, wait_seconds=60.0)


@dataclass(frozen=True)
class Site:
    """A deployment, its definitions and their instance."""

    deployment: Deployment
    defs: dg.Definitions
    instance: dg.DagsterInstance

    def run(self, job: str = "run_demo", world: Mapping[str, Any] = WORLD) -> dg.ExecuteInProcessResult:
        return self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            run_config={"ops": {"raw": {"config": dict(world)}}} if world else {},
            raise_on_error=False,
        )


@contextmanager
def site(settings: Mapping[str, str], **resources: Any) -> Iterator[Site]:
    """The deployment that the settings describe, its home made; ``resources`` take the place of those bound."""
    with clean_environment(**settings):
        deployment = deployments.read()
        deployments.prepare_home(deployment)
        deployments.activate(deployment)
        with dg.DagsterInstance.get() as instance:
            yield Site(deployment, build_definitions(deployment, resources), instance)


def aws_settings(home: Path, url: str, **others: str) -> dict[str, str]:
    """The settings of the deployment aws on a moto server at ``url``, with a signing key made there."""
    key = boto3.client("kms", region_name=REGION, endpoint_url=url).create_key(
        KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"
    )
    return {
        **ENVIRONMENT,
        "CONCERT_DEPLOYMENT": "aws",
        "CONCERT_HOME": str(home),
        "CONCERT_REGION": REGION,
        "CONCERT_ENDPOINT_URL": url,
        "CONCERT_ACCOUNT": ACCOUNT,
        "CONCERT_REDSHIFT_WORKGROUP": "concerts",
        "CONCERT_REDSHIFT_ROLE": ROLE,
        "CONCERT_GLUE_ROLE": ROLE,
        "CONCERT_SIGNING_KEY": key["KeyMetadata"]["KeyId"],
        **others,
    }


def postgres(settings: Mapping[str, str], server: PostgresServer, database: str) -> PostgresRedshift:
    """The resource ``redshift`` on an empty database of a stand-in."""
    return PostgresRedshift(
        port=server.port, database=database, iam_role=ROLE, region=REGION, endpoint_url=settings["CONCERT_ENDPOINT_URL"],
        raw_bucket="concert-data-raw", processed_bucket="concert-data-processed", workgroup="concerts",
    )  # fmt: skip


# One hash a table, made of the rows as clients of the two engines give them and by neither engine.


def _text(value: Any) -> str:
    """A value with its type, the same for the same value whichever client gave it."""
    match value:
        case None:
            return "-"
        case bool():
            return f"b{int(value)}"
        case int():
            return f"i{value}"
        case float():
            return f"f{value:.15g}"  # the digits that are sure; percentiles of two engines differ in the bits after
        case Decimal():
            return f"d{value}"
        case datetime():
            return f"t{value.isoformat()}"
        case date():
            return f"a{value.isoformat()}"
        case str():
            return f"s{len(value)}:{value}"
    raise TypeError(f"{value!r} is of no type of the catalog")


def rows_hash(rows: Iterable[tuple[Any, ...]]) -> str:
    """sha256 of the rows in the order of their text, so that it tells rows and their number and no order."""
    texts = sorted("\x1f".join(map(_text, row)) for row in rows)
    return hashlib.sha256("\x1e".join(texts).encode()).hexdigest()


def embedded_rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query over the embedded warehouse, by DuckDB's own client."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def postgres_rows(server: PostgresServer, database: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query over the stand-in, by psycopg2 alone."""
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()
