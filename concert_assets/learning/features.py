"""Which columns a model reads, and the way from the rows of the feature SQL to typed, ordered frames."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

UNKNOWN = "unknown"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The columns that a model reads: ``numbers`` may be null, ``categories`` are text and may be null."""

    key: tuple[str, ...]
    order: tuple[str, ...]
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """The feature columns in the order in which a model sees them."""
        return [*self.numbers, *self.categories]


TICKET_SALES = FeatureSet(
    key=("concert_id", "horizon"),
    order=("cutoff_day", "concert_id", "horizon"),
    numbers=(
        "artist_popularity",
        "weekday",
        "event_month",
        "season",
        "is_holiday",
        "on_sale_days",
        "is_on_sale_unknown",
        "days_out",
        "days_on_sale",
        "mean_face_value_usd",
        "min_face_value_usd",
        "max_face_value_usd",
        "artist_past_shows",
        "artist_year_shows",
        "artist_two_year_shows",
        "artist_announced_shows",
        "artist_past_tickets",
        "artist_year_tickets",
        "artist_past_sell_through",
        "artist_year_sell_through",
        "artist_sold_out_share",
        "artist_year_sold_out_share",
        "artist_past_price_usd",
        "artist_strength_age_days",
        "venue_past_shows",
        "venue_year_shows",
        "venue_past_sell_through",
        "venue_year_sell_through",
        "venue_past_price_usd",
        "venue_surprise",
        "city_year_shows",
        "city_past_sell_through",
        "city_surprise",
        "type_past_sell_through",
        "price_to_type",
        "price_to_artist",
        "competing_shows",
        "ledger_tickets_to_date",
        "ledger_share",
        "pace_share",
        "is_artist_new",
        "is_venue_new",
    ),
    categories=("venue_type", "primary_genre"),
    others=(
        "status",
        "event_day",
        "cutoff_day",
        "tickets_sold",
        "capacity",
        "paced_tickets",
        "artist_strength",
        "artist_year_strength",
        "artist_two_year_strength",
        "artist_strength_trend",
        "artist_fair_strength",
        "artist_two_year_fair_strength",
        "artist_fair_strength_trend",
        "artist_room",
    ),
)

VENUE_POPULARITY = FeatureSet(
    key=("venue_id",),
    order=("snapshot_day", "venue_id"),
    numbers=(
        "capacity",
        "city_year_shows",
        "announced_shows",
        "past_shows",
        "year_shows",
        "year_score",
        "show_utilisation",
        "show_revenue_rank",
        "expected_shows_rank",
        "expected_revenue_rank",
        "expected_utilisation",
        "expected_score",
        "is_venue_new",
    ),
    categories=("venue_type",),
    others=("snapshot_day", "target_end_day", "target_score", "expected_shows", "has_sales"),
)


def typed(rows: pd.DataFrame, features: FeatureSet) -> pd.DataFrame:
    """The rows in a fixed order and with fixed types, whatever the engine returned: numbers float64, the rest text.

    Raises ValueError naming the columns that are missing.
    """
    wanted = dict.fromkeys((*features.key, *features.others, *features.numbers, *features.categories))
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        raise ValueError(f"the features lack {', '.join(missing)}; they have {', '.join(map(str, rows.columns))}")
    texts = {*features.key, *features.categories, "status"} & wanted.keys()
    frame = pd.DataFrame(
        {
            name: rows[name].astype(object).where(rows[name].notna(), UNKNOWN).astype(str)
            if name in texts
            else pd.to_numeric(rows[name]).to_numpy(dtype=np.float64, na_value=np.nan)
            for name in wanted
        }
    )
    return frame.sort_values(list(features.order), kind="stable", ignore_index=True)


def day_number(day: date) -> int:
    """Days from 1970-01-01, as the feature SQL counts them."""
    return (day - _EPOCH).days


def day_text(number: float) -> str:
    """The ISO date of a day number; the number itself where no calendar date has it."""
    try:
        return (_EPOCH + timedelta(days=int(number))).isoformat()
    except OverflowError:
        return f"day {int(number)}"


def data_sha256(frame: pd.DataFrame) -> str:
    """The content hash of a typed frame: its columns, and every value in order."""
    digest = hashlib.sha256("\n".join(frame.columns).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().astype("<u8").tobytes())
    return digest.hexdigest()
