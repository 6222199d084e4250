"""What the template grants: to whom, on what, and no more than the code asks for."""

import json
import re
from pathlib import Path
from typing import Any

from botocore.validate import ParamValidator  # type: ignore[import-untyped]

from concert_assets.defs.model_objects import MODEL_PREFIX
from concert_assets.defs.raw_datasets import TRUTH_PREFIX
from concert_assets.deliveries.curated import CURATED_PREFIX
from concert_assets.deliveries.log import DELIVERY_PREFIX, LOG_PREFIX
from concert_assets.deploy.checks import wrong_values
from concert_assets.deploy.template import template
from concert_assets.resources.clients import aws_client
from concert_assets.resources.glue.package import CODE_PREFIX
from concert_assets.resources.glue.session import RUNS_PREFIX
from concert_assets.resources.glue.tags import OPEN, PERSONAL
from concert_assets.resources.redshift import noted
from concert_assets.resources.redshift.loading import MANIFESTS
from concert_assets.resources.redshift.unloading import UNLOADS
from concert_assets.resources.s3.protocol import INBOX_PREFIX
from concert_assets_tests.support_stacks import statements, texts

ROOT = Path(__file__).parents[1]
TEMPLATE = template()
RESOURCES = TEMPLATE["Resources"]
STATEMENTS = list(statements({"Resources": RESOURCES}))
ALLOWED = [(name, one) for name, one in STATEMENTS if one["Effect"] == "Allow"]
OBJECT_ACTIONS = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}


def list_of(node: Any) -> list[str]:
    """The texts that a value may come to."""
    return list(texts(node))


def granted(policy: str, action: str) -> list[str]:
    """What a policy or role allows an action on."""
    return [
        text
        for name, one in ALLOWED
        if name == policy and action in list_of(one["Action"])
        for text in list_of(one.get("Resource", []))
    ]


def test_no_statement_allows_every_action_of_a_service() -> None:
    actions = [(name, action) for name, one in ALLOWED for action in list_of(one["Action"])]
    assert len(actions) > 60
    assert [item for item in actions if "*" in item[1]] == []
    assert [name for name, one in STATEMENTS if "NotAction" in one or "NotResource" in one] == []


def test_every_wildcard_in_a_resource_is_justified_and_every_justification_needed() -> None:
    wild = set()
    for name, one in ALLOWED:
        for text in list_of(one.get("Resource", [])):
            # a prefix of keys in one bucket is what is meant to be granted; anything else is more than was named
            prefix = re.fullmatch(r"arn:\$\{AWS::Partition\}:s3:::\$\{(Raw|Processed)\}/[a-z-]+(/[a-z]+)?/\*", text)
            if "*" in text and not prefix:
                wild.add((name, one["Sid"]))
    told = {
        (name, sid)
        for name, one in RESOURCES.items()
        for sid, reason in one.get("Metadata", {}).get("Wildcards", {}).items()
        if len(reason) > 40
    }
    assert wild == told
    assert len(wild) == 10


def test_objects_are_granted_by_prefix_and_never_by_bucket() -> None:
    resources = [
        text for _, one in ALLOWED if OBJECT_ACTIONS & set(list_of(one["Action"])) for text in list_of(one["Resource"])
    ]
    assert len(resources) > 10
    assert [text for text in resources if not re.search(r"\}/[a-z-]+(/|\.json$)", text)] == []


def test_nobody_but_services_is_let_in_and_they_for_this_account_where_they_say_so() -> None:
    outside, unbound = [], []
    services = 0
    for name, one in ALLOWED:
        principal = one.get("Principal", {})
        if principal == "*" or set(principal) - {"Service", "AWS"}:
            outside.append((name, one))
        if "Service" in principal:
            services += 1
            condition = one.get("Condition", {}).get("StringEquals", {})
            if condition.get("aws:SourceAccount") != {"Ref": "AWS::AccountId"}:
                unbound.append(name)
        if "AWS" in principal and list_of(principal["AWS"]) != ["arn:${AWS::Partition}:iam::${AWS::AccountId}:root"]:
            outside.append((name, one))
    assert outside == []
    assert unbound == ["RedshiftRole"]  # which nothing says to tell whose warehouse it is that takes the role
    assert services == 8


