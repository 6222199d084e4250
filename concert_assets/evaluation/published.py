"""What an observer of a simulated world can see: the published tables as arrays in the terms of the generator.

The observer knows how such worlds are made, every constant of the generator included, and nothing that is drawn.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from concert_assets.simulation.artists import FOLLOWING_CENTRE
from concert_assets.simulation.calendar import DAY, day_number, month, utc_seconds, weekday
from concert_assets.simulation.cities import AVERAGE_PEOPLE, CITIES
from concert_assets.simulation.demand import PRICE_ELASTICITY, city_term, size_term
from concert_assets.simulation.exact import Floats, Ints
from concert_assets.simulation.market import (
    GENRES,
    INDOOR_MONTH_EFFECT,
    OUTDOOR_MONTH_EFFECT,
    VENUE_KINDS,
    WEEKDAY_EFFECT,
)
from concert_assets.simulation.pricing import PRICE_SPREAD, STAR_POWER, house_price
from concert_assets.simulation.purchase_curve import ONE, Curve
from concert_assets.simulation.venues import ZONES

# Share of a house by kind of venue and tier, and of what a full house pays. Where the price of a tier is missing, the
# others stand for it.
_TIERS = {
    (kind.name, tier.name): (
        tier.share,
        tier.share * tier.multiple / sum(other.share * other.multiple for other in kind.tiers),
    )
    for kind in VENUE_KINDS
    for tier in kind.tiers
}
_NEUTRAL_GENRE = next(row for row, (_, _, effect, price) in enumerate(GENRES) if effect == 0 and price == 0)
_NEUTRAL_CITY = min(range(len(CITIES)), key=lambda row: abs(CITIES[row].people - AVERAGE_PEOPLE))
_UNKNOWN_ON_SALE_DAYS = 60


@dataclass(frozen=True)
class Published:
    """The published tables of a simulated world as arrays.

    Artists: ``popularity`` (nan where unknown) and ``genre``; venues: ``kind``, ``city``, ``zone`` and ``capacity``;
    concerts: rows of ``artist`` and ``venue``, ``start`` (seconds since 1970, UTC), days since 1970 in UTC
    (``event_day``, the day features count by), at the venue (``local_day``) and of the on-sale, ``is_held``, tickets
    ``sold`` (nan where unknown), the average ``price_usd`` (nan where unknown). ``as_of`` is the settings' day.
    """

    as_of: date
    artist_ids: pd.Index
    venue_ids: pd.Index
    concert_ids: pd.Index
    popularity: Floats
    genre: Ints
    kind: Ints
    city: Ints
    zone: Ints
    capacity: Ints
    artist: Ints
    venue: Ints
    start: Ints
    event_day: Ints
    local_day: Ints
    on_sale_day: Ints
    is_held: np.ndarray[tuple[int], np.dtype[np.bool_]]
    sold: Floats
    price_usd: Floats

    @property
    def shows(self) -> int:
        """The number of concerts."""
        return len(self.artist)

    def years(self) -> Floats:
        """Years that momentum has worked by the time of each concert; the middle of the past five is nought."""
        return np.asarray((self.local_day - (day_number(self.as_of) - 2.5 * 365.25)) / 365.25)

    def curve(self) -> Curve:
        """The purchase curve of each concert."""
        zone, kind = self.zone[self.venue], self.kind[self.venue]
        shares = [np.round(np.array([getattr(item, name) for item in VENUE_KINDS]) * ONE) for name in ("burst", "late")]
        return Curve(
            opening=utc_seconds(self.on_sale_day, np.full(self.shows, 10 * 3600), zone, ZONES),
            start=self.start,
            burst=shares[0].astype(np.int64)[kind],
            late=shares[1].astype(np.int64)[kind],
            offset=np.zeros(self.shows, dtype=np.int64),  # of use in drawing instants alone
        )


@dataclass(frozen=True)
class KnownTerms:
    """The part of log demand that the published tables show, by concert, all but the competition.

    Log demand is ``constant + follows * following + momentum * years + quality`` plus competition and noise;
    ``follows`` is above 1 where the price is known, since the price that is usual rises with the following.
    ``spread`` is the variance of what is unknown of the price. ``price_sign`` is the evidence of the price: log price
    less what is usual for everything but the following, nan where unknown.
    """

    constant: Floats
    follows: Floats
    spread: Floats
    price_sign: Floats


def known_terms(seen: Published) -> KnownTerms:
    """The terms of the demand function that are functions of published columns."""
    kind, genre = seen.kind[seen.venue], seen.genre[seen.artist]
    months = month(seen.local_day)
    people = np.array([float(city.people) for city in CITIES])
    middle = np.array([(float(item.smallest) * float(item.largest)) ** 0.5 for item in VENUE_KINDS])
    outdoor = np.array([item.is_outdoor for item in VENUE_KINDS])[kind]
    constant = (
        np.array([effect for _, _, effect, _ in GENRES])[genre]
        + city_term(people[seen.city[seen.venue]], AVERAGE_PEOPLE)
        + np.array([item.appeal for item in VENUE_KINDS])[kind]
        + size_term(seen.capacity[seen.venue].astype(np.float64), middle[kind])
        + np.array(WEEKDAY_EFFECT)[weekday(seen.local_day)]
        + np.where(outdoor, np.array(OUTDOOR_MONTH_EFFECT)[months], np.array(INDOOR_MONTH_EFFECT)[months])
    )
    genre_price = np.array([price for *_, price in GENRES])[genre]
    middling, centre = np.full(seen.shows, 0.5), np.full(seen.shows, FOLLOWING_CENTRE)
    _, usual = house_price(kind, centre, seen.local_day, genre_price, middling, seen.as_of)
    has_price = np.isfinite(seen.price_usd)
    sign = np.log(np.where(has_price, seen.price_usd, 1.0) / usual) + STAR_POWER * FOLLOWING_CENTRE
    return KnownTerms(
        constant=constant + np.where(has_price, PRICE_ELASTICITY * sign, 0.0),
        follows=np.where(has_price, 1.0 - PRICE_ELASTICITY * STAR_POWER, 1.0),
        spread=np.where(has_price, 0.0, (PRICE_ELASTICITY * PRICE_SPREAD) ** 2),
        price_sign=np.where(has_price, sign, np.nan),
    )


def observe(
    artists: pd.DataFrame, venues: pd.DataFrame, concerts: pd.DataFrame, prices: pd.DataFrame, as_of: date
) -> Published:
    """The published tables as arrays. Concerts at venues of unknown capacity are left out, and these venues too.

    Optional values that are missing stand for what is usual: a genre or a city without effect, 60 days on sale.
    """
    artists = artists.sort_values("artist_id", ignore_index=True)
    venues = venues[venues["capacity"].fillna(0) > 0].sort_values("venue_id", ignore_index=True)
    venue_ids, artist_ids = pd.Index(venues["venue_id"]), pd.Index(artists["artist_id"])
    concerts = concerts[concerts["venue_id"].isin(venue_ids) & concerts["artist_id"].isin(artist_ids)]
    concerts = concerts.sort_values("concert_id", ignore_index=True)
    venue = venue_ids.get_indexer(concerts["venue_id"])
    kind = _rows(venues["venue_type"], [item.name for item in VENUE_KINDS], len(VENUE_KINDS) - 1)
    zone = _rows(venues["timezone"], list(ZONES), 0)
    start = concerts["event_date"].to_numpy("datetime64[s]").astype(np.int64)
    event_day = start // DAY
    # noon at the venue on the day before, the day and so on: the local day is the last whose midnight has passed
    midnight = utc_seconds(event_day, np.full(len(start), DAY // 2), zone[venue], ZONES) - DAY // 2
    local_day = event_day - (start < midnight)
    on_sale = concerts["on_sale_date"].to_numpy("datetime64[D]")
    on_sale_day = np.where(np.isnat(on_sale), event_day - _UNKNOWN_ON_SALE_DAYS, on_sale.astype(np.int64))
    return Published(
        as_of=as_of,
        artist_ids=artist_ids,
        venue_ids=venue_ids,
        concert_ids=pd.Index(concerts["concert_id"]),
        popularity=_numbers(artists["popularity_score"]),
        genre=_rows(artists["primary_genre"], [name for name, *_ in GENRES], _NEUTRAL_GENRE),
        kind=kind,
        city=_rows(venues["city"], [city.name for city in CITIES], _NEUTRAL_CITY),
        zone=zone,
        capacity=venues["capacity"].to_numpy(dtype=np.int64),
        artist=np.asarray(artist_ids.get_indexer(concerts["artist_id"]), dtype=np.int64),
        venue=np.asarray(venue, dtype=np.int64),
        start=start,
        event_day=event_day,
        local_day=local_day,
        on_sale_day=on_sale_day,
        is_held=(concerts["status"] == "completed").to_numpy(dtype=bool),
        sold=_numbers(concerts["tickets_sold"]),
        price_usd=_house_prices(concerts, venues["venue_type"].to_numpy()[venue], prices),
    )


def _numbers(column: "pd.Series[Any]") -> Floats:
    return np.asarray(pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan))


def _rows(column: "pd.Series[Any]", names: list[str], unknown: int) -> Ints:
    found = np.asarray(pd.Index(names).get_indexer(pd.Index(column)), dtype=np.int64)
    return np.where(found < 0, unknown, found)


def _house_prices(concerts: pd.DataFrame, kinds: Any, prices: pd.DataFrame) -> Floats:
    """What a full house pays on average: face values weighted by the shares of their tiers in a kind of venue."""
    kind_of = pd.Series(kinds, index=concerts["concert_id"])
    known = prices[prices["concert_id"].isin(kind_of.index) & prices["face_value"].notna()]
    keys = list(zip(known["concert_id"].map(kind_of), known["ticket_tier"], strict=True))
    share, usual = (np.array([_TIERS.get(key, (0.0, 0.0))[place] for key in keys]) for place in (0, 1))
    of = known["concert_id"].to_numpy()
    paid = pd.Series(share * _numbers(known["face_value"])).groupby(of).sum()
    expected = pd.Series(usual).groupby(of).sum()
    ratio = (paid / expected.where(expected > 0)).reindex(concerts["concert_id"]).to_numpy(dtype=np.float64)
    return np.asarray(np.where(ratio > 0, ratio, np.nan))
