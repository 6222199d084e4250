"""SageMaker by moto within the process, taught what moto leaves out, for the tests of the command ``endpoint``."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto import mock_aws
from moto.core.responses import EmptyResult
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemakerruntime.models import SageMakerRuntimeBackend

from concert_assets.resources.clients import aws_client
from concert_assets.resources.sagemaker.endpoint import TAG, Endpoint
from concert_assets_tests.support_moto import ENVIRONMENT

REGION, ACCOUNT = "us-east-1", "123456789012"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/concert-serving:1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/serving"
Container = Callable[[bytes], bytes]
NOTHING: dict[str, Any] = {"configs": [], "models": [], "serves": None, "checked": None}


class Cloud:
    """SageMaker as moto plays it, and what moto leaves out: changes of endpoints, and containers that answer.

    ``answers`` maps the URL of a package to what its container says; one of no package there says ``other``.
    moto does not tell which endpoint is asked, so there may be but one.
    ``fails`` are packages that never come into service, ``stays`` a status that endpoints stay in once changed.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Container] = {}
        self.other: Container = lambda body: b"right"
        self.fails: set[str] = set()
        self.stays = ""
        self.client = aws_client("sagemaker", REGION)
        self.runtime = aws_client("sagemaker-runtime", REGION)
        self.backend: Any = sagemaker_backends[ACCOUNT][REGION]

    def endpoint(self, deadline: float = 5) -> Endpoint:
        return Endpoint(self.client, self.runtime, "shows", deadline, poll_seconds=0.01)

    def package_of(self, config: str) -> str:
        (variant,) = self.client.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        url: str = self.client.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]["ModelDataUrl"]
        return url

    def state(self, name: str = "shows") -> dict[str, Any]:
        """Each configuration, each model, what the endpoint serves and which passed last."""
        listed = self.client.list_endpoint_configs()["EndpointConfigs"]
        there = [item["EndpointName"] for item in self.client.list_endpoints()["Endpoints"]]
        found = self.client.describe_endpoint(EndpointName=name) if name in there else None
        tags = self.client.list_tags(ResourceArn=found["EndpointArn"])["Tags"] if found else []
        return {
            "configs": sorted(item["EndpointConfigName"] for item in listed),
            "models": sorted(item["ModelName"] for item in self.client.list_models()["Models"]),
            "serves": found and found["EndpointConfigName"],
            "checked": {tag["Key"]: tag["Value"] for tag in tags}.get(TAG),
        }

    def update(self, response: Any) -> EmptyResult:
        found = self.backend.endpoints[response._get_param("EndpointName")]
        config = response._get_param("EndpointConfigName")
        if self.stays:
            found.endpoint_status = self.stays
        elif self.package_of(config) in self.fails:
            found.failure_reason = "the container did not pass the ping health check"  # and goes on as it was
        else:
            found.endpoint_config_name = config
        return EmptyResult()

    def tag(self, arn: str, tags: list[dict[str, str]]) -> list[dict[str, str]]:
        """Tags have one value a key; moto would keep both."""
        found = self.backend.endpoints[arn.rpartition("/")[2]]
        new = {tag["Key"] for tag in tags}
        found.tags = [tag for tag in found.tags if tag["Key"] not in new] + tags
        return tags

    def invoke(self, unique_repr: bytes) -> tuple[str, str, str, str]:
        request = json.loads(base64.b64decode(unique_repr))
        (asked,) = self.backend.endpoints.values()
        url = self.package_of(asked.endpoint_config_name)
        body = request["Body"].encode() if isinstance(request["Body"], str) else request["Body"]
        return self.answers.get(url, self.other)(body).decode(), "application/json", "champion", ""


@contextmanager
def cloud_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """SageMaker within this process, empty."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        found = Cloud()
        monkeypatch.setattr(SageMakerResponse, "update_endpoint", lambda self: found.update(self), raising=False)
        monkeypatch.setattr(SageMakerModelBackend, "add_tags", lambda self, arn, tags: found.tag(arn, tags))
        monkeypatch.setattr(
            SageMakerRuntimeBackend, "invoke_endpoint", lambda self, **given: found.invoke(given["unique_repr"])
        )
        yield found
