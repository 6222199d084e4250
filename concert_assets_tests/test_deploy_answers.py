"""What CloudFormation, Redshift and S3 may answer and moto never does: failures, refusals, waits without end."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from concert_assets.deploy.failures import DeploymentFailed
from concert_assets.deploy.stack import TAG, Change, Plan, Stack
from concert_assets.deploy.surroundings import database_user, let_create, remove_bucket
from concert_assets.resources.clients import aws_client
from concert_assets_tests.support_moto import ENVIRONMENT
from concert_assets_tests.support_stacks import ACCOUNT, REGION, STACK

ARN = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def described(status: str, tags: bool = True, **more: Any) -> dict[str, Any]:
    found = {"StackName": STACK, "StackId": ARN, "StackStatus": status, "CreationTime": NOW, **more}
    return {"Stacks": [found | ({"Tags": [{"Key": TAG, "Value": STACK}]} if tags else {})]}


def event(resource: str, kind: str, status: str, reason: str) -> dict[str, Any]:
    return {
        "StackId": ARN,
        "EventId": resource + status,
        "StackName": STACK,
        "Timestamp": NOW,
        "LogicalResourceId": resource,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


EVENTS = [  # newest first, as CloudFormation tells them
    event(STACK, "AWS::CloudFormation::Stack", "ROLLBACK_COMPLETE", ""),
    event("Dashboard", "AWS::CloudWatch::Dashboard", "CREATE_FAILED", "Resource creation cancelled"),
    event("Workgroup", "AWS::RedshiftServerless::Workgroup", "CREATE_FAILED", "Insufficient\n capacity"),
    event("GlueOutput", "AWS::Logs::LogGroup", "CREATE_FAILED", "already exists"),
    event(STACK, "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", "User Initiated"),
    event("Alerts", "AWS::SNS::Topic", "CREATE_FAILED", "of an earlier attempt"),
]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Stack, Stubber]]:
    """A stack whose CloudFormation answers what a test has written down, and refuses any other question."""
    _credentials(monkeypatch)
    client = aws_client("cloudformation", REGION)
    with Stubber(client) as stubber:
        yield Stack(client, STACK, deadline_seconds=0.05, poll_seconds=0.01), stubber
        stubber.assert_no_pending_responses()


def test_a_failure_is_told_by_the_resources_that_failed_first(scripted: tuple[Stack, Stubber]) -> None:
    stack, stubber = scripted
    stubber.add_response("execute_change_set", {})
    stubber.add_response("describe_change_set", {"ExecutionStatus": "EXECUTE_IN_PROGRESS"})
    stubber.add_response("describe_stacks", described("ROLLBACK_COMPLETE"))
    stubber.add_response("describe_stack_events", {"StackEvents": EVENTS})
    with pytest.raises(DeploymentFailed) as caught:
        stack.carry_out(Plan(True, True, "changes"))
    assert str(caught.value) == (
        f"stack {STACK} ended as ROLLBACK_COMPLETE: GlueOutput (AWS::Logs::LogGroup): already exists; "
        "Workgroup (AWS::RedshiftServerless::Workgroup): Insufficient capacity"
    )


def test_a_stack_that_could_not_be_made_is_to_be_removed_first(scripted: tuple[Stack, Stubber]) -> None:
    stack, stubber = scripted
    stubber.add_response("describe_stacks", described("ROLLBACK_COMPLETE"))
    stubber.add_response("describe_stack_events", {"StackEvents": EVENTS})
    with pytest.raises(DeploymentFailed, match=r"already exists.*concert-assets destroy --stack concert-assets"):
        stack.plan("{}", {}, {})


def test_a_wait_ends_at_the_deadline(scripted: tuple[Stack, Stubber]) -> None:
    stack, stubber = scripted
    stubber.add_response("describe_stacks", described("UPDATE_IN_PROGRESS"))
    stack._end = 0.0
    with pytest.raises(DeploymentFailed, match=r"is still UPDATE_IN_PROGRESS after 0.05 s \(--deadline-seconds\)"):
        stack.settled()


def test_a_refused_change_set_leaves_no_empty_stack(scripted: tuple[Stack, Stubber]) -> None:
    stack, stubber = scripted
    gone = {"service_error_code": "ValidationError", "service_message": f"Stack with id {STACK} does not exist"}
    stubber.add_client_error("describe_stacks", **gone)
    stubber.add_response("create_change_set", {"Id": "changes-of-the-test"})
    stubber.add_response("describe_change_set", {"Status": "CREATE_IN_PROGRESS"})
    refusal = {"Status": "FAILED", "StatusReason": "Template error: no such\nresource"}
    stubber.add_response("describe_change_set", refusal)
    stubber.add_response("delete_change_set", {})
    stubber.add_response("describe_stacks", described("REVIEW_IN_PROGRESS"))
    stubber.add_response("delete_stack", {})
    stubber.add_client_error("describe_stacks", **gone)
    with pytest.raises(DeploymentFailed, match="Template error: no such resource"):
        stack.plan("{}", {}, {})


def test_changes_are_told_over_all_pages_with_what_is_made_anew(scripted: tuple[Stack, Stubber]) -> None:
    stack, stubber = scripted

    def page(name: str, **more: Any) -> dict[str, Any]:
        change = {"Action": "Modify", "LogicalResourceId": name, "ResourceType": "AWS::SQS::Queue", **more}
        return {"Status": "CREATE_COMPLETE", "Changes": [{"Type": "Resource", "ResourceChange": change}]}

    stubber.add_response("describe_stacks", described("UPDATE_COMPLETE"))
    stubber.add_response("create_change_set", {"Id": "changes-of-the-test"})
    stubber.add_response("describe_change_set", page("One", Replacement="True") | {"NextToken": "2"})
    stubber.add_response("describe_change_set", page("Two", Replacement="False"))
    plan = stack.plan("{}", {}, {})
    assert (plan.is_new, plan.changes) == (
        False,
        (Change("Modify", "One", "AWS::SQS::Queue", True), Change("Modify", "Two", "AWS::SQS::Queue", False)),
    )


# --- Redshift and S3


@pytest.mark.parametrize(
    ("arn", "user"),
    [
        ("arn:aws:sts::123456789012:assumed-role/dagster/session", "IAMR:dagster"),
        ("arn:aws:iam::123456789012:user/people/ann", "IAM:ann"),
        ("arn:aws:iam::123456789012:root", "IAM:root"),
    ],
)
def test_a_user_of_redshift_is_named_as_its_credentials_name_it(arn: str, user: str) -> None:
    assert database_user(arn) == user


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([{"Status": "FINISHED"}, {"Status": "FINISHED"}], ""),
        ([{"Status": "FAILED", "Error": 'ERROR: user "IAMR:dagster" already exists'}, {"Status": "FINISHED"}], ""),
        ([{"Status": "FINISHED"}, {"Status": "FAILED", "Error": "no\nsuch database"}], "no such database"),
        ([{"Status": "ABORTED"}], "refuses 'create user"),
        ([{"Status": "STARTED"}], "has not run 'create user"),
    ],
)
def test_the_runner_may_create_schemas_or_it_is_told_why_not(
    monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, str]], said: str
) -> None:
    _credentials(monkeypatch)
    serverless, data = aws_client("redshift-serverless", REGION), aws_client("redshift-data", REGION)
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:redshift!concerts"
    with Stubber(serverless) as namespaces, Stubber(data) as statements:
        namespaces.add_response("get_workgroup", {"workgroup": {"namespaceName": "concerts"}})
        namespaces.add_response("get_namespace", {"namespace": {"adminPasswordSecretArn": secret}})
        asked = ['create user "IAMR:dagster" password disable', 'grant create on database "concerts" to "IAMR:dagster"']
        for sql, answer in zip(asked, answers, strict=False):
            expected = {"WorkgroupName": "group", "Database": "concerts", "SecretArn": secret, "Sql": sql}
            statements.add_response("execute_statement", {"Id": "1"}, expected)
            statements.add_response("describe_statement", {"Id": "1", **answer})
        if said:
            with pytest.raises(DeploymentFailed, match=said):
                let_create(serverless, data, "group", "concerts", "IAMR:dagster", 0.0)
        else:
            let_create(serverless, data, "group", "concerts", "IAMR:dagster", 0.0)
        statements.assert_no_pending_responses()


@pytest.mark.parametrize("owner", ["IAMR:dagster", "IAM:ann"])
def test_a_warehouse_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch, owner: str) -> None:
    _credentials(monkeypatch)
    serverless, data = aws_client("redshift-serverless", REGION), aws_client("redshift-data", REGION)
    with Stubber(serverless) as namespaces, Stubber(data) as statements:
        namespaces.add_response("get_workgroup", {"workgroup": {"namespaceName": "concerts"}})
        namespaces.add_response("get_namespace", {"namespace": {"adminPasswordSecretArn": "secret"}})
        for number in range(1 if owner == "IAM:ann" else 3):
            statements.add_response("execute_statement", {"Id": "1"})
            statements.add_response("describe_statement", {"Id": "1", "Status": "FINISHED"})
            if not number:
                row = [{"stringValue": "concert_dw"}, {"stringValue": owner}]
                statements.add_response("get_statement_result", {"Records": [row]}, {"Id": "1"})
        if owner == "IAM:ann":
            with pytest.raises(DeploymentFailed, match="schema concert_dw of database concerts belongs to IAM:ann"):
                let_create(serverless, data, "group", "concerts", "IAMR:dagster", 1.0, ["concert_dw"])
        else:
            let_create(serverless, data, "group", "concerts", "IAMR:dagster", 1.0, ["concert_dw"])
        statements.assert_no_pending_responses()


def test_without_a_secret_it_is_told_what_an_administrator_has_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    _credentials(monkeypatch)
    serverless = aws_client("redshift-serverless", REGION)
    with Stubber(serverless) as namespaces:
        namespaces.add_response("get_workgroup", {"workgroup": {"namespaceName": "concerts"}})
        namespaces.add_response("get_namespace", {"namespace": {}})
        with pytest.raises(DeploymentFailed, match='grant create on database concerts to "IAMR:dagster"'):
            let_create(serverless, None, "group", "concerts", "IAMR:dagster", 1.0)


def test_a_bucket_whose_objects_are_locked_is_not_given_up_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    _credentials(monkeypatch)
    s3 = aws_client("s3", REGION)
    with Stubber(s3) as stubber:
        stubber.add_response("list_object_versions", {"Versions": [{"Key": "log/1.json", "VersionId": "1"}]})
        locked = {"Key": "log/1.json", "Code": "AccessDenied", "Message": "locked"}
        stubber.add_response("delete_objects", {"Errors": [locked]})
        with pytest.raises(DeploymentFailed, match=r"bucket raw: 'log/1.json' cannot be deleted \(AccessDenied\)"):
            remove_bucket(s3, "raw")
