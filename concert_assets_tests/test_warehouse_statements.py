"""The texts of statements: physical attributes of the catalog, UNLOAD, and what two grammars of Redshift make of them."""

from unittest.mock import MagicMock

import pytest
import sqlglot
from sqlfluff.core import FluffConfig, Linter
from sqlglot.tokens import TokenType

from concert_assets.resources.redshift.backend import RedshiftBackend
from concert_assets.resources.redshift.resource import AwsRedshift
from concert_assets.resources.redshift.statements import unload_statement, with_attributes
from concert_assets_tests.support_rendered import ROLE

LINTER = Linter(config=FluffConfig(overrides={"dialect": "redshift"}))


@pytest.mark.parametrize(
    "text",
    ["create table t (a varchar(3) encode nothing_known)", "copy t from s3", "create table t (a integer) sortkey a"],
)
def test_a_grammar_refuses_what_is_none(text: str) -> None:
    assert LINTER.parse_string(text).violations != []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "create table concert_dw.candidate__ticket_sales as select 1 as concert_id",
            "create table concert_dw.candidate__ticket_sales distkey (concert_id) sortkey (purchase_timestamp) as select 1 as concert_id",
        ),
        (
            "create table if not exists concert_dw_staging.concerts (concert_id varchar(64), event_date timestamp, revenue decimal(14,2), x boolean, y double precision)",
            "create table if not exists concert_dw_staging.concerts (concert_id varchar(64) encode zstd, event_date timestamp encode raw, "
            "revenue decimal(14,2) encode az64, x boolean encode raw, y double precision encode raw) distkey (concert_id) sortkey (event_date)",
        ),
        (
            "create table concert_dw_staging.held_concerts (a bigint)",
            "create table concert_dw_staging.held_concerts (a bigint encode az64)",
        ),
        ("create schema if not exists concert_dw", "create schema if not exists concert_dw"),
        ("select 'create table x (a bigint)' as a", "select 'create table x (a bigint)' as a"),
    ],
)
def test_tables_are_laid_out_as_the_catalog_says(sql: str, expected: str) -> None:
    assert with_attributes(sql) == expected


@pytest.mark.parametrize(
    "query", [f"select 1 as a where '{text}' = ''" for text in ["it''s", "$$", "$1", "a\\\\b", "%"]]
)
@pytest.mark.parametrize("has_bucket_key", [False, True])
def test_the_query_is_one_text_as_redshift_reads_it(query: str, has_bucket_key: bool) -> None:
    statement = unload_statement(query, "s3://bucket/it's/", ROLE, has_bucket_key=has_bucket_key)
    assert LINTER.parse_string(statement).violations == []
    tokens = sqlglot.tokenize(statement.replace("unload", "select", 1), read="redshift")
    texts = [token.text for token in tokens if token.token_type is TokenType.STRING]
    assert texts == [query, "s3://bucket/it's/", ROLE]


def test_redshift_is_asked_how_many_rows_it_wrote() -> None:
    cursor = MagicMock()
    cursor.fetchall.return_value = [(7,)]
    assert RedshiftBackend(ROLE).unload(cursor, "select 1", "s3://b/p/") == 7
    sent = [call.args[0] for call in cursor.execute.call_args_list]
    statement = unload_statement("select 1", "s3://b/p/", ROLE, has_bucket_key=False)
    assert sent == [statement, "select pg_last_unload_count()"]
    assert [LINTER.parse_string(sql).violations for sql in sent] == [[], []]


@pytest.mark.parametrize("key", ["", "arn:aws:kms:eu-west-1:123456789012:key/0f0e"])
def test_unload_asks_for_a_key_only_where_the_bucket_has_one(key: str) -> None:
    resource = AwsRedshift(
        database="concerts", iam_role=ROLE, region="eu-west-1", raw_bucket="raw", processed_bucket="processed",
        workgroup="small", key=key,
    )  # fmt: skip
    cursor = MagicMock()
    cursor.fetchall.return_value = [(0,)]
    resource._warehouse()._backend.unload(cursor, "select 1", "s3://b/p/")
    ((statement,), _) = cursor.execute.call_args_list[0]
    assert statement.endswith(" manifest encrypted auto" if key else " manifest")
