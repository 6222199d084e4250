"""The template of the infrastructure: that it is one, what it guards, and that it fits the code that runs on it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from concert_assets.deploy.checks import MOST_BYTES, lint, problems, wrong_values
from concert_assets.deploy.template import as_text, settings_of, template
from concert_assets.deployment import read
from concert_assets.resources.glue.session import RUNS_PREFIX
from concert_assets.resources.redshift.loading import MANIFESTS
from concert_assets.resources.redshift.unloading import UNLOADS
from concert_assets.resources.watch import DIMENSION, METRICS

TEMPLATE = template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
SENT = set(METRICS)


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of a type, by name."""
    return {name: one for name, one in RESOURCES.items() if one["Type"] == kind}


# --- as a template


def test_cfn_lint_finds_nothing_and_is_no_blind_judge() -> None:
    assert lint(TEMPLATE, "us-east-1") == []
    broken = copy.deepcopy(TEMPLATE)
    broken["Resources"]["Arrivals"]["Properties"]["Colour"] = "red"
    found = lint(broken, "us-east-1")
    assert found is not None
    assert [text.partition(":")[0] for text in found] == ["E3002"]


def test_without_cfn_lint_the_own_checks_remain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("concert_assets.deploy.checks.find_spec", lambda name: None)
    assert lint(TEMPLATE, "us-east-1") is None
    assert problems(TEMPLATE) == []
    assert len(as_text(TEMPLATE).encode()) < MOST_BYTES


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"Ref": "Nobody"}, "there is no name Nobody"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "there is no resource Nobody"),
        ({"Fn::If": ["Maybe", 1, 2]}, "there is no condition Maybe"),
        ({"Fn::Sub": "${Nobody}"}, "there is no name Nobody"),
        ({"Fn::Sub": "${RawBucket.Arn}"}, "there is no resource RawBucket"),
        ({"Fn::Sub": ["${Raw}", {"Raw": {"Ref": "Nobody"}}]}, "there is no name Nobody"),
        ("x" * MOST_BYTES, "CloudFormation takes 51,200"),
    ],
)
def test_a_name_that_leads_nowhere_is_found(part: Any, said: str) -> None:
    broken = copy.deepcopy(TEMPLATE)
    broken["Resources"]["Arrivals"]["Properties"]["KmsMasterKeyId"] = part
    found = problems(broken)
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Colour", "red", "no parameter"),
        ("RawBucket", "Bad_Bucket", "Existing bucket"),
        ("GlueWorkers", "1", "from 2 to 299"),
        ("GlueWorkers", "many", "a number from 2"),
        ("RedshiftCapacity", "9", "one of 4, 8, 16"),
        ("GlueLogGroups", "perhaps", "one of make, keep"),
        ("RedshiftClientCidr", "0.0.0.0/0", "10.0.0.0/16"),
        ("SigningKey", "alias/models", "HMAC_256"),
    ],
)
def test_a_wrong_value_of_a_parameter_is_told_before_anybody_is_asked(name: str, value: str, said: str) -> None:
    (fault,) = wrong_values(TEMPLATE, {name: value})
    assert name in fault
    assert said in fault


def test_every_default_is_a_value_that_is_allowed() -> None:
    defaults = {name: str(one["Default"]) for name, one in TEMPLATE["Parameters"].items()}
    assert wrong_values(TEMPLATE, defaults) == []


# --- what is guarded


