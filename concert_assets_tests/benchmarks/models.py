"""How long models take to fit and to predict, and how much memory: ours, the two baseline models and LightGBM in turn.

Run as ``python -m concert_assets_tests.benchmarks.models [concerts ...]``; the default sizes are 10,000, 100,000 and
1,000,000. Each is fitted to so many rows of the announcement horizon with the features of the ticket sales model, and
predicts them. The rows are those of a small synthetic world, drawn again until they are enough, their numbers moved by
a thousandth so that few are equal: time depends on their number, not on what they say. Each model is measured in a
process of its own, one after the other; the ratio is to the baseline sales model.
"""

import subprocess
import sys
import time
from pathlib import Path

SIZES = (10_000, 100_000, 1_000_000)
MODELS = ("gradient_boosting", "random_forest", "histogram_boosting", "lightgbm")
ROOT = Path(__file__).parents[2]


def measured(model: str, rows: int) -> tuple[float, float, float, float]:
    """Seconds to fit, processor seconds to fit, seconds to predict, and peak memory in MB above the rows."""
    command = [sys.executable, "-m", "concert_assets_tests.benchmarks.models", "--child", model, str(rows)]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    fit, processor, predict, memory = map(float, done.stdout.split()[-4:])
    return fit, processor, predict, memory


def _child(model: str, rows: int) -> str:
    import resource

    features, target = _rows(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, processor = time.perf_counter(), time.process_time()
    fitted = _fit(model, features, target)
    fit, processor = time.perf_counter() - started, time.process_time() - processor
    started = time.perf_counter()
    fitted.predict(features)
    predict = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{fit} {processor} {predict} {(peak - before) / 1024}"


def _rows(rows: int):  # type: ignore[no-untyped-def]
    """So many rows of the model's features, and what it learns from them."""
    import numpy as np

    from concert_assets.learning import sales
    from concert_assets.learning.features import TICKET_SALES, typed
    from concert_assets_tests.learning_world import AS_OF, make_world, query

    frame = typed(query(make_world(artists=300, venues=100, concerts=5_000), "ticket_sales"), TICKET_SALES)
    frame = sales._results(frame[frame["horizon"] == sales.ANNOUNCEMENT], AS_OF)
    frame = sales._beside_the_room(frame, frame["capacity"].to_numpy(), sales._usual_popularity(frame))
    rng = np.random.default_rng(7)
    frame = frame.iloc[rng.integers(0, len(frame), rows)].reset_index(drop=True)
    target = np.log(np.maximum(frame["tickets_sold"], 0.5) / frame["capacity"]).to_numpy()
    features = frame[sales.FEATURES.columns].copy()
    for name in sales.FEATURES.numbers:
        features[name] *= 1 + 0.001 * rng.standard_normal(rows)
    return features, target


def _fit(model: str, features, target):  # type: ignore[no-untyped-def]
    from concert_assets.learning import estimators, sales

    if model == "histogram_boosting":
        return estimators.fit_boosting(sales.FEATURES, sales._CANDIDATES[-1], features, target, 42)
    if model == "lightgbm":
        from lightgbm import LGBMRegressor
        from sklearn.pipeline import Pipeline

        ours = sales._CANDIDATES[-1]
        encode = estimators.histogram_boosting(sales.FEATURES, ours, 42)[0]
        leaves = LGBMRegressor(
            n_estimators=ours.iterations,
            num_leaves=ours.leaves,
            learning_rate=ours.learning_rate,
            min_child_samples=ours.minimum_leaf,
            colsample_bynode=0.5,
            verbosity=-1,
            seed=42,
        )
        return Pipeline([("encode", encode), ("regress", leaves)]).fit(features, target)
    make = {"gradient_boosting": estimators.gradient_boosting, "random_forest": estimators.random_forest}[model]
    return make(sales.FEATURES, len(features), 42).fit(features, target)


def main(sizes: list[int]) -> None:
    """Print a line a model and size."""
    print(f"{'rows':>9} {'model':20} {'fit s':>8} {'cpu s':>8} {'ratio':>7} {'predict s':>10} {'MB':>7}")
    for rows in sizes:
        base = 0.0
        for model in MODELS:
            fit, processor, predict, memory = measured(model, rows)
            base = base or fit
            print(
                f"{rows:>9,} {model:20} {fit:8.2f} {processor:8.2f} {fit / base:7.3f} {predict:10.2f} {memory:7.0f}",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(_child(sys.argv[2], int(sys.argv[3])))
    else:
        main([int(size.replace("_", "").replace(",", "")) for size in sys.argv[1:]] or list(SIZES))
