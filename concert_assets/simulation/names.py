"""Names for the entities of the world: people and streets from Faker, acts and venues put together from word lists."""

import numpy as np
from faker import Faker

from concert_assets.simulation.exact import Ints, Permutation, mix

_ADJECTIVES = (
    "Velvet", "Electric", "Midnight", "Golden", "Broken", "Silent", "Wild", "Paper", "Crystal", "Neon", "Hollow",
    "Northern", "Scarlet", "Lonesome", "Cosmic", "Rusty", "Silver", "Burning", "Distant", "Sacred", "Crooked",
    "Lunar", "Phantom", "Gilded", "Restless", "Solar", "Marble", "Savage", "Gentle", "Iron", "Emerald", "Faded",
    "Plastic", "Royal", "Sleeping", "Bitter", "Winter", "Summer", "Desert", "Ocean", "Copper", "Violet", "Stray",
    "Thunder", "Ivory", "Concrete", "Lucky", "Haunted", "Amber", "Slow",
)  # fmt: skip
_NOUNS = (
    "Wolves", "Lanterns", "Echoes", "Ravens", "Engines", "Orchids", "Saints", "Rivers", "Mirrors", "Foxes", "Arrows",
    "Tigers", "Satellites", "Strangers", "Kings", "Shadows", "Sparrows", "Machines", "Ghosts", "Pilots", "Gardens",
    "Horses", "Embers", "Harbors", "Comets", "Sirens", "Anthems", "Bandits", "Castles", "Drifters", "Falcons", "Giants",
    "Hearts", "Islands", "Jackals", "Kites", "Lions", "Monarchs", "Nomads", "Owls", "Planets", "Rebels", "Sisters",
    "Brothers", "Thieves", "Vagabonds", "Whispers", "Outlaws", "Prophets", "Tides", "Signals", "Cadillacs", "Beacons",
    "Chapters", "Dancers", "Empires", "Feathers", "Gamblers", "Highways", "Dreamers",
)  # fmt: skip
_PLACES = (
    "Riverside", "Union", "Lakeview", "Grand", "Liberty", "Palace", "Capitol", "Orpheum", "Majestic", "Paramount",
    "Republic", "Harbor", "Summit", "Foundry", "Warehouse", "Garden", "Century", "Crown", "Beacon", "Granada", "Vogue",
    "Tower", "Mercury", "Pioneer", "Legion", "Frontier", "Meridian", "Cedar", "Prairie", "Sunset", "Bluebird",
    "Starlight", "Lyric", "Empire", "Regent", "Avalon", "Coliseum", "Heritage", "Monument", "Gateway",
)  # fmt: skip
_VENUE_WORDS = {
    "club": ("Club", "Room", "Lounge", "Tavern", "Basement"),
    "theater": ("Theater", "Theatre", "Playhouse"),
    "hall": ("Hall", "Music Hall", "Ballroom"),
    "arena": ("Arena", "Center", "Coliseum"),
    "amphitheater": ("Amphitheater", "Pavilion"),
    "stadium": ("Stadium", "Field", "Park"),
    "outdoor": ("Fairgrounds", "Festival Grounds", "Green"),
    "other": ("Gallery", "Church", "Brewery", "Community Center"),
}


class People:
    """Pools of first names, last names and streets, drawn once from a seeded Faker of its own."""

    def __init__(self, seed: int, size: int = 180) -> None:
        """Faker's shared state is neither read nor changed. ``size`` bounds each pool."""
        fake = Faker("en_US")
        fake.seed_instance(seed)
        # dict.fromkeys keeps the order of drawing, which a set would not
        self.first = tuple(dict.fromkeys(fake.first_name() for _ in range(size)))
        self.last = tuple(dict.fromkeys(fake.last_name() for _ in range(size)))
        self.streets = tuple(dict.fromkeys(fake.street_name() for _ in range(size // 2)))

    def name(self, number: int) -> str:
        """A full name; different numbers below ``len(first) * len(last)`` give different names."""
        number %= len(self.first) * len(self.last)
        return f"{self.first[number % len(self.first)]} {self.last[number // len(self.first)]}"


def act_names(people: People, is_band: list[bool], key: int) -> list[str]:
    """One name an act, all different: of a person for soloists, of a band for bands."""
    bands = Permutation(_band_patterns(), key)
    solos = Permutation(len(people.first) * len(people.last), key + 1)
    band_order = bands(np.arange(min(bands.size, len(is_band))))
    solo_order = solos(np.arange(min(solos.size, len(is_band))))
    names, counts = [], [0, 0]
    for band in is_band:
        number = counts[band]
        counts[band] += 1
        order: Ints = band_order if band else solo_order
        again, position = divmod(number, len(order))
        base = _band_name(int(order[position])) if band else people.name(int(order[position]))
        names.append(f"{base} {_roman(again + 1)}" if again else base)
    return names


def venue_names(kinds: list[str], cities: list[str], key: int) -> list[str]:
    """One name a venue, different within a city: ``Orpheum Theater``, ``The Foundry Room`` and so on."""
    taken: set[tuple[str, str]] = set()
    names = []
    starts = mix(np.arange(len(kinds), dtype=np.uint64), key).tolist()
    for number, (kind, city) in enumerate(zip(kinds, cities, strict=True)):
        words = _VENUE_WORDS[kind]
        choices = len(_PLACES) * len(words)
        for attempt in range(choices):
            # 7 has no factor in common with the number of choices, so that every one is tried
            place, word = divmod((starts[number] + 7 * attempt) % choices, len(words))
            name = f"{_PLACES[place]} {words[word]}"
            if (city, name) not in taken:
                break
        else:
            name = f"{name} {number}"
        taken.add((city, name))
        names.append(name)
    return names


def _band_patterns() -> int:
    return len(_ADJECTIVES) * len(_NOUNS) * 2 + len(_NOUNS) * len(_PLACES)


def _band_name(pattern: int) -> str:
    pairs = len(_ADJECTIVES) * len(_NOUNS)
    if pattern < 2 * pairs:
        article, pair = divmod(pattern, pairs)
        adjective, noun = divmod(pair, len(_NOUNS))
        return f"{'The ' if article else ''}{_ADJECTIVES[adjective]} {_NOUNS[noun]}"
    place, noun = divmod(pattern - 2 * pairs, len(_NOUNS))
    return f"{_PLACES[place]} {_NOUNS[noun]}"


def _roman(number: int) -> str:
    text = ""
    for value, numeral in ((1000, "M"), (100, "C"), (50, "L"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        text += numeral * (number // value)
        number %= value
    return text
