"""Curated tables in the Data Catalog, against moto: tables, partitions, refusals, and what a run says of them."""

from typing import Any

import pytest

from concert_assets.catalog.canonical import TABLES
from concert_assets.defs import s3_objects
from concert_assets.deliveries.curated import CuratedManifest
from concert_assets.glue_jobs.outputs import REJECTS_SCHEMA, accepted_schema
from concert_assets.resources.clients import aws_client
from concert_assets.resources.glue.catalog import DataCatalog
from concert_assets.resources.glue.local import LocalGlue
from concert_assets.resources.glue.protocol import CatalogRefused
from concert_assets_tests.support_aws import REGION
from concert_assets_tests.support_catalog import (
    DATABASE,
    PLACE,
    SALES,
    TAG,
    described,
    glue,
    is_write,
    manifest,
    one,
    tables,
    there,
)
from concert_assets_tests.support_moto import MotoServer

ARROW = {
    "string": "string",
    "int32": "int",
    "int64": "bigint",
    "double": "double",
    "date32[day]": "date",
    "bool": "boolean",
}


def test_tables_are_those_that_lie_in_parquet_with_their_comments(data_catalog: MotoServer) -> None:
    assert glue(data_catalog).register(tables(), PLACE) == DATABASE
    for table in [*TABLES, None]:
        schema = accepted_schema(table) if table else REJECTS_SCHEMA
        found = described(data_catalog, table.name if table else "rejects")
        columns = found["StorageDescriptor"]["Columns"]
        assert [column["Name"] for column in columns] == schema.names
        for column in columns:
            kind = str(schema.field(column["Name"]).type)
            wanted = "timestamp" if kind == "timestamp[us]" else ARROW.get(kind, kind.replace("decimal128", "decimal"))
            assert column["Type"].replace(" ", "") == wanted.replace(" ", ""), column
            assert 0 < len(column["Comment"]) < 256
        assert found["PartitionKeys"] == [{"Name": "delivery", "Type": "string", "Comment": "Name of the delivery"}]
        assert found["Parameters"]["classification"] == "parquet"
        assert found["Description"]
    told = {
        column["Name"]: column["Comment"]
        for column in described(data_catalog, "concerts")["StorageDescriptor"]["Columns"]
    }
    assert told["event_date_basis"] == "Whether event_date was given as an instant, as a local time or as a date alone"


def test_a_partition_is_the_folder_of_a_live_delivery_and_a_second_run_changes_nothing(
    data_catalog: MotoServer, asked_of_catalog: list[tuple[str, dict[str, Any]]]
) -> None:
    live = tables(
        first=manifest("aa", "artists", "rejects"), **{"zweite/Lieferung ü": manifest("bb", "artists", "venues")}
    )
    glue(data_catalog, tag=TAG).register(live, PLACE)
    assert there(data_catalog, "artists") == {
        "first": f"{PLACE}/aa/rules/0123/artists",
        "zweite/Lieferung ü": f"{PLACE}/bb/rules/0123/artists",
    }
    assert there(data_catalog, "venues") == {"zweite/Lieferung ü": f"{PLACE}/bb/rules/0123/venues"}
    assert there(data_catalog, "rejects") == {"first": f"{PLACE}/aa/rules/0123/rejects"}
    assert any(is_write(call) for call, _ in asked_of_catalog)
    asked_of_catalog.clear()
    glue(data_catalog, tag=TAG).register(live, PLACE)
    assert len(asked_of_catalog) > 20
    assert [call for call, _ in asked_of_catalog if is_write(call)] == []


def test_a_retracted_delivery_goes_and_one_that_is_curated_anew_moves(data_catalog: MotoServer) -> None:
    glue(data_catalog).register(tables(first=manifest("aa", "artists"), second=manifest("bb", "artists")), PLACE)
    glue(data_catalog).register(tables(second=manifest("cc", "artists")), PLACE)
    assert there(data_catalog, "artists") == {"second": f"{PLACE}/cc/rules/0123/artists"}
    glue(data_catalog).register(tables(), PLACE)
    assert there(data_catalog, "artists") == {}


def test_more_deliveries_than_a_call_takes(
    data_catalog: MotoServer, asked_of_catalog: list[tuple[str, dict[str, Any]]]
) -> None:
    live = {f"d{number}": manifest(f"{number:04}", "artists") for number in range(230)}
    glue(data_catalog).register(tables(**live), PLACE)
    assert len(there(data_catalog, "artists")) == 230
    moved = {name: manifest(f"x{name}", "artists") for name in live}
    glue(data_catalog).register(tables(**moved), PLACE)
    assert set(there(data_catalog, "artists").values()) == {f"{PLACE}/xd{n}/rules/0123/artists" for n in range(230)}
    glue(data_catalog).register(tables(d7=moved["d7"]), PLACE)
    assert set(there(data_catalog, "artists")) == {"d7"}
    sizes = {call: [] for call, _ in asked_of_catalog if "batch" in call}  # type: ignore[var-annotated]
    for call, arguments in asked_of_catalog:
        if "batch" in call:
            sizes[call].append(max(len(value) for value in arguments.values() if isinstance(value, list)))
    assert sizes == {
        "batch_create_partition": [100, 100, 30],
        "batch_update_partition": [100, 100, 30],
        "batch_delete_partition": [25] * 9 + [4],
    }


