"""``concert-assets deploy`` and ``destroy`` against CloudFormation by moto: what is there afterwards, by its own API."""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from concert_assets.cli.main import main
from concert_assets.deploy.template import template
from concert_assets.deployment import read
from concert_assets.resources.kms.aws import KmsSigning
from concert_assets_tests.support_moto import MotoServer
from concert_assets_tests.support_stacks import ACCOUNT, NOT_IN_MOTO, REGION, STACK, clients, cloud

EXISTING = ("--set", "RedshiftWorkgroup=concerts")  # moto has no Redshift Serverless
# Made only where the condition holds, which it does not here.
NOT_ASKED_FOR = {
    "AnalystMayLook",
    "AnalystMayRead",
    "CuratedPlace",
    "LakeKeyPolicy",
    "LakeRole",
    "NotStartedAlarm",
    "PersonalTag",
    "RunSchedule",
    "RunnerGovernancePolicy",
    "RunnerMayMakeTables",
    "RunnerMayNamePlace",
    "RunnerMayTag",
    "SchedulerRole",
    "Schedules",
    "RunnerServingPolicy",
    "ServingKeyPolicy",
    "ServingRole",
    "AlertSubscription",
    "GlueKeyPolicy",
    "ModelErrorAlarm",
    "Namespace",
    "RedshiftClients",
    "RedshiftConnectionLog",
    "RedshiftKeyPolicy",
    "RedshiftMembers",
    "RedshiftUserLog",
    "RunnerKeyPolicy",
    "Workgroup",
}
Said = pytest.CaptureFixture[str]
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def served() -> Iterator[MotoServer]:
    with cloud() as server:
        yield server


@pytest.fixture
def client(served: MotoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """An empty account, an empty working folder, and the settings that lead to the stand-in."""
    served.empty()
    monkeypatch.chdir(tmp_path)
    for name in ("CONCERT_DEPLOYMENT", "CONCERT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONCERT_ENDPOINT_URL", served.url)
    monkeypatch.setenv("CONCERT_REGION", REGION)
    return clients(served)


def settings() -> dict[str, str]:
    lines = Path(".env.aws").read_text("utf-8").splitlines()
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def made(client: Client) -> dict[str, str]:
    """Physical names of what the stack has made, by logical name."""
    found = client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    # moto lists what it passed over too, without a name
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found if one["LogicalResourceId"]}


def test_all_that_moto_knows_is_made_and_no_more_is_passed_over_than_is_told(client: Client) -> None:
    assert main(["deploy", *EXISTING]) == 0
    resources = template()["Resources"]
    there = set(made(client))
    passed_over = {resources[name]["Type"] for name in set(resources) - there - NOT_ASKED_FOR}
    assert passed_over == NOT_IN_MOTO - {
        "AWS::RedshiftServerless::Namespace",
        "AWS::RedshiftServerless::Workgroup",
        "AWS::SNS::Subscription",
    }
    assert {resources[name]["Type"] for name in there} == {
        "AWS::CloudWatch::Dashboard",
        "AWS::Events::Rule",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
        "AWS::KMS::Alias",
        "AWS::KMS::Key",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    }
    assert there & NOT_ASKED_FOR == set()


