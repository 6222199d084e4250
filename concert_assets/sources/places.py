"""Places as concert archives spell them: countries by ISO 3166-1 code, states, provinces and cities by time zone."""

import re
from dataclasses import dataclass

# State or district to its time zone, for those that lie in one; None where clocks differ within it.
# Arizona's do, by the Navajo Nation's daylight saving time.
STATE_ZONES: dict[str, str | None] = (
    dict.fromkeys(
        ["CT", "DC", "DE", "GA", "MA", "MD", "ME", "NC", "NH", "NJ", "NY", "OH", "PA", "RI", "SC", "VA", "VT", "WV"],
        "America/New_York",
    )
    | dict.fromkeys(["AL", "AR", "IA", "IL", "LA", "MN", "MO", "MS", "OK", "WI"], "America/Chicago")
    | dict.fromkeys(["CO", "MT", "NM", "UT", "WY"], "America/Denver")
    | dict.fromkeys(["CA", "WA"], "America/Los_Angeles")
    | {"HI": "Pacific/Honolulu"}
    | dict.fromkeys(["AK", "AZ", "FL", "ID", "IN", "KS", "KY", "MI", "ND", "NE", "NV", "OR", "SD", "TN", "TX"], None)
)

# Province or territory of Canada to its time zone, None where clocks differ within it.
PROVINCE_ZONES: dict[str, str | None] = {
    "AB": "America/Edmonton",
    "MB": "America/Winnipeg",
    "NB": "America/Moncton",
    "NS": "America/Halifax",
    "PE": "America/Halifax",
    "YT": "America/Whitehorse",
} | dict.fromkeys(["BC", "NL", "NT", "NU", "ON", "QC", "SK"], None)

# Cities of concert halls and stadiums in states and provinces that lie in more than one time zone.
_CITY_ZONES = {
    "America/Boise": {"ID": "Boise"},
    "America/Chicago": {
        "KS": "Kansas City, Topeka, Wichita",
        "ND": "Fargo",
        "NE": "Lincoln, Omaha",
        "SD": "Sioux Falls",
        "TN": "Memphis, Nashville",
        "TX": "Arlington, Austin, Dallas, Fort Worth, Frisco, Galveston, Grand Prairie, Houston, Irving, San Antonio, "
        "The Woodlands",
    },
    "America/Denver": {"TX": "El Paso"},
    "America/Detroit": {"MI": "Auburn Hills, Clarkston, Detroit, East Lansing, Flint, Grand Rapids, Lansing"},
    "America/Indiana/Indianapolis": {"IN": "Bloomington, Fort Wayne, Indianapolis, Noblesville"},
    "America/Kentucky/Louisville": {"KY": "Louisville"},
    "America/Los_Angeles": {"NV": "Henderson, Las Vegas, Paradise, Reno", "OR": "Eugene, Portland, Salem"},
    "America/New_York": {
        "FL": "Fort Lauderdale, Fort Myers, Gainesville, Hollywood, Jacksonville, Miami, Miami Beach, Miami Gardens, "
        "Orlando, St. Petersburg, Sunrise, Tallahassee, Tampa, West Palm Beach",
        "KY": "Lexington",
        "TN": "Chattanooga, Knoxville",
    },
    "America/Phoenix": {"AZ": "Chandler, Glendale, Mesa, Phoenix, Scottsdale, Tempe, Tucson"},
    "America/Anchorage": {"AK": "Anchorage, Fairbanks, Juneau"},
    "America/Regina": {"SK": "Regina, Saskatoon"},
    "America/St_Johns": {"NL": "St. John's"},
    "America/Toronto": {
        "ON": "Hamilton, Kingston, Kitchener, London, Mississauga, Ottawa, Toronto, Windsor",
        "QC": "Gatineau, Laval, Montreal, Montréal, Quebec, Québec, Quebec City",
    },
    "America/Vancouver": {"BC": "Burnaby, Kelowna, Vancouver, Victoria"},
}
CITY_ZONES = {
    (state, city.casefold()): zone
    for zone, states in _CITY_ZONES.items()
    for state, cities in states.items()
    for city in cities.split(", ")
}

# Countries all of whose mainland keeps one time.
COUNTRY_ZONES = {
    "AE": "Asia/Dubai",
    "AR": "America/Argentina/Buenos_Aires",
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "BG": "Europe/Sofia",
    "CH": "Europe/Zurich",
    "CO": "America/Bogota",
    "CR": "America/Costa_Rica",
    "CU": "America/Havana",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "DO": "America/Santo_Domingo",
    "EE": "Europe/Tallinn",
    "EG": "Africa/Cairo",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "GR": "Europe/Athens",
    "HK": "Asia/Hong_Kong",
    "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest",
    "IE": "Europe/Dublin",
    "IL": "Asia/Jerusalem",
    "IN": "Asia/Kolkata",
    "IS": "Atlantic/Reykjavik",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "KR": "Asia/Seoul",
    "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga",
    "MC": "Europe/Monaco",
    "MY": "Asia/Kuala_Lumpur",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PA": "America/Panama",
    "PE": "America/Lima",
    "PH": "Asia/Manila",
    "PL": "Europe/Warsaw",
    "PR": "America/Puerto_Rico",
    "RO": "Europe/Bucharest",
    "RS": "Europe/Belgrade",
    "SE": "Europe/Stockholm",
    "SG": "Asia/Singapore",
    "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
    "TH": "Asia/Bangkok",
    "TR": "Europe/Istanbul",
    "TW": "Asia/Taipei",
    "UY": "America/Montevideo",
    "VE": "America/Caracas",
    "VN": "Asia/Ho_Chi_Minh",
    "ZA": "Africa/Johannesburg",
}

