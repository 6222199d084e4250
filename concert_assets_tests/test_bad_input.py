"""The corpus of bad input, dropped into one home at once: each file ends published right or refused with a reason."""

from collections import Counter

import pytest

from concert_assets.catalog.canonical import TABLES
from concert_assets_tests.bad_input import CASES, Case
from concert_assets_tests.support_core import ARTIST, CONCERT, VENUE
from concert_assets_tests.test_inbox import Dropped

BASE_ARTIST = ARTIST | {"artist_id": "base-a", "name": "The Foundation Stones"}
BASE_VENUE = VENUE | {"venue_id": "base-v", "name": "Cornerstone", "capacity": 1_000_000}
BASE_CONCERT = CONCERT | {"concert_id": "base-c", "artist_id": "base-a", "venue_id": "base-v", "ticket_prices": None}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Dropped:
    """A home into which all of the corpus was dropped, beside a delivery that is as it should be."""
    core = Dropped(tmp_path_factory.mktemp("corpus"))
    core.deliver("base", artists=[BASE_ARTIST], venues=[BASE_VENUE], concerts=[BASE_CONCERT])
    for case in CASES:
        path = core.folder / case.table / case.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.data)
    taken = core.take_in()
    assert len(taken.new) == len(CASES)
    core.settle()
    return core


def test_no_two_cases_have_a_name() -> None:
    assert [key for key, count in Counter(case.key for case in CASES).items() if count > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_what_becomes_of_it(home: Dropped, case: Case) -> None:
    rows = home.query(
        "select state, table_name, rows_in, rows_published, rows_rejected, rows_duplicate, rows_superseded, rows_pending, "
        f"rows_held, note from concert_dw.load_ledger where delivery = '{case.key.replace(chr(39), chr(39) * 2)}'"
    )
    assert rows, "the ledger tells of each file"
    state = home.delivery(case.key).state
    if case.refused is not None:
        assert state == "held"
        assert case.refused in rows[0][-1], rows[0][-1]
        assert len(rows[0][-1]) > 20, "the reason is told"
        return
    assert state == "live", rows[0][-1]
    (own,) = [row for row in rows if row[1] == case.table]
    told = dict(zip(("published", "rejected", "duplicate", "superseded", "pending", "held"), own[3:9], strict=True))
    assert own[2] == case.rows_in == sum(told.values())
    expected = {"published": len(case.published), "rejected": len(case.rejected), **case.others}
    assert +Counter(told) == +Counter(expected), home.outcomes(case.table)
    assert case.note in own[-1], own[-1]
    key = {"artists": "artist_id", "concerts": "concert_id", "ticket_sales": "sale_id"}[case.table]
    published = home.query(
        f"select t.{key} from concert_dw.{case.table} as t inner join concert_dw.load_ledger as l on l.object_id = t._object_id "
        f"and l.table_name = '{case.table}' where l.delivery = '{case.key.replace(chr(39), chr(39) * 2)}'"
    )
    assert sorted(row[0] for row in published) == sorted(case.published)
    rules = sorted(
        rule
        for (name, _), (outcome, rule) in home.outcomes(case.table).items()
        if name == case.key and outcome == "rejected"
    )
    assert rules == sorted(case.rejected)


def test_every_row_of_the_corpus_is_accounted_for(home: Dropped) -> None:
    ((rows_in, told),) = home.query(
        "select sum(rows_in), sum(rows_published + rows_rejected + rows_duplicate + rows_superseded + rows_pending + rows_held) "
        "from concert_dw.load_ledger"
    )
    assert rows_in == told
    stated = sum(case.rows_in for case in CASES) + 3
    ((prices,),) = home.query("select sum(rows_in) from concert_dw.load_ledger where table_name = 'ticket_prices'")
    assert rows_in == stated + (prices or 0)


def test_refused_rows_keep_rule_value_reason_and_text(home: Dropped) -> None:
    rows = home.query(
        "select rule, reason, row_json, table_name from concert_dw.row_outcomes where outcome = 'rejected'"
    )
    assert len(rows) > 20
    assert all(rule and reason for rule, reason, *_ in rows)
    # What a set rule refuses was accepted by curation, and is kept with the accepted rows.
    set_rules = {(table.name, rule.name) for table in TABLES for rule in table.rules("set")}
    assert {(table, rule) for rule, _, text, table in rows if not text} <= set_rules


def test_an_optional_value_that_cannot_be_read_is_null_and_counted(home: Dropped) -> None:
    assert (
        home.rows("artists where artist_id in ('score-1', 'score-2', 'date-3')", "popularity_score", "formation_date")
        == [(None, None)] * 3
    )
    rules = "concert_dw_staging.rule_counts as r inner join (select distinct sequence, delivery from concert_dw.load_ledger) as l"
    counted = home.query(
        f"select l.delivery, r.rule, r.row_count from {rules} on l.sequence = r.sequence where r.effect = 'emptied' "
        "and l.delivery in ('artists/score.jsonl', 'artists/dates.jsonl') order by 1"
    )
    assert counted == [
        ("artists/dates.jsonl", "formation_date_readable", 1),
        ("artists/score.jsonl", "popularity_score_readable", 2),
    ]
