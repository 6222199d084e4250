"""Places and their time zones: the tables agree with the catalog and with one another."""

from concert_assets.catalog.timezones import TIMEZONES
from concert_assets.sources.places import (
    CITY_ZONES,
    COUNTRIES,
    COUNTRY_ZONES,
    PROVINCE_ZONES,
    STATE_ZONES,
    Place,
    at_end_of,
    north_american,
)


def test_time_zones_are_known() -> None:
    named = [*CITY_ZONES.values(), *COUNTRY_ZONES.values(), *filter(None, PROVINCE_ZONES.values())]
    assert set(named) <= set(TIMEZONES)
    assert COUNTRY_ZONES.keys() <= set(COUNTRIES.values())
    zones = STATE_ZONES | PROVINCE_ZONES
    assert all(zones[state] is None for state, _ in CITY_ZONES), (
        "a city is asked for only where its state does not tell"
    )
    assert north_american("Toronto", "ON") == Place("Toronto", "ON", "CA", "America/Toronto")
    assert north_american("Boston", "MA").timezone == "America/New_York"
    assert north_american("Nowhere", "TX") == Place("Nowhere", "TX", "US", None)
    assert north_american("Lima", None) == Place("Lima")
    assert at_end_of("1 Main St, New York, NY 10019-0001, USA") == Place(state="NY", country="US")
