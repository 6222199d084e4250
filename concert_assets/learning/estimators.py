"""The regressors, each a pipeline whose encoding is fitted together with it on the same rows."""

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from concert_assets.learning.features import FeatureSet

# No number among the features is negative, so a tree can tell "not known" apart from every value.
_NOT_KNOWN = -1
# Below this, starting threads costs more than they save.
_ROWS_FOR_THREADS = 50_000


def random_forest(features: FeatureSet, rows: int, random_state: int) -> Pipeline:
    """The baseline venue model: 100 trees of depth 10."""
    return _pipeline(
        features,
        RandomForestRegressor(
            n_estimators=100,
            max_depth=10,
            min_samples_leaf=10,
            max_features=0.33,
            n_jobs=1 if rows < _ROWS_FOR_THREADS else -1,
            random_state=random_state,
        ),
    )


def gradient_boosting(features: FeatureSet, rows: int, random_state: int) -> Pipeline:
    """The baseline sales model: 100 trees of depth 5.

    Each split looks at a quarter of the features: a third of the time, and in rolling-origin folds within the training
    windows of two default worlds no worse than half of them.
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
            ("numbers", SimpleImputer(strategy="constant", fill_value=_NOT_KNOWN), list(features.numbers)),
            (
                "categories",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=_NOT_KNOWN),
                list(features.categories),
            ),
        ]
    )
    return Pipeline([("encode", encode), ("regress", regressor)])
