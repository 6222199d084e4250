"""The sensor that trains anew asks once a cause: never trained, more data than before, other code, drift; else never."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from concert_assets.defs import model_drift, retraining
from concert_assets.defs.jobs import retrain_models
from concert_assets.defs.model_drift import Watched, drift_check
from concert_assets.defs.model_objects import MODEL_PREFIX, MODELS, InUse, LastDecision, in_use, note_decision, retire
from concert_assets.defs.retraining import model_drifted
from concert_assets.learning.model import library_versions
from concert_assets.learning.settings import CODE_VERSION
from concert_assets.resources.s3.resource import FolderS3

SALES = "ticket_sales"
CARD = {"code_version": CODE_VERSION, "libraries": library_versions()}
DRIFTED = Watched(SALES, "v1", "2026-02-01", ["price has moved: PSI 0.61, at most 0.25"], 200, 200, 1.0, 0.61, "price")


class Published:
    """A warehouse of which the sensor asks nothing but how far it is."""

    def __init__(self) -> None:
        self.position = 3

    def published_position(self) -> int:
        return self.position


@dataclass
class Site:
    """What a sensor sees of a home: model objects, the published position, and the runs there were."""

    s3: FolderS3
    redshift: Published
    instance: dg.DagsterInstance

    def tick(self, ends: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS) -> str:
        """The run key of the run asked for, launched at once, or why there is none."""
        resources: dict[str, Any] = {"s3": self.s3, "redshift": self.redshift}
        found = model_drifted(dg.build_sensor_context(instance=self.instance, resources=resources))
        if isinstance(found, dg.SkipReason):
            return str(found.skip_message)
        assert isinstance(found, dg.RunRequest)
        assert found.run_key is not None
        self.run(ends, {**found.tags, "dagster/run_key": found.run_key})
        return found.run_key

    def run(self, status: dg.DagsterRunStatus, tags: dict[str, str] | None = None) -> None:
        job = dg.GraphDefinition(name=retrain_models.name).to_job()
        self.instance.create_run_for_job(job, tags=tags or {}, status=status)

    def in_use(self, name: str = SALES, **changes: Any) -> None:
        used = replace(InUse(name, "v1", "2026-01-01", "", CARD), **changes)
        fields = {field: getattr(used, field) for field in InUse.__slots__}
        number = len(list(self.s3.store.list("processed", f"{MODEL_PREFIX}{name}/in_use/"))) + 1
        self._write(f"{name}/in_use/{number:08d}.json", fields)

    def decided(self, name: str = SALES, **changes: Any) -> None:
        last = LastDecision(name, "r", "v1", "2026-01-01", True, ["better"], 3, datetime.now(UTC).isoformat())
        note_decision(self.s3, replace(last, **changes))

    def watched(self, found: Watched) -> None:
        self._write(f"{found.name}/drift.json", {field: getattr(found, field) for field in Watched.__slots__})

    def _write(self, key: str, value: Any) -> None:
        self.s3.store.write(self.s3.processed_bucket, MODEL_PREFIX + key, json.dumps(value).encode())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Site(FolderS3(root=str(tmp_path), raw_bucket="raw", processed_bucket="processed"), Published(), instance)


@pytest.fixture
def trained(site: Site) -> Site:
    for name in MODELS:
        site.in_use(name)
        site.decided(name)
    return site


IDLE = "no model has drifted, and none is waiting for data"


def test_nothing_is_asked_before_anything_is_published(site: Site) -> None:
    site.redshift.position = 0
    assert site.tick() == "nothing is published yet"


def test_models_never_trained_are_trained_once(site: Site) -> None:
    assert [site.tick() for _ in range(3)] == ["venue_popularity:never", "ticket_sales:never", IDLE]


def test_a_trained_model_is_left_alone(trained: Site) -> None:
    trained.redshift.position = 500
    assert trained.tick() == IDLE


def test_it_waits_while_a_run_goes_on(site: Site) -> None:
    site.run(dg.DagsterRunStatus.STARTED)
    assert site.tick().endswith("goes on")


def test_what_was_too_little_is_tried_again_with_more_data_and_a_day_later(trained: Site) -> None:
    retire(trained.s3, SALES, "2026-01-01", "49 rows can be learned from", in_use(trained.s3, SALES))
    yesterday = (datetime.now(UTC) - timedelta(days=1, minutes=1)).isoformat()
    trained.decided(version="", is_promoted=False, reasons=["49 rows"])
    trained.redshift.position = 4
    assert trained.tick() == IDLE  # a minute ago
    trained.decided(version="", is_promoted=False, reasons=["49 rows"], decided_at=yesterday)
    trained.redshift.position = 3
    assert trained.tick() == IDLE  # nothing has come since
    trained.redshift.position = 4
    assert [trained.tick(), trained.tick()] == ["ticket_sales:untrained:4", IDLE]
    trained.redshift.position = 5
    assert trained.tick() == "ticket_sales:untrained:5"


def test_a_model_of_other_code_or_libraries_is_trained_anew_once(trained: Site) -> None:
    trained.in_use(card=CARD | {"code_version": "0"})
    assert [trained.tick(), trained.tick()] == ["ticket_sales:code:v1:learning code 0", IDLE]
    trained.in_use(card=CARD | {"libraries": {"numpy": "0.1"}})
    assert trained.tick().startswith("ticket_sales:code:v1:numpy 0.1, and here is ")
    trained.in_use(card=CARD | {"libraries": {"no-such-library": "1"}})
    assert trained.tick().endswith("and here is none")


def test_drift_is_answered_once_and_again_after_four_weeks_of_data(trained: Site) -> None:
    trained.watched(replace(DRIFTED, reasons=[]))
    assert trained.tick() == IDLE
    trained.watched(DRIFTED)
    assert [trained.tick(), trained.tick(), trained.tick()] == ["ticket_sales:drift:v1:2026-01-01", IDLE, IDLE]
    # The challenger was refused: the champion stays, and so does the drift.
    trained.decided(version="v2", is_promoted=False, as_of="2026-02-01")
    for day, asked in (("2026-02-02", IDLE), ("2026-02-28", IDLE), ("2026-03-01", "ticket_sales:drift:v1:2026-02-01")):
        trained.watched(replace(DRIFTED, as_of=day))
        assert trained.tick() == asked, day
    assert trained.tick() == IDLE


def test_a_run_that_failed_is_asked_for_again_after_ever_longer(trained: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return now

    monkeypatch.setattr(retraining, "datetime", Clock)
    trained.watched(DRIFTED)
    cause, failure = "ticket_sales:drift:v1:2026-01-01", dg.DagsterRunStatus.FAILURE
    assert [trained.tick(failure), trained.tick(failure)] == [cause, IDLE]
    now += timedelta(minutes=6)
    assert [trained.tick(failure), trained.tick(failure)] == [f"{cause}-1", IDLE]
    now += timedelta(minutes=6)
    assert trained.tick() == IDLE
    now += timedelta(minutes=10)
    assert trained.tick() == f"{cause}-2"
    now += timedelta(days=400)
    assert trained.tick() == IDLE  # that one succeeded


def test_causes_that_begin_alike_are_told_apart(trained: Site) -> None:
    for library in ("numpy", "pandas"):
        trained.in_use(version="ticket_sales-0123456789ab", card=CARD | {"libraries": {library: "0.1"}})
        assert "ticket_sales:code:ticket_sales-0123456789ab:" + library in trained.tick()


def test_drift_of_a_version_no_longer_in_use_counts_for_nothing(trained: Site) -> None:
    trained.watched(replace(DRIFTED, version="v0"))
    assert trained.tick() == IDLE
    trained.in_use(version="", skipped_reason="refused")
    trained.watched(DRIFTED)
    assert trained.tick() == IDLE


def test_no_new_data_no_new_training(trained: Site) -> None:
    trained.watched(replace(DRIFTED, as_of="2026-01-01"))
    assert trained.tick() == IDLE


def test_the_check_tells_what_has_drifted() -> None:
    key = dg.AssetKey(["prediction", "ticket_sales_forecast"])
    assert drift_check(key, None).passed
    assert drift_check(key, replace(DRIFTED, reasons=[])).passed
    found = drift_check(key, DRIFTED)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == DRIFTED.reasons[0]
    assert found.metadata["largest_psi"].value == 0.61
    assert found.check_name == model_drift.DRIFT
