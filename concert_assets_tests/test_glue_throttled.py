"""S3 throttles inside a Glue job, which itself ends well: the step is tried again, and the same run ends well or in one line.

The job is a process on the double of Glue; what it asks of S3 goes through a proxy, and nothing else does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from pydantic import Field

from concert_assets.defs import retries
from concert_assets.deliveries.curated import CURATED_PREFIX, CuratedManifest
from concert_assets.resources.glue.aws import AwsGlueJobs
from concert_assets.resources.s3.aws import ATTEMPTS
from concert_assets.resources.s3.resource import AwsS3
from concert_assets_tests.support_aws import REGION, ROLE, SMALL_WORLD, Site, site
from concert_assets_tests.support_faults import FaultyProxy, fault_line, faulty
from concert_assets_tests.support_glue import GlueDouble, glue_double
from concert_assets_tests.support_moto import MotoServer, uploads

pytestmark = [
    # Dagster's own reading of its contexts, and ours of the run's id, which both versions of the name give.
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
]
RAW, PROCESSED = "concert-data-raw", "concert-data-processed"


class JobsOwnWay(AwsS3):
    """S3, to which the job finds another way than the step."""

    job_endpoint_url: str = Field(description="Where S3 listens for the job")

    @property
    def url(self) -> str:
        return AwsS3(**{**self.model_dump(exclude={"job_endpoint_url"}), "endpoint_url": self.job_endpoint_url}).url


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests wait hundredths of what runs wait."""
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.1)


@pytest.fixture
def double(moto: MotoServer, tmp_path: Path) -> Iterator[GlueDouble]:
    moto.empty()
    with glue_double(moto.url, tmp_path / "runs") as double:
        yield double


@pytest.fixture
def proxy(moto: MotoServer) -> Iterator[FaultyProxy]:
    with faulty(moto.url) as found:
        yield found


@contextmanager
def deployed(double: GlueDouble, proxy: FaultyProxy, home: Path) -> Iterator[Site]:
    glue = AwsGlueJobs(
        region=REGION, processed_bucket=PROCESSED, role=ROLE, endpoint_url=double.url,
        deadline_seconds=300, poll_seconds=0.2, log_seconds=2,
    )  # fmt: skip
    s3 = JobsOwnWay(
        region=REGION,
        raw_bucket=RAW,
        processed_bucket=PROCESSED,
        endpoint_url=double.moto_url,
        job_endpoint_url=proxy.url,
    )
    with site({"CONCERT_HOME": str(home)}, s3=s3, glue=glue) as found:
        yield found


def curated(deployed: Site) -> tuple[dg.ExecuteInProcessResult, int, str]:
    """A run that generates a world and curates it, how often it tried to, and what it says of its failure."""
    graph = deployed.defs.resolve_asset_graph()
    result = deployed.defs.resolve_job_def("run_demo").execute_in_process(
        instance=deployed.instance,
        run_config={"ops": {"raw": {"config": SMALL_WORLD}}},
        asset_selection=list(dg.AssetSelection.groups("raw", "curated").resolve(graph)),
        raise_on_error=False,
    )
    again = sum(event.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY for event in result.all_events)
    told = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    return result, 1 + again, "".join(str(data.description) for data in told if data)


def amiss(moto: MotoServer, curated: int) -> int:
    """Deliveries curated that should not be or the reverse, and objects that no manifest names."""
    keys = {info.key for info in moto.store.list(PROCESSED, CURATED_PREFIX)}
    manifests = [key for key in keys if key.endswith("/manifest.json")]
    named = {item.key for key in manifests for item in CuratedManifest.from_json(moto.store.read(PROCESSED, key)).files}
    return abs(len(manifests) - curated) + len(named ^ (keys - set(manifests)))


def test_throttling_that_passes_costs_the_step_a_try(
    double: GlueDouble, proxy: FaultyProxy, moto: MotoServer, tmp_path: Path
) -> None:
    proxy.plan("PUT", *["503"] * ATTEMPTS)
    with deployed(double, proxy, tmp_path) as found:
        result, tries, _ = curated(found)
    assert result.success
    assert tries == 2
    assert [run.state for run in double.runs] == ["SUCCEEDED", "SUCCEEDED"]
    left = len(double.orphans()) + uploads(moto.store, PROCESSED)
    fault_line(
        "Glue: S3 throttles within the job for a while", "step tried again, run ended well", amiss(moto, 1), left
    )


def test_throttling_that_lasts_ends_the_run_in_one_line(
    double: GlueDouble, proxy: FaultyProxy, moto: MotoServer, tmp_path: Path
) -> None:
    proxy.plan("PUT", *["503"] * 1000)
    with deployed(double, proxy, tmp_path) as found:
        result, tries, told = curated(found)
    assert not result.success
    assert tries == 1 + retries.MOST_RETRIES == len(double.runs)
    assert told.startswith("0 of 1 deliveries are curated; ")
    assert "StoreBusy: bucket 'concert-data-processed' does not answer as it should (SlowDown)" in told
    assert "\n" not in told
    left = len(double.orphans()) + uploads(moto.store, PROCESSED)
    fault_line("Glue: S3 throttles within the job without an end", "failed after three tries", amiss(moto, 0), left)


def test_an_object_that_is_gone_is_not_tried_again(
    double: GlueDouble, proxy: FaultyProxy, moto: MotoServer, tmp_path: Path
) -> None:
    proxy.plan("GET", None, (404, "NoSuchKey"))  # the manifest may be looked for
    with deployed(double, proxy, tmp_path) as found:
        result, tries, told = curated(found)
    assert not result.success
    assert tries == 1
    assert "ObjectNotFound" in told
    assert "; held: " in told
    fault_line("Glue: a raw object is gone within the job", "delivery held, run failed", amiss(moto, 0), 0)
