"""Rules that anyone could apply without a model: what a ticket sales model must beat to be of use.

Each takes typed rows of ``feature/ticket_sales`` and the places of the training rows, and yields tickets for every row.
"""

import numpy as np
import pandas as pd

from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.problem import Rows

_ANNOUNCEMENT = "announcement"


def type_share(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """Mean sell-through of the venue type among the training rows; of all of them for a type that is not there."""
    past = frame.iloc[train]
    past = past[past["horizon"] == _ANNOUNCEMENT]
    share = past["tickets_sold"] / past["capacity"]
    by_type = share.groupby(past["venue_type"]).mean()
    return frame["venue_type"].map(by_type).fillna(share.mean()).to_numpy(dtype=np.float64)


def artist_mean(frame: pd.DataFrame, train: Rows, column: str) -> FloatArray:
    """Mean tickets of the artist's shows, no more than the room holds; else the venue type's sell-through."""
    capacity = frame["capacity"].to_numpy()
    past = frame[column].to_numpy()
    tickets: FloatArray = np.where(np.isnan(past), type_share(frame, train) * capacity, np.minimum(past, capacity))
    return tickets


def artist_share(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """Mean sell-through of the artist's past shows, as tickets; else the venue type's."""
    past = frame["artist_past_sell_through"].to_numpy()
    share: FloatArray = np.where(np.isnan(past), type_share(frame, train), past)
    tickets: FloatArray = share * frame["capacity"].to_numpy()
    return tickets


def paced(frame: pd.DataFrame, train: Rows) -> FloatArray:
    """What the orders to date come to at the usual pace of the venue type; before any pace, the artist's mean."""
    paced = np.minimum(frame["paced_tickets"].to_numpy(), frame["capacity"].to_numpy())
    return np.where(np.isnan(paced), artist_mean(frame, train, "artist_past_tickets"), paced)
