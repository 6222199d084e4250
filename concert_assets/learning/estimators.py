"""The regressors, each a pipeline whose encoding is fitted together with it on the same rows."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder
from threadpoolctl import threadpool_limits

from concert_assets.learning.features import FeatureSet
from concert_assets.learning.metrics import FloatArray

# Beyond every number among the features, so that a tree of the baseline models can tell "not known" apart.
_NOT_KNOWN = -1_000_000
# Below this, starting threads costs more than they save.
ROWS_FOR_THREADS = 50_000


@dataclass(frozen=True, slots=True)
class Boosting:
    """The hyper-parameters of histogram gradient boosting; ``iterations`` is the number of trees."""

    leaves: int
    learning_rate: float
    iterations: int
    minimum_leaf: int = 20

    def to_dict(self) -> dict[str, Any]:
        """The hyper-parameters as plain values."""
        return asdict(self)


def histogram_boosting(features: FeatureSet, boosting: Boosting, random_state: int) -> Pipeline:
    """The default model. Categories stay categories, missing values stay missing, each split sees half the features."""
    return Pipeline(
        [
            (
                "encode",
                ColumnTransformer(
                    [
                        ("numbers", "passthrough", list(features.numbers)),
                        (
                            "categories",
                            # A category never seen is told like one that is missing. Histograms have room for 255.
                            OrdinalEncoder(
                                handle_unknown="use_encoded_value",
                                unknown_value=np.nan,
                                max_categories=250,
                            ),
                            list(features.categories),
                        ),
                    ]
                ),
            ),
            (
                "regress",
                HistGradientBoostingRegressor(
                    learning_rate=boosting.learning_rate,
                    max_iter=boosting.iterations,
                    max_leaf_nodes=boosting.leaves,
                    min_samples_leaf=boosting.minimum_leaf,
                    max_features=0.5,
                    categorical_features=list(range(len(features.numbers), len(features.columns))),
                    early_stopping=False,
                    random_state=random_state,
                ),
            ),
        ]
    )


def fit_boosting(
    features: FeatureSet, boosting: Boosting, rows: pd.DataFrame, target: FloatArray, random_state: int
) -> Pipeline:
    """A fitted ``histogram_boosting``."""
    # Histograms need a value: a number that no row knows is given one, and as nothing splits on it, any other passes.
    unknown = [name for name in features.numbers if rows[name].isna().all()]
    rows = rows.assign(**dict.fromkeys(unknown, 0.0))
    with threads_for(len(rows)):
        return histogram_boosting(features, boosting, random_state).fit(rows, target)


def threads_for(rows: int) -> AbstractContextManager[Any]:
    """Within it, this thread's fits and predictions stay on it where rows are few: idle ones of OpenMP wait busily."""
    limits: AbstractContextManager[Any] = threadpool_limits(1 if rows < ROWS_FOR_THREADS else None, user_api="openmp")
    return limits


def staged(pipeline: Pipeline, features: pd.DataFrame, every: int) -> Iterator[tuple[int, FloatArray]]:
    """What a fitted ``histogram_boosting`` would predict with fewer trees: each ``every``-th number of them."""
    encoded = pipeline[:-1].transform(features)
    for count, predicted in enumerate(pipeline[-1].staged_predict(encoded), start=1):
        if count % every == 0:
            yield count, predicted


def random_forest(features: FeatureSet, rows: int, random_state: int) -> Pipeline:
    """The baseline venue model, kept for comparison: 100 trees of depth 10."""
    return _pipeline(
        features,
        RandomForestRegressor(
            n_estimators=100,
            max_depth=10,
            min_samples_leaf=10,
            max_features=0.33,
            n_jobs=1 if rows < ROWS_FOR_THREADS else -1,
            random_state=random_state,
        ),
    )


def gradient_boosting(features: FeatureSet, rows: int, random_state: int) -> Pipeline:
    """The baseline sales model, kept for comparison: 100 trees of depth 5, each split over a quarter of the features.

    A quarter takes a third of the time of all and was no worse in rolling-origin folds within the training windows.
    """
    del rows  # boosting has one thread whatever the size
    return _pipeline(
        features,
        GradientBoostingRegressor(
            n_estimators=100,
            max_depth=5,
            min_samples_leaf=10,
            max_features=0.25,
            random_state=random_state,
        ),
    )


def _pipeline(features: FeatureSet, regressor: Any) -> Pipeline:
    encode = ColumnTransformer(
        [
            (
                "numbers",
                # A number that no row knows, as the pace of orders without any, keeps its place.
                SimpleImputer(strategy="constant", fill_value=_NOT_KNOWN, keep_empty_features=True),
                list(features.numbers),
            ),
            (
                "categories",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=_NOT_KNOWN),
                list(features.categories),
            ),
        ]
    )
    return Pipeline([("encode", encode), ("regress", regressor)])
