"""The statements that move later facts keep to the portable subset of SQL."""

from typing import Any

import pytest

from concert_assets.defs import feature_shift
from concert_assets.defs.feature_shift import sampled, shifted
from concert_assets_tests.sql_subset import breaches, warehouse_schema


@pytest.mark.parametrize("table", feature_shift._TABLES, ids=lambda table: table.name)
def test_the_statements_of_the_shift_keep_to_the_subset(table: Any) -> None:
    schema = warehouse_schema()
    for statement in (sampled(table), shifted(table)):
        plain = statement.replace(feature_shift._SAMPLE, "(select concert_id, 1 as n from concert_dw.concerts)")
        assert breaches(plain, "redshift", schema, casts_outputs=True) == []
