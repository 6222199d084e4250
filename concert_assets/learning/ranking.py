"""How well predicted scores order venues: rank correlation, and the worth of the first ten of each snapshot."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import ndcg_score

from concert_assets.learning.metrics import FloatArray

_FIRST = 10


def ranking_quality(
    actual: FloatArray, predicted: FloatArray, snapshot: npt.NDArray[np.int64]
) -> dict[str, float | None]:
    """``spearman`` and ``ndcg_at_10``, each the mean over snapshots; null where no snapshot has one.

    One entry a row, scores not negative. Spearman is the correlation of ranks, ties at their mean rank. NDCG is the sum
    of the actual scores of the ten ranked first, discounted by log2 of rank + 1, over the most it could be (Jarvelin
    and Kekalainen, Cumulated gain-based evaluation of IR techniques, 2002); tied predictions share their places.
    A snapshot in which all actual or all predicted scores are equal has no order to be found, and is left out.
    """
    found = []
    for _, rows in pd.DataFrame({"actual": actual, "predicted": predicted}).groupby(np.asarray(snapshot)):
        if rows["actual"].nunique() < 2 or rows["predicted"].nunique() < 2:
            continue
        ranks = rows.rank()
        worth = ndcg_score(rows[["actual"]].to_numpy().T, rows[["predicted"]].to_numpy().T, k=_FIRST)
        found.append((float(ranks["actual"].corr(ranks["predicted"])), float(worth)))
    if not found:
        return {"spearman": None, "ndcg_at_10": None}
    spearman, worth = np.mean(found, axis=0).tolist()
    return {"spearman": spearman, "ndcg_at_10": worth}