def test_roles_trust_the_services_they_are_for_and_are_passed_to_one_alone() -> None:
    trusted = {
        name: sorted(
            service
            for one in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            for service in list_of(one["Principal"]["Service"])
        )
        for name, role in RESOURCES.items()
        if role["Type"] == "AWS::IAM::Role"
    }
    assert trusted == {
        "GlueRole": ["glue.amazonaws.com"],
        "RedshiftRole": ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"],
        "ServingRole": ["sagemaker.amazonaws.com"],
        "LakeRole": ["glue.amazonaws.com", "lakeformation.amazonaws.com"],
        "SchedulerRole": ["scheduler.amazonaws.com"],
    }
    passing = {name: one for name, one in ALLOWED if "iam:PassRole" in list_of(one["Action"])}
    for policy, role, service in (
        ("RunnerPolicy", "GlueRole", "glue"),
        ("RunnerServingPolicy", "ServingRole", "sagemaker"),
    ):
        one = passing.pop(policy)
        assert one["Resource"] == {"Fn::GetAtt": [role, "Arn"]}
        assert one["Condition"] == {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
    assert passing == {}
    assert not [one for _, one in ALLOWED if re.search("iam:(?!PassRole)", json.dumps(one["Action"]))]


def test_metrics_may_be_sent_to_one_namespace() -> None:
    (sending,) = [one for _, one in ALLOWED if "cloudwatch:PutMetricData" in list_of(one["Action"])]
    assert sending["Condition"] == {"StringEquals": {"cloudwatch:namespace": "ConcertAssets"}}


def test_the_runner_may_use_every_prefix_that_the_code_knows() -> None:
    raw, processed = "arn:${AWS::Partition}:s3:::${Raw}/", "arn:${AWS::Partition}:s3:::${Processed}/"
    written = set(granted("RunnerPolicy", "s3:PutObject"))
    wanted = [
        *(raw + prefix for prefix in (LOG_PREFIX, DELIVERY_PREFIX, TRUTH_PREFIX)),
        *(
            processed + prefix
            for prefix in (CURATED_PREFIX, MODEL_PREFIX, CODE_PREFIX, RUNS_PREFIX, MANIFESTS, UNLOADS)
        ),
        processed + noted._KEY,
    ]
    assert [place for place in wanted if not any(place.startswith(text.rstrip("*")) for text in written)] == []
    assert granted("RunnerPolicy", "s3:GetObject")[0] == f"{raw}{INBOX_PREFIX}*"
    assert f"{raw}{LOG_PREFIX}*" not in granted("RunnerPolicy", "s3:DeleteObject")


def test_the_job_and_redshift_may_touch_what_they_need_and_no_more() -> None:
    raw, processed = "arn:${AWS::Partition}:s3:::${Raw}/", "arn:${AWS::Partition}:s3:::${Processed}/"
    assert granted("GlueRole", "s3:PutObject") == [f"{processed}{CURATED_PREFIX}*", f"{processed}{RUNS_PREFIX}*"]
    assert granted("GlueRole", "s3:GetObject")[:2] == [f"{raw}{DELIVERY_PREFIX}*", f"{processed}{CODE_PREFIX}*"]
    assert granted("GlueRole", "s3:DeleteObject") == []
    unloads = f"{processed}{UNLOADS}*"
    loads = [f"{processed}{CURATED_PREFIX}*", f"{processed}{MANIFESTS}*"]
    assert granted("RedshiftRole", "s3:GetObject") == [*loads, unloads]
    assert granted("RedshiftRole", "s3:PutObject") == [unloads]
    assert granted("RedshiftRole", "s3:ListBucket") == [processed.removesuffix("/")]
    assert granted("RedshiftRole", "s3:DeleteObject") == []


def test_the_runner_may_make_the_calls_that_the_code_makes() -> None:
    said = "".join(path.read_text("utf-8") for path in (ROOT / "concert_assets" / "resources").rglob("*.py"))
    glue = set(re.findall(r'\bask\(\s*"(\w+)"', said)) | set(re.findall(r"\.client\.(start_job_run)\(", said))
    assert len(glue) >= 7
    calls = {f"glue:{''.join(part.capitalize() for part in name.split('_'))}" for name in glue}
    others = {
        "kms:GenerateMac": "generate_mac",
        "logs:GetLogEvents": "get_log_events",
        "redshift-serverless:GetWorkgroup": "get_workgroup",
        "redshift-serverless:GetCredentials": "get_credentials",
        "redshift:DescribeClusters": "describe_clusters",
        "redshift:GetClusterCredentialsWithIAM": "get_cluster_credentials_with_iam",
    }
    assert [name for name in others.values() if f".{name}(" not in said] == []
    assert [action for action in calls | set(others) if not granted("RunnerPolicy", action)] == []


def test_the_catalog_and_lake_formation_allow_the_calls_that_are_made_and_no_others() -> None:
    folder = ROOT / "concert_assets" / "resources" / "glue"
    for name, method, service, sid in (
        ("catalog.py", "ask", "glue", "KeepCatalog"),
        ("tags.py", "_ask", "lakeformation", "TagPersonal"),
    ):
        made = set(re.findall(rf'self\.{method}\(\s*"(\w+)"', (folder / name).read_text("utf-8")))
        (statement,) = [one for _, one in ALLOWED if one.get("Sid") == sid]
        actions = {"".join(part.capitalize() for part in call.split("_")).replace("Lf", "LF") for call in made}
        # AWS's page on assigning tags asks for one more of whoever assigns one.
        asked_of_taggers = {"glue:GetDatabase"} if service == "glue" else set()
        assert {f"{service}:{action}" for action in actions} | asked_of_taggers == set(list_of(statement["Action"]))


def test_analysts_are_granted_what_is_not_personal_and_the_runner_makes_and_tags_tables_alone() -> None:
    grants = {
        name: (one["Properties"]["Resource"], one["Properties"]["Permissions"])
        for name, one in RESOURCES.items()
        if one["Type"] == "AWS::LakeFormation::PrincipalPermissions"
    }
    personal = RESOURCES["PersonalTag"]["Properties"]
    assert personal["TagValues"] == [PERSONAL, OPEN]
    (of_tag, rights) = grants["AnalystMayRead"]
    assert of_tag["LFTagPolicy"]["Expression"] == [{"TagKey": personal["TagKey"], "TagValues": [OPEN]}]
    assert rights == ["SELECT", "DESCRIBE"]
    assert grants["AnalystMayLook"][1] == ["DESCRIBE"]
    assert grants["RunnerMayTag"][1] == ["ASSOCIATE"]
    assert grants["RunnerMayTag"][0]["LFTag"]["TagKey"] == personal["TagKey"]
    assert grants["RunnerMayMakeTables"][1] == ["CREATE_TABLE", "DESCRIBE"]
    assert grants["RunnerMayNamePlace"][1] == ["DATA_LOCATION_ACCESS"]
    assert len(grants) == 5
    rule = TEMPLATE["Rules"]["GovernsARunner"]
    other = TEMPLATE["Rules"]["GovernsAnAnalyst"]["Assertions"][0]["Assert"]
    assert other == TEMPLATE["Conditions"]["Governs"], "a role that would be granted nothing is not taken"
    assert rule["RuleCondition"] == TEMPLATE["Conditions"]["Governs"]
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "RunnerRole"}, ""]}]}
    closed = RESOURCES["CuratedDatabase"]["Properties"]["DatabaseInput"]["CreateTableDefaultPermissions"]
    assert closed == {"Fn::If": ["Governs", [], {"Ref": "AWS::NoValue"}]}


