"""Whether a new version takes the place of the one in use: earned on future rows that neither has learned from.

Errors of two models are compared row by row, and what chance does to their mean difference is told by resampling
whole concerts or venues (paired cluster bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap, 1993),
since the rows of one are not independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from concert_assets.learning.features import day_number, day_text
from concert_assets.learning.intervals import LEVELS
from concert_assets.learning.metrics import FloatArray

NAIVE = "naive__"
# The mean of fewer concerts or venues is too far from normal for its resampled quantiles to be believed.
MINIMUM_CLUSTERS = 30
RESAMPLES = 2_000
# One-sided: a model that is no better than the champion passes once in forty times. Of the naive baselines every one
# must be beaten, so that once in twenty for each is once in twenty at most for all.
_LUCK = 0.025
_LUCK_WITH_NAIVE = 0.05
# Coverage may miss its level by this much, besides what the number of clusters makes of it by chance.
COVERAGE_TOLERANCE = 0.02
_COVERAGE_Z = 2.576
# Data may end earlier than they did when a show of the last days is corrected; further back they are other data.
_MOST_CORRECTED = timedelta(days=31)
# The entity of a model's rows -> what tells its rows apart.
_ENTITIES = {"concert_id": ("concert_id", "horizon"), "venue_id": ("venue_id", "cutoff_day")}


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in use, as far as it can be compared.

    ``trained_until`` is the last day of any target that it learned from. ``predicted`` has the key columns of
    ``judged`` and ``predicted``, None where it cannot predict these rows any more, for ``obstacle``. ``is_damaged``
    where that is since its objects are not what was stored: then nobody takes its place, or who damages a model
    would have another put in use that it beats. ``unfit`` says which data that it learned from were withdrawn since,
    empty where none were.
    """

    version: str
    as_of: date
    trained_until: date
    predicted: pd.DataFrame | None = None
    obstacle: str = ""
    is_damaged: bool = False
    unfit: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the challenger is promoted, and why (not), a line each.

    ``is_champion_kept`` is false where there is no champion, and where the one there is learned from data that are
    not published any more. ``figures`` are plain JSON: the comparisons, the coverage and the champion's version.
    """

    is_promoted: bool
    reasons: tuple[str, ...]
    is_champion_kept: bool
    figures: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The decision as plain values."""
        return {
            "is_promoted": self.is_promoted,
            "reasons": list(self.reasons),
            "is_champion_kept": self.is_champion_kept,
            "figures": self.figures,
        }


def decide(
    judged: pd.DataFrame,
    *,
    as_of: date,
    reach: date,
    leaks: Sequence[str],
    champion: Champion | None = None,
    random_state: int = 42,
) -> Decision:
    """Decide on the challenger whose future rows are ``judged`` (see ``Candidate``), trained as of ``as_of``.

    ``reach`` is the day up to which data are published now; ``leaks`` are the reasons of the leak check. Only rows
    whose cut-off lies after all that the champion learned from are compared with it, and at least 30 concerts or
    venues are needed for any comparison. Every naive baseline must be beaten on all rows; so must the champion on its
    rows.
    """
    entity = next(name for name in _ENTITIES if name in judged.columns)
    figures: dict[str, Any] = {"rows": len(judged), "clusters": int(judged[entity].nunique())}
    reasons = [f"leak: {reason}" for reason in leaks]
    gone = ""
    if champion is not None and not champion.is_damaged:
        far = f"it learned up to {champion.as_of}, and data are published up to {reach}"
        gone = champion.unfit or (far if is_beyond(champion.as_of, reach) else "")
    kept = None if gone else champion
    if champion is not None:
        figures["champion"] = champion.version
        if gone:
            figures["champion_gone"] = gone
        elif as_of < champion.as_of:
            reasons.append(f"stale: trained as of {as_of}, and {champion.version} in use as of {champion.as_of}")

    if figures["clusters"] < MINIMUM_CLUSTERS:
        entities = f"{entity.removesuffix('_id')}s"
        reasons.append(f"{figures['clusters']} {entities} to judge it on; at least {MINIMUM_CLUSTERS} are needed")
    errors = (judged["predicted"] - judged["actual"]).abs().to_numpy(np.float64)
    rivals = {
        name.removeprefix(NAIVE): (judged[name] - judged["actual"]).abs().to_numpy(np.float64)
        for name in judged.columns
        if name.startswith(NAIVE)
    }
    clusters = judged[entity].to_numpy(dtype=object)
    figures["baselines"], lost = _compared(errors, rivals, clusters, _LUCK_WITH_NAIVE, random_state)
    reasons += [f"not better than the naive {reason}" for reason in lost]
    figures["coverage"], missed = _coverage(judged, figures["clusters"])
    reasons += missed
    if kept is not None and kept.predicted is None:
        figures["champion_not_compared"] = kept.obstacle
        if kept.is_damaged:
            reasons.append(f"not compared with {kept.version}, which is refused: {kept.obstacle}")
    elif kept is not None and kept.predicted is not None:
        found, against = _against_champion(judged, entity, kept, kept.predicted, random_state)
        figures["against_champion"] = found
        reasons += against
    return Decision(not reasons, tuple(reasons) or (_granted(figures, kept),), kept is not None, figures)


