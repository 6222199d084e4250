"""A home of model objects for tests, and candidates that are put before it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from concert_assets.defs.model_verdict import judge
from concert_assets.learning.model import Candidate
from concert_assets.learning.sales import train_ticket_sales
from concert_assets.learning.settings import TrainingSettings
from concert_assets.resources.kms.local import LocalSigning
from concert_assets.resources.s3.resource import FolderS3
from concert_assets_tests.learning_world import AS_OF

NAME = "ticket_sales"
SETTINGS = TrainingSettings()


def train(rows: pd.DataFrame) -> Candidate:
    """What training makes of these rows."""
    outcome = train_ticket_sales(rows, AS_OF, SETTINGS)
    assert isinstance(outcome, Candidate)
    return outcome


def honest(trained: Candidate) -> Candidate:
    """The trained model, judged beside naive rules that are far worse, with intervals that hold what they say."""
    judged = trained.judged
    spread = np.abs(judged["actual"] - judged["predicted"])
    bounds = {
        f"{side}_{level}": judged["predicted"] + sign * np.quantile(spread, level / 100)
        for level in (50, 90)
        for side, sign in (("low", -1), ("high", 1))
    }
    naive = {name: judged["actual"] + 10_000.0 for name in judged.columns if name.startswith("naive__")}
    return replace(trained, judged=judged.assign(**bounds, **naive))


@dataclass(frozen=True)
class Home:
    """The objects and the key of a home, and how a candidate is put before them."""

    s3: FolderS3
    signing: LocalSigning
    rows: pd.DataFrame

    def put(self, candidate: Candidate, **changes: Any) -> Any:
        options: dict[str, Any] = {"as_of": AS_OF, "reach": AS_OF, "shift": None, "position": 7, "request": "r1"}
        rows = changes.pop("rows", self.rows)
        return judge(self.s3, self.signing, candidate, rows, **options | changes)

    @property
    def folder(self) -> Path:
        return Path(self.s3.root) / "processed" / "models" / NAME

    @property
    def pointer(self) -> Path:
        """The last object that tells what is in use."""
        return max((self.folder / "in_use").iterdir())


def make_home(folder: Path, rows: pd.DataFrame) -> Home:
    """An empty home in a folder."""
    s3 = FolderS3(root=str(folder / "objects"), raw_bucket="raw", processed_bucket="processed")
    return Home(s3, LocalSigning(path=str(folder / "key")), rows)


def other(candidate: Candidate, version: str, change: Callable[[pd.DataFrame], Any], **card: Any) -> Candidate:
    """The same model under another version, which says something else of the test rows."""
    model = replace(candidate.model, version=version, card=candidate.model.card | {"version": version} | card)
    return Candidate(model, candidate.judged.assign(predicted=change(candidate.judged)))
