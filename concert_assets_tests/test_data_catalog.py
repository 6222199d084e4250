"""Curated tables in the Data Catalog, against moto: tables, partitions, refusals, and what a run says of them."""

from typing import Any

import pytest

from concert_assets.catalog.canonical import TABLES
from concert_assets.definitions import build_resources
from concert_assets.defs.data_catalog import keep_catalog
from concert_assets.deliveries.log import Delivery, Entry
from concert_assets.deployment import Deployment
from concert_assets.glue_jobs.outputs import REJECTS_SCHEMA, accepted_schema
from concert_assets.resources.clients import aws_client
from concert_assets.resources.glue.catalog import DataCatalog
from concert_assets.resources.glue.local import LocalGlue
from concert_assets.resources.glue.protocol import CatalogRefused
from concert_assets.warehousing.staging import Staged
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
        glue(data_catalog).register(tables(first=manifest("aa", "artists", "venues")), PLACE)
    assert described(data_catalog, "artists")["Description"] == "mine"
    assert there(data_catalog, "artists") == {}
    assert set(there(data_catalog, "venues")) == {"first"}, "the others are told of"


def test_what_is_refused_names_setting_call_and_code(data_catalog: MotoServer, unused: str) -> None:
    with pytest.raises(CatalogRefused) as refused:
        glue(data_catalog, database="nowhere").register(tables(), PLACE)
    assert str(refused.value) == (
        "the Data Catalog refuses create_table in CONCERT_CATALOG_DATABASE 'nowhere' (EntityNotFoundException): "
        "artists, venues, concerts, ticket_prices, ticket_sales, identity_aliases, rejects"
    )
    with pytest.raises(CatalogRefused) as refused:
        glue(data_catalog, tag="no-tag").register(tables(), PLACE)
    assert str(refused.value) == (
        "Lake Formation refuses add_lf_tags_to_resource of CONCERT_CATALOG_TAG 'no-tag' (EntityNotFoundException): "
        "artists, venues, concerts, ticket_prices, ticket_sales, identity_aliases, rejects"
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


def test_no_more_is_asked_once_patience_is_over(
    data_catalog: MotoServer, asked_of_catalog: list[tuple[str, dict[str, Any]]]
) -> None:
    impatient = glue(data_catalog).model_copy(update={"patience_seconds": 0})
    with pytest.raises(CatalogRefused, match=r"was not asked any more after 0 s: artists, venues, .*, rejects$"):
        impatient.register(tables(), PLACE)
    assert asked_of_catalog == []


# --- in a run


class Run:
    """As much of a run, its store and its warehouse as is asked: others publish while it tells."""

    processed_bucket = "processed"

    def __init__(self, *published: int) -> None:
        self.warned: list[str] = []
        self.log = self.store = self
        self.published = list(published)

    def warning(self, text: str) -> None:
        self.warned.append(text)

    def uri(self, bucket: str, key: str) -> str:
        return f"s3://{bucket}/{key}"

    def published_position(self) -> int:
        return self.published.pop(0) if len(self.published) > 1 else self.published[0]


def state(position: int, *live: str, folder: bool = True) -> Staged:
    """What was published at a position: a delivery of artists for each of these names."""
    entries = [Entry(number, "delivery", name, "") for number, name in enumerate(live, 1)]
    held = Entry(9, "delivery", "held", "")
    deliveries = [Delivery(entry, "live") for entry in entries] + [Delivery(held, "held")]
    manifests = {
        one.content_id: manifest(f"{one.delivery}{position}", "artists", folder=folder) for one in [*entries, held]
    }
    return Staged(position, "", tuple(deliveries), manifests)


def told(glue: Any, run: Any, now: Staged, later: dict[int, Staged] | None = None) -> list[str]:
    keep_catalog(run, run, glue, run, now, (later or {}).__getitem__)
    warned: list[str] = run.warned
    return warned


def test_a_refusal_is_a_warning_and_a_delivery_that_cannot_be_told_of_is_named(data_catalog: MotoServer) -> None:
    assert told(glue(data_catalog), Run(1), state(1, "new")) == []
    assert there(data_catalog, "artists") == {"new": f"{PLACE}/new1/rules/0123/artists"}, "what is held is not told of"
    (warned,) = told(glue(data_catalog, database="nowhere"), Run(1), state(1, "new"))
    assert "EntityNotFoundException" in warned
    (warned,) = told(glue(data_catalog), Run(1), state(1, "old", folder=False))
    assert warned.startswith("the Data Catalog lacks old: curated by a version")


def test_a_run_that_another_one_overtook_tells_of_what_that_one_published(data_catalog: MotoServer) -> None:
    later = {7: state(7, "newest"), 5: state(5, "newer")}
    assert told(glue(data_catalog), Run(3, 5, 5, 7), state(3, "retracted", "newest"), later) == []
    assert there(data_catalog, "artists") == {"newest": f"{PLACE}/newest7/rules/0123/artists"}
    # What another version of the platform published and this one cannot know is left to that one.
    (warned,) = told(glue(data_catalog), Run(9), state(7, "older"), {9: state(6, "older")})
    assert "not curated" in warned
    assert set(there(data_catalog, "artists")) == {"newest"}


def test_without_a_database_nobody_is_asked(
    data_catalog: MotoServer, asked_of_catalog: list[tuple[str, dict[str, Any]]]
) -> None:
    assert told(glue(data_catalog, database="", tag=TAG), Run(1), state(1, "old", folder=False)) == []
    assert told(LocalGlue(), Run(1), state(1, "old", folder=False)) == []
    assert asked_of_catalog == []


def test_the_settings_come_to_the_resource() -> None:
    settings = Deployment(name="aws", region=REGION, catalog_database=DATABASE, catalog_tag=TAG)
    bound = build_resources(settings)["glue"]
    assert (bound.catalog_database, bound.catalog_tag) == (DATABASE, TAG)