def is_beyond(learned: date, reach: date) -> bool:
    """Whether a version learned up to a day so far after the last one that is published that those are other data."""
    return learned > reach + _MOST_CORRECTED


def _against_champion(
    judged: pd.DataFrame, entity: str, champion: Champion, predicted: pd.DataFrame, random_state: int
) -> tuple[dict[str, Any], list[str]]:
    """The comparison on rows that the champion did not learn from, and what speaks against the challenger."""
    key = list(_ENTITIES[entity])
    theirs = predicted[[*key, "predicted"]].rename(columns={"predicted": "theirs"})
    shared = judged.merge(theirs, on=key, how="left", validate="one_to_one")
    is_fair = (shared["cutoff_day"] > day_number(champion.trained_until)) & shared["theirs"].notna()
    shared = shared[is_fair]
    counts = {"rows": len(shared), "clusters": int(shared[entity].nunique())}
    if counts["clusters"] < MINIMUM_CLUSTERS:
        after = day_text(day_number(champion.trained_until))
        return counts, [
            f"{counts['clusters']} of {entity.removesuffix('_id')}s to compare with {champion.version} on, those"
            f" after {after} that it did not learn from; at least {MINIMUM_CLUSTERS} are needed"
        ]
    errors = (shared["predicted"] - shared["actual"]).abs().to_numpy(np.float64)
    rival = (shared["theirs"] - shared["actual"]).abs().to_numpy(np.float64)
    found, lost = _compared(
        errors, {champion.version: rival}, shared[entity].to_numpy(dtype=object), _LUCK, random_state
    )
    return counts | found[champion.version], [f"not better than the champion {reason}" for reason in lost]


def _compared(
    errors: FloatArray,
    rivals: Mapping[str, FloatArray],
    clusters: npt.NDArray[np.object_],
    luck: float,
    random_state: int,
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Mean absolute errors, and the bounds of their difference (ours less theirs), of each rival; who is not beaten."""
    names = list(rivals)
    differences = np.column_stack([errors - rivals[name] for name in names]) if names else np.zeros((len(errors), 0))
    low, high = mean_bounds(differences, clusters, luck, random_state)
    found = {
        name: {
            "mae": float(errors.mean()),
            "their_mae": float(rivals[name].mean()),
            "difference": float(differences[:, position].mean()),
            "difference_low": float(low[position]),
            "difference_high": float(high[position]),
        }
        for position, name in enumerate(names)
    }
    lost = [
        f"{name}: mean error {each['mae']:.4g} against {each['their_mae']:.4g}, the difference lies between"
        f" {each['difference_low']:.3g} and {each['difference_high']:.3g}"
        for name, each in found.items()
        if not each["difference_high"] < 0
    ]
    return found, lost


def mean_bounds(
    values: FloatArray, clusters: npt.NDArray[np.object_], luck: float = _LUCK, random_state: int = 42
) -> tuple[FloatArray, FloatArray]:
    """Bounds that the mean of each column lies below and above by chance with the probability ``luck`` each.

    ``values`` has a row an observation; rows of one cluster are drawn together, 2,000 times, with the given seed.
    """
    codes, names = pd.factorize(clusters)
    sums = np.column_stack([np.bincount(codes, minlength=len(names)), *(np.bincount(codes, c) for c in values.T)])
    rng = np.random.default_rng(random_state)
    means = np.empty((RESAMPLES, values.shape[1]))
    for turn in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names)) @ sums
        means[turn] = drawn[1:] / drawn[0]
    low, high = np.quantile(means, [luck, 1 - luck], axis=0)
    return low, high


def _coverage(judged: pd.DataFrame, clusters: int) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Coverage of each level with its tolerance, and which levels miss.

    Tickets are whole and end at capacity, so an outcome may lie on a bound; whether it counts as covered decides no
    more than that: a level holds where it lies between the coverage without the bounds and with them.
    """
    found, missed = {}, []
    for level in LEVELS:
        share = level / 100
        actual, low, high = (judged[name].to_numpy(np.float64) for name in ("actual", f"low_{level}", f"high_{level}"))
        closed = float(((low <= actual) & (actual <= high)).mean())
        inner = float(((low < actual) & (actual < high)).mean())
        tolerance = COVERAGE_TOLERANCE + _COVERAGE_Z * float(np.sqrt(share * (1 - share) / max(clusters, 1)))
        found[str(level)] = {"coverage": closed, "coverage_within_bounds": inner, "tolerance": tolerance}
        if not inner - tolerance <= share <= closed + tolerance:
            missed.append(f"the {level} % interval covers {closed:.1%}; {tolerance:.1%} off is allowed")
    return found, missed


def _granted(figures: Mapping[str, Any], champion: Champion | None) -> str:
    beaten = f"better than every naive baseline on {figures['clusters']:,} concerts or venues beyond noise"
    if champion is None:
        gone = figures.get("champion_gone")
        return f"{beaten}; {figures['champion']} is given up: {gone}" if gone else f"{beaten}; there was no champion"
    if champion.predicted is None:
        return f"{beaten}; not compared with {champion.version}: {champion.obstacle}"
    found = figures["against_champion"]
    return f"{beaten}, and than {champion.version}: mean error {found['mae']:.4g} against {found['their_mae']:.4g}"
