"""What CloudWatch and SNS are told of runs: each once, of every end, and what they refuse costs no run anything."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from concert_assets import deployment as deployments
from concert_assets.definitions import build_definitions
from concert_assets.defs.journal import RunJournal
from concert_assets.defs.report_writer import write_reports
from concert_assets.defs.watching import TOLD_TAG
from concert_assets.resources.clients import aws_client
from concert_assets.resources.glue.protocol import GlueUnavailable
from concert_assets.resources.watch import METRICS, NAMESPACE, Watch
from concert_assets_tests.support_aws import REGION, SMALL_WORLD
from concert_assets_tests.support_demo import clean_environment
from concert_assets_tests.support_moto import ENVIRONMENT, MotoServer

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]
STACK = "concerts"


class RefusedGlue(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Refuses every job, in words that quote a value."""

    quoted: str = "ann@example.org"

    def run(self, context: dg.AssetExecutionContext, job: str, extras: Any) -> list[dict[str, Any]]:
        raise GlueUnavailable(f"no job for {self.quoted!r}")


class Watched:
    """A home whose runs are told to a stand-in, and what that has heard."""

    def __init__(self, home: Path, server: MotoServer) -> None:
        self.server = server
        self.deployment = deployments.read({"CONCERT_HOME": str(home)})
        sns, sqs = self.client("sns"), self.client("sqs")
        self.topic = sns.create_topic(Name="alerts")["TopicArn"]
        self.queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

    def client(self, service: str) -> Any:
        return aws_client(service, REGION, self.server.url)

    def journal(self, **changes: str) -> RunJournal:
        aws = {"stack": STACK, "topic": self.topic, "region": REGION, "endpoint_url": self.server.url, **changes}
        return RunJournal(home=str(self.deployment.home), aws=aws)

    def run(self, journal: RunJournal, **resources: Any) -> dg.ExecuteInProcessResult:
        deployments.prepare_home(self.deployment)
        deployments.activate(self.deployment)
        with dg.DagsterInstance.get() as instance:
            defs = build_definitions(self.deployment, {"journal": journal, **resources})
            done = defs.resolve_job_def("run_demo").execute_in_process(
                instance=instance,
                run_config={"ops": {"raw": {"config": dict(SMALL_WORLD)}}},
                raise_on_error=False,
            )
            mark = instance.get_run_by_id(done.run_id).tags[TOLD_TAG]  # type: ignore[union-attr]
            self.told = mark.removeprefix(f"{done.run_id} ")
            bound = defs.resolve_job_def("run_demo").resource_defs
            assert set(bound) >= {"journal", "s3", "redshift"}
            s3, redshift = defs.resources["s3"], defs.resources["redshift"]  # type: ignore[index]
            write_reports(instance, done.run_id, journal, s3, redshift, pytest.fail)  # as the sensor may, later
        return done

    def metrics(self) -> list[tuple[str, float]]:
        """Every value that was sent, with its name, of this stack."""
        found = []
        for one in self.client("cloudwatch").list_metrics(Namespace=NAMESPACE)["Metrics"]:
            assert one["Dimensions"] == [{"Name": "Deployment", "Value": STACK}]
            found += self._values(one["MetricName"])
        return sorted(found)

    def _values(self, name: str) -> list[tuple[str, float]]:
        told = self.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE, MetricName=name, Dimensions=[{"Name": "Deployment", "Value": STACK}],
            StartTime="2020-01-01T00:00:00Z", EndTime="2100-01-01T00:00:00Z", Period=60, Statistics=["Sum", "SampleCount"],
        )  # fmt: skip
        assert sum(point["SampleCount"] for point in told["Datapoints"]) == 1
        return [(name, point["Sum"]) for point in told["Datapoints"]]

    def alerts(self) -> list[dict[str, str]]:
        answer = self.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]


@pytest.fixture
def watched(tmp_path: Path, moto: MotoServer) -> Iterator[Watched]:
    moto.empty()
    with clean_environment(**ENVIRONMENT):
        yield Watched(tmp_path / "home", moto)


def test_a_run_that_succeeds_is_counted_once_and_alerts_nobody(watched: Watched) -> None:
    done = watched.run(watched.journal())
    assert done.success
    assert watched.told == "yes"
    report = json.loads((watched.deployment.reports / "latest" / "pipeline_report.json").read_text("utf-8"))
    sent = dict(watched.metrics())
    # The world is too small for a model, so there is no error of one.
    assert set(sent) == set(METRICS) - {"ModelError"}
    assert (sent["RowsPublished"], sent["RowsRejected"]) == (
        report["totals"]["published"],
        report["totals"]["rejected"],
    )
    assert sent["QualityScore"] == pytest.approx(report["quality"]["scores"]["delivered"]["overall"])
    assert sent["RunFailed"] == 0
    assert sent["RunSeconds"] > 0
    assert watched.alerts() == []


def test_a_run_that_fails_is_told_once_by_names_alone(watched: Watched) -> None:
    done = watched.run(watched.journal(), glue=RefusedGlue())
    assert not done.success
    assert watched.told == "yes"
    assert dict(watched.metrics())["RunFailed"] == 1
    (alert,) = watched.alerts()
    assert alert["Subject"] == "run_demo failure"
    assert done.run_id in alert["Message"]
    assert "step: s3_objects" in alert["Message"] or "step: curated" in alert["Message"]
    assert "example.org" not in alert["Message"]


def test_what_is_refused_costs_no_run_and_is_said(watched: Watched, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = watched.run(watched.journal(endpoint_url=nowhere))
    assert done.success
    assert watched.told == "refused"
    said = "".join(capfd.readouterr())
    assert f"CloudWatch takes no metrics of CONCERT_STACK '{STACK}' (EndpointConnectionError" in said


def test_a_topic_that_is_not_there_is_named_with_the_code(watched: Watched) -> None:
    watch = Watch("", watched.topic + "-gone", REGION, watched.server.url)
    assert watch.send({"RunFailed": 1.0}) == "", "without a stack nothing is sent"
    assert watch.alert("über", "text") == (
        f"SNS takes no message for CONCERT_ALERT_TOPIC '{watched.topic}-gone' (NotFound)"
    )
    assert watched.metrics() == []


def test_a_subject_is_such_as_sns_takes(watched: Watched) -> None:
    assert Watch("", watched.topic, REGION, watched.server.url).alert("Späte\nShow " + "x" * 200, "text") == ""
    (alert,) = watched.alerts()
    assert alert["Subject"].startswith("Sp?te?Show xxx")
    assert len(alert["Subject"]) == 100