def test_a_changed_column_changes_table_and_partitions_and_keeps_what_others_added(data_catalog: MotoServer) -> None:
    before = SALES.columns[:3]
    glue(data_catalog).register([one(before, {"first": f"{PLACE}/aa/ticket_sales"})], PLACE)
    client = aws_client("glue", REGION, data_catalog.url)
    found = described(data_catalog, "ticket_sales")
    kept = {name: found[name] for name in ("Name", "Description", "TableType", "PartitionKeys", "StorageDescriptor")}
    client.update_table(
        DatabaseName=DATABASE, TableInput={**kept, "Parameters": {**found["Parameters"], "recordCount": "7"}}
    )
    glue(data_catalog).register([one(SALES.columns, {"first": f"{PLACE}/aa/ticket_sales"})], PLACE)
    found = described(data_catalog, "ticket_sales")
    assert len(found["StorageDescriptor"]["Columns"]) == len(SALES.columns)
    assert found["Parameters"]["recordCount"] == "7"
    (partition,) = client.get_partitions(DatabaseName=DATABASE, TableName="ticket_sales")["Partitions"]
    assert partition["StorageDescriptor"]["Columns"] == found["StorageDescriptor"]["Columns"]


def test_a_table_of_somebody_else_stays_as_it_is(data_catalog: MotoServer) -> None:
    client = aws_client("glue", REGION, data_catalog.url)
    client.create_table(DatabaseName=DATABASE, TableInput={"Name": "artists", "Description": "mine"})
    with pytest.raises(
        CatalogRefused, match="a table artists in CONCERT_CATALOG_DATABASE 'concerts' that this platform"
    ):
        glue(data_catalog).register(tables(first=manifest("aa", "artists")), PLACE)
    assert described(data_catalog, "artists")["Description"] == "mine"
    assert there(data_catalog, "artists") == {}


def test_what_is_refused_names_setting_call_and_code(data_catalog: MotoServer, unused: str) -> None:
    with pytest.raises(CatalogRefused) as refused:
        glue(data_catalog, database="nowhere").register(tables(), PLACE)
    assert str(refused.value) == (
        "the Data Catalog refuses create_table in CONCERT_CATALOG_DATABASE 'nowhere' (EntityNotFoundException)"
    )
    with pytest.raises(CatalogRefused) as refused:
        glue(data_catalog, tag="no-tag").register(tables(), PLACE)
    assert str(refused.value) == (
        "Lake Formation refuses add_lf_tags_to_resource of CONCERT_CATALOG_TAG 'no-tag' (EntityNotFoundException)"
    )
    with pytest.raises(CatalogRefused, match=r"refuses get_table .*EndpointConnectionError"):
        DataCatalog(DATABASE, "", REGION, unused).keep(one(SALES.columns), PLACE)


@pytest.fixture
def unused() -> str:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_what_a_batch_leaves_undone_is_said(data_catalog: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = DataCatalog(DATABASE, "", REGION, data_catalog.url)
    catalog.keep(one(SALES.columns, {"first": "s3://processed/a"}), PLACE)
    whole = catalog.ask

    def ask(call: str, *given: Any, **arguments: Any) -> dict[str, Any]:
        if call == "batch_create_partition":
            code = codes.pop()
            return {"Errors": [{"PartitionValues": ["x"], "ErrorDetail": {"ErrorCode": code}}]}
        return whole(call, *given, **arguments)

    monkeypatch.setattr(catalog, "ask", ask)
    codes = ["ResourceNumberLimitExceededException", "AlreadyExistsException"]
    two = one(SALES.columns, {"first": "s3://processed/a", "second": "s3://processed/b"})
    catalog.keep(two, PLACE)  # another run was faster
    with pytest.raises(CatalogRefused, match=r"batch_create_partition .*\(ResourceNumberLimitExceededException\)"):
        catalog.keep(two, PLACE)


# --- in a run


class Log:
    """What a run warns of."""

    def __init__(self) -> None:
        self.warned: list[str] = []
        self.log = self

    def warning(self, text: str) -> None:
        self.warned.append(text)


class S3:
    """As much of the resource as is asked."""

    processed_bucket = "processed"

    def __init__(self) -> None:
        self.store = self

    def uri(self, bucket: str, key: str) -> str:
        return f"s3://{bucket}/{key}"


def told(glue: Any, **live: CuratedManifest) -> list[str]:
    log: Any = Log()
    s3: Any = S3()
    s3_objects._register(log, s3, glue, live)
    warned: list[str] = log.warned
    return warned


def test_a_refusal_is_a_warning_and_a_delivery_that_cannot_be_told_of_is_named(data_catalog: MotoServer) -> None:
    old = manifest("aa", "artists", "venues", folder=False)
    assert told(glue(data_catalog), new=manifest("bb", "artists")) == []
    (warned,) = told(glue(data_catalog, database="nowhere"), new=manifest("bb", "artists"))
    assert "EntityNotFoundException" in warned
    (warned,) = told(glue(data_catalog), old=old, new=manifest("bb", "artists"))
    assert warned.startswith("the Data Catalog lacks old: curated by a version")
    assert set(there(data_catalog, "artists")) == {"new"}


def test_without_a_database_nobody_is_asked(
    data_catalog: MotoServer, asked_of_catalog: list[tuple[str, dict[str, Any]]]
) -> None:
    old = manifest("aa", "artists", folder=False)
    assert told(glue(data_catalog, database="", tag=TAG), old=old) == []
    assert told(LocalGlue(), old=old) == []
    assert asked_of_catalog == []