def test_the_clock_starts_one_document_on_one_machine() -> None:
    (start,) = [one for name, one in ALLOWED if name == "SchedulerRole" and one.get("Sid")]
    assert start["Action"] == "ssm:SendCommand"
    assert [text.rpartition(":")[2] for text in list_of(start["Resource"])] == [
        "document/AWS-RunShellScript",
        "instance/${ScheduleInstance}",
    ]
    parameters = TEMPLATE["Parameters"]
    text = RESOURCES["RunSchedule"]["Properties"]["Target"]["Input"]["Fn::Sub"]
    for name in re.findall(r"\$\{(\w+)\}", text):
        text = text.replace(f"${{{name}}}", str(parameters[name]["Default"]))
    told = json.loads(text)
    assert told["Parameters"]["commands"] == [parameters["ScheduleCommand"]["Default"]]
    for bad in ('echo "x"', "a\\b", "a\nb", "a\tb"):
        assert wrong_values(TEMPLATE, {"ScheduleCommand": bad})
    for bad in ("59", "172801", "3600.5", "1e3"):
        assert wrong_values(TEMPLATE, {"ScheduleSeconds": bad})
    for good in ("60", "99", "14400", "99999", "172800"):
        assert not wrong_values(TEMPLATE, {"ScheduleSeconds": good})
    alarm = RESOURCES["NotStartedAlarm"]["Properties"]
    assert alarm["Dimensions"] == [
        {"Name": "ScheduleGroup", "Value": RESOURCES["RunSchedule"]["Properties"]["GroupName"]}
    ]
    assert alarm["AlarmActions"] == [{"Ref": "Alerts"}]
    # It is asked of the API as botocore knows it: a name that is not there is refused.
    client = aws_client("ssm", "eu-west-1")
    told["InstanceIds"] = ["i-0123456789abcdef0"]
    model = client.meta.service_model.operation_model("SendCommand")
    assert ParamValidator().validate(told, model.input_shape).generate_report() == ""
