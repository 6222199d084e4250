"""Spelling one name in another way, as a second source would: articles, accents, typos, abbreviations."""

_ACCENTS = str.maketrans({"a": "á", "e": "é", "i": "í", "o": "ö", "u": "ü", "n": "ñ"})
_SHORT = {
    "Theater": "Theatre",
    "Theatre": "Theater",
    "Center": "Ctr",
    "Arena": "Arena & Events Center",
    "Amphitheater": "Amphitheatre",
    "Stadium": "Stadium (Main)",
    "Club": "Nightclub",
    "Room": "Rm.",
    "Hall": "Concert Hall",
    "Community Center": "Community Ctr",
}


def near_name(name: str, number: int) -> str:
    """Another spelling of ``name``, never the same one; ``number`` chooses the way."""
    ways = (_moved_article, _ampersand, _accent, _typo, _shout, _typo)
    for attempt in range(len(ways)):
        changed = ways[(number + attempt) % len(ways)](name, number // 8)
        if changed != name:
            return changed
    return f"{name} (Live)"


def near_venue_name(name: str, number: int) -> str:
    """Another spelling of a venue's name, never the same one; ``number`` chooses the way."""
    last = name.split()[-1]
    if number % 3 == 0 and last in _SHORT:
        return name[: -len(last)] + _SHORT[last]
    if number % 3 == 1 and not name.startswith("The "):
        return f"The {name}"
    return near_name(name, number // 3)


def _moved_article(name: str, _: int) -> str:
    return f"{name[4:]}, The" if name.startswith("The ") else f"The {name}"


def _ampersand(name: str, _: int) -> str:
    return name.replace(" & ", " and ") if " & " in name else name.replace(" and ", " & ")


def _accent(name: str, number: int) -> str:
    places = [at for at, letter in enumerate(name) if ord(letter) in _ACCENTS]
    if not places:
        return name
    at = places[number % len(places)]
    return name[:at] + name[at].translate(_ACCENTS) + name[at + 1 :]


def _typo(name: str, number: int) -> str:
    """Two neighbouring letters swapped, or one left out, past the first letter."""
    places = [at for at in range(1, len(name) - 1) if name[at].isalpha() and name[at + 1].isalpha()]
    if not places:
        return name
    at = places[number % len(places)]
    if number % 2 and name[at] != name[at + 1]:
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return name[:at] + name[at + 1 :]


def _shout(name: str, _: int) -> str:
    return name.upper()
