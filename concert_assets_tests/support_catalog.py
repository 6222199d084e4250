"""The Data Catalog by moto: deliveries to tell it of, and what it then knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.catalog.model import Column
from concert_assets.defs.data_catalog import catalog_tables
from concert_assets.deliveries.curated import CuratedFile, CuratedManifest
from concert_assets.resources.clients import aws_client
from concert_assets.resources.glue.aws import AwsGlueJobs
from concert_assets.resources.glue.catalog import DataCatalog
from concert_assets.resources.glue.protocol import CatalogTable
from concert_assets.resources.glue.tags import PersonalTags
from concert_assets_tests.support_aws import REGION, ROLE
from concert_assets_tests.support_moto import MotoServer

DATABASE, TAG = "concerts", "concerts-personal"
PLACE = "s3://processed/curated"
SALES = BY_NAME["ticket_sales"]


def glue(server: MotoServer, database: str = DATABASE, tag: str = "") -> AwsGlueJobs:
    return AwsGlueJobs(
        region=REGION,
        processed_bucket="processed",
        role=ROLE,
        endpoint_url=server.url,
        catalog_database=database,
        catalog_tag=tag,
    )


def manifest(content_id: str, *tables: str, folder: bool = True) -> CuratedManifest:
    """A delivery that brought rows of these tables, each table's objects in a folder of its own or all in one."""
    prefix = f"curated/{content_id}/rules/0123/"

    def key(name: str) -> str:
        return f"{prefix}{name}/{name}.parquet" if folder else f"{prefix}{name}.parquet"

    files = tuple(
        CuratedFile(
            "rejects" if name == "rejects" else "accepted", "" if name == "rejects" else name, key(name), 1, 1, ""
        )
        for name in tables
    )
    return CuratedManifest(content_id, "rules", files, (), (), ())


def tables(**live: CuratedManifest) -> list[CatalogTable]:
    found, passed_over = catalog_tables(live, lambda key: f"s3://processed/{key}")
    assert passed_over == []
    return found


def one(columns: tuple[Column, ...], folders: dict[str, str] | None = None) -> CatalogTable:
    return CatalogTable("ticket_sales", "Sales.", columns, folders or {})


def there(server: MotoServer, table: str) -> dict[str, str]:
    """The partitions of a table: deliveries and their folders."""
    pages = aws_client("glue", REGION, server.url).get_paginator("get_partitions")
    found = [item for page in pages.paginate(DatabaseName=DATABASE, TableName=table) for item in page["Partitions"]]
    assert len(found) == len({item["Values"][0] for item in found})
    return {item["Values"][0]: item["StorageDescriptor"]["Location"] for item in found}


def described(server: MotoServer, table: str) -> dict[str, Any]:
    found: dict[str, Any] = aws_client("glue", REGION, server.url).get_table(DatabaseName=DATABASE, Name=table)["Table"]
    return found


def is_write(call: str) -> bool:
    return not call.startswith("get_")


def governed(moto: MotoServer) -> MotoServer:
    """The account with the database and the tag."""
    aws_client("glue", REGION, moto.url).create_database(DatabaseInput={"Name": DATABASE})
    aws_client("lakeformation", REGION, moto.url).create_lf_tag(TagKey=TAG, TagValues=["yes", "no"])
    return moto


@contextmanager
def noting() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What is asked of catalog and Lake Formation from now on: calls with their arguments."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def noted(method: Any) -> Any:
        def ask(self: Any, call: str, *given: Any, **arguments: Any) -> Any:
            calls.append((call, arguments))
            return method(self, call, *given, **arguments)

        return ask

    catalog = patch.object(DataCatalog, "ask", noted(DataCatalog.ask))
    with catalog, patch.object(PersonalTags, "_ask", noted(PersonalTags._ask)):
        yield calls
