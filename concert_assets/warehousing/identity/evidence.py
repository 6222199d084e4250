"""What speaks for two rows being one artist or one venue, and what against it: the weights, and how they are summed.

A comparison adds up weights of evidence in bits, as record linkage has done since Fellegi and Sunter ("A theory for
record linkage", 1969): a weight stands for how much likelier the observation is of one entity than of two. The weights
are chosen by judgement and tested on real and simulated names; they are not fitted to a data set. What is missing on
either side says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import asin, cos, radians, sin, sqrt

from concert_assets.warehousing.identity.names import Likeness, Name, compare_names

# The sum that a match takes: a name that is the same has it, and a doubt is made up for by other evidence.
FEWEST_BITS = 5
_VETO = -1000


@dataclass(frozen=True, slots=True)
class Comparison:
    """The weight of all evidence in bits, and what it was, in words."""

    bits: int
    reasons: tuple[str, ...]
    is_contradicted: bool = False  # evidence other than the name speaks against it, on the whole

    @property
    def is_match(self) -> bool:
        """Whether the two rows are one."""
        return self.bits >= FEWEST_BITS

    @property
    def score(self) -> float:
        """The weight as a score from 0 to 100, 50 at the least that a match takes; no calibrated probability."""
        return round(100 / (1 + 2.0 ** (FEWEST_BITS - max(self.bits, -40))), 2)


@dataclass(frozen=True, slots=True)
class Artist:
    """What is compared of an artist; lists are folded. ``echoes`` tells that the only member has the artist's name."""

    name: Name
    genre: str
    genres: frozenset[str]
    formed: date | None
    members: frozenset[str]
    echoes: bool
    spotify_id: str


@dataclass(frozen=True, slots=True)
class Venue:
    """What is compared of a venue; texts are folded and empty where missing."""

    name: Name
    city: str
    state: str
    country: str
    timezone: str
    kind: str
    address: str
    postal_code: str
    latitude: float | None
    longitude: float | None
    capacity: int | None


Weighed = tuple[int, str]

_ARTIST_NAMES: Mapping[Likeness, int] = {
    "same": 8, "article": 6, "respelled": 5, "doubtful": 2, "slip": 2, "one letter": 0, "two letters": -2,
    "short word": -5, "numeral": -5,
    "number": _VETO,  # two choirs of one school share genre and day of formation
}  # fmt: skip
_VENUE_NAMES: Mapping[Likeness, int] = {
    "same": 8, "article": 7, "respelled": 5, "doubtful": 2, "slip": 5, "descriptive": 3, "one letter": 2,
    "two letters": -1, "short word": -4, "numeral": _VETO,
    "number": _VETO,  # Hall 1 and Hall 2 share all else
}  # fmt: skip
_NAME_TEXTS: Mapping[Likeness, str] = {
    "same": "same name",
    "article": "same name but for the article",
    "descriptive": "same name but for describing words",
    "slip": "name differs by a slip within a long word",
    "one letter": "name differs in one letter",
    "two letters": "name differs in two letters",
    "short word": "name differs in a short word",
    "respelled": "same short name in another spelling",
    "doubtful": "same short name in a doubtful spelling",
    "numeral": "name differs in a numeral or initial",
    "number": "name differs in a number",
}


def compare_artists(left: Artist, right: Artist) -> Comparison | None:
    """Weigh the evidence on two artists; None where no likeness of names makes up for it, or their names are two."""
    return _compare(
        left.name,
        right.name,
        _ARTIST_NAMES,
        _genre(left, right),
        _formation(left.formed, right.formed),
        _members(left, right),
        # One artist has several profiles at times, seldom. It takes the day of formation or the members to say so.
        _same(left.spotify_id, right.spotify_id, "spotify_id", 15, -10),
    )


def _genre(left: Artist, right: Artist) -> Weighed | None:
    if not left.genre or not right.genre:
        return None
    if left.genre == right.genre:
        return 2, "same primary_genre"
    if left.genre in right.genres or right.genre in left.genres:
        return 0, "primary_genre among the other's genres"
    return -7, "different primary_genre"


def _formation(left: date | None, right: date | None) -> Weighed | None:
    if left is None or right is None:
        return None
    is_year_alone = (1, 1) in ((left.month, left.day), (right.month, right.day))
    if left == right:
        return (2, "same year of formation") if is_year_alone else (9, "same formation_date")
    if left.year == right.year and is_year_alone:
        return 1, "same year of formation"
    return (
        (-4, "formation_date within a year") if abs(left.year - right.year) <= 1 else (-8, "different formation_date")
    )


def _members(left: Artist, right: Artist) -> Weighed | None:
    if not left.members or not right.members:
        return None
    shared = left.members & right.members
    if not shared:
        return -8, "no member in common"
    if left.echoes and right.echoes:
        return None  # a soloist who is his own member: the name again
    if left.members == right.members:
        return 9, "same members"
    return (5, "members in common") if 2 * len(shared) >= min(len(left.members), len(right.members)) else None


def compare_venues(left: Venue, right: Venue) -> Comparison | None:
    """Weigh the evidence on two venues; None as for artists, or where they lie in two cities.

    A venue whose city is not known lies in none.
    """
    if not left.city or left.city != right.city:
        return None
    for one, other in ((left.state, right.state), (left.country, right.country), (left.timezone, right.timezone)):
        if one and other and one != other:
            return None
    return _compare(
        left.name,
        right.name,
        _VENUE_NAMES,
        _distance(left, right),
        _same(left.address, right.address, "address", 5, -4),
        _same(left.postal_code, right.postal_code, "postal_code", 1, -2),
        _capacity(left.capacity, right.capacity),
        _same(left.kind, right.kind, "venue_type", 1, -1),
    )


def _distance(left: Venue, right: Venue) -> Weighed | None:
    if left.latitude is None or left.longitude is None or right.latitude is None or right.longitude is None:
        return None
    metres = distance(left.latitude, left.longitude, right.latitude, right.longitude)
    for most, bits in ((100, 5), (300, 2), (1000, -3)):
        if metres <= most:
            return bits, f"{metres:.0f} m apart"
    return _VETO, f"{metres:.0f} m apart"


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres between two points in degrees, on a sphere of the earth's mean radius (haversine formula)."""
    a, b = radians(latitude), radians(other_latitude)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(min(1.0, half)))


def _capacity(left: int | None, right: int | None) -> Weighed | None:
    if left is None or right is None:
        return None
    if left == right:
        return 3, "same capacity"
    ratio = max(left, right) / min(left, right)
    return (1, "similar capacity") if ratio <= 1.25 else (-4 if ratio > 2 else -1, "different capacity")


def _same(left: str, right: str, name: str, same: int, different: int) -> Weighed | None:
    if not left or not right:
        return None
    return (same, f"same {name}") if left == right else (different, f"different {name}")


def _compare(left: Name, right: Name, names: Mapping[Likeness, int], *found: Weighed | None) -> Comparison | None:
    weighed = [item for item in found if item is not None]
    bits = sum(item[0] for item in weighed)
    if bits + names["same"] < FEWEST_BITS:  # looked at first, for it costs less than comparing letters
        return None
    likeness = compare_names(left, right)
    if likeness is None or likeness not in names:
        return None
    return Comparison(bits + names[likeness], (_NAME_TEXTS[likeness], *(text for _, text in weighed)), bits < 0)
