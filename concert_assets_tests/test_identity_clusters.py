"""Who is put together: clusters that are sure, whatever the order and however many ids, and what aliases say of them."""

import random
from collections.abc import Callable
from datetime import date
from itertools import combinations, permutations
from time import process_time
from typing import Any

import pytest

from concert_assets.warehousing.identity.aliases import Alias
from concert_assets.warehousing.identity.clusters import Clusters
from concert_assets.warehousing.identity.evidence import Comparison
from concert_assets_tests.identity_rows import Row, are_one, clusters, matched

BORN = {"formation_date": date(1987, 7, 9)}
SAME, DIFFERENT = "same", "different"


def plain(*names: str) -> list[Row]:
    return [{"name": name} for name in names]


def test_a_cluster_does_not_grow_by_a_chain() -> None:
    told: list[Row] = [BORN | {"primary_genre": "rock"}, BORN, {"primary_genre": "opera"}]
    assert clusters("artists", [{"name": "Wolves"} | row for row in told]) == [[0, 1]]
    letters = [row | BORN for row in plain("Velvet Lanterns", "Velvet Lanterms", "Velvat Lanterms", "Velvat Lamterms")]
    found = clusters("artists", letters)
    assert all(are_one("artists", letters[left], letters[right]) for c in found for left, right in combinations(c, 2))
    assert not are_one("artists", letters[0], letters[3])


def test_the_surest_pair_is_merged_first() -> None:
    told: list[Row] = [{"primary_genre": "rock"}, BORN, BORN | {"primary_genre": "opera"}]
    assert clusters("artists", [{"name": "Wolves"} | row for row in told]) == [[1, 2]]


def test_a_soloist_who_is_his_own_member_is_no_further_evidence() -> None:
    solo: Row = {"name": "Jill Garcia", "primary_genre": "pop", "members": '["Jill Garcia"]'}
    assert not are_one("artists", solo | {"spotify_id": "a"}, solo | {"spotify_id": "b"})
    typo: Row = solo | {"name": "Jlil Garcia"}  # the list spells the name right
    assert are_one("artists", solo | {"spotify_id": "a"}, typo)
    assert not are_one("artists", solo, typo | {"members": '["Jlil Garcia"]'})


def test_the_first_delivered_is_canonical_and_the_clusters_do_not_depend_on_the_order() -> None:
    rows = [
        row | BORN | {"artist_id": str(number)}
        for number, row in enumerate(
            plain("The Wolves", "Wolves, The", "Wolvse", "Wolf", "WOLVES", "Ada", "Adaa", "Ada")
        )
    ]
    shuffle = random.Random(5)
    expected = {frozenset((0, 1, 4)), frozenset((5, 7))}
    for _ in range(20):
        shuffled = shuffle.sample(rows, len(rows))
        found = clusters("artists", shuffled)
        assert {frozenset(int(shuffled[at]["artist_id"]) for at in cluster) - {2} for cluster in found} == expected
        assert all(merge.canonical < merge.row for merge in matched("artists", shuffled).merges)


def test_a_score_and_its_evidence_are_told() -> None:
    (merge,) = matched("artists", [{"name": name, "primary_genre": "rock"} | BORN for name in ("Ada", "Adá")]).merges
    assert (merge.row, merge.canonical, merge.method) == (1, 0, "evidence")
    assert merge.evidence == "same name; same primary_genre; same formation_date"
    weaker = matched("artists", plain("Ada", "Adá")).merges[0]
    assert 50 <= weaker.score < merge.score <= 100


def test_a_source_that_gives_an_artist_many_ids_is_no_burden() -> None:
    assert clusters("artists", plain("Ada") * 3_000 + plain("Bea")) == [list(range(3_000))]
    assert clusters("artists", [{"name": "Ada", "spotify_id": str(number)} for number in range(3_000)]) == []


@pytest.mark.parametrize(
    ("table", "unsure", "rest"),
    [
        ("venues", {"name": "Royal Theatre", "city": "London"}, [{"country": "GB"}, {"country": "CA", "state": "ON"}]),
        ("venues", {"name": "Crystal Hall", "city": "Portland"}, [{"state": "ME"}, {"state": "OR"}]),
        ("artists", {"name": "Wolves"}, [{"primary_genre": "rock"}, {"primary_genre": "opera"}]),
    ],
)
def test_what_is_as_likely_one_as_the_other_of_two_is_neither(table: str, unsure: Row, rest: list[Row]) -> None:
    rows = [unsure, *(unsure | row for row in rest)]
    for order in permutations(rows):
        assert clusters(table, order) == []
    again = [unsure | {"name": f"The {unsure['name']}"}, *rows]
    assert all(clusters(table, order) == [] for order in permutations(again)), "nor do two such rows together"
    assert are_one(table, *rows[:2])


