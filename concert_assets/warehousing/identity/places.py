"""How venues and where they lie are written: words that mean the same, words that only describe, cities and streets."""

from functools import cache

from concert_assets.warehousing.identity.names import Name, folded, read_name

_VENUE_WORDS = {
    "theatre": "theater",
    "amphitheatre": "amphitheater",
    "centre": "center",
    "ctr": "center",
    "cntr": "center",
    "rm": "room",
    "aud": "auditorium",
    "pav": "pavilion",
    "nightclub": "club",
    "univ": "university",
    "st": "saint",
    "mt": "mount",
    "ft": "fort",
}
# Words that one source writes and another leaves out; what tells two halls of one house apart is not among them.
_DESCRIBING = frozenset(["and", "the", "for", "concert", "concerts", "event", "events", "center", "main", "live"])
# Words for a kind of house, which alone name none: Concert Hall is not the same as Hall.
_KINDS = frozenset(
    [
        "hall",
        "room",
        "club",
        "theater",
        "arena",
        "stadium",
        "park",
        "auditorium",
        "pavilion",
        "amphitheater",
        "church",
        "music",
    ]
)
_CITY_WORDS = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}
_COUNTRIES = {"usa": "us", "united states": "us", "united states of america": "us", "uk": "gb", "united kingdom": "gb"}
_STREET_WORDS = {
    "st": "street",
    "str": "street",
    "ave": "avenue",
    "av": "avenue",
    "rd": "road",
    "blvd": "boulevard",
    "dr": "drive",
    "ln": "lane",
    "pl": "place",
    "sq": "square",
    "pkwy": "parkway",
    "hwy": "highway",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
}


def read_venue_name(text: str) -> Name | None:
    """The forms of a venue's name."""
    return read_name(text, _VENUE_WORDS, _DESCRIBING, _KINDS)


@cache
def read_city(text: str | None) -> str:
    """A city as it is compared; empty where none is given."""
    return " ".join(_CITY_WORDS.get(word, word) for word in folded(text)) if text else ""


@cache
def read_country(text: str | None) -> str:
    """A country as it is compared; empty where none is given."""
    words = " ".join(folded(text)) if text else ""
    return _COUNTRIES.get(words, words)


def read_street(text: str | None) -> str:
    """A street address as it is compared; empty where none is given."""
    return " ".join(_STREET_WORDS.get(word, word) for word in folded(text)) if text else ""
