"""CloudFormation by moto, taught what AWS does and moto leaves out; run as a program it serves as ``support_moto`` does.

A stack that was made by a change set has outputs, and the parameters that were given, also after the next change set.
A key is of the type that the template says; moto makes a symmetric one of each.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from concert_assets.resources.clients import aws_client
from concert_assets_tests.support_moto import MotoServer, running, serve

REGION = "us-east-1"
ACCOUNT = "123456789012"
STACK = "concert-assets"
# What moto's CloudFormation passes over with a warning; attributes of such a resource it refuses.
NOT_IN_MOTO = {
    "AWS::CloudWatch::Alarm",
    "AWS::Glue::Database",
    "AWS::RedshiftServerless::Namespace",
    "AWS::RedshiftServerless::Workgroup",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}


@contextmanager
def cloud() -> Iterator[MotoServer]:
    """A server with stacks."""
    with running("concert_assets_tests.support_stacks") as server:
        yield server


def clients(server: MotoServer) -> Callable[[str], Any]:
    """Clients of the server by service."""
    return lambda service: aws_client(service, REGION, server.url)


def statements(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy in a template, with the name of the resource that it stands in."""
    for name, resource in template["Resources"].items():
        found = resource["Properties"]
        policies = [found[key] for key in ("PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy") if key in found]
        policies += [policy["PolicyDocument"] for policy in found.get("Policies", ())]
        for policy in policies:
            for statement in policy["Statement"]:
                yield name, statement


def texts(node: Any) -> Iterator[str]:
    """The texts that a value of a template may come to, functions left as ``${…}``."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)
    elif isinstance(node, dict):
        for function, value in node.items():
            if function == "Fn::Sub":
                yield value if isinstance(value, str) else value[0]
            elif function == "Fn::If":
                yield from texts(value[1:])
            else:
                yield f"${{{json.dumps(value)}}}"


def _teach() -> None:
    from moto.cloudformation.models import ChangeSet, Stack
    from moto.kms.models import Key, kms_backends

    applied = ChangeSet.apply

    def apply(self: Any) -> None:
        applied(self)
        stack = self.stack
        stack.template_dict, stack.parameters = self.template_dict, self.parameters
        stack.output_map = stack._create_output_map()

    def key(cls: Any, name: str, resource: Any, account_id: str, region_name: str, **kwargs: Any) -> Any:
        found = resource["Properties"]
        policy = json.dumps(found["KeyPolicy"])
        return kms_backends[account_id][region_name].create_key(
            policy, found.get("KeyUsage", "ENCRYPT_DECRYPT"), found.get("KeySpec", "SYMMETRIC_DEFAULT"), "", []
        )

    def given(self: Any) -> list[dict[str, str]]:
        return [{"ParameterKey": name, "ParameterValue": str(value)} for name, value in self.parameters.items()]

    Key.create_from_cloudformation_json = classmethod(key)  # type: ignore[method-assign,assignment]
    ChangeSet.apply = apply  # type: ignore[method-assign]
    Stack.parameter_list = property(given)  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    logging.getLogger("moto").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Tried to parse .* not supported by moto's CloudFormation")
    _teach()
    serve()