@pytest.mark.parametrize(
    "rest",
    [
        [("Wolves", "Bears", "different")],
        [("Wolves", "Bears", "same")],
        [(f"{number}", "Bears", "different") for number in range(201)],
        [("Wolves", f"w{number}", "different") for number in range(201)],
    ],
)
def test_aliases_take_no_artist_of_many_ids_apart(rest: list[tuple[str, str, Any]]) -> None:
    rows = plain(*["Wolves"] * 201, "Bears")
    is_one = rest[0][-1] == "same"
    expected = list(range(202 if is_one else 201))
    assert clusters("artists", rows, [Alias(*alias) for alias in rest]) == [expected]


def test_two_declared_different_leave_others_of_the_name_with_neither() -> None:
    rows = plain(*["Wolves"] * 203)
    assert clusters("artists", rows, [Alias("0", "1", "different")]) == [list(range(2, 203))]


def counted(count: int, bits: Callable[[int, int], int]) -> tuple[Clusters, list[tuple[int, int]]]:
    """Clusters of so many rows, and the pairs that they compare."""
    compared: list[tuple[int, int]] = []

    def compare(left: int, right: int) -> Comparison:
        compared.append((left, right))
        return Comparison(bits(left, right), ())

    return Clusters(count, compare, {}), compared


def test_two_clusters_that_do_not_merge_are_compared_once() -> None:
    size = 60

    def bits(left: int, right: int) -> int:
        return 9 if left // size == right // size else 8 * ({left % size, right % size} != {size - 1})

    found, compared = counted(2 * size, bits)
    found.merge(combinations(range(2 * size), 2))
    assert {winner for _, winner, _ in found.merged()} == {0, size}
    assert len(compared) < 5 * size * size


def test_many_ids_held_together_cost_no_more_than_each_once() -> None:
    count = 20_000
    found = Clusters(count, lambda left, right: None, {row: frozenset({(row, 0)}) for row in range(count)})
    started = process_time()
    assert all(found.force((0, row)) for row in range(1, count))
    assert process_time() - started < 2
    assert found.merged() == [(row, 0, None) for row in range(1, count)]


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        ([("Philharmonic Hall", "Avery Fisher Hall", SAME)], [[0, 1, 4]]),
        ([("philharmonic hall!", "v1", SAME)], [[0, 1, 4]]),
        ([("v0", "v1", SAME)], [[0, 1, 4]]),
        ([("v0", "v2", SAME)], [[0, 2, 4]]),  # ids hold across cities, names do not
        ([("Philharmonic Hall", "Liverpool Hall", SAME)], [[0, 4]]),
        ([("v0", "v1", SAME), ("v1", "v3", SAME)], [[0, 1, 3, 4]]),
        ([("v0", "v4", DIFFERENT)], []),
        ([("Philharmonic Hall", "Philharmonic Hall", DIFFERENT)], []),
        ([("v0", "v1", SAME), ("v1", "v4", DIFFERENT)], [[0, 1]]),
        ([("v0", "v1", SAME), ("v1", "v0", DIFFERENT)], [[0, 4]]),
        ([("v0", "nowhere", SAME)], [[0, 4]]),
    ],
)  # fmt: skip
def test_an_alias_forces_or_forbids_a_merge(aliases: list[tuple[str, str, Any]], expected: list[list[int]]) -> None:
    cities = ("New York", "New York", "Liverpool", "New York", "New York")
    names = ("Philharmonic Hall", "Avery Fisher Hall", "Liverpool Hall", "David Geffen Hall", "PHILHARMONIC HALL")
    rows = [
        {"venue_id": f"v{number}", "name": name, "city": city}
        for number, (name, city) in enumerate(zip(names, cities, strict=True))
    ]
    assert clusters("venues", rows, [Alias(*alias) for alias in aliases]) == expected


def test_an_alias_may_be_meant_for_one_city() -> None:
    rows = [{"name": name, "city": city} for city in ("Boston", "Buffalo") for name in ("Music Hall", "Old Hall")]
    assert clusters("venues", rows, [Alias("Music Hall", "Old Hall", "same")]) == [[0, 1], [2, 3]]
    assert clusters("venues", rows, [Alias("Music Hall", "Old Hall", "same", "BOSTON")]) == [[0, 1]]
    assert matched("venues", rows, [Alias("Music Hall", "Old Hall", "same", "Rome")]).idle == (0,)
    river = [row | {"city": "St. Louis"} for row in rows[:2]]
    assert clusters("venues", river, [Alias("Music Hall", "Old Hall", "same", "St. Louis")]) == [[0, 1]]
    assert clusters("venues", river, [Alias("Music Hall", "Old Hall", "same", "Saint Louis")]) == [[0, 1]]
    nowhere = [row | {"city": None} for row in rows[:2]]
    assert matched("venues", nowhere, [Alias("Music Hall", "Old Hall", "same")]).idle == (0,)
