"""Intervals from what models say of entities that they did not learn from, where time leaves too few later rows.

Targets that take a year to come true leave the training window with few rows later than what a twin of the model could
learn from, and such a twin knows less than the model. But how far models err on venues that they do not know is seen on
every row of the window: the years of one venue resemble each other, those of different venues hardly do. Whatever is
judged stays in the future of all of it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from concert_assets.learning.estimators import Boosting
from concert_assets.learning.fitting import fit
from concert_assets.learning.intervals import calibrate
from concert_assets.learning.metrics import FloatArray
from concert_assets.learning.model import Candidate, predict_learned, predict_with
from concert_assets.learning.problem import Problem, Rows, divide
from concert_assets.learning.settings import NotTrainable, TrainingSettings
from concert_assets.learning.training import summary

Labels = npt.NDArray[np.object_]

_PARTS = 5
# From so many rows on, half of them teach as well as four fifths do.
_MANY_ROWS = 20_000


def calibrated_on_unknown(
    candidate: Candidate, problem: Problem, settings: TrainingSettings, entities: Labels
) -> Candidate:
    """The candidate with intervals from residuals of entities unknown to the models that left them.

    ``candidate`` is what came of ``problem`` under ``settings``; ``entities`` has one name a row of the problem. The
    card and the judged rows tell of the new intervals. A single entity has no others to learn from: as it was.
    """
    parts = divide(problem, settings)
    if isinstance(parts, NotTrainable) or np.unique(entities[parts.train].astype(str)).size < 2:
        return candidate
    model, train, state = candidate.model, parts.train, settings.random_state
    boosting = Boosting(**model.card["hyperparameters"]["chosen"])

    def predict(known: Rows, asked: Rows) -> FloatArray:
        return predict_learned(fit(problem, known, boosting, state), problem.feature_rows(asked))

    span = problem.span.take(train)
    residual = span.learned(problem.target[train]) - of_unknown(predict, train, entities)
    calibration = calibrate(residual, span.groups)
    found = predict_with(model.pipeline, calibration, problem.feature_rows(parts.test), problem.span.take(parts.test))
    bounds = {
        f"{side}_{level}": values
        for level, pair in found.bounds.items()
        for side, values in zip(("low", "high"), pair, strict=True)
    }
    judged = candidate.judged.assign(**bounds)
    figures = summary(judged, problem.primary_horizon)
    figures["metrics"] = model.card["metrics"] | figures["metrics"]
    card = model.card | figures
    card["samples"] = card["samples"] | {"calibration": problem.sample(train)}
    return Candidate(replace(model, calibration=calibration, card=card), judged)


def of_unknown(predict: Callable[[Rows, Rows], FloatArray], rows: Rows, entities: Labels) -> FloatArray:
    """What models say of each of ``rows``, every one by a model fitted to rows of other entities alone.

    ``predict(known, asked)`` fits to the rows ``known`` and predicts the rows ``asked``; of ``entities``, one name a
    row of the whole frame, there are at least two. They are dealt to five parts, or two of many rows, in the order of
    their names, which has nothing to do with their targets; all rows of one stay together.
    """
    names, place = np.unique(entities[rows].astype(str), return_inverse=True)
    parts = min(_PARTS if len(rows) < _MANY_ROWS else 2, len(names))
    found = np.zeros(len(rows))
    for part in range(parts):
        asked = place % parts == part
        found[asked] = predict(rows[~asked], rows[asked])
    return found
