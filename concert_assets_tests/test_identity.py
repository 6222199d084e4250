"""Merges in the warehouse: facts follow the canonical id, every row keeps an outcome, and aliases come as deliveries."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from concert_assets.glue_jobs.engine import DuckDBEngine
from concert_assets.warehousing.audit_rules import Result
from concert_assets_tests.support_accounts import recount
from concert_assets_tests.support_core import ARTIST, CONCERT, SALE, VENUE, Core, another, broken, published_hashes

ENGINE = DuckDBEngine()
WOLVES = ARTIST | {"name": "The Wolves"}
TWIN = ARTIST | {"artist_id": "a2", "name": "Wolves, The"}
HALL = VENUE | {"name": "Philharmonic Hall", "city": "New York"}
NEW_HALL = VENUE | {"venue_id": "v2", "name": "Avery Fisher Hall", "city": "New York"}
ALIAS = {"entity": "venue", "reference": "Philharmonic Hall", "other_reference": "Avery Fisher Hall", "verdict": "same"}
BY_TWIN = CONCERT | {"concert_id": "c2", "artist_id": "a2"}
MAP = ("entity", "source_id", "canonical_id", "method")


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path, ENGINE)


def check(core: Core) -> None:
    """Every row is accounted for, and from nothing the same rows come out."""
    with core.warehouse.session() as session:
        recount(session, core.log)
    before = published_hashes(core)
    core.warehouse.discard()
    core.settle()
    assert published_hashes(core) == before


def rule(results: tuple[Result, ...], name: str, scope: str = "candidate") -> Result:
    (found,) = (result for result in results if (result.rule, result.scope) == (name, scope))
    return found


def test_facts_follow_the_canonical_id_and_the_other_row_is_a_duplicate(core: Core) -> None:
    entry = core.deliver(
        "d",
        artists=[WOLVES, another("a3"), TWIN],
        venues=[VENUE],
        concerts=[CONCERT, BY_TWIN],
        ticket_sales=[SALE, SALE | {"sale_id": "s2", "concert_id": "c2"}],
    )
    verdict, _ = core.process()
    assert core.rows("artists", "artist_id", "name") == [("a1", "The Wolves"), ("a3", "Artist a3")]
    assert core.rows("concerts", "concert_id", "artist_id") == [("c1", "a1"), ("c2", "a1")]
    assert core.keys("ticket_sales") == ["s1", "s2"]
    assert core.rows("identity_map", *MAP) == [("artist", "a2", "a1", "evidence")]
    assert core.outcomes("artists") == {("d", 3): ("duplicate", "same_artist")}
    ((value, reason, winner, number),) = core.query(
        "select value, reason, winner_object_id, winner_row_number from concert_dw.row_outcomes"
    )
    assert (value, winner, number) == ("Wolves, The", entry.objects[0].object_id, 1)
    assert reason == "the same artist as a1, score 88.89: same name"
    assert rule(verdict.results, "same_artist", "delivered").failing_rows == 1
    assert rule(verdict.results, "same_artist", "delivered").severity == "warning"
    check(core)


def test_the_canonical_id_is_the_one_delivered_first_whichever_row_is_newer(core: Core) -> None:
    core.deliver("old", artists=[TWIN | {"updated_at": "2020-01-01"}])
    core.deliver(
        "new", artists=[WOLVES | {"updated_at": "2024-01-01"}, TWIN | {"name": "WOLVES", "updated_at": "2023-01-01"}]
    )
    core.process()
    assert core.rows("artists", "artist_id", "name") == [("a2", "WOLVES")], "its newest row, though another brought it"
    assert core.outcomes("artists") == {
        ("old", 1): ("superseded", "newest_wins"),
        ("new", 1): ("duplicate", "same_artist"),
    }


def test_a_merge_that_comes_late_moves_the_facts_and_its_retraction_moves_them_back(core: Core) -> None:
    core.deliver("first", artists=[WOLVES])
    core.deliver("facts", venues=[VENUE], concerts=[CONCERT, BY_TWIN])
    core.process()
    assert core.outcomes("concerts") == {("facts", 2): ("pending", "artist_id_exists")}
    core.deliver("second", artists=[TWIN])
    core.process()
    assert core.rows("concerts", "concert_id", "artist_id") == [("c1", "a1"), ("c2", "a1")]
    core.log.judge(core.delivery("first"), "retraction", "")
    core.process()
    assert core.keys("artists") == ["a2"], "the next one becomes canonical"
    assert core.rows("identity_map", *MAP) == []
    assert core.outcomes("concerts") == {("facts", 1): ("pending", "artist_id_exists")}
    assert core.rows("concerts", "concert_id", "artist_id") == [("c2", "a2")]
    check(core)


def test_a_row_that_is_refused_or_held_takes_no_part(core: Core) -> None:
    core.deliver("bad", artists=[WOLVES | {"popularity_score": 101}])
    core.deliver("good", artists=[TWIN])
    core.process()
    assert core.keys("artists") == ["a2"]
    core.log.judge(core.delivery("good"), "hold", "because")
    core.deliver("more", artists=[WOLVES | {"artist_id": "a3"}])
    core.process()
    assert core.keys("artists") == ["a3"]
    assert core.rows("identity_map", *MAP) == []


def test_a_concert_is_judged_by_the_canonical_venue_and_told_in_the_zone_of_its_own(core: Core) -> None:
    venues = [HALL | {"capacity": 8, "timezone": None}, HALL | {"venue_id": "v2", "capacity": None}]
    concerts = [
        CONCERT | {"venue_id": "v2", "event_date": "2024-05-01T20:00:00"},
        CONCERT | {"concert_id": "c2", "venue_id": "v2", "tickets_sold": 9},
        CONCERT | {"concert_id": "c3", "event_date": "2024-05-01T20:00:00"},
    ]
    core.deliver("d", artists=[ARTIST], venues=venues, concerts=concerts)
    core.process()
    assert core.rows("venues", "venue_id", "timezone", "capacity") == [("v1", None, 8)], "no row of several"
    assert core.outcomes("concerts") == {("d", 2): ("rejected", "tickets_within_capacity")}
    assert core.rows("concerts", "concert_id", "venue_id", "event_date", "event_timezone") == [
        ("c1", "v1", datetime(2024, 5, 2), "America/New_York"),
        ("c3", "v1", datetime(2024, 5, 1, 20), None),
    ]


def test_a_merge_makes_no_row_unfit_that_the_venue_it_names_admits(core: Core) -> None:
    """Two sources count a house differently: each is held to its own figure, orders too."""
    named = CONCERT | {"venue_id": "v2", "tickets_sold": 18, "total_attendance": 15}
    core.deliver("small", artists=[ARTIST], venues=[HALL])
    core.deliver(
        "large",
        venues=[HALL | {"venue_id": "v2", "capacity": 20}],
        concerts=[named, named | {"concert_id": "c2", "tickets_sold": 21}, CONCERT | {"concert_id": "c3"}],
        ticket_sales=[SALE | {"quantity": 18, "total_price": "198.00"}],
    )
    core.process()
    assert core.rows("identity_map", "source_id", "canonical_id", "capacity") == [("v2", "v1", 20)]
    assert core.rows("concerts", "concert_id", "venue_id") == [("c1", "v1"), ("c3", "v1")]
    assert core.outcomes("concerts") == {("large", 2): ("rejected", "tickets_within_capacity")}
    assert core.keys("ticket_sales") == ["s1"]
    core.deliver("fewer", concerts=[named | {"tickets_sold": 8, "total_attendance": 7}])
    at_fault = core.deliver("smaller", venues=[HALL | {"venue_id": "v2", "capacity": 17}])
    core.deliver("last", concerts=[CONCERT | {"concert_id": "c4"}])
    verdict, _ = core.process(must_pass=False)
    assert broken(verdict) == {("ticket_sales", "sales_within_capacity")}
    assert list(verdict.holds) == [at_fault.sequence]


def test_an_alias_is_a_delivery_that_can_be_taken_back(core: Core) -> None:
    facts = [CONCERT, CONCERT | {"concert_id": "c2", "venue_id": "v2"}]
    core.deliver("d", artists=[ARTIST], venues=[HALL, NEW_HALL], concerts=facts)
    core.process()
    assert core.keys("venues") == ["v1", "v2"]
    core.deliver("aliases", identity_aliases=[ALIAS])
    verdict, _ = core.process()
    assert core.rows("concerts", "concert_id", "venue_id") == [("c1", "v1"), ("c2", "v1")]
    assert core.rows("identity_map", *MAP, "score") == [("venue", "v2", "v1", "alias", 100)]
    assert core.outcomes("venues") == {("d", 2): ("duplicate", "same_venue")}
    assert rule(verdict.results, "aliases_in_effect").is_passed
    check(core)
    core.log.judge(core.delivery("aliases"), "retraction", "")
    core.process()
    assert core.rows("concerts", "concert_id", "venue_id") == [("c1", "v1"), ("c2", "v2")]
    check(core)


def test_a_newer_word_on_a_pair_replaces_the_older(core: Core) -> None:
    words = [("same", "2024-01-01"), ("different", "2024-06-01"), ("same", "2023-01-01")]
    aliases = [
        {"entity": "Artist", "reference": "a1", "other_reference": "a2", "verdict": verdict, "updated_at": at}
        for verdict, at in words
    ]
    core.deliver("d", artists=[WOLVES, TWIN], identity_aliases=aliases)
    core.process()
    assert core.keys("artists") == ["a1", "a2"]
    assert core.rows("identity_aliases", "entity", "verdict") == [("artist", "different")]


def test_an_alias_without_effect_is_told_and_stops_nothing(core: Core) -> None:
    aliases: list[dict[str, Any]] = [
        ALIAS | {"other_reference": "Nowhere Hall"},
        {"entity": "artist", "reference": "a1", "other_reference": "a2", "verdict": "same"},
        {"entity": "artist", "reference": "a2", "other_reference": "a1", "verdict": "different"},
    ]
    core.deliver("d", artists=[ARTIST, another("a2")], venues=[HALL], identity_aliases=aliases)
    verdict, made = core.process()
    assert made is not None
    told = rule(verdict.results, "aliases_in_effect")
    assert (told.severity, told.failing_rows, told.total_rows) == ("warning", 2, 3)
    assert told.sample == ("artist 'a1' same 'a2'", "venue 'Philharmonic Hall' same 'Nowhere Hall'")


@pytest.mark.parametrize(
    ("change", "rule_name"),
    [
        ({"entity": "band"}, "entity_allowed"), ({"verdict": "maybe"}, "verdict_allowed"), ({"verdict": None}, "verdict_required"),
        ({"reference": ""}, "reference_required"), ({"other_reference": ALIAS["reference"]}, "aliases_differ"),
        ({"entity": "artist", "city": "Rome"}, "city_of_venues"),
    ],
)  # fmt: skip
def test_an_alias_that_says_nothing_is_refused(core: Core, change: dict[str, Any], rule_name: str) -> None:
    core.deliver("d", venues=[HALL, NEW_HALL], identity_aliases=[ALIAS | change])
    core.process()
    assert core.outcomes("identity_aliases") == {("d", 1): ("rejected", rule_name)}
    assert core.keys("venues") == ["v1", "v2"]


def test_many_merges_are_no_loss_and_block_nothing(core: Core) -> None:
    many = [another(f"a{number}") for number in range(50)]
    core.deliver("d", artists=many)
    core.process()
    core.deliver(
        "e", artists=[row | {"artist_id": f"b{row['artist_id']}", "name": str(row["name"]).upper()} for row in many]
    )
    verdict, made = core.process()
    assert broken(verdict) == set()
    assert made is not None
    assert core.query("select count(*) from concert_dw.identity_map") == [(50,)]
    core.log.judge(core.delivery("d"), "retraction", "")
    assert core.process()[1] is not None
    assert core.query("select count(*) from concert_dw.artists") == [(50,)]
    check(core)


def test_an_alias_that_makes_published_facts_unfit_is_held(core: Core) -> None:
    concerts = [CONCERT | {"concert_id": f"c{number}", "venue_id": "v2", "tickets_sold": 9} for number in range(30)]
    unstated = NEW_HALL | {"capacity": None}
    core.deliver("d", artists=[ARTIST], venues=[HALL | {"capacity": 8}, unstated], concerts=concerts)
    core.process()
    core.deliver("aliases", identity_aliases=[ALIAS])
    verdict, _ = core.process(must_pass=False)
    assert ("concerts", "published_rows_kept") in broken(verdict)
    core.settle()
    assert core.delivery("aliases").state == "held"
    assert core.query("select count(*) from concert_dw.concerts") == [(30,)]
    assert core.keys("venues") == ["v1", "v2"]
