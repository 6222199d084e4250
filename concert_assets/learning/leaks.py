"""Looking for the target among the features: what explains too much, what learns noise, what moves with later facts.

A leak is not a strong feature but one that explains the target nearly exactly, which nothing known before an event
with any chance in it can. So rows must be judged at a cut-off at which nothing of the target is known yet, and the
target as a share: capacity alone explains much of the tickets that are sold, and is no leak.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeRegressor

from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.splits import BoolArray, IntArray, split_by_time

Labels = npt.NDArray[np.object_]

# Of one feature, and of all in a straight line. A formula of its own inputs explains all of the target (1.0). The
# noise of real demand leaves ten times these remainders and more, also to whoever knows all that can be known.
MOST_BY_ONE = 0.98
MOST_LINEAR = 0.99
# A fit to shuffled targets foretells nothing. What luck alone gives shrinks with the number of entities n: a fit of
# relative spread s scores 2 s z / sqrt(n) - s**2, at most z**2 / n, and z goes past 4 once in 30,000 checks.
MOST_SHUFFLED = 0.02
_LUCK = 16.0
MOST_ROWS = 5_000
_LATER_SHARE = 0.3
_LEAVES = 256
_FEWEST_ROWS = 30


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What was found. ``reasons`` is empty where no leak is, else a line each; R² are null where none exists.

    ``by_feature`` is R² by one feature alone, the largest first; ``linear_r2`` by all in a formula, linear or linear in
    logs; ``shuffled_r2`` of a small fit to shuffled targets. All are of rows later than those fitted to, and the
    largest of any group. ``moved`` are the features that later facts changed, among ``rows_shifted`` compared rows.
    """

    reasons: tuple[str, ...]
    rows: int
    by_feature: dict[str, float | None]
    linear_r2: float | None
    shuffled_r2: float | None
    most_shuffled_r2: float
    moved: tuple[str, ...] = ()
    rows_shifted: int = 0

    @property
    def is_passed(self) -> bool:
        """Whether no leak was found."""
        return not self.reasons

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, the ten strongest features only."""
        strongest = dict(list(self.by_feature.items())[:10])
        plain = asdict(self) | {"by_feature": strongest, "is_passed": self.is_passed}
        return plain | {"reasons": list(self.reasons), "moved": list(self.moved)}


@dataclass(frozen=True, slots=True)
class Shift:
    """Features of the same rows before and after every later fact was moved: which differ, and of how many rows."""

    moved: tuple[str, ...]
    rows: int
    targets_moved: int


def leak_report(
    features: pd.DataFrame,
    target: FloatArray,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    entity: Labels,
    group: Labels,
    cutoff_day: IntArray,
    target_end_day: IntArray,
    shift: Shift | None = None,
    random_state: int = 42,
) -> LeakReport:
    """Judge features against a target of which nothing is known at the cut-off; one entry a row in each array.

    ``numbers`` may hold nulls, ``categories`` are text, ``target`` is not negative. Rows of one
    ``entity`` are shuffled together: what a split must not put on both sides, such as a concert. Each ``group``, such
    as a horizon, is judged by itself, above 5,000 rows by a seeded sample, and split by time as training splits.
    """
    by_feature: dict[str, float | None] = dict.fromkeys((*numbers, *categories))
    linear: float | None = None
    shuffled: float | None = None
    most_shuffled, rows, reasons = 0.0, 0, []
    for name in pd.unique(group):
        kept = _sample(np.flatnonzero(group == name), random_state)
        sides = split_by_time(cutoff_day[kept], target_end_day[kept], _LATER_SHARE)
        part = _Part(features.iloc[kept].reset_index(drop=True), target[kept], sides.earlier, sides.later)
        rows += len(kept)
        own = {name: _by_number(part, name) for name in numbers} | {
            name: _by_category(part, name) for name in categories
        }
        by_feature = {name: _larger(found, own[name]) for name, found in by_feature.items()}
        in_line = _larger(_linear(part, numbers, categories), _linear(part, numbers, categories, in_logs=True))
        noise = _shuffled(part, numbers, categories, entity[kept], random_state)
        most = MOST_SHUFFLED + _LUCK / max(pd.unique(entity[kept][part.later]).size, 1)
        linear, shuffled, most_shuffled = _larger(linear, in_line), _larger(shuffled, noise), max(most_shuffled, most)
        where = f" ({name})" if len(pd.unique(group)) > 1 else ""
        reasons += [
            f"{feature} alone explains {r2:.1%} of the target, which nothing known before does{where}"
            for feature, r2 in sorted(own.items())
            if r2 is not None and r2 >= MOST_BY_ONE
        ]
        if in_line is not None and in_line >= MOST_LINEAR:
            reasons.append(f"a linear formula of the features explains {in_line:.1%} of the target{where}")
        if noise is not None and noise > most:
            reasons.append(
                f"a fit to shuffled targets scores R² {noise:.2f} on later rows, by chance {most:.2f}{where}"
            )
    if shift is not None and shift.moved:
        reasons.append(f"facts after the cut-off change {', '.join(shift.moved)}")
    ordered = sorted(by_feature.items(), key=lambda item: (-(-1 if item[1] is None else item[1]), item[0]))
    moved, shifted = (shift.moved, shift.rows) if shift else ((), 0)
    return LeakReport(tuple(reasons), rows, dict(ordered), linear, shuffled, most_shuffled, moved, shifted)


def future_shift(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    key: Sequence[str],
    columns: Sequence[str],
    target: str,
    cutoff: str,
    day: int,
) -> Shift:
    """Compare the features of rows with a cut-off up to ``day`` before and after all facts from that day on were moved.

    Rows that the move took away, or brought, are not compared. ``targets_moved`` counts the compared rows whose target
    the move did change: where none is, nothing was tested.
    """  # fmt: skip
    frames = [frame[frame[cutoff] <= day].set_index(list(key)) for frame in (before, after)]
    shared = frames[0].index.intersection(frames[1].index)
    old, new = (frame.loc[shared] for frame in frames)
    moved = [name for name in columns if not _equal(old[name], new[name])]
    return Shift(tuple(moved), len(shared), int((old[target].fillna(-1) != new[target].fillna(-1)).sum()))


def _equal(old: pd.Series, new: pd.Series) -> bool:
    return bool(((old == new) | (old.isna() & new.isna())).all())


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one group, and which of them are fitted to and which are judged."""

    frame: pd.DataFrame
    goal: FloatArray
    earlier: BoolArray
    later: BoolArray


