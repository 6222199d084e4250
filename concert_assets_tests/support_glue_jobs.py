"""Small Glue jobs for tests, and a step that launches them as the platform does."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from concert_assets.resources.glue.aws import AwsGlueJobs
from concert_assets.resources.glue.local import LocalGlue
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
# Reports each delivery that it is asked for, and what it was given.
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
# Reports, and waits between its two deliveries until a file is there.
WAITS = (
    _HEAD
    + """
with pipes:
    pipes.report_custom_message({"delivery": "one"})
    while not os.path.exists(pipes.extras["gate"]):
        time.sleep(0.05)
    pipes.report_custom_message({"delivery": "two"})
"""
)
# Reports, and dies when the report has arrived, without a word.
REPORTS_AND_DIES = (
    _HEAD
    + """
pipes.report_custom_message({"delivery": "one"})
time.sleep(2.5)
os.kill(os.getpid(), 9)
"""
)
DIES = "import os\nos.kill(os.getpid(), 9)\n"
# Reports, and fails with an error that tells secrets.
REPORTS_AND_FAILS = (
    _HEAD
    + """
with pipes:
    pipes.report_custom_message({"delivery": "one"})
    print("password=canary-of-the-log", os.environ["AWS_SECRET_ACCESS_KEY"], file=sys.stderr)
    raise RuntimeError("the disk is full")
"""
)
# More objects of messages than the stock reader reads after the end, and a line that is no message.
REPORTS_MUCH = (
    _HEAD
    + """
import json
place = pipes._message_channel
pipes.close()
for number in range(30):
    message = {"__dagster_pipes_version": "0.1", "method": "report_custom_message", "params": {"payload": {"n": number}}}
    text = "no message\\n" * (number == 7) + json.dumps(message)
    s3.put_object(Bucket=place._bucket, Key=f"{place._key_prefix}/{place._counter + number}.json", Body=text.encode())
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
    return in_a_hurry(folder, **{"endpoint_url": double.url, **settings})


def in_a_hurry(folder: Path, **settings: Any) -> ScriptGlue:
    """A resource that waits for little, with the programs of a folder."""
    given = {
        "region": "us-east-1",
        "processed_bucket": "processed",
        "role": "arn:aws:iam::123456789012:role/glue",
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


def launch(glue: AwsGlueJobs | LocalGlue, extras: Mapping[str, Any]) -> Launched:
    """Run a job in a step of Dagster, as ``curated`` does."""
    done = Launched()

    @dg.asset
    def launched(context: dg.AssetExecutionContext, glue: dg.ResourceParam[Any]) -> dg.MaterializeResult[Any]:
        try:
            done.messages = glue.run(context, "curate", extras)
        except Exception as error:
            done.failure = error
        return dg.MaterializeResult()

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([launched], resources={"glue": glue}, instance=instance)
        done.lines = [entry.user_message for entry in instance.all_logs(result.run_id)]
    return done


def main() -> int:
    """A process of its own that launches a job, for tests that end it: ``<endpoint> <folder> <extras>``."""
    endpoint, folder, extras = sys.argv[1:]
    done = launch(in_a_hurry(Path(folder), endpoint_url=endpoint), json.loads(extras))
    print(json.dumps(done.messages), done.failure)
    return 0 if done.failure is None else 1


if __name__ == "__main__":
    sys.exit(main())
