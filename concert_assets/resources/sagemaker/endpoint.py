"""A serverless endpoint of SageMaker: made, changed, checked by a real request, and put back where the check fails.

Model and configuration are named by the hash of all that they consist of. Which configuration passed its check last is
a tag of the endpoint, so that a command that was killed is made good by the next one.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from concert_assets.resources.glue.failures import code_of, struck
from concert_assets.resources.glue.pace import Deadline, growing

TAG = "concert-assets:checked"  # its value is the configuration that passed last, empty before the first
_VARIANT = "champion"
_ROLE, _IMAGE = "CONCERT_SAGEMAKER_ROLE", "--image"
_MOST_TOLD = 300
_ABSENT = ("could not find", "does not exist", "not found")


class EndpointFailed(Exception):
    """The endpoint is not as it was asked for. One line: what AWS said, and how the endpoint was left."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What an endpoint consists of: image, role, the package's URL, memory in MB, requests at a time."""

    image: str
    role: str
    package: str
    memory_mb: int
    concurrency: int

    def digest(self) -> str:
        """The hash that model and configuration are named by."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Question:
    """A request whose answer is known; ``fault`` tells what is wrong with an answer, and nothing where it is right."""

    body: bytes
    content_type: str
    fault: Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint by its name. ``client`` is of ``sagemaker``, ``runtime`` of ``sagemaker-runtime``.

    Each wait ends after ``deadline_seconds``.
    """

    client: Any
    runtime: Any
    name: str
    deadline_seconds: float
    poll_seconds: float = 15.0

    def put(self, contents: Contents, question: Question) -> bool:
        """Let the endpoint consist of these, and ask it the question; whether anything was changed.

        EndpointFailed where it does not come into service or answers otherwise: then it is as it last passed a check,
        or removed where it never did.
        """
        wanted = f"{self.name}-{contents.digest()}"
        state = self._settled()
        if state is not None and state["EndpointStatus"] == "Failed":
            self._delete()
            state = None
        checked = "" if state is None else self._checked(state)
        is_same = state is not None and state["EndpointConfigName"] == wanted
        try:
            if not is_same:
                self._make(wanted, contents)
                self._point(wanted, is_new=state is None)
            self._in_service(wanted)
            self._ask(question)
        except EndpointFailed as error:
            raise EndpointFailed(f"{error}; {self._put_back(wanted, checked)}") from None
        state = self._state()
        if state is None:
            raise EndpointFailed(f"endpoint {self.name} was removed meanwhile")
        self._call("add_tags", ResourceArn=state["EndpointArn"], Tags=[{"Key": TAG, "Value": wanted}])
        if checked and checked != wanted:
            self._drop(checked)
        return not is_same

    def remove(self) -> bool:
        """Remove the endpoint with what it consists of; whether there was one."""
        state = self._settled()
        if state is None:
            return False
        checked = self._checked(state)
        self._delete()
        for name in sorted({state["EndpointConfigName"], checked} - {""}):
            self._drop(name)
        return True

    def _make(self, name: str, contents: Contents) -> None:
        if self._known("describe_model", ModelName=name) is None:
            self._call(
                "create_model",
                ModelName=name,
                ExecutionRoleArn=contents.role,
                PrimaryContainer={
                    "Image": contents.image,
                    "ModelDataUrl": contents.package,
                    # What the container for scikit-learn reads; others pass it over.
                    "Environment": {
                        "SAGEMAKER_PROGRAM": "inference.py",
                        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                    },
                },
            )
        if self._known("describe_endpoint_config", EndpointConfigName=name) is None:
            serverless = {"MemorySizeInMB": contents.memory_mb, "MaxConcurrency": contents.concurrency}
            self._call(
                "create_endpoint_config",
                EndpointConfigName=name,
                ProductionVariants=[{"VariantName": _VARIANT, "ModelName": name, "ServerlessConfig": serverless}],
            )

    def _point(self, config: str, *, is_new: bool) -> None:
        if is_new:
            tags = [{"Key": TAG, "Value": ""}]
            self._call("create_endpoint", EndpointName=self.name, EndpointConfigName=config, Tags=tags)
        else:
            self._call("update_endpoint", EndpointName=self.name, EndpointConfigName=config)

    def _in_service(self, config: str) -> None:
        """Wait until the endpoint serves this configuration."""
        state = self._settled()
        status = "gone" if state is None else state["EndpointStatus"]
        if state is None or status != "InService" or state["EndpointConfigName"] != config:
            reason = struck(str((state or {}).get("FailureReason", "no reason is given")))[:_MOST_TOLD]
            raise EndpointFailed(f"endpoint {self.name} does not serve {config} (it is {status}): {reason}")

    def _ask(self, question: Question) -> None:
        with self._told("InvokeEndpoint"):
            answer = self.runtime.invoke_endpoint(
                EndpointName=self.name,
                Body=question.body,
                ContentType=question.content_type,
                Accept=question.content_type,
            )["Body"].read()
        if fault := question.fault(answer):
            raise EndpointFailed(f"endpoint {self.name} fails its health check: {fault}")

    def _put_back(self, refused: str, checked: str) -> str:
        """Let the endpoint be as it last passed, or not be at all; how it was left, in words."""
        try:
            state = self._settled()
            if state is None:
                self._drop(refused)
                return "there is no endpoint"
            if not checked:
                self._delete()
                self._drop(refused)
                return "the endpoint never passed a check and is removed"
            if checked == refused:
                return "it is the one that passed its last check, and is left as it is"
            if state["EndpointConfigName"] != checked:
                self._point(checked, is_new=False)
            self._in_service(checked)
            self._drop(refused)
        except EndpointFailed as error:
            return f"it could not be put back ({error}); run the command again"
        return f"it serves {checked} as before"

    def _checked(self, state: dict[str, Any]) -> str:
        """The configuration that passed last; EndpointFailed where the endpoint is none of ours."""
        found = self._call("list_tags", ResourceArn=state["EndpointArn"])["Tags"]
        values = [str(tag["Value"]) for tag in found if tag["Key"] == TAG]
        if not values:
            raise EndpointFailed(f"endpoint {self.name} was not made by concert-assets: it lacks the tag {TAG}")
        return values[0]

    def _settled(self) -> dict[str, Any] | None:
        """What the endpoint is once SageMaker is done with it; None where there is none."""
        deadline = Deadline(self.deadline_seconds, "--deadline-seconds")
        for wait in growing(min(1.0, self.poll_seconds), self.poll_seconds):
            state = self._state()
            if state is None or state["EndpointStatus"] in ("InService", "Failed", "OutOfService"):
                return state
            if state["EndpointStatus"] == "UpdateRollbackFailed":
                raise EndpointFailed(
                    f"endpoint {self.name} is UpdateRollbackFailed, which SageMaker lets nobody change; remove it first"
                )
            if not deadline.left:
                raise EndpointFailed(f"endpoint {self.name} is still {state['EndpointStatus']} after {deadline}")
            deadline.sleep(wait)
        raise AssertionError("waits have no end")

    def _state(self) -> dict[str, Any] | None:
        return self._known("describe_endpoint", EndpointName=self.name)

    def _delete(self) -> None:
        self._call("delete_endpoint", EndpointName=self.name)
        if self._settled() is not None:
            raise EndpointFailed(f"endpoint {self.name} is still there after it was deleted")

    def _drop(self, name: str) -> None:
        """Remove a configuration and its model, where they are there."""
        if self._known("describe_endpoint_config", EndpointConfigName=name) is not None:
            self._call("delete_endpoint_config", EndpointConfigName=name)
        if self._known("describe_model", ModelName=name) is not None:
            self._call("delete_model", ModelName=name)

    def _known(self, operation: str, **arguments: Any) -> dict[str, Any] | None:
        """What SageMaker knows of something; None for nothing, which it says in words only."""
        with self._told(_spelled(operation)):
            try:
                found: dict[str, Any] = getattr(self.client, operation)(**arguments)
            except ClientError as error:
                said = str(error.response.get("Error", {}).get("Message", "")).lower()
                if code_of(error) in ("ValidationException", "ResourceNotFound") and any(x in said for x in _ABSENT):
                    return None
                raise
        return found

    def _call(self, operation: str, **arguments: Any) -> Any:
        with self._told(_spelled(operation)):
            return getattr(self.client, operation)(**arguments)

    @contextmanager
    def _told(self, operation: str) -> Iterator[None]:
        """Say in one line what AWS refuses. Not chained: what was sent is of no use to a reader."""
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            code = code_of(error)
            told = error.response.get("Error", {}).get("Message", "") if isinstance(error, ClientError) else str(error)
            text = struck(str(told))
            hint = _hint(code, text.lower())
            raise EndpointFailed(
                f"{operation} for endpoint {self.name} failed with {code}: {text[:_MOST_TOLD]}{hint}"
            ) from None


def _hint(code: str, said: str) -> str:
    if "role" in said or "passrole" in said:
        return f"; look at {_ROLE}"
    if "image" in said or "ecr" in said:
        return f"; look at {_IMAGE}"
    if "Credential" in code or "Token" in code or "Connect" in code:
        return "; look at CONCERT_REGION, CONCERT_ENDPOINT_URL and the credentials that boto3 finds"
    return ""


def _spelled(operation: str) -> str:
    return "".join(part.capitalize() for part in operation.split("_"))
