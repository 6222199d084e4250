"""Who is one and who is not: names and evidence by hand, names of the real world, and the simulator's answer key."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from concert_assets.simulation.settings import SimulationSettings
from concert_assets_tests.identity_rows import are_one, clusters, score, simulated

Row = dict[str, Any]
BORN = {"formation_date": date(1987, 7, 9)}
HALL: Row = {
    "city": "Boston", "state": "MA", "country": "US", "timezone": "America/New_York", "venue_type": "hall",
    "address": "301 Massachusetts Ave", "postal_code": "02115", "latitude": 42.3426, "longitude": -71.0857, "capacity": 2625,
}  # fmt: skip


def plain(*names: str) -> list[Row]:
    return [{"name": name} for name in names]


@pytest.mark.parametrize(
    "names",
    [
        ("The Wolves", "Wolves, The"), ("The Wolves", "THE WOLVES"), ("The Wolves", "Wolves"), ("The Wolves", "The  Wolves!"),
        ("Sigur Rós", "Sigur Ros"), ("Sigur Rós", "Sigur Ro\u0301s"), ("Mø", "MO"), ("Motörhead", "Motorhead"), ("Straße", "STRASSE"),
        ("Simon & Garfunkel", "Simon and Garfunkel"), ("Florence + the Machine", "Florence and The Machine"),
        ("Earth, Wind & Fire", "Earth Wind and Fire"), ("AC/DC", "ACDC"), ("AC/DC", "AC-DC"), ("R.E.M.", "REM"), ("Guns N' Roses", "Guns N’ Roses"),
        ("Johann Sebastian Bach", "Bach, Johann Sebastian"), ("J.S. Bach", "JS Bach"), ("J.S. Bach", "J. S. Bach"), ("!!!", "!!!"),
        ("Кино", "КИНО"), ("東京事変", "東京事変"), ("Radiohead", "Radiohead"), ("The The", "the the"),
    ],
)  # fmt: skip
def test_a_name_in_another_spelling_is_the_same(names: tuple[str, str]) -> None:
    assert are_one("artists", *plain(*names))


@pytest.mark.parametrize(
    "names",
    [
        ("Radiohead", "Radiohaed"), ("Metallica", "Metalica"), ("Bruce Springsteen", "Bruce Springsten"),
        ("Neutral Milk Hotel", "Nuetral Milk Hotel"),
    ],
)  # fmt: skip
def test_a_slip_in_a_long_word_takes_the_same_genre_and_more(names: tuple[str, str]) -> None:
    left, right = ({**row, "primary_genre": "rock"} for row in plain(*names))
    year = {"formation_date": date(1987, 1, 1)}
    assert are_one("artists", left | year, right | BORN | {"primary_genre": "Rock"})
    assert not are_one("artists", left, right), "Nirvana and Nirvanna"
    assert not are_one("artists", left | year, right | year | {"primary_genre": "opera"})
    assert not are_one("artists", *(row | {"primary_genre": None} for row in (left, right)))


@pytest.mark.parametrize(
    "names",
    [
        ("Wolf Parade", "Wolf Parades"), ("Iron Bandits", "Irn Bandits"), ("The Silver Thieves", "The iSlver Thieves"),
        ("Velvet Lanterns", "Velvt Lantenrs"), ("Union Brothers", "Onion Brothers"), ("Teh Winter Comets", "The Winter Comets"),
    ],
)  # fmt: skip
def test_another_misspelling_takes_stronger_evidence(names: tuple[str, str]) -> None:
    rock: Row = {"primary_genre": "rock"}
    left, right = ({**row, **rock} for row in plain(*names))
    assert not are_one("artists", left, right)
    assert are_one("artists", left | BORN, right | BORN)
    assert are_one("artists", left | {"spotify_id": "x"}, right | {"spotify_id": "x"})
    members = {"members": '["Ada Byron", "Mary Shelley"]'}
    assert are_one("artists", left | members, right | members)
    assert not are_one("artists", left | BORN, right | {"formation_date": date(1999, 7, 9)})
    assert not are_one("artists", left | BORN, right | BORN | {"primary_genre": "jazz"})


@pytest.mark.parametrize(
    "names",
    [
        ("J.S. Bach", "J.C. Bach"), ("JS Bach", "JC Bach"), ("Johann Sebastian Bach", "Johann Christian Bach"), ("Blink 182", "Blink 183"),
        ("John Smith II", "John Smith III"), ("Strauss, Johann, I", "Strauss, Johann, II"), ("David Grossman", "David J. Grossman"),
        ("James Taylor", "Taylor James"), ("Paul Gilson", "Paul Wilson"), ("Cats", "Rats"), ("The Who", "The Whos"),
        ("Prince", "Princess"), ("Yes", "Yeasayer"), ("ガ", "カ"), ("東京", "京都"), ("🎻", "🎺"),
    ],
)  # fmt: skip
def test_two_names_are_two_artists(names: tuple[str, str]) -> None:
    left, right = ({**row, "primary_genre": "classical"} for row in plain(*names))
    assert not are_one("artists", left, right)
    assert not are_one(
        "artists", left | {"formation_date": date(1685, 1, 1)}, right | {"formation_date": date(1685, 1, 1)}
    )


@pytest.mark.parametrize(
    "names",
    [
        ("Vienna Boys Choir 1", "Vienna Boys Choir 2"), ("Orchestra A", "Orchestra B"), ("Orchestra", "Orchestra B"), ("Choir", "Choir 2"),
        ("Choir One", "Choir Two"), ("Dave Holland Sextet", "Dave Holland Septet"), ("Kansas Quartet", "Kansas Quintet"),
        ("Wolves I", "Wolves V"), ("Blink 182", "Blink 183"), ("J.S. Bach", "J.C. Bach"),
    ],
)  # fmt: skip
def test_another_number_is_another_artist_whatever_else_is_the_same(names: tuple[str, str]) -> None:
    assert not are_one(
        "artists", *(row | BORN | {"primary_genre": "jazz", "members": '["A B", "C D"]'} for row in plain(*names))
    )


@pytest.mark.parametrize(
    "names",
    [
        ("Iron Bandits III", "Iron Bandits II"), ("Iron Bandits II", "Iron Bandits I"), ("Iron Bandits XXIV", "Iron Bandits XXVI"), ("Iron Bandits III", "Iron Bandits IIII"),
        ("Dave Holland Sextet", "Dave Holland Sextte"), ("David Grossman", "David J. Grossman"),
    ],
)  # fmt: skip
def test_a_numeral_may_be_a_misspelling_where_genre_and_day_of_formation_are_the_same(names: tuple[str, str]) -> None:
    left, right = ({**row, "primary_genre": "jazz"} for row in plain(*names))
    assert are_one("artists", left | BORN, right | BORN)
    assert not are_one("artists", left, right)


def test_a_short_name_weighs_less_in_another_spelling() -> None:
    left, right, plain_one = ({**row, "primary_genre": "pop"} for row in plain("MØ", "M.O", "MO"))
    assert not are_one("artists", left, right)
    assert are_one("artists", left | BORN, right | BORN)
    assert are_one("artists", left, plain_one)
    assert not are_one("artists", left | BORN, plain_one | {"formation_date": date(1999, 7, 9)})


@pytest.mark.parametrize("names", [("A-ha", "Ha"), ("A. Smith", "Smith"), ("An-Nur", "Nur"), ("The-Dream", "Dream")])
def test_an_article_stands_before_a_space(names: tuple[str, str]) -> None:
    assert not are_one("artists", *plain(*names))


@pytest.mark.parametrize(
    "change",
    [
        {"primary_genre": "jazz"}, {"formation_date": date(1965, 3, 1)}, {"spotify_id": "b"}, {"members": '["Patrick", "Alex"]'},
    ],
)  # fmt: skip
def test_evidence_keeps_artists_of_one_name_apart(change: Row) -> None:
    nirvana: Row = {
        "name": "Nirvana", "primary_genre": "rock", "formation_date": date(1987, 1, 1), "spotify_id": "a", "members": '["Kurt", "Krist"]'
    }  # fmt: skip
    known = {"name", "primary_genre", *change}
    one = {key: value for key, value in nirvana.items() if key in known}
    assert are_one("artists", one, dict(one))
    assert not are_one("artists", one, one | change)


def test_the_day_of_formation_outweighs_another_profile_and_nothing_less_does() -> None:
    rows = [{"name": name, "primary_genre": "rock", "spotify_id": name} for name in ("Iron Bandits", "IRON BANDITS")]
    assert not are_one("artists", *rows)
    assert are_one("artists", *(row | BORN for row in rows))
    assert not are_one("artists", *(row | {"formation_date": date(1987, 1, 1)} for row in rows))  # a year, written so


@pytest.mark.parametrize("name", ["Unknown", "Various Artists", "TBA", "(venue not recorded)", "n/a"])
def test_a_name_for_nobody_names_nobody(name: str) -> None:
    assert clusters("artists", plain(name, name)) == []
    assert clusters("venues", [HALL | {"name": name}] * 2) == []


@pytest.mark.parametrize(
    "names",
    [
        ("Symphony Theatre", "Symphony Theater"), ("Grand Center", "Grand Ctr."), ("Union Room", "The Union Rm."), ("Union Club", "Union Nightclub"),
        ("Barclays Arena", "Barclays Arena & Events Center"), ("Legion Stadium", "Legion Stadium (Main)"), ("Lyric Hall", "Lyric Concert Hall"),
        ("Mt. Vernon Church", "Mount Vernon Church"), ("Grañada Club", "Granada Club"), ("Gand Basement", "Grand Basement"),
        ("Orpheum Amphitheatre", "Orpheum Amphitheater"), ("Symphony Hall", "Sypmhony Hall"), ("Orchard Hall", "Orcard Hal"),
    ],
)  # fmt: skip
def test_a_venue_in_another_spelling_is_the_same_in_its_city(names: tuple[str, str]) -> None:
    left, right = (HALL | row for row in plain(*names))
    assert are_one("venues", left, right)
    for elsewhere in (
        {"city": "Worcester"},
        {"city": None},
        {"state": "NY"},
        {"country": "GB"},
        {"timezone": "America/Chicago"},
    ):
        assert not are_one("venues", left, right | elsewhere)
    assert not are_one("venues", left, right | {"latitude": 42.36})
    assert not are_one("venues", left | {"city": None}, right | {"city": None})


@pytest.mark.parametrize(
    "names",
    [
        ("Hall 1", "Hall 2"), ("Hall One", "Hall Two"), ("Studio A", "Studio B"), ("Hall", "Hall 2"), ("Room I", "Room II"), ("North Hall", "South Hall"), ("The Big Room", "The Bar Room"),
        ("East Room", "West Room"), ("Upper Hall", "Lower Hall"), ("Philharmonic Hall", "Avery Fisher Hall"), ("Carnegie Hall", "Carnegie Music Hall"),
        ("Madison Square Garden", "The Theater at Madison Square Garden"), ("Concert Hall", "Hall"), ("Apollo Rooms", "Apollo Saloon"),
        ("Metropolitan Opera House (39th street)", "Metropolitan Opera House (at Lincoln Center)"),
    ],
)  # fmt: skip
def test_halls_of_one_house_are_two_venues(names: tuple[str, str]) -> None:
    """The worst case: all else is the same, address, coordinates and capacity."""
    assert not are_one("venues", *(HALL | row for row in plain(*names)))


def test_evidence_decides_on_venues_of_one_name() -> None:
    name: Row = {"name": "Lyric Hall", "city": "Boston"}
    assert are_one("venues", name, name | {"name": "The Lyric Hall", "capacity": 700})
    assert are_one("venues", name | {"address": "1 Main St."}, name | {"address": "1 main street"})
    assert not are_one("venues", name | {"address": "1 Main St."}, name | {"address": "9 Elm St."})
    assert not are_one("venues", name | {"capacity": 500}, name | {"capacity": 5000})
    assert not are_one("venues", name, name | {"name": "Lyrics Hall"})
    assert are_one(
        "venues", {"name": "Odeon", "city": "St. Louis"}, {"name": "Odeon", "city": "Saint Louis", "country": "USA"}
    )


@pytest.mark.parametrize("size", [1_000, 10_000])
def test_the_simulators_near_duplicates_are_found_and_no_others(size: int, tmp_path: Path) -> None:
    settings = SimulationSettings(artists=size, venues=size, concerts=max(size, 10_000), sales=0, raw_format="parquet")
    for table, (rows, pairs) in simulated(settings, tmp_path).items():
        precision, recall = score(table, rows, pairs)
        assert len(pairs) >= 0.009 * size
        assert precision >= 0.99
        assert recall >= 0.99
