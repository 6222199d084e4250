"""Small Glue jobs for tests, and a step that launches them as the platform does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from concert_assets.resources.glue.aws import AwsGlueJobs
from concert_assets_tests.support_glue import GlueDouble

_HEAD = """\
import os, sys, time
import boto3
from dagster_pipes import PipesCliArgsParamsLoader, PipesS3ContextLoader, PipesS3MessageWriter, open_dagster_pipes
import concert_assets.catalog.canonical as canonical
s3 = boto3.client("s3")
pipes = open_dagster_pipes(
    params_loader=PipesCliArgsParamsLoader(),
    context_loader=PipesS3ContextLoader(s3),
    message_writer=PipesS3MessageWriter(s3, interval=-1),
)
"""
# Reports each delivery it is asked for.
REPORTS = (
    _HEAD
    + """
with pipes:
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    pipes.report_custom_message({"package": canonical.__file__, "arguments": arguments})
    for delivery in pipes.extras["deliveries"]:
        pipes.log.info(f"curated {delivery}")
        pipes.report_custom_message({"delivery": delivery})
"""
)


class ScriptGlue(AwsGlueJobs):
    """AWS Glue with the programs of a folder in place of the package's."""

    folder: str

    def script(self, job: str) -> Path:
        return Path(self.folder) / f"{job}.py"


def resource(double: GlueDouble, folder: Path, script: str, **settings: Any) -> ScriptGlue:
    """A resource that speaks to a double, in a hurry, and whose job is a script."""
    (folder / "curate.py").write_text(script)
    given = {
        "region": "us-east-1",
        "processed_bucket": "processed",
        "role": "arn:aws:iam::123456789012:role/glue",
        "endpoint_url": double.url,
        "deadline_seconds": 60.0,
        "poll_seconds": 0.1,
        "patience_seconds": 5.0,
        "stop_seconds": 10.0,
        "log_seconds": 2.0,
    }
    return ScriptGlue(folder=str(folder), **{**given, **settings})


@dataclass
class Launched:
    """What came of a step: the messages or the failure, and all that was logged."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    failure: BaseException | None = None
    lines: list[str] = field(default_factory=list)

    def logged(self, text: str) -> bool:
        return any(text in line for line in self.lines)


def launch(glue: AwsGlueJobs, extras: Mapping[str, Any]) -> Launched:
    """Run a job in a step of Dagster, as ``curated`` does."""
    done = Launched()

    @dg.asset
    def launched(context: dg.AssetExecutionContext, glue: AwsGlueJobs) -> dg.MaterializeResult[Any]:
        try:
            done.messages = glue.run(context, "curate", extras)
        except Exception as error:
            done.failure = error
        return dg.MaterializeResult()

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([launched], resources={"glue": glue}, instance=instance)
        done.lines = [entry.user_message for entry in instance.all_logs(result.run_id)]
    return done
