"""The truth about a simulated world by the ids that are published: what nobody but an oracle knows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from concert_assets.evaluation.popularity import Latents
from concert_assets.evaluation.published import Published
from concert_assets.simulation.exact import Floats

# The Parquet objects that a generator writes beside a delivery, and that this room reads.
OBJECTS = ("concert_truth", "artist_truth", "venue_truth", "near_duplicates")


class TruthMissing(ValueError):
    """The truth does not tell of something that is published, so it is that of another world."""


@dataclass(frozen=True)
class Truth:
    """The truth in the order of the published rows: log expected demand by concert, and what is hidden."""

    log_expected_demand: Floats
    latents: Latents


def read_truth(seen: Published, frames: dict[str, pd.DataFrame]) -> Truth:
    """The truth of what is published, from the frames of ``OBJECTS``; TruthMissing where it tells of another world.

    A near-duplicate that is published in its original's place is what the original is.
    """
    near = frames["near_duplicates"].set_index("id")["identity_id"]
    artists = _of(frames["artist_truth"].set_index("artist_id"), seen.artist_ids, near, "artist")
    venues = _of(frames["venue_truth"].set_index("venue_id"), seen.venue_ids, near, "venue")
    concerts = _of(frames["concert_truth"].set_index("concert_id"), seen.concert_ids, near, "concert")
    return Truth(
        log_expected_demand=_floats(concerts, "log_expected_demand"),
        latents=Latents(
            following=_floats(artists, "log_following"),
            momentum=_floats(artists, "momentum_per_year"),
            act_booking=_floats(artists, "log_booking_weight"),
            quality=_floats(venues, "quality"),
            room_booking=_floats(venues, "log_booking_weight"),
        ),
    )


def _of(truth: pd.DataFrame, ids: pd.Index, near: "pd.Series[str]", what: str) -> pd.DataFrame:
    originals = [near.get(item, item) for item in ids]
    unknown = pd.Index(originals).difference(truth.index)
    if len(unknown):
        raise TruthMissing(f"the truth does not tell of {what} {unknown[0]}; it is that of another world")
    return truth.loc[originals]


def _floats(frame: pd.DataFrame, column: str) -> Floats:
    return np.asarray(frame[column].to_numpy(dtype=np.float64))
