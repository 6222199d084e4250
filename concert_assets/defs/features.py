"""The rows that models learn from and predict for: as published, and over relations put in the place of tables."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from typing import TYPE_CHECKING

from concert_assets.resources.redshift.protocol import Session
from concert_assets.sql.files import read_sql
from concert_assets.warehousing.names import SCHEMA
from concert_assets.warehousing.publish import publication

if TYPE_CHECKING:
    import pandas as pd

# The rows read last, by model. More of them than this are read again rather than kept.
_MOST_KEPT = 200_000
_kept: dict[str, tuple[tuple[str, date], "pd.DataFrame"]] = {}


def feature_rows(session: Session, model: str, as_of: date) -> "pd.DataFrame":
    """The rows of ``feature/<model>`` as of a day, as the published tables stand; read once a publication."""
    last = publication(session)
    state = (last.fingerprint if last else "", as_of)
    found = _kept.get(model)
    if last is not None and found is not None and found[0] == state:
        return found[1].copy()
    rows = session.query_frame(read_sql(f"feature/{model}"), {"as_of": as_of}, is_large=True)
    if len(rows) <= _MOST_KEPT:
        _kept[model] = (state, rows.copy())
    return rows


def feature_rows_over(session: Session, model: str, as_of: date, relations: Mapping[str, str]) -> "pd.DataFrame":
    """The same statement over other relations: published table name -> what is read in its place."""
    sql = read_sql(f"feature/{model}")
    for table, relation in relations.items():
        sql = re.sub(rf"\b{SCHEMA}\.{table}\b", relation, sql)
    return session.query_frame(sql, {"as_of": as_of}, is_large=True)


def data_as_of(session: Session) -> date | None:
    """The day that the published data reach to; None where there is neither a sale nor a completed concert."""
    ((day,),) = session.query(read_sql("feature/as_of"))
    return day  # type: ignore[no-any-return]


class _Undone(Exception):
    """Ends a transaction whose work is not to stay."""


@contextmanager
def undone(session: Session) -> Iterator[None]:
    """What is made within leaves nothing behind, however it ends."""
    with suppress(_Undone), session.transaction():
        yield
        raise _Undone