def _sample(rows: npt.NDArray[np.intp], random_state: int) -> npt.NDArray[np.intp]:
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(random_state).choice(rows, MOST_ROWS, replace=False))


def _larger(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def _r2(actual: FloatArray, predicted: npt.NDArray[Any]) -> float | None:
    total = float(((actual - actual.mean()) ** 2).sum()) if len(actual) else 0.0
    return 1 - float(((actual - predicted) ** 2).sum()) / total if total > 0 else None


def _by_number(part: _Part, name: str) -> float | None:
    """The better of a fit in steps, which finds any shape, and a monotone one, which follows heavy tails.

    Rows without a value are left out: what tells the target of half the rows is a leak too. Too few tell nothing.
    """
    values = part.frame[name].to_numpy(np.float64)
    known = ~np.isnan(values)
    told, asked = known & part.earlier, known & part.later
    if min(told.sum(), asked.sum()) < _FEWEST_ROWS:
        return None
    steps = DecisionTreeRegressor(max_leaf_nodes=_LEAVES, min_samples_leaf=3, random_state=0)
    steps.fit(values[told, None], part.goal[told])
    ranks = pd.DataFrame({"value": values[told], "goal": part.goal[told]}).rank().to_numpy()
    ranks = ranks - ranks.mean(0)
    curve = IsotonicRegression(increasing=bool(ranks[:, 0] @ ranks[:, 1] >= 0), out_of_bounds="clip")
    curve.fit(values[told], part.goal[told])
    guesses = (steps.predict(values[asked, None]), curve.predict(values[asked]))
    return _larger(*(_r2(part.goal[asked], guess) for guess in guesses))


def _by_category(part: _Part, name: str) -> float | None:
    """R² of the category's mean, that of all rows for a category not seen before."""
    if not part.earlier.any():
        return None
    past = pd.Series(part.goal[part.earlier])
    means = past.groupby(part.frame[name][part.earlier].to_numpy()).mean()
    guess = part.frame[name][part.later].map(means).fillna(float(past.mean()))
    return _r2(part.goal[part.later], guess.to_numpy(np.float64))


def _linear(part: _Part, numbers: Sequence[str], categories: Sequence[str], *, in_logs: bool = False) -> float | None:
    """R² of least squares: numbers with a flag where null, categories one column a value.

    ``in_logs`` finds products and ratios, such as tickets / capacity; half the least positive value stands for 0 and
    for what is below it.
    """
    table = part.frame[list(numbers)].to_numpy(np.float64)
    goal = part.goal
    if in_logs:
        table, goal = _logs(table), _logs(goal[:, None])[:, 0]
    is_null = np.isnan(table)
    seen = part.earlier[:, None] & ~is_null
    table = table - np.where(seen, table, 0.0).sum(0) / np.maximum(seen.sum(0), 1)
    table[is_null] = 0.0
    spread = np.sqrt((table**2).mean(0))
    table /= np.where(spread > 0, spread, 1.0)
    kinds = [pd.get_dummies(part.frame[name], dtype=np.float64).to_numpy() for name in categories]
    design = np.hstack([np.ones((len(table), 1)), table, is_null.astype(np.float64), *kinds])
    if part.earlier.sum() <= design.shape[1]:
        return None  # what passes through every point tells nothing
    past = design[part.earlier]
    # Normal equations with a trace of ridge, for columns may be the same: a tenth of the time of an SVD.
    square = past.T @ past + 1e-8 * len(past) * np.eye(past.shape[1])
    weights = np.linalg.solve(square, past.T @ goal[part.earlier])
    return _r2(goal[part.later], design[part.later] @ weights)


def _logs(table: FloatArray) -> FloatArray:
    least = np.nanmin(np.where(table > 0, table, np.inf), axis=0, initial=np.inf)
    return np.log(np.maximum(table, np.where(np.isfinite(least), least, 1.0) / 2))


def _shuffled(
    part: _Part, numbers: Sequence[str], categories: Sequence[str], entity: Labels, random_state: int
) -> float | None:
    """R² on later rows of a small fit, each entity given the target of another: only rows on both sides foretell it."""
    if not part.earlier.any():
        return None
    codes, names = pd.factorize(entity)
    means = np.bincount(codes, weights=part.goal) / np.bincount(codes)
    noise = means[np.random.default_rng(random_state).permutation(len(names))][codes]
    table = np.nan_to_num(part.frame[list(numbers)].to_numpy(np.float64), nan=-1.0)
    if categories:
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        encoder.fit(part.frame.loc[part.earlier, list(categories)])
        table = np.hstack([table, encoder.transform(part.frame[list(categories)])])
    fit = ExtraTreesRegressor(n_estimators=30, min_samples_leaf=3, random_state=random_state)
    return _r2(noise[part.later], fit.fit(table[part.earlier], noise[part.earlier]).predict(table[part.later]))
