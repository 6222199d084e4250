"""The subcommand ``endpoint``: the champion behind a serverless endpoint of SageMaker."""

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.forecasts import MODEL, champion, reach
from concert_assets.deployment import Deployment

if TYPE_CHECKING:
    import pandas as pd

    from concert_assets.learning.model import TrainedModel
    from concert_assets.resources.sagemaker.endpoint import Endpoint, Question

SERVING_PREFIX = "serving/"
_MEMORY = (1024, 2048, 3072, 4096, 5120, 6144)
_MOST_CONCURRENT = 200
_NAME = re.compile(r"[a-z][a-z0-9-]{0,44}[a-z0-9]")  # 63 with the hash of a configuration
_IMAGE = re.compile(r"[0-9]{12}\.dkr\.ecr\.[a-z0-9.-]+/[a-z0-9._/-]+(:[\w.-]+|@sha256:[0-9a-f]{64})?")
_ROWS = 3
# exp and log differ by processor: a figure that is rounded may come out as its neighbour elsewhere.
_TICKETS, _SHARE = 1.0, 0.01


def endpoint(deployment: Deployment, options: Any) -> int:
    """Make or change the endpoint and check it by a question whose answer is known; with ``--remove`` remove it."""
    _check(deployment, options)
    from concert_assets.resources.sagemaker.endpoint import Contents, EndpointFailed

    try:
        if options.remove:
            there = _endpoint(deployment, options).remove()
            print(f"endpoint {options.name} is removed" if there else f"there is no endpoint {options.name}")
            return 0
        model = champion(deployment)
        package = _package(deployment, model)
        question = _question(deployment, model)
        contents = Contents(options.image, deployment.sagemaker_role, package, options.memory, options.concurrency)
        print(f"model {model.version} as {package}")
        print(f"waiting up to {options.deadline_seconds} s for SageMaker", flush=True)
        is_changed = _endpoint(deployment, options).put(contents, question)
    except EndpointFailed as error:
        raise CommandFailed(str(error)) from None
    print(f"endpoint {options.name} {'serves it' if is_changed else 'served it already'}, and says what is said here")
    return 0


def _check(deployment: Deployment, options: Any) -> None:
    if deployment.is_embedded:
        raise WrongOption("an endpoint is of the deployment aws, and CONCERT_DEPLOYMENT (--deployment) is embedded")
    if not _NAME.fullmatch(options.name):
        raise WrongOption(
            f"--name: {options.name!r} is not allowed; expected 2 to 46 of a-z, 0-9 and -, a letter first"
        )
    if options.deadline_seconds < 1:
        raise WrongOption(f"--deadline-seconds: {options.deadline_seconds} is not allowed; it must be 1 or more")
    if options.remove:
        return
    if not options.image or not _IMAGE.fullmatch(options.image):
        raise WrongOption(f"--image: {options.image!r} is not allowed; expected the URI of an image in Amazon ECR")
    if options.memory not in _MEMORY:
        raise WrongOption(f"--memory: {options.memory} is not allowed; allowed: {', '.join(map(str, _MEMORY))}")
    if not 1 <= options.concurrency <= _MOST_CONCURRENT:
        raise WrongOption(f"--concurrency: {options.concurrency} is not allowed; expected 1 to {_MOST_CONCURRENT}")
    if not deployment.sagemaker_role:
        raise WrongOption("CONCERT_SAGEMAKER_ROLE is not set; an endpoint needs the ARN of the IAM role that it has")


def _endpoint(deployment: Deployment, options: Any) -> "Endpoint":
    from concert_assets.deploy.failures import DeploymentFailed, told
    from concert_assets.resources.clients import aws_client
    from concert_assets.resources.sagemaker.endpoint import Endpoint

    place = (deployment.region, deployment.endpoint_url)
    try:
        with told():
            # A first request waits for the container; SageMaker gives an answer 60 s.
            runtime = aws_client("sagemaker-runtime", *place, read_seconds=75)
            return Endpoint(aws_client("sagemaker", *place), runtime, options.name, options.deadline_seconds)
    except DeploymentFailed as error:
        raise CommandFailed(str(error)) from None


def _package(deployment: Deployment, model: "TrainedModel") -> str:
    """Put the package of the champion into the bucket, where it is not there yet; its URL.

    The bytes that are packed are verified once more: those that the champion was loaded from may have been replaced.
    """
    from concert_assets.definitions import build_resources
    from concert_assets.defs.model_objects import check_promoted, stored_version
    from concert_assets.learning.persistence import ModelRefused, load, read_manifest
    from concert_assets.serving.package import packed

    resources = build_resources(deployment)
    s3 = resources["s3"]
    try:
        data, manifest = stored_version(s3, MODEL, model.version)
        check_promoted(load(data, read_manifest(manifest), resources["signing"].key()))
    except ModelRefused as error:
        raise CommandFailed(f"the model in use is refused: {error}") from error
    content = packed(data, manifest)
    key = f"{SERVING_PREFIX}{hashlib.sha256(content).hexdigest()[:32]}/model.tar.gz"
    # Written whatever lies there: an object of that name and other bytes would be served.
    s3.store.write(s3.processed_bucket, key, content)
    return f"s3://{s3.processed_bucket}/{key}"


def _question(deployment: Deployment, model: "TrainedModel") -> "Question":
    """The last rows of the published features as a request, and the forecasts that are made of them here."""
    from concert_assets.definitions import build_resources
    from concert_assets.defs.features import feature_rows
    from concert_assets.resources.sagemaker.endpoint import Question
    from concert_assets.serving.handler import input_fn, output_fn, predict_fn
    from concert_assets.serving.requests import COLUMNS, JSON

    with build_resources(deployment)["redshift"].session() as session:
        rows = feature_rows(session, MODEL, reach(session))
    if rows.empty:
        raise CommandFailed("no concert has features; there is nothing to check an endpoint with")
    # Whatever became of the concerts: the same question is put to both.
    last = rows.sort_values(["event_day", "concert_id", "cutoff_day"]).tail(_ROWS).assign(status="scheduled")
    body = as_json(last[list(COLUMNS)])
    expected = json.loads(output_fn(predict_fn(input_fn(body, JSON), model), JSON)[0])
    return Question(body, JSON, lambda answer: fault_of(answer, expected["forecasts"]))


def as_json(rows: "pd.DataFrame") -> bytes:
    """Rows as a request; what is not known is null."""
    from concert_assets.serving.requests import TEXTS

    plain = [{name: _plain(value, name in TEXTS) for name, value in row.items()} for row in rows.to_dict("records")]
    return json.dumps({"rows": plain}).encode()


def _plain(value: Any, is_text: bool) -> Any:
    import pandas as pd

    return None if pd.isna(value) else str(value) if is_text else float(value)


def fault_of(answer: bytes, expected: list[dict[str, Any]]) -> str:
    """What is wrong with an answer, empty where it says what is expected but for rounding."""
    try:
        said = json.loads(answer)["forecasts"]
        pairs = [
            (row[name], value, name) for row, own in zip(said, expected, strict=True) for name, value in own.items()
        ]
    except (ValueError, TypeError, KeyError, RecursionError):
        return f"it answers {answer[:80]!r}, which are not {len(expected)} forecasts"
    for found, value, name in pairs:
        near = _SHARE if name == "confidence_score" else _TICKETS
        if isinstance(value, str) or name == "horizon_days":
            is_right = found == value
        else:
            is_right = isinstance(found, int | float) and abs(found - value) <= near
        if not is_right:
            return f"it says {name} {str(found)[:80]!r} and not {value!r}"
    return ""
