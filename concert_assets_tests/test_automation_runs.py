"""Automation over the real graph: nothing after a run of everything, and after a load what its tables are read by."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from concert_assets.definitions import build_definitions
from concert_assets.defs import retries
from concert_assets.deployment import Deployment
from concert_assets.resources.glue.local import LocalGlue
from concert_assets.resources.glue.protocol import GlueJobFailed
from concert_assets.resources.s3.resource import FolderS3
from concert_assets_tests.support_core import CLEAN, SALE, as_jsonl

pytestmark = [
    # Dagster says so of its own use of it in evaluate_automation_conditions.
    pytest.mark.filterwarnings("ignore:.*include_sources:dagster.BetaWarning"),
    # Dagster says so of a part of Pipes that its own subprocess client uses.
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),
    # Its own Pipes clients ask contexts for the run in the way that it is about to give up.
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),
]
FAILURES = ["the worker went away", "it went away again"]


class FlakyGlue(LocalGlue):
    """Glue whose job dies as often as there are failures left, before it has done anything."""

    def run(self, context: dg.AssetExecutionContext, job: str, extras: Mapping[str, Any]) -> list[dict[str, Any]]:
        if FAILURES:
            raise GlueJobFailed(FAILURES.pop())
        return super().run(context, job, extras)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_what_follows_a_load_is_what_reads_the_tables_that_it_changed(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.01)
    deployment = Deployment(home=tmp_path)
    raw = deployment.raw_bucket
    s3 = FolderS3(
        root=str(deployment.objects), raw_bucket=raw, processed_bucket=deployment.processed_bucket, settle_seconds=0
    )
    definitions = build_definitions(deployment, resources={"s3": s3, "glue": FlakyGlue()})
    cursor: Any = None

    def run(job: str) -> list[str]:
        """The steps that were started, as often as they were."""
        done = definitions.resolve_job_def(job).execute_in_process(instance=instance)
        started = (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED)
        return [str(event.step_key) for event in done.all_events if event.event_type in started]

    def asked() -> set[str]:
        nonlocal cursor
        found = dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)
        cursor = found.cursor
        keys = definitions.resolve_all_asset_keys()
        return {key.to_user_string() for key in keys if found.get_num_requested(key)}

    for table, rows in CLEAN.items():
        s3.store.write(raw, f"inbox/{table}/first.jsonl", as_jsonl(rows))
    assert asked() == set()
    steps = run("refresh_warehouse")
    assert [steps.count(step) for step in ("raw", "curated", "staging")] == [1, 3, 1], "the failed step alone ran again"
    assert asked() == set()
    run("load_arrivals")
    assert asked() == set(), "it published what was published"
    s3.store.write(raw, "inbox/ticket_sales/more.jsonl", as_jsonl([SALE | {"sale_id": "s2"}]))
    run("load_arrivals")
    assert asked() == {
        "mart/daily_sales_summary",
        "mart/net_revenue",
        "mart/price_tiers",
        "mart/sales_pacing",
        "prediction/ticket_sales_forecast",
        "report/pipeline_report",
        "report/model_training_report",
    }
    run("refresh_warehouse")
    assert asked() == set()
