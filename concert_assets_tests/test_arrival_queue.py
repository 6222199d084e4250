"""A queue that announces arrivals spares listings and loses nothing: not a message, and not what came without one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from concert_assets.defs import arrivals
from concert_assets.defs.arrivals import LISTING_SECONDS, raw_object_arrived
from concert_assets.resources.clients import aws_client
from concert_assets.resources.s3.announced import QueueRefused
from concert_assets.resources.s3.resource import AwsS3, FolderS3
from concert_assets_tests.support_aws import REGION
from concert_assets_tests.support_demo import clean_environment
from concert_assets_tests.support_moto import ENVIRONMENT, MotoServer

QUIET = "nothing was announced since nothing was to be done"
IDLE = "nothing has arrived that the log does not know"
ROWS = b"artist_id,name,primary_genre,updated_at\n1,Ann,rock,2025-01-01\n"


class Published:
    """A warehouse of which nothing is asked but up to where it is published."""

    def published_position(self) -> int:
        return 0


class Site:
    """A bucket, its queue, and the sensor that looks at both."""

    def __init__(self, server: MotoServer) -> None:
        self.server = server
        self.sqs = aws_client("sqs", REGION, server.url)
        self.queue = self.sqs.create_queue(QueueName="arrivals")["QueueUrl"]
        self.s3 = self.bound(self.queue)
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor = ""

    def bound(self, queue: str) -> AwsS3:
        place = {"region": REGION, "endpoint_url": self.server.url}
        return AwsS3(raw_bucket="raw", processed_bucket="processed", arrival_queue=queue, **place)

    def tick(self) -> Any:
        bound = {"s3": self.s3, "redshift": Published()}
        context = dg.build_sensor_context(self.instance, cursor=self.cursor or None, resources=bound)
        found = raw_object_arrived.evaluate_tick(context)
        self.cursor = found.cursor or ""
        return found.run_requests[0] if found.run_requests else found.skip_message

    def arrive(self, name: str, *, is_announced: bool = True) -> None:
        self.server.store.write("raw", f"inbox/artists/{name}.csv", ROWS)
        if is_announced:
            self.sqs.send_message(QueueUrl=self.queue, MessageBody="{}")

    def messages(self) -> tuple[int, int]:
        """Those that can be received, and those that were and are not done."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])


@pytest.fixture
def server(moto: MotoServer) -> Any:
    moto.empty()
    with clean_environment(**ENVIRONMENT):
        yield moto


def test_a_quiet_inbox_is_left_alone_until_the_queue_says_more(
    server: MotoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    inbox_of = arrivals.inbox_of
    monkeypatch.setattr(arrivals, "inbox_of", lambda s3, log: looks.append(1) or inbox_of(s3, log))
    site = Site(server)
    assert site.tick() == IDLE
    assert [site.tick() for _ in range(3)] == [QUIET] * 3
    assert len(looks) == 1
    for number in range(25):
        site.arrive(f"file{number}")
    found = site.tick()
    assert isinstance(found, dg.RunRequest)
    assert found.tags["concert/objects"] == "25"
    assert site.messages() == (0, 0), "all are done, more than one answer of SQS holds"
    assert isinstance(site.tick(), dg.RunRequest), "until it is loaded it is asked for, whatever the queue says"


def test_what_came_without_a_message_is_found_after_a_while(server: MotoServer) -> None:
    site = Site(server)
    assert site.tick() == IDLE
    site.arrive("lost", is_announced=False)
    assert site.tick() == QUIET
    site.cursor = (datetime.now(UTC) - timedelta(seconds=LISTING_SECONDS + 1)).isoformat()
    assert isinstance(site.tick(), dg.RunRequest)


def test_a_message_that_was_heard_by_one_who_died_comes_again(server: MotoServer) -> None:
    site = Site(server)
    assert site.tick() == IDLE
    site.arrive("late")
    queue = site.s3.arrivals
    assert queue is not None
    (receipt,) = queue.heard()
    assert site.messages() == (0, 1)
    # As it does by itself after the queue's visibility timeout.
    site.sqs.change_message_visibility(QueueUrl=site.queue, ReceiptHandle=receipt, VisibilityTimeout=0)
    assert isinstance(site.tick(), dg.RunRequest)
    assert site.messages() == (0, 0)


def test_a_message_too_many_does_no_harm(server: MotoServer) -> None:
    site = Site(server)
    site.sqs.send_message(QueueUrl=site.queue, MessageBody="of an object that is gone")
    assert [site.tick(), site.tick()] == [IDLE, QUIET]
    assert site.messages() == (0, 0)


def test_a_queue_that_cannot_be_heard_is_told_and_the_inbox_listed(
    server: MotoServer, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(server)
    gone = site.queue.replace("arrivals", "gone")
    site.s3 = site.bound(gone)
    with pytest.raises(QueueRefused, match=rf"SQS refuses CONCERT_ARRIVAL_QUEUE '{gone}' \(.*NonExistentQueue\)"):
        site.s3.arrivals.heard()  # type: ignore[union-attr]
    assert [site.tick(), site.tick()] == [IDLE, IDLE]
    site.arrive("one", is_announced=False)
    assert isinstance(site.tick(), dg.RunRequest)


def test_a_folder_announces_nothing_and_is_listed_each_time(tmp_path: Path) -> None:
    s3 = FolderS3(root=str(tmp_path), raw_bucket="raw", processed_bucket="processed")
    assert s3.arrivals is None
    context = dg.build_sensor_context(dg.DagsterInstance.ephemeral(), cursor=datetime.now(UTC).isoformat())
    found: Any = raw_object_arrived(context, s3=s3, redshift=Published())
    assert found.skip_message == IDLE
