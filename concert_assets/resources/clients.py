"""boto3 clients whose requests end: two deadlines an attempt, few attempts with growing pauses, no secret of ours."""

from typing import Any

ATTEMPTS = 5
# What services of AWS but S3 answer where it is the credentials that they refuse.
CREDENTIAL_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_LONGEST_REASON = 200


def asked(client: Any, call: str, **arguments: Any) -> tuple[dict[str, Any], str]:
    """The answer to a call and nothing, or no answer and why it was refused: the code of AWS, or what went wrong."""
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    try:
        return getattr(client, call)(**arguments), ""
    except ClientError as error:
        return {}, str(error.response.get("Error", {}).get("Code", "unknown"))
    except BotoCoreError as error:
        return {}, f"{type(error).__name__}: {' '.join(str(error).split())[:_LONGEST_REASON]}"


def aws_client(
    service: str,
    region: str = "",
    endpoint_url: str = "",
    *,
    connect_seconds: float = 10,
    read_seconds: float = 30,
    attempts: int = ATTEMPTS,
) -> Any:
    """A client of a service. Credentials come from where boto3 finds them, and so does a region that is empty.

    Importing boto3 waits until there is need of it, for the embedded deployment never has.
    """
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]

    return boto3.client(
        service,
        region_name=region or None,
        endpoint_url=endpoint_url or None,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
        ),
    )
