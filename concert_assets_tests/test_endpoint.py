"""Endpoints of SageMaker: made, changed, put back and removed, and what AWS refuses, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from concert_assets.resources.clients import aws_client
from concert_assets.resources.sagemaker.endpoint import TAG, Contents, Endpoint, EndpointFailed, Question
from concert_assets_tests.support_endpoint import IMAGE, NOTHING, REGION, ROLE, Cloud, cloud_of

FIRST = Contents(IMAGE, ROLE, "s3://processed/serving/1/model.tar.gz", 2048, 5)
SECOND = replace(FIRST, package="s3://processed/serving/2/model.tar.gz")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with cloud_of(monkeypatch) as found:
        yield found


def told(answer: bytes) -> str:
    return "" if answer == b"right" else f"it answers {answer!r}"


QUESTION = Question(b"{}", "application/json", told)


def served(contents: Contents) -> dict[str, Any]:
    """The state in which nothing but these is there, and has passed."""
    name = f"shows-{contents.digest()}"
    return {"configs": [name], "models": [name], "serves": name, "checked": name}


# --- made, changed, put back, removed


def test_an_endpoint_is_made_left_alone_changed_and_removed(cloud: Cloud) -> None:
    assert cloud.endpoint().put(FIRST, QUESTION) is True
    assert cloud.state() == served(FIRST)
    (variant,) = cloud.client.describe_endpoint_config(EndpointConfigName=cloud.state()["serves"])["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert cloud.endpoint().put(FIRST, QUESTION) is False
    assert cloud.endpoint().put(SECOND, QUESTION) is True
    assert cloud.state() == served(SECOND)
    assert cloud.endpoint().remove() is True
    assert cloud.state() == NOTHING
    assert cloud.endpoint().remove() is False


def test_a_new_endpoint_that_answers_wrongly_is_removed(cloud: Cloud) -> None:
    cloud.answers[FIRST.package] = lambda body: b"42"
    with pytest.raises(EndpointFailed, match="fails its health check: it answers b'42'; the endpoint never passed"):
        cloud.endpoint().put(FIRST, QUESTION)
    assert cloud.state() == NOTHING


def test_a_change_that_answers_wrongly_is_put_back(cloud: Cloud) -> None:
    cloud.endpoint().put(FIRST, QUESTION)
    cloud.answers[SECOND.package] = lambda body: b"42"
    with pytest.raises(EndpointFailed, match=f"health check.*; it serves shows-{FIRST.digest()} as before"):
        cloud.endpoint().put(SECOND, QUESTION)
    assert cloud.state() == served(FIRST)


def test_a_change_that_never_comes_into_service_leaves_the_former(cloud: Cloud) -> None:
    cloud.endpoint().put(FIRST, QUESTION)
    cloud.fails.add(SECOND.package)
    with pytest.raises(
        EndpointFailed, match=r"it is InService.*did not pass the ping health check; it serves .* before"
    ):
        cloud.endpoint().put(SECOND, QUESTION)
    assert cloud.state() == served(FIRST)


def test_what_a_killed_command_left_unchecked_is_put_back_by_the_next(cloud: Cloud) -> None:
    cloud.endpoint().put(FIRST, QUESTION)
    killed = replace(QUESTION, fault=lambda answer: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        cloud.endpoint().put(SECOND, killed)
    assert cloud.state()["serves"] == f"shows-{SECOND.digest()}"
    cloud.answers[SECOND.package] = lambda body: b"42"
    with pytest.raises(EndpointFailed, match="as before"):
        cloud.endpoint().put(SECOND, QUESTION)
    assert cloud.state() == served(FIRST)


def test_an_endpoint_that_answers_wrongly_later_is_told_and_left(cloud: Cloud) -> None:
    cloud.endpoint().put(FIRST, QUESTION)
    cloud.answers[FIRST.package] = lambda body: b"42"
    with pytest.raises(EndpointFailed, match="it is the one that passed its last check, and is left as it is"):
        cloud.endpoint().put(FIRST, QUESTION)
    assert cloud.state() == served(FIRST)


def test_a_failed_endpoint_is_made_anew(cloud: Cloud) -> None:
    cloud.endpoint().put(FIRST, QUESTION)
    cloud.backend.endpoints["shows"].endpoint_status = "Failed"
    assert cloud.endpoint().put(SECOND, QUESTION) is True
    assert cloud.state()["checked"] == f"shows-{SECOND.digest()}"


@pytest.mark.parametrize("does", ["put", "remove"])
def test_an_endpoint_of_somebody_else_is_left_alone(cloud: Cloud, does: str) -> None:
    cloud.endpoint().put(FIRST, QUESTION)
    arn = cloud.client.describe_endpoint(EndpointName="shows")["EndpointArn"]
    cloud.client.delete_tags(ResourceArn=arn, TagKeys=[TAG])
    before = cloud.state()
    with pytest.raises(EndpointFailed, match="was not made by concert-assets"):
        cloud.endpoint().put(SECOND, QUESTION) if does == "put" else cloud.endpoint().remove()
    assert cloud.state() == before


def test_waits_end_at_the_deadline_and_the_next_command_goes_on(cloud: Cloud) -> None:
    cloud.endpoint().put(FIRST, QUESTION)
    cloud.stays = "Updating"
    with pytest.raises(
        EndpointFailed, match=r"is still Updating after 0 s \(--deadline-seconds\); it could not be put"
    ):
        cloud.endpoint(0.1).put(SECOND, QUESTION)
    cloud.stays, cloud.backend.endpoints["shows"].endpoint_status = "", "InService"
    assert cloud.endpoint().put(SECOND, QUESTION) is True
    assert cloud.state() == served(SECOND)


# --- what AWS refuses


@contextmanager
def stubbed(operation: str, code: str, message: str) -> Iterator[Endpoint]:
    """An endpoint that is not there, and whose making ends with a refusal of one operation."""
    absent = ("ValidationException", 'Could not find endpoint "arn".')
    client = aws_client("sagemaker", REGION, attempts=1)
    with Stubber(client) as stub:
        stub.add_client_error("describe_endpoint", *absent)
        if operation != "describe_model":
            stub.add_client_error("describe_model", *absent)
        stub.add_client_error(operation, code, message)
        for again in ("describe_endpoint", "describe_endpoint_config", "describe_model"):
            stub.add_client_error(again, *absent)
        yield Endpoint(client, None, "shows", 1, 0.01)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("operation", "code", "message", "said"),
    [
        ("create_model", "AccessDeniedException", "not authorized to perform: iam:PassRole", "CONCERT_SAGEMAKER_ROLE"),
        ("create_model", "ValidationException", "Could not access the image in ECR", "look at --image"),
        ("describe_model", "ThrottlingException", "Rate exceeded", "DescribeModel for endpoint shows failed with Thro"),
        ("describe_model", "ExpiredTokenException", "expired", "the credentials that boto3 finds"),
    ],
)
def test_a_refusal_is_one_line_with_code_and_setting(
    cloud: Cloud, operation: str, code: str, message: str, said: str
) -> None:
    with stubbed(operation, code, message) as endpoint, pytest.raises(EndpointFailed) as raised:
        endpoint.put(FIRST, QUESTION)
    assert code in str(raised.value)
    assert said in str(raised.value)
    assert str(raised.value).endswith("; there is no endpoint")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("code", ["ModelError", "ModelNotReadyException", ""])
def test_a_check_that_gets_no_answer_is_a_failed_one(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    cloud.endpoint().put(FIRST, QUESTION)
    cloud.runtime = aws_client("sagemaker-runtime", REGION, attempts=1)
    with Stubber(cloud.runtime) as stub:
        if code:
            stub.add_client_error("invoke_endpoint", code, "Received server error (500) from the container")
        else:

            def times_out(**arguments: Any) -> None:
                raise ConnectTimeoutError(endpoint_url="https://runtime")

            monkeypatch.setattr(cloud.runtime, "invoke_endpoint", times_out)
        with pytest.raises(
            EndpointFailed, match=f"InvokeEndpoint .* failed with {code or 'ConnectTimeoutError'}.*before"
        ):
            cloud.endpoint().put(SECOND, QUESTION)
    assert cloud.state() == served(FIRST)
