"""Places as concert archives spell them: countries by ISO 3166-1 code, states of the United States by time zone."""

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
    "URUGUAY": "UY",
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
        return Place(before or None, after, "US", STATE_ZONES[after])
    return Place(before or None, None, COUNTRIES.get(after.upper(), after) or None)
