"""What lies around a stack and is not its own: who asks, log groups that are there, rights in Redshift, data left."""

import time
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from concert_assets.deploy.failures import DeploymentFailed, one_line, told

KEY_DAYS = 30  # for which a key whose deletion is scheduled can be had back; the longest that KMS gives
_GLUE_LOGS = "/aws-glue/jobs/"


def caller(sts: Any) -> tuple[str, str]:
    """Account and ARN of whoever the credentials are."""
    with told():
        found = sts.get_caller_identity()
    return found["Account"], found["Arn"]


def has_glue_logs(logs: Any) -> bool:
    """Whether the account has log groups of Glue jobs, which a stack then cannot make."""
    with told():
        return bool(logs.describe_log_groups(logGroupNamePrefix=_GLUE_LOGS, limit=1)["logGroups"])


def database_user(arn: str) -> str:
    """The user of Redshift as whom an IAM identity logs in by temporary credentials.

    ``IAMR:`` and the role for who has assumed one, ``IAM:`` and the user else, as GetCredentials answers.
    """
    kind, _, path = arn.split(":", 5)[5].partition("/")
    if kind == "assumed-role":
        return f"IAMR:{path.partition('/')[0]}"
    return f"IAM:{path.rpartition('/')[2] or kind}"


def let_create(
    serverless: Any,
    data: Any,
    workgroup: str,
    database: str,
    user: str,
    deadline_seconds: float,
    schemas: Sequence[str] = (),
) -> None:
    """Let a user of Redshift create schemas, as the administrator, whose secret AWS keeps and nobody here sees.

    DeploymentFailed where one of the ``schemas`` is there and another user's: a table of Redshift is replaced by its
    owner alone, so the user could not publish.
    """
    with told():
        namespace = serverless.get_workgroup(workgroupName=workgroup)["workgroup"]["namespaceName"]
        found = serverless.get_namespace(namespaceName=namespace)["namespace"]
    secret = found.get("adminPasswordSecretArn")
    if not secret:
        raise DeploymentFailed(
            f"namespace {namespace} has no administrator's secret in Secrets Manager; "
            f'as administrator run: grant create on database {database} to "{user}"'
        )
    for schema, owner in _owners(data, workgroup, database, secret, schemas, deadline_seconds):
        if owner != user:
            raise DeploymentFailed(
                f"schema {schema} of database {database} belongs to {owner}, and {user} could not replace its tables; "
                f"deploy and run as {owner}, or drop the schema as administrator and run concert-assets rebuild"
            )
    for sql, known in (
        (f'create user "{user}" password disable', "already exists"),
        (f'grant create on database "{database}" to "{user}"', ""),
    ):
        _, reason = _executed(data, workgroup, database, secret, sql, deadline_seconds)
        if reason and not (known and known in reason):
            raise DeploymentFailed(f"Redshift refuses {sql!r}: {one_line(reason)}")


def _owners(
    data: Any, workgroup: str, database: str, secret: str, schemas: Sequence[str], deadline_seconds: float
) -> list[tuple[str, str]]:
    """Those of the schemas that are there, each with its owner."""
    if not schemas:
        return []
    sql = (
        "select n.nspname, u.usename from pg_namespace n join pg_user u on u.usesysid = n.nspowner "
        f"where n.nspname in ({', '.join(repr(schema) for schema in schemas)}) order by n.nspname"
    )
    statement, reason = _executed(data, workgroup, database, secret, sql, deadline_seconds)
    if reason:
        raise DeploymentFailed(f"Redshift refuses {sql!r}: {one_line(reason)}")
    with told():
        rows = data.get_statement_result(Id=statement)["Records"]
    return [(row[0]["stringValue"], row[1]["stringValue"]) for row in rows]


def _executed(
    data: Any, workgroup: str, database: str, secret: str, sql: str, deadline_seconds: float
) -> tuple[str, str]:
    """Run a statement to its end; its id, and why it failed, empty where it did not."""
    end = time.monotonic() + deadline_seconds
    with told():
        statement = data.execute_statement(WorkgroupName=workgroup, Database=database, SecretArn=secret, Sql=sql)["Id"]
        while True:
            found = data.describe_statement(Id=statement)
            if found["Status"] == "FINISHED":
                return statement, ""
            if found["Status"] in ("FAILED", "ABORTED"):
                return statement, found.get("Error") or str(found["Status"])
            if time.monotonic() >= end:
                raise DeploymentFailed(
                    f"Redshift workgroup {workgroup} has not run {sql!r} within {deadline_seconds:g} s "
                    f"({found['Status']}); run the command again"
                )
            time.sleep(min(1.0, deadline_seconds))


def remove_job(glue: Any, job: str) -> None:
    """Delete the Glue job that the platform made; nothing happens where there is none."""
    with told():
        glue.delete_job(JobName=job)


def remove_bucket(s3: Any, bucket: str) -> int:
    """Delete a bucket with all versions of all objects; returns how many versions there were."""
    count = 0
    with told():
        try:
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                items = [
                    {"Key": item["Key"], "VersionId": item["VersionId"]}
                    for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                ]
                if items:
                    failed = s3.delete_objects(Bucket=bucket, Delete={"Objects": items, "Quiet": True}).get("Errors")
                    if failed:
                        raise DeploymentFailed(
                            f"bucket {bucket}: {failed[0]['Key']!r} cannot be deleted ({failed[0]['Code']}), "
                            f"and {len(failed) - 1:,} more"
                        )
                    count += len(items)
            s3.delete_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NoSuchBucket":
                raise
    return count


def remove_key(kms: Any, key: str) -> None:
    """Let KMS delete a key after the longest time for which it can be had back."""
    with told():
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)
