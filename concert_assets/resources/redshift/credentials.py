"""Where a Redshift warehouse is and how to log in for a quarter of an hour: IAM's answer, provisioned or serverless."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from concert_assets.resources.clients import CREDENTIAL_CODES, aws_client
from concert_assets.resources.redshift.failures import Unavailable
from concert_assets.resources.redshift.protocol import WarehouseBusy

_LOGIN_SECONDS = 900  # the shortest that IAM gives; it is used at once, and connections outlive it
_MAY_PASS = {
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerException",
    "InternalFailure",
    "ServiceUnavailable",
}
_LOOK_FOR_CREDENTIALS = "AWS_PROFILE, AWS_ACCESS_KEY_ID and the role of this machine"


@dataclass(frozen=True, slots=True)
class RedshiftSettings:
    """Which warehouse: the name of a provisioned ``cluster`` or of a serverless ``workgroup``, one of them.

    ``iam_role`` is the ARN of the role by which Redshift reads the objects of the processed bucket.
    ``root_certificates`` names a file of authorities in PEM; empty means those that boto3 trusts. ``has_bucket_key``
    tells whether the processed bucket encrypts under a key of KMS.
    """

    database: str
    iam_role: str
    cluster: str = ""
    workgroup: str = ""
    region: str = ""
    endpoint_url: str = ""
    root_certificates: str = ""
    has_bucket_key: bool = False
    connect_seconds: float = 10.0
    wait_seconds: float = 300.0
    statement_seconds: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse what is no warehouse."""
        if bool(self.cluster) == bool(self.workgroup):
            raise Unavailable(
                f"a Redshift cluster or a workgroup must be named, one of them; got cluster {self.cluster!r} and "
                f"workgroup {self.workgroup!r}"
            )

    @property
    def name(self) -> str:
        """The warehouse, for people."""
        return f"cluster {self.cluster}" if self.cluster else f"workgroup {self.workgroup}"

    @property
    def setting(self) -> str:
        """The setting that names the warehouse."""
        return "CONCERT_REDSHIFT_CLUSTER" if self.cluster else "CONCERT_REDSHIFT_WORKGROUP"


@dataclass(frozen=True, slots=True)
class Login:
    """Address and temporary credentials; the password is kept out of its text."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)


def clients(settings: RedshiftSettings) -> Callable[[str], Any]:
    """Makes boto3 clients by name of the service, with deadlines and bounded retries."""
    return lambda service: aws_client(
        service, settings.region, settings.endpoint_url, connect_seconds=settings.connect_seconds
    )


def temporary_login(settings: RedshiftSettings, client: Callable[[str], Any]) -> Login:
    """Ask AWS for address and credentials.

    Raises Unavailable, with the call, the setting to look at and AWS's code, where asking again does not help, and
    WarehouseBusy where it may.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    try:
        return _of_cluster(settings, client("redshift")) if settings.cluster else _of_workgroup(settings, client)
    except ClientError as error:
        told = error.response.get("Error", {})
        code, message = told.get("Code", "unknown"), told.get("Message", "")
        if code in CREDENTIAL_CODES:
            raise Unavailable(
                f"AWS refuses the credentials that boto3 finds, with {code}, where Redshift {settings.name} is asked "
                f"for; look at {_LOOK_FOR_CREDENTIALS}"
            ) from None
        text = f"{error.operation_name} for Redshift {settings.name} ({settings.setting}) failed with {code}: {message}"
        raise (WarehouseBusy if code in _MAY_PASS else Unavailable)(text) from None
    except BotoCoreError as error:
        raise _unasked(settings, error) from None


def _unasked(settings: RedshiftSettings, error: Exception) -> Exception:
    """Why boto3 could not ask at all, in one line: credentials, region, or a connection that may come about later."""
    from botocore import exceptions  # type: ignore[import-untyped]

    without_credentials = (
        exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.CredentialRetrievalError,
        exceptions.ProfileNotFound, exceptions.TokenRetrievalError, exceptions.SSOError,
    )  # fmt: skip
    reason = " ".join(str(error).split())
    text = f"AWS cannot be asked about Redshift {settings.name}"
    if isinstance(error, without_credentials):
        return Unavailable(
            f"{text}: boto3 finds no AWS credentials ({type(error).__name__}); look at {_LOOK_FOR_CREDENTIALS}"
        )
    if isinstance(error, exceptions.SSLError) and "certificate" in reason:
        return Unavailable(f"{text}: {reason}; look at AWS_CA_BUNDLE and CONCERT_ENDPOINT_URL")
    is_connection = isinstance(error, (exceptions.ConnectionError, exceptions.HTTPClientError))
    if is_connection and _is_region(settings):
        return WarehouseBusy(
            f"{text} now ({reason}); if it stays so, look at CONCERT_REGION, CONCERT_ENDPOINT_URL and the network"
        )
    if is_connection or isinstance(error, (exceptions.NoRegionError, exceptions.InvalidRegionError)):
        return Unavailable(f"{text} in region {settings.region!r} ({reason}); look at CONCERT_REGION")
    return Unavailable(f"{text} ({settings.setting}): {reason}")


def _is_region(settings: RedshiftSettings) -> bool:
    """Whether boto3 knows the region, or need not: a stand-in answers for any, and an empty one is boto3's own."""
    import boto3  # type: ignore[import-untyped]

    session = boto3.Session(region_name=settings.region or None)
    partitions = session.get_available_partitions()
    known = {region for name in partitions for region in session.get_available_regions("redshift", name)}
    return not settings.region or bool(settings.endpoint_url) or settings.region in known


def _of_cluster(settings: RedshiftSettings, client: Any) -> Login:
    (cluster,) = client.describe_clusters(ClusterIdentifier=settings.cluster)["Clusters"]
    status = cluster.get("ClusterStatus", "")
    if status != "available" or not cluster.get("Endpoint", {}).get("Address"):
        raise _not_there(settings, status, {"paused", "deleting", "incompatible-network", "storage-full"})
    given = client.get_cluster_credentials_with_iam(
        ClusterIdentifier=settings.cluster, DbName=settings.database, DurationSeconds=_LOGIN_SECONDS
    )
    endpoint = cluster["Endpoint"]
    return Login(endpoint["Address"], endpoint["Port"], settings.database, given["DbUser"], given["DbPassword"])


def _of_workgroup(settings: RedshiftSettings, client_of: Callable[[str], Any]) -> Login:
    client = client_of("redshift-serverless")
    workgroup = client.get_workgroup(workgroupName=settings.workgroup)["workgroup"]
    status = workgroup.get("status", "")
    if status not in ("AVAILABLE", "MODIFYING") or not workgroup.get("endpoint", {}).get("address"):
        raise _not_there(settings, status, {"DELETING"})
    given = client.get_credentials(
        workgroupName=settings.workgroup, dbName=settings.database, durationSeconds=_LOGIN_SECONDS
    )
    endpoint = workgroup["endpoint"]
    return Login(endpoint["address"], endpoint["port"], settings.database, given["dbUser"], given["dbPassword"])


def _not_there(settings: RedshiftSettings, status: str, lasting: set[str]) -> Exception:
    text = f"Redshift {settings.name} is {status or 'in no known state'}, expected available ({settings.setting})"
    return Unavailable(f"{text}; resume it or name another") if status in lasting else WarehouseBusy(text)