COUNTRIES = {
    "ARGENTINA": "AR",
    "AUSTRALIA": "AU",
    "AUSTRIA": "AT",
    "BELGIUM": "BE",
    "BRAZIL": "BR",
    "BULGARIA": "BG",
    "CANADA": "CA",
    "CHILE": "CL",
    "CHINA": "CN",
    "COLOMBIA": "CO",
    "COSTA RICA": "CR",
    "CROATIA": "HR",
    "CUBA": "CU",
    "CYPRUS": "CY",
    "CZECH REPUBLIC": "CZ",
    "DEMOCRATIC PEOPLE'S REPUBLIC OF KOREA": "KP",
    "DENMARK": "DK",
    "DOMINICAN REPUBLIC": "DO",
    "ECUADOR": "EC",
    "EGYPT": "EG",
    "ENGLAND": "GB",
    "ESTONIA": "EE",
    "FINLAND": "FI",
    "FRANCE": "FR",
    "GERMANY": "DE",
    "GREECE": "GR",
    "HONG KONG": "HK",
    "HUNGARY": "HU",
    "ICELAND": "IS",
    "INDIA": "IN",
    "INDONESIA": "ID",
    "IRELAND": "IE",
    "ISRAEL": "IL",
    "ITALY": "IT",
    "JAPAN": "JP",
    "KOREA": "KR",
    "LATVIA": "LV",
    "LITHUANIA": "LT",
    "LUXEMBOURG": "LU",
    "MALAYSIA": "MY",
    "MEXICO": "MX",
    "MONACO": "MC",
    "NETHERLANDS": "NL",
    "NEW ZEALAND": "NZ",
    "NORTHERN IRELAND": "GB",
    "NORWAY": "NO",
    "PANAMA": "PA",
    "PERU": "PE",
    "PHILIPPINES": "PH",
    "POLAND": "PL",
    "PORTUGAL": "PT",
    "PUERTO RICO": "PR",
    "ROMANIA": "RO",
    "RUSSIA": "RU",
    "SCOTLAND": "GB",
    "SERBIA": "RS",
    "SINGAPORE": "SG",
    "SLOVAKIA": "SK",
    "SLOVENIA": "SI",
    "SOUTH AFRICA": "ZA",
    "SOUTH KOREA": "KR",
    "SPAIN": "ES",
    "SWEDEN": "SE",
    "SWITZERLAND": "CH",
    "TAIWAN": "TW",
    "THAILAND": "TH",
    "TURKEY": "TR",
    "UKRAINE": "UA",
    "UNITED ARAB EMIRATES": "AE",
    "UNITED KINGDOM": "GB",
    "UNITED STATES": "US",
    "UNITED STATES OF AMERICA": "US",
    "URUGUAY": "UY",
    "USA": "US",
    "VENEZUELA": "VE",
    "VIETNAM": "VN",
    "W. GERMANY": "DE",
    "WALES": "GB",
    "WEST GERMANY": "DE",
}


@dataclass(frozen=True, slots=True)
class Place:
    """City, state (postal abbreviation), country (ISO code, else as spelled) and time zone, each None where unknown."""

    city: str | None = None
    state: str | None = None
    country: str | None = None
    timezone: str | None = None


def place(location: str) -> Place:
    """The place of a location such as ``Manhattan, NY``, ``Seoul, SOUTH KOREA`` or ``Singapore``.

    What follows the last comma is a state of the United States or a country; an unknown country stays as spelled.
    """
    before, comma, after = (part.strip() for part in location.rpartition(","))
    if not comma:
        return Place(city=after or None, country=COUNTRIES.get(after.upper()))
    if after in STATE_ZONES:
        return Place(before or None, after, "US", time_zone("US", after, before))
    return Place(before or None, None, COUNTRIES.get(after.upper(), after) or None)


def time_zone(country: str | None, state: str | None = None, city: str | None = None) -> str | None:
    """The IANA zone of a place by its codes, or None where they do not tell it for sure."""
    if country not in ("US", "CA"):
        return COUNTRY_ZONES.get(country or "")
    zones = STATE_ZONES if country == "US" else PROVINCE_ZONES
    return zones.get(state or "") or CITY_ZONES.get((state or "", (city or "").casefold()))


def north_american(city: str | None, state: str | None) -> Place:
    """The place of a city in a state of the United States or a province of Canada, given by postal abbreviation."""
    country = "US" if state in STATE_ZONES else "CA" if state in PROVINCE_ZONES else None
    return Place(city, state, country, time_zone(country, state, city))


_US_ADDRESS = re.compile(r",\s*([A-Z]{2})\s+\d{5}(-\d{4})?$")


def at_end_of(address: str) -> Place:
    """State and country where a street address ends in them: ``…, Latvia``, ``…, NY 10019`` or ``…, NY 10019, USA``."""
    before, comma, last = (part.strip() for part in address.rpartition(","))
    country = COUNTRIES.get(last.upper()) if comma else None
    matched = _US_ADDRESS.search(before if country == "US" else address.strip())
    if matched and matched[1] in STATE_ZONES:
        return Place(state=matched[1], country="US")
    return Place(country=country)
