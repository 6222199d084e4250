"""What Lake Formation is told of curated tables, against moto: what is personal, and in which order."""

from dataclasses import replace
from typing import Any

import pytest

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.catalog.model import Column
from concert_assets.resources.clients import aws_client
from concert_assets.resources.glue.protocol import CatalogRefused
from concert_assets.warehousing.names import REJECTS_COLUMNS, staged_columns
from concert_assets_tests.support_aws import REGION
from concert_assets_tests.support_catalog import (
    DATABASE,
    PLACE,
    SALES,
    TAG,
    glue,
    is_write,
    one,
    tables,
    there,
)
from concert_assets_tests.support_moto import MotoServer


def tags(data_catalog: MotoServer, table: str, *columns: str) -> tuple[list[str], dict[str, list[str]]]:
    """The values of the tag on a table, and on those of the columns that have one of their own."""
    client = aws_client("lakeformation", REGION, data_catalog.url)
    name = {"DatabaseName": DATABASE, "Name": table}
    whole = client.get_resource_lf_tags(Resource={"Table": name}).get("LFTagsOnTable", [])
    own = client.get_resource_lf_tags(Resource={"TableWithColumns": {**name, "ColumnNames": list(columns)}})
    return [value for tag in whole for value in tag["TagValues"]], {
        item["Name"]: [value for tag in item["LFTags"] for value in tag["TagValues"]]
        for item in own.get("LFTagsOnColumns", [])
        if item["LFTags"]
    }


def opened(*columns: str) -> dict[str, list[str]]:
    return {name: ["no"] for name in columns}


def test_a_table_is_closed_and_what_is_not_personal_of_it_is_open(data_catalog: MotoServer) -> None:
    glue(data_catalog, tag=TAG).register(tables(), PLACE)
    sales = [name for name in staged_columns(SALES) if name != "customer_id"]
    assert tags(data_catalog, "ticket_sales", "delivery", *staged_columns(SALES)) == (
        ["yes"],
        opened("delivery", *sales),
    )
    artists = staged_columns(BY_NAME["artists"])
    assert tags(data_catalog, "artists", "delivery", *artists) == (["yes"], opened("delivery", *artists))
    assert tags(data_catalog, "rejects", "delivery", *REJECTS_COLUMNS) == (["yes"], {})


def test_the_table_is_closed_before_anything_of_it_is_opened(
    data_catalog: MotoServer, asked_of_catalog: list[tuple[str, dict[str, Any]]]
) -> None:
    glue(data_catalog, tag=TAG).register([one(SALES.columns)], PLACE)
    tag = "add_lf_tags_to_resource"
    assert writes(asked_of_catalog) == [("create_table",), (tag, "Table", "yes"), (tag, "TableWithColumns", "no")]
    asked_of_catalog.clear()
    # A column that is added is closed until it is told of, for its table is.
    more = (*SALES.columns, Column("buyer_name", "varchar(64)", "Who bought.", is_personal=True))
    glue(data_catalog, tag=TAG).register([one(more)], PLACE)
    assert writes(asked_of_catalog) == [("update_table",)]
    assert "buyer_name" not in tags(data_catalog, "ticket_sales", "buyer_name")[1]


def test_what_becomes_personal_is_closed_before_anything_else_is_opened(
    data_catalog: MotoServer, asked_of_catalog: list[tuple[str, dict[str, Any]]]
) -> None:
    seat, row = Column("seat", "varchar(8)", "Seat."), Column("place_row", "varchar(8)", "Row.")
    glue(data_catalog, tag=TAG).register([one((seat, replace(row, is_personal=True)))], PLACE)
    assert tags(data_catalog, "ticket_sales", "delivery", "seat", "place_row") == (["yes"], opened("delivery", "seat"))
    asked_of_catalog.clear()
    glue(data_catalog, tag=TAG).register([one((replace(seat, is_personal=True), row))], PLACE)
    tag = "add_lf_tags_to_resource"
    assert writes(asked_of_catalog) == [(tag, "TableWithColumns", "yes"), (tag, "TableWithColumns", "no")]
    assert tags(data_catalog, "ticket_sales", "delivery", "seat", "place_row") == (
        ["yes"],
        {**opened("delivery", "place_row"), "seat": ["yes"]},
    )


def test_a_table_that_somebody_opened_is_closed_again(data_catalog: MotoServer) -> None:
    glue(data_catalog, tag=TAG).register([one(SALES.columns)], PLACE)
    name = {"DatabaseName": DATABASE, "Name": "ticket_sales"}
    client = aws_client("lakeformation", REGION, data_catalog.url)
    client.add_lf_tags_to_resource(Resource={"Table": name}, LFTags=[{"TagKey": TAG, "TagValues": ["no"]}])
    glue(data_catalog, tag=TAG).register([one(SALES.columns)], PLACE)
    assert tags(data_catalog, "ticket_sales")[0] == ["yes"]


def test_a_refused_tag_keeps_no_retracted_delivery_in_the_catalog(data_catalog: MotoServer) -> None:
    glue(data_catalog).register([one(SALES.columns, {"bad": f"{PLACE}/aa/ticket_sales"})], PLACE)
    with pytest.raises(CatalogRefused, match=r"^Lake Formation refuses add_lf_tags_to_resource .*: ticket_sales$"):
        glue(data_catalog, tag="no-tag").register([one(SALES.columns)], PLACE)
    assert there(data_catalog, "ticket_sales") == {}


def writes(calls: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, ...]]:
    """The calls that change something, each with what it tags and how."""
    return [
        (
            call,
            *arguments.get("Resource", {}),
            *(value for told in arguments.get("LFTags", ()) for value in told["TagValues"]),
        )
        for call, arguments in calls
        if is_write(call)
    ]
