"""Which rows are compared at all: those that share a key of their names or of other evidence."""

from array import array
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from math import cos, floor, radians

import numpy as np

from concert_assets.warehousing.identity.evidence import Artist, Venue
from concert_assets.warehousing.identity.names import LONG_WORD, shortened

# A key that more rows share identifies nobody. It bounds the work: a row is compared with so many others a key.
MOST_ROWS = 200
_CELL_METRES = 200.0  # twice the distance within which two points share a cell
_METRES_A_DEGREE = 111_195.0


def artist_keys(artist: Artist) -> Iterator[Hashable]:
    """The keys of an artist: where two rows match, they share one."""
    for key in artist.name.keys:
        yield key
    if artist.spotify_id:
        yield 1, artist.spotify_id
    if artist.formed is not None:
        yield 2, artist.formed, artist.genre
    if artist.members:
        yield 3, artist.members
    if artist.genre:  # a slip needs it, or evidence that has a key of its own
        for key in shortened(artist.name, LONG_WORD):
            yield 4, artist.genre, key


def venue_keys(venue: Venue) -> Iterator[Hashable]:
    """The keys of a venue, all within its city."""
    city = venue.city
    if not city:
        return
    for key in venue.name.keys:
        yield 0, city, key
    if venue.name.bare:
        yield 1, city, venue.name.bare
    if venue.address:
        yield 2, city, venue.address
    if venue.latitude is not None and venue.longitude is not None:
        north = venue.latitude * _METRES_A_DEGREE / _CELL_METRES
        # By whole degrees, so that two near points use one scale but for those on both sides of a degree.
        east = venue.longitude * cos(radians(floor(venue.latitude))) * _METRES_A_DEGREE / _CELL_METRES
        for cell in {(floor(north + y), floor(east + x)) for y in (0, 0.5) for x in (0, 0.5)}:
            yield 3, city, cell
    for key in shortened(venue.name, 4):
        yield 4, city, key


def pairs(keys: Iterable[Iterable[Hashable]]) -> Iterator[tuple[int, int]]:
    """Pairs of positions whose items share a key; a pair comes once for each key it shares.

    Keys are held as hashes of 8 bytes: of two different keys that fall together, the rows are compared for nothing.
    """
    hashes, rows = array("q"), array("q")
    for row, of_row in enumerate(keys):
        own = {hash(key) for key in of_row}
        hashes.extend(own)
        rows.extend([row] * len(own))
    if not rows:
        return
    values = np.frombuffer(hashes, dtype=np.int64)
    order = np.lexsort((np.frombuffer(rows, dtype=np.int64), values))
    values, places = values[order], np.frombuffer(rows, dtype=np.int64)[order]
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    sizes = np.diff(np.append(starts, len(values)))
    wanted = (sizes > 1) & (sizes <= MOST_ROWS)
    for start, size in zip(starts[wanted].tolist(), sizes[wanted].tolist(), strict=True):
        block: Sequence[int] = places[start : start + size].tolist()
        yield from combinations(block, 2)
