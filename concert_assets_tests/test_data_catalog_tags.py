"""What Lake Formation is told of curated tables, against moto: what is personal, and in which order."""

from typing import Any

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.catalog.model import Column
from concert_assets.resources.clients import aws_client
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


def test_what_is_personal_is_tagged_and_the_rest_is_open(data_catalog: MotoServer) -> None:
    glue(data_catalog, tag=TAG).register(tables(), PLACE)
    assert tags(data_catalog, "ticket_sales", *SALES.column_names) == (["no"], {"customer_id": ["yes"]})
    assert tags(data_catalog, "artists", *BY_NAME["artists"].column_names) == (["no"], {})
    assert tags(data_catalog, "rejects")[0] == ["yes"]


def test_no_personal_column_is_open_at_any_moment(
    data_catalog: MotoServer, asked_of_catalog: list[tuple[str, dict[str, Any]]]
) -> None:
    glue(data_catalog, tag=TAG).register([one(SALES.columns)], PLACE)
    writes = [(call, sorted(arguments.get("Resource", {}))) for call, arguments in asked_of_catalog if is_write(call)]
    tag = "add_lf_tags_to_resource"
    assert writes == [("create_table", []), (tag, ["TableWithColumns"]), (tag, ["Table"])]
    asked_of_catalog.clear()
    more = (*SALES.columns, Column("buyer_name", "varchar(64)", "Who bought.", is_personal=True))
    glue(data_catalog, tag=TAG).register([one(more)], PLACE)
    writes = [
        (
            call,
            *sorted(arguments.get("Resource", {})),
            *(v for t in arguments.get("LFTags", ()) for v in t["TagValues"]),
        )
        for call, arguments in asked_of_catalog
        if is_write(call)
    ]
    assert writes == [
        (tag, "Table", "yes"),
        ("update_table",),
        (tag, "TableWithColumns", "yes"),
        (tag, "Table", "no"),
    ]
    glue(data_catalog, tag=TAG).register([one(SALES.columns[:3])], PLACE)
    kept = tags(data_catalog, "ticket_sales", *SALES.column_names[:3])
    assert kept[0] == ["no"]


def test_a_column_that_is_personal_no_more_loses_its_tag(data_catalog: MotoServer) -> None:
    plain = Column("seat", "varchar(8)", "Seat.")
    glue(data_catalog, tag=TAG).register([one((Column("seat", "varchar(8)", "Seat.", is_personal=True),))], PLACE)
    assert tags(data_catalog, "ticket_sales", "seat") == (["no"], {"seat": ["yes"]})
    glue(data_catalog, tag=TAG).register([one((plain,))], PLACE)
    assert tags(data_catalog, "ticket_sales", "seat") == (["no"], {})
