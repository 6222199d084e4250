"""What the settings of the deployment aws may be. ``deployment.py`` reads them."""

from dataclasses import dataclass

_ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}"
_KEY = r"[A-Za-z0-9:/_-]{1,2048}"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the deployment aws: what it may be, and whether there is no such deployment without it."""

    pattern: str
    expected: str
    is_needed: bool = False


# None of these is a secret: credentials are where boto3 finds them, and never here.
OF_AWS = {
    "CONCERT_REGION": Setting(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}", "a region of AWS, such as eu-west-1", True),
    "CONCERT_ACCOUNT": Setting(r"[0-9]{12}", "the twelve digits of the account that owns both buckets"),
    "CONCERT_ENDPOINT_URL": Setting(r"https?://[\w.:\[\]-]+(/[\w./-]*)?", "a URL without user and password"),
    "CONCERT_BUCKET_KEY": Setting(_KEY, "id, alias or ARN of a KMS key"),
    "CONCERT_REDSHIFT_WORKGROUP": Setting(r"[a-z0-9-]{3,64}", "the name of a serverless workgroup"),
    "CONCERT_REDSHIFT_CLUSTER": Setting(r"[a-z][a-z0-9-]{0,62}", "the name of a provisioned cluster"),
    "CONCERT_REDSHIFT_DATABASE": Setting(r"[a-z_][a-z0-9_]{0,126}", "the name of a database", True),
    "CONCERT_REDSHIFT_ROLE": Setting(_ROLE, "the ARN of the IAM role by which Redshift reads objects", True),
    "CONCERT_GLUE_JOB": Setting(r"[\w. -]{1,255}", "1 to 255 letters, digits, dots, blanks and dashes", True),
    "CONCERT_GLUE_ROLE": Setting(_ROLE, "the ARN of the IAM role that the Glue job has", True),
    "CONCERT_GLUE_WORKERS": Setting(r"[2-9]|[1-9][0-9]|[12][0-9]{2}", "a whole number from 2 to 299", True),
    "CONCERT_GLUE_DEADLINE_SECONDS": Setting(
        # Glue gives a run seven days at most, which is 604,800 s.
        r"[1-9][0-9]{1,4}|[1-5][0-9]{5}|60[0-3][0-9]{3}|604000",
        "whole seconds from 10 to 604000",
        True,
    ),
    "CONCERT_CATALOG_DATABASE": Setting(r"[a-z_][a-z0-9_]{0,254}", "the name of a database in the Glue Data Catalog"),
    "CONCERT_CATALOG_TAG": Setting(
        r"[a-z0-9][a-z0-9_.-]{0,49}",
        "the key of a tag of Lake Formation, 1 to 50 lower-case letters, digits, _ . -",
    ),
    "CONCERT_SAGEMAKER_ROLE": Setting(_ROLE, "the ARN of the IAM role that an endpoint of SageMaker has"),
    "CONCERT_SIGNING_KEY": Setting(_KEY, "id, alias or ARN of a KMS key of type HMAC_256", True),
    "CONCERT_ARRIVAL_QUEUE": Setting(
        r"https?://[\w.:\[\]-]+/[0-9]{12}/[\w-]{1,80}(\.fifo)?",
        "the URL of an SQS queue, which ends in account and name",
    ),
    "CONCERT_STACK": Setting(r"[A-Za-z0-9][\w-]{0,127}", "1 to 128 letters, digits, dashes and underscores"),
    "CONCERT_ALERT_TOPIC": Setting(r"arn:[\w-]+:sns:[\w-]+:[0-9]{12}:[\w.-]{1,256}", "the ARN of an SNS topic"),
}
