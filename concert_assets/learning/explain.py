"""What each feature adds to one forecast, by sampled Shapley values: exact in their sum, unbiased in their parts.

Features are given the values of the forecast row one by one, in random order, over a row drawn from a background; what
the prediction changes by is the feature's (Strumbelj and Kononenko, Explaining prediction models and individual
predictions with feature contributions, 2014). Each order is also walked backwards, which takes out most of the noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from concert_assets.learning.metrics import FloatArray


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature adds, in the target's unit, and the standard error of that by sampling."""

    feature: str
    value: object
    adds: float
    error: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """``predicted`` = ``base``, the mean over the background rows drawn, + the sum of what the features add.

    The contributions are ordered by size, the largest first.
    """

    predicted: float
    base: float
    contributions: tuple[Contribution, ...]


def explain(
    predict: Callable[[pd.DataFrame], FloatArray],
    row: pd.DataFrame,
    background: pd.DataFrame,
    *,
    orders: int = 200,
    random_state: int = 0,
) -> Explanation:
    """Explain the prediction of the one ``row`` against the rows of ``background``, which have the same columns.

    ``orders`` are walked, half of them drawn and half their reverse; the same arguments give the same explanation.
    """
    rng = np.random.default_rng(random_state)
    features = list(row.columns)
    width, drawn = len(features), max(orders // 2, 1)
    ranks = np.argsort(rng.random((drawn, width)), axis=1)
    ranks = np.concatenate([ranks, width - 1 - ranks])  # the place of each feature in the order
    origin = np.concatenate([rng.integers(0, len(background), drawn)] * 2)
    # Step s of a walk has the row's value in the features of rank below s, the background's in the others.
    walks, steps = len(ranks), width + 1
    taken = (ranks[:, None, :] < np.arange(steps)[None, :, None]).reshape(walks * steps, width)
    table = background.iloc[np.repeat(origin, steps)].reset_index(drop=True)
    for position, name in enumerate(features):
        table[name] = table[name].mask(taken[:, position], row[name].iloc[0])
    along = np.asarray(predict(table), dtype=np.float64).reshape(walks, steps)
    added = np.take_along_axis(np.diff(along, axis=1), ranks, axis=1)  # walk x feature
    pairs = (added[:drawn] + added[drawn:]) / 2
    error = pairs.std(axis=0, ddof=1) / np.sqrt(drawn) if drawn > 1 else np.zeros(width)
    found = [
        Contribution(name, row[name].iloc[0], float(added[:, position].mean()), float(error[position]))
        for position, name in enumerate(features)
    ]
    found.sort(key=lambda item: (-abs(item.adds), item.feature))
    return Explanation(float(along[0, -1]), float(along[:, 0].mean()), tuple(found))
