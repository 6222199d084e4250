"""The rows that models learn from and predict for, read once a publication though two steps need them."""

from datetime import date
from typing import TYPE_CHECKING

from concert_assets.resources.redshift.protocol import Session
from concert_assets.sql.files import read_sql
from concert_assets.warehousing.publish import publication

if TYPE_CHECKING:
    import pandas as pd

# The rows read last, by model. More of them than this are read again rather than kept.
_MOST_KEPT = 200_000
_kept: dict[str, tuple[tuple[str, date], "pd.DataFrame"]] = {}


def feature_rows(session: Session, model: str, as_of: date) -> "pd.DataFrame":
    """The rows of ``feature/<model>`` as of a day, as the published tables stand."""
    last = publication(session)
    state = (last.fingerprint if last else "", as_of)
    found = _kept.get(model)
    if last is not None and found is not None and found[0] == state:
        return found[1].copy()
    rows = session.query_frame(read_sql(f"feature/{model}"), {"as_of": as_of})
    if len(rows) <= _MOST_KEPT:
        _kept[model] = (state, rows.copy())
    return rows


def data_as_of(session: Session) -> date | None:
    """The day that the published data reach to; None where there is neither a sale nor a completed concert."""
    ((day,),) = session.query(read_sql("feature/as_of"))
    return day  # type: ignore[no-any-return]