def test_buckets_are_private_encrypted_versioned_and_outlive_the_stack() -> None:
    buckets = of_type("AWS::S3::Bucket")
    assert set(buckets) == {"MadeRawBucket", "MadeProcessedBucket"}
    for one in buckets.values():
        properties = one["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == {
            "Fn::If": ["HasBucketKey", "aws:kms", "AES256"]
        }
        assert (one["DeletionPolicy"], one["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert RESOURCES["MadeSigningKey"]["DeletionPolicy"] == "Retain"


def test_scratch_of_the_code_and_forgotten_versions_expire_and_nothing_else() -> None:
    for name, scratch in (("MadeRawBucket", set()), ("MadeProcessedBucket", {RUNS_PREFIX, MANIFESTS, UNLOADS})):
        rules = RESOURCES[name]["Properties"]["LifecycleConfiguration"]["Rules"]
        assert {rule.get("Prefix") for rule in rules if "ExpirationInDays" in rule} == scratch
        kept = [rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule]
        assert kept == [{"NoncurrentDays": {"Ref": "NoncurrentDays"}}]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_what_is_spoken_to_is_spoken_to_over_tls() -> None:
    guarded = {
        (name, ref["Ref"])
        for name, one in RESOURCES.items()
        if one["Type"] in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
        for ref in (
            [one["Properties"]["Bucket"]]
            if "Bucket" in one["Properties"]
            else one["Properties"].get("Queues") or one["Properties"]["Topics"]
        )
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    wanted = {**of_type("AWS::S3::Bucket"), **of_type("AWS::SQS::Queue"), **of_type("AWS::SNS::Topic")}
    assert {target for _, target in guarded} == set(wanted)
    for name in of_type("AWS::S3::BucketPolicy"):
        old = RESOURCES[name]["Properties"]["PolicyDocument"]["Statement"][1]
        assert (old["Effect"], old["Condition"]) == ("Deny", {"NumericLessThan": {"s3:TlsVersion": "1.2"}})
    (workgroup,) = of_type("AWS::RedshiftServerless::Workgroup").values()
    assert {"ParameterKey": "require_ssl", "ParameterValue": "true"} in workgroup["Properties"]["ConfigParameters"]


def test_the_warehouse_is_private_unless_addresses_are_named_and_its_secret_is_kept_by_aws() -> None:
    (workgroup,) = of_type("AWS::RedshiftServerless::Workgroup").values()
    (namespace,) = of_type("AWS::RedshiftServerless::Namespace").values()
    assert workgroup["Properties"]["PubliclyAccessible"] == {"Fn::If": ["IsPublic", True, False]}
    assert TEMPLATE["Parameters"]["RedshiftClientCidr"]["Default"] == ""
    assert TEMPLATE["Parameters"]["RedshiftPublic"]["Default"] == "no"
    # Its own group always: the default group of a VPC admits its own members, and the machine of Dagster is none.
    group = {"Fn::GetAtt": ["RedshiftClients", "GroupId"]}
    assert workgroup["Properties"]["SecurityGroupIds"] == [group]
    members = RESOURCES["RedshiftMembers"]["Properties"]
    assert (members["GroupId"], members["SourceSecurityGroupId"], members["FromPort"]) == (group, group, 5439)
    assert namespace["Properties"]["ManageAdminPassword"] is True
    assert "AdminUserPassword" not in as_text(TEMPLATE)
    assert [name for name, one in TEMPLATE["Parameters"].items() if "NoEcho" in one or "assword" in name] == []
    for queue in of_type("AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
    for group in of_type("AWS::Logs::LogGroup").values():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}


# --- what the code is told


def test_alarms_and_dashboard_look_at_the_metrics_that_are_sent() -> None:
    alarms = {
        one["Properties"]["MetricName"]: one["Properties"]
        for one in of_type("AWS::CloudWatch::Alarm").values()
        if one["Properties"]["Namespace"] == "ConcertAssets"
    }
    assert set(alarms) == SENT - {"RowsPublished", "RowsRejected"}
    for one in alarms.values():
        assert one["Dimensions"] == [{"Name": DIMENSION, "Value": {"Ref": "AWS::StackName"}}]
        assert one["AlarmActions"] == [{"Ref": "Alerts"}]
    body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    shown = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    assert {metric[1] for metric in shown if metric[0] == "ConcertAssets"} == SENT
    assert {tuple(metric[2:]) for metric in shown if metric[0] == "ConcertAssets"} == {(DIMENSION, "${AWS::StackName}")}


def test_every_output_for_the_platform_is_a_setting_under_its_own_name() -> None:
    names = settings_of({name: one["Description"] for name, one in TEMPLATE["Outputs"].items()})
    assert {name: told for name, told in names.items() if name != told} == {}
    assert settings_of({"RunnerPolicy": "arn"}) == {}
    role = "arn:aws:iam::123456789012:role/x"
    key = "arn:aws:kms:eu-west-1:123456789012:key/0f0e0d0c-0b0a-0908-0706-050403020100"
    known = {
        "CONCERT_RAW_BUCKET": "a-raw",
        "CONCERT_PROCESSED_BUCKET": "a-processed",
        "CONCERT_BUCKET_KEY": key,
        "CONCERT_REGION": "eu-west-1",
        "CONCERT_GLUE_JOB": "concert-assets-curate",
        "CONCERT_GLUE_ROLE": role,
        "CONCERT_GLUE_WORKERS": "10",
        "CONCERT_ACCOUNT": "123456789012",
        "CONCERT_REDSHIFT_WORKGROUP": "concert-assets",
        "CONCERT_REDSHIFT_DATABASE": "concerts",
        "CONCERT_REDSHIFT_ROLE": role,
        "CONCERT_CATALOG_DATABASE": "concert_assets",
        "CONCERT_CATALOG_TAG": "concert-assets-personal",
        "CONCERT_SAGEMAKER_ROLE": role,
        "CONCERT_SIGNING_KEY": key,
        "CONCERT_ARRIVAL_QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/concert-assets-Arrivals-X",
        "CONCERT_STACK": "concert-assets",
        "CONCERT_ALERT_TOPIC": "arn:aws:sns:eu-west-1:123456789012:concert-assets-Alerts-X",
    }
    assert set(names) == {*known, "CONCERT_REDSHIFT_CLUSTER"}
    assert read({"CONCERT_DEPLOYMENT": "aws", **known}).glue_role == role


def test_a_name_in_two_parts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("Resources: {Same: {Type: AWS::SNS::Topic}}\n")
    monkeypatch.setattr("concert_assets.deploy.template._FOLDER", tmp_path)
    monkeypatch.setattr("concert_assets.deploy.template.PARTS", ("one", "two"))
    with pytest.raises(ValueError, match=r"two\.yaml: Resources Same stands in another part too"):
        template()
