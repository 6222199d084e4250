"""The zones that a venue may state: that a renamed one is the same by both names, and how Redshift is asked for it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from concert_assets.catalog.timezones import OLDER_NAMES, TIMEZONES
from concert_assets.resources.redshift.statements import with_attributes, with_older_zones

# Zones that IANA split off after AWS's list was made.
SPLIT_OFF = {
    "America/Ciudad_Juarez", "America/Coyhaique", "America/Fort_Nelson", "America/Punta_Arenas", "Antarctica/Troll",
    "Asia/Atyrau", "Asia/Barnaul", "Asia/Chita", "Asia/Famagusta", "Asia/Qostanay", "Asia/Srednekolymsk", "Asia/Tomsk",
    "Europe/Astrakhan", "Europe/Kirov", "Europe/Saratov", "Europe/Ulyanovsk", "Pacific/Bougainville",
}  # fmt: skip
WHENS = " ".join(f"when '{name}' then '{older}'" for name, older in OLDER_NAMES.items())


@pytest.mark.parametrize(("name", "older"), OLDER_NAMES.items())
def test_a_zone_has_the_same_clock_by_both_names(name: str, older: str) -> None:
    assert {name, older} <= available_timezones()
    zones = ZoneInfo(name), ZoneInfo(older)
    at = datetime(1990, 1, 1, tzinfo=UTC)
    while at.year < 2100:
        one, other = (at.astimezone(zone).utcoffset() for zone in zones)
        assert one == other, at
        at += timedelta(hours=6)


def test_a_zone_of_the_catalog_is_of_the_list_or_another_name_of_one_that_is() -> None:
    assert set(OLDER_NAMES) | set(OLDER_NAMES.values()) <= set(TIMEZONES)
    assert not set(OLDER_NAMES) & set(OLDER_NAMES.values())
    assert not SPLIT_OFF & set(TIMEZONES)
    assert len(TIMEZONES) == len(set(TIMEZONES)) == 502


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "select convert_timezone('UTC', v.zone, date_trunc('day', at)) as a, ',' as b",
            f"select convert_timezone('UTC', case v.zone {WHENS} else v.zone end, date_trunc('day', at)) as a, ',' as b",
        ),
        (
            "select CONVERT_TIMEZONE(coalesce(a, b), 'UTC', convert_timezone(:zone, at))",
            f"select CONVERT_TIMEZONE(case coalesce(a, b) {WHENS} else coalesce(a, b) end, 'UTC', "
            f"convert_timezone(case :zone {WHENS} else :zone end, at))",
        ),
        ("select 'convert_timezone(a, b, c)' as a", "select 'convert_timezone(a, b, c)' as a"),
    ],
)
def test_redshift_is_asked_for_a_zone_by_the_older_name(sql: str, expected: str) -> None:
    assert with_older_zones(sql) == expected


def test_a_table_that_is_made_of_such_a_query_keeps_its_attributes() -> None:
    sql = "create table concert_dw.new__concerts as select convert_timezone(z, 'UTC', t) as event_date from x"
    assert with_attributes(with_older_zones(sql)) == (
        "create table concert_dw.new__concerts distkey (concert_id) sortkey (event_date) as select "
        f"convert_timezone(case z {WHENS} else z end, 'UTC', t) as event_date from x"
    )
