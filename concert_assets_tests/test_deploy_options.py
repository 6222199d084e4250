"""The stack with everything that is made only where it is asked for, as far as moto knows the types."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from concert_assets.cli.main import main
from concert_assets.deploy.template import template
from concert_assets_tests.support_moto import MotoServer
from concert_assets_tests.support_stacks import ACCOUNT, REGION, STACK, clients, cloud

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0b6c1f1e-8f6e-4f6b-9c43-3a6f3d1a2b4c"
ASKED = {
    "RedshiftWorkgroup": "concerts",  # moto has no Redshift Serverless
    "BucketKey": KEY,
    "RunnerRole": "runner",
    "AnalystRole": f"arn:aws:iam::{ACCOUNT}:role/analysts",
    "LakeFormation": "yes",
    "Serving": "yes",
    "ScheduleInstance": "i-0123456789abcdef0",
    "ModelErrorLimit": "500",
    "AlertEmail": "ops@example.org",
}
# Of a warehouse made here, which moto cannot make.
OF_A_WAREHOUSE = {
    "Namespace",
    "RedshiftClients",
    "RedshiftConnectionLog",
    "RedshiftMembers",
    "RedshiftUserLog",
    "Workgroup",
}


@pytest.fixture(scope="module")
def served() -> Iterator[MotoServer]:
    with cloud() as server:
        yield server


def test_all_options_together_are_made_as_far_as_moto_knows_their_types(
    served: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONCERT_ENDPOINT_URL", served.url)
    monkeypatch.setenv("CONCERT_REGION", REGION)
    client = clients(served)
    trust = {"Version": "2012-10-17", "Statement": []}
    client("iam").create_role(RoleName="runner", AssumeRolePolicyDocument=json.dumps(trust))
    options = [part for name, value in ASKED.items() for part in ("--set", f"{name}={value}")]
    assert main(["deploy", *options]) == 0
    found = client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    there = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found if one["LogicalResourceId"]}
    resources = template()["Resources"]
    known = {resources[name]["Type"] for name in there}
    assert {"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"} <= known
    missing = {name for name, one in resources.items() if one["Type"] in known} - set(there)
    assert missing == OF_A_WAREHOUSE & {name for name, one in resources.items() if one["Type"] in known}
    attached = client("iam").list_attached_role_policies(RoleName="runner")["AttachedPolicies"]
    assert {one["PolicyArn"] for one in attached} == {
        there[name] for name in ("RunnerPolicy", "RunnerKeyPolicy", "RunnerServingPolicy", "RunnerGovernancePolicy")
    }
    for name in ("LakeRole", "SchedulerRole", "ServingRole"):
        told = client("iam").get_role(RoleName=there[name])["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert [one["Condition"] for one in told] == [{"StringEquals": {"aws:SourceAccount": ACCOUNT}}]
    settings = Path(".env.aws").read_text("utf-8")
    assert f"CONCERT_CATALOG_TAG={STACK}-personal" in settings
    assert f"CONCERT_BUCKET_KEY={KEY}" in settings
