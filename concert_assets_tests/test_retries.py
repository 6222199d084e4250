"""Steps that are tried again: which failures are, how often, how long after, and that no other step runs twice."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from concert_assets.defs import retries
from concert_assets.defs.retries import MayPass, retried
from concert_assets.resources.redshift.protocol import WarehouseBusy

pytestmark = [
    # Its own Pipes clients ask contexts for the run in the way that it is about to give up.
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),
]
PASSING = [
    WarehouseBusy("the warehouse is held"),
    OSError(28, "No space left on device"),
    ConnectionResetError("reset"),
    TimeoutError("late"),
    MayPass("the job died"),
]
LASTING = [
    dg.Failure("the audit does not pass"),
    ValueError("not a number"),
    FileNotFoundError("gone"),
    PermissionError("no"),
]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests wait thousandths of what runs wait."""
    assert (retries.FIRST_WAIT_SECONDS, retries.WAIT_FACTOR, retries.MOST_RETRIES) == (10, 3, 2)
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.01)


def run(error: Exception, failures: int) -> tuple[dg.ExecuteInProcessResult, Counter[str]]:
    """A run of two steps of which the second fails so often."""
    calls: Counter[str] = Counter()

    @dg.multi_asset(specs=[dg.AssetSpec("before")])
    @retried
    def before() -> Iterator[dg.MaterializeResult[Any]]:
        calls["before"] += 1
        yield dg.MaterializeResult("before")

    @dg.multi_asset(specs=[dg.AssetSpec("first", deps=["before"]), dg.AssetSpec("second", deps=["before"])])
    @retried
    def flaky(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        calls["flaky"] += 1
        yield dg.MaterializeResult("first")
        if calls["flaky"] <= failures:
            raise error
        yield dg.MaterializeResult("second")

    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize([before, flaky], instance=instance, raise_on_error=False), calls


def description(result: dg.ExecuteInProcessResult) -> str:
    """What the run says of its failure."""
    (failed,) = (event for event in result.all_events if event.is_step_failure)
    data = failed.step_failure_data
    return str(data.user_failure_data.description if data.user_failure_data else data.error)


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_a_failure_that_passes_costs_its_step_alone(error: Exception) -> None:
    result, calls = run(error, failures=2)
    assert result.success
    assert calls == {"before": 1, "flaky": 3}
    again = [event for event in result.all_events if event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert [event.step_retry_data.seconds_to_wait for event in again] == pytest.approx([0.01, 0.03])


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_a_failure_that_does_not_pass_ends_the_run_and_says_why(error: Exception) -> None:
    result, calls = run(error, failures=99)
    assert not result.success
    assert calls == {"before": 1, "flaky": 1 + retries.MOST_RETRIES}
    assert (getattr(error, "description", "") or str(error)) in description(result)


@pytest.mark.parametrize("error", LASTING, ids=lambda error: type(error).__name__)
def test_a_failure_that_lasts_is_not_tried_again(error: Exception) -> None:
    result, calls = run(error, failures=1)
    assert not result.success
    assert calls == {"before": 1, "flaky": 1}