def test_what_is_made_is_there_by_its_own_api(client: Client) -> None:
    assert main(["deploy", *EXISTING, "--set", "LogDays=14"]) == 0
    there, told = made(client), settings()
    for name in ("CONCERT_RAW_BUCKET", "CONCERT_PROCESSED_BUCKET"):
        encryption = client("s3").get_bucket_encryption(Bucket=told[name])["ServerSideEncryptionConfiguration"]
        assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    queue = client("sqs").get_queue_attributes(QueueUrl=told["CONCERT_ARRIVAL_QUEUE"], AttributeNames=["All"])[
        "Attributes"
    ]
    redrive = json.loads(queue["RedrivePolicy"])
    assert redrive["maxReceiveCount"] == 5
    assert redrive["deadLetterTargetArn"].rpartition(":")[2] in there["ArrivalsLost"]
    topics = client("sns").list_topics()["Topics"]
    assert told["CONCERT_ALERT_TOPIC"] in {one["TopicArn"] for one in topics}
    key = client("kms").describe_key(KeyId=told["CONCERT_SIGNING_KEY"])["KeyMetadata"]
    assert (key["KeySpec"], key["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")
    groups = {one["logGroupName"]: one["retentionInDays"] for one in client("logs").describe_log_groups()["logGroups"]}
    assert groups == dict.fromkeys(("/aws-glue/jobs/error", "/aws-glue/jobs/logs-v2", "/aws-glue/jobs/output"), 14)
    board = json.loads(client("cloudwatch").get_dashboard(DashboardName=STACK)["DashboardBody"])
    assert f"{STACK}-ArrivalsLost" in json.dumps(board["widgets"][-1])
    aliases = client("kms").list_aliases()["Aliases"]
    assert f"alias/{STACK}-signing" in {one["AliasName"] for one in aliases}


def test_roles_and_policies_name_the_buckets_and_keys_that_were_made(client: Client) -> None:
    assert main(["deploy", *EXISTING]) == 0
    there, told, iam = made(client), settings(), client("iam")
    inline = iam.get_role_policy(RoleName=there["GlueRole"], PolicyName="curate")["PolicyDocument"]
    allowed = {
        one["Sid"]: one["Resource"] for one in ast.literal_eval(inline)["Statement"]
    }  # moto writes it as Python does
    assert allowed["WriteCurated"] == [
        f"arn:aws:s3:::{told['CONCERT_PROCESSED_BUCKET']}/curated/*",
        f"arn:aws:s3:::{told['CONCERT_PROCESSED_BUCKET']}/glue/runs/*",
    ]
    assert told["CONCERT_GLUE_ROLE"] == f"arn:aws:iam::{ACCOUNT}:role/{there['GlueRole']}"
    trust = {
        name: iam.get_role(RoleName=there[name])["Role"]["AssumeRolePolicyDocument"]["Statement"][0]
        for name in ("GlueRole", "RedshiftRole")
    }
    assert trust["GlueRole"]["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert "Condition" not in trust["RedshiftRole"]
    arn = there["RunnerPolicy"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert len("".join(json.dumps(document).split())) < 6144  # as long as IAM lets a managed policy be
    of_runner = {one["Sid"]: one["Resource"] for one in document["Statement"]}
    assert of_runner["Sign"] == told["CONCERT_SIGNING_KEY"]
    assert of_runner["RunGlueJob"] == f"arn:aws:glue:{REGION}:{ACCOUNT}:job/concert-assets-curate"
    assert of_runner["LogIn"] == [f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/*"]
    assert len(of_runner) == len(document["Statement"]) == 14


def test_the_settings_that_are_written_are_those_of_a_deployment(client: Client, served: MotoServer) -> None:
    Path(".env.aws").write_text(
        "OWN=kept\nCONCERT_RAW_BUCKET=of-long-ago\nexport CONCERT_REDSHIFT_CLUSTER=gone\n", "utf-8"
    )
    assert main(["deploy", *EXISTING, "--set", "GlueWorkers=20"]) == 0
    told = settings()
    assert told.pop("OWN") == "kept"
    found = read(told)
    assert (found.name, found.region, found.endpoint_url) == ("aws", REGION, served.url)
    assert (found.redshift_workgroup, found.redshift_database, found.glue_workers) == ("concerts", "concerts", 20)
    assert found.raw_bucket.startswith("concert-assets-maderawbucket-")
    assert (found.home.name, told["DAGSTER_HOME"]) == (".concert-aws", str(found.dagster_home))
    # the key that was made signs, by the resource that the deployment binds
    signing = KmsSigning(key_id=found.signing_key, region=REGION, endpoint_url=served.url)
    assert len(signing.key()) == 32


def test_only_what_arrives_in_the_inbox_reaches_the_queue(client: Client) -> None:
    assert main(["deploy", *EXISTING]) == 0
    told, s3 = settings(), client("s3")
    # moto reads of a bucket in a template its encryption alone; the template's own words are held by another test
    s3.put_bucket_notification_configuration(
        Bucket=told["CONCERT_RAW_BUCKET"], NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    for key in ("deliveries/x.csv", "inbox/artists/x.csv", "log/1.json"):
        s3.put_object(Bucket=told["CONCERT_RAW_BUCKET"], Key=key, Body=b"id\n")
    s3.put_object(Bucket="another", Key="inbox/y.csv", Body=b"id\n")
    heard = client("sqs").receive_message(
        QueueUrl=told["CONCERT_ARRIVAL_QUEUE"], MaxNumberOfMessages=10, WaitTimeSeconds=0
    )
    (message,) = heard["Messages"]
    detail = json.loads(message["Body"])["detail"]
    assert (detail["bucket"]["name"], detail["object"]["key"]) == (told["CONCERT_RAW_BUCKET"], "inbox/artists/x.csv")


def test_deploying_again_changes_nothing_and_what_is_given_then_changes_alone(client: Client, capsys: Said) -> None:
    assert main(["deploy", *EXISTING]) == 0
    before, there = settings(), made(client)
    capsys.readouterr()
    assert main(["deploy"]) == 0
    assert "no changes" in capsys.readouterr().out
    assert (settings(), made(client)) == (before, there)
    assert client("cloudformation").list_change_sets(StackName=STACK)["Summaries"][1:] == []

    assert main(["deploy", "--set", "GlueWorkers=20"]) == 0
    assert settings() == before | {"CONCERT_GLUE_WORKERS": "20"}
    assert made(client) == there
    (stack,) = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert (given["RedshiftWorkgroup"], given["GlueWorkers"]) == ("concerts", "20")


def test_a_plan_tells_and_leaves_nothing(client: Client, capsys: Said) -> None:
    assert main(["deploy", "--plan", *EXISTING, "--template", "all.json"]) == 0
    said = capsys.readouterr().out
    assert "cfn-lint: 0 findings" in said
    assert "+ AWS::S3::Bucket MadeRawBucket" in said
    assert client("cloudformation").list_stacks(StackStatusFilter=["REVIEW_IN_PROGRESS"])["StackSummaries"] == []
    assert json.loads(Path("all.json").read_text("utf-8")) == template()
    assert [path.name for path in Path().iterdir()] == ["all.json"]

    assert main(["deploy", *EXISTING]) == 0
    before = made(client)
    assert main(["deploy", "--plan", "--set", "GlueWorkers=20"]) == 0
    assert made(client) == before
    assert settings()["CONCERT_GLUE_WORKERS"] == "10"


def test_what_is_there_already_is_used_and_not_made(client: Client) -> None:
    key = client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    encryption = client("kms").create_key()["KeyMetadata"]["Arn"]
    client("logs").create_log_group(logGroupName="/aws-glue/jobs/output")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    client("iam").create_role(RoleName="dagster", AssumeRolePolicyDocument=trust)
    given = {
        "RedshiftCluster": "warehouse",
        "SigningKey": key,
        "BucketKey": encryption,
        "RunnerRole": "dagster",
    }
    options = [text for name, value in given.items() for text in ("--set", f"{name}={value}")]
    assert main(["deploy", "--raw-bucket", "one", "--processed-bucket", "two", *options]) == 0
    there, told = made(client), settings()
    assert {"MadeRawBucket", "MadeProcessedBucket", "MadeSigningKey", "SigningAlias", "GlueOutput"} & set(
        there
    ) == set()
    found = read(told)
    assert (found.raw_bucket, found.processed_bucket) == ("one", "two")
    assert (found.redshift_cluster, found.redshift_workgroup) == ("warehouse", "")
    assert (found.signing_key, found.bucket_key) == (key, encryption)
    attached = client("iam").list_attached_role_policies(RoleName="dagster")["AttachedPolicies"]
    assert {one["PolicyArn"] for one in attached} == {there["RunnerPolicy"], there["RunnerKeyPolicy"]}


def test_destroying_keeps_what_cannot_be_made_anew_and_it_serves_again(client: Client, capsys: Said) -> None:
    assert main(["deploy", *EXISTING]) == 0
    told = settings()
    client("s3").put_object(Bucket=told["CONCERT_RAW_BUCKET"], Key="log/1.json", Body=b"{}")
    client("glue").create_job(Name="concert-assets-curate", Role=told["CONCERT_GLUE_ROLE"], Command={"Name": "glueetl"})
    capsys.readouterr()
    assert main(["destroy", "--confirm", STACK]) == 0
    said = capsys.readouterr().out
    assert client("s3").get_object(Bucket=told["CONCERT_RAW_BUCKET"], Key="log/1.json")["Body"].read() == b"{}"
    assert client("kms").describe_key(KeyId=told["CONCERT_SIGNING_KEY"])["KeyMetadata"]["KeyState"] == "Enabled"
    assert client("glue").list_jobs()["JobNames"] == []
    assert client("sns").list_topics()["Topics"] == []

    again = said.splitlines()[-1].partition("concert-assets ")[2].split()
    assert main([*again, *EXISTING]) == 0
    same = ("CONCERT_RAW_BUCKET", "CONCERT_PROCESSED_BUCKET", "CONCERT_SIGNING_KEY")
    assert [settings()[name] for name in same] == [told[name] for name in same]
    assert main(["destroy", "--confirm", STACK, "--with-data"]) == 0
    client("s3").head_bucket(Bucket=told["CONCERT_RAW_BUCKET"])  # it is no longer the stack's to remove


def test_destroying_with_data_leaves_nothing_but_a_key_that_waits(client: Client, capsys: Said) -> None:
    assert main(["deploy", *EXISTING]) == 0
    told, s3 = settings(), client("s3")
    bucket = told["CONCERT_RAW_BUCKET"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="log/1.json", Body=body)
    s3.delete_object(Bucket=bucket, Key="log/1.json")
    assert main(["destroy", "--confirm", STACK, "--with-data"]) == 0
    assert f"bucket {bucket}: removed, 3 versions" in capsys.readouterr().out
    left = {one["Name"] for one in s3.list_buckets()["Buckets"]}
    assert {bucket, told["CONCERT_PROCESSED_BUCKET"]} & left == set()
    assert client("kms").describe_key(KeyId=told["CONCERT_SIGNING_KEY"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
