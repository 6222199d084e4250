"""Logging in to Redshift: what is asked of AWS, what a wrong setting says, and no secret in any of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import psycopg2
import pytest
from botocore import exceptions
from botocore.stub import Stubber

from concert_assets.resources.redshift.aws import RedshiftWarehouse, connect_verified
from concert_assets.resources.redshift.credentials import Login, RedshiftSettings, clients, temporary_login
from concert_assets.resources.redshift.failures import Unavailable
from concert_assets.resources.redshift.protocol import WarehouseBusy
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets_tests.support_redshift import PASSWORD
from concert_assets_tests.support_rendered import ROLE

CLUSTER = RedshiftSettings("concerts", ROLE, cluster="big", region="us-east-1")
WORKGROUP = RedshiftSettings("concerts", ROLE, workgroup="small", region="us-east-1")
HOST = "big.abc.us-east-1.redshift.amazonaws.com"
ENDPOINT = {"Address": HOST, "Port": 5439}


@contextmanager
def answering(service: str) -> Iterator[tuple[Any, Stubber]]:
    """A client of a service that answers as told, to exactly the requests that are expected."""
    client = botocore.session.get_session().create_client(
        service, region_name="us-east-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="canary"
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def described(status: str = "available") -> dict[str, Any]:
    return {"Clusters": [{"ClusterIdentifier": "big", "ClusterStatus": status, "Endpoint": ENDPOINT}]}


def test_a_provisioned_cluster_is_entered_by_temporary_credentials_of_iam() -> None:
    with answering("redshift") as (client, stubber):
        stubber.add_response("describe_clusters", described(), {"ClusterIdentifier": "big"})
        stubber.add_response(
            "get_cluster_credentials_with_iam",
            {"DbUser": "IAM:someone", "DbPassword": PASSWORD},
            {"ClusterIdentifier": "big", "DbName": "concerts", "DurationSeconds": 900},
        )
        login = temporary_login(CLUSTER, {"redshift": client}.__getitem__)
    assert login == Login(HOST, 5439, "concerts", "IAM:someone", PASSWORD)
    assert PASSWORD not in repr(login)


def test_a_serverless_workgroup_is_entered_by_temporary_credentials() -> None:
    with answering("redshift-serverless") as (client, stubber):
        workgroup = {"status": "AVAILABLE", "endpoint": {"address": "small.host", "port": 5440}}
        stubber.add_response("get_workgroup", {"workgroup": workgroup}, {"workgroupName": "small"})
        stubber.add_response(
            "get_credentials",
            {"dbUser": "IAMR:runner", "dbPassword": PASSWORD},
            {"workgroupName": "small", "dbName": "concerts", "durationSeconds": 900},
        )
        login = temporary_login(WORKGROUP, {"redshift-serverless": client}.__getitem__)
    assert login == Login("small.host", 5440, "concerts", "IAMR:runner", PASSWORD)


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        ("paused", Unavailable, "cluster big is paused.*resume it"),
        ("resuming", WarehouseBusy, "cluster big is resuming"),
    ],
)
def test_a_cluster_that_is_not_there_is_told_by_its_state(status: str, error: type[Exception], said: str) -> None:
    with answering("redshift") as (client, stubber):
        stubber.add_response("describe_clusters", described(status), {"ClusterIdentifier": "big"})
        with pytest.raises(error, match=said):
            temporary_login(CLUSTER, {"redshift": client}.__getitem__)


@pytest.mark.parametrize(("status", "error"), [("DELETING", Unavailable), ("CREATING", WarehouseBusy)])
def test_a_workgroup_that_is_not_there_is_told_by_its_state(status: str, error: type[Exception]) -> None:
    with answering("redshift-serverless") as (client, stubber):
        stubber.add_response("get_workgroup", {"workgroup": {"status": status}}, {"workgroupName": "small"})
        with pytest.raises(error, match=rf"workgroup small is {status}, .*\(CONCERT_REDSHIFT_WORKGROUP\)") as caught:
            temporary_login(WORKGROUP, {"redshift-serverless": client}.__getitem__)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ClusterNotFound", Unavailable), ("UnauthorizedOperation", Unavailable), ("Throttling", WarehouseBusy),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["describe_clusters", "get_cluster_credentials_with_iam"])
def test_a_refusal_about_a_cluster_names_setting_and_code(call: str, code: str, error: type[Exception]) -> None:
    with answering("redshift") as (client, stubber):
        if call != "describe_clusters":
            stubber.add_response("describe_clusters", described(), {"ClusterIdentifier": "big"})
        stubber.add_client_error(call, code, "no")
        with pytest.raises(error, match=rf"cluster big \(CONCERT_REDSHIFT_CLUSTER\) failed with {code}: no$") as caught:
            temporary_login(CLUSTER, {"redshift": client}.__getitem__)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AccessDeniedException", Unavailable), ("ResourceNotFoundException", Unavailable),
        ("ThrottlingException", WarehouseBusy),
    ],
)  # fmt: skip
def test_a_refusal_names_call_setting_and_code(code: str, error: type[Exception]) -> None:
    with answering("redshift-serverless") as (client, stubber):
        stubber.add_client_error("get_workgroup", code, "no")
        with pytest.raises(
            error, match=rf"GetWorkgroup .* small \(CONCERT_REDSHIFT_WORKGROUP\).* {code}: no"
        ) as caught:
            temporary_login(WORKGROUP, {"redshift-serverless": client}.__getitem__)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "code", ["UnrecognizedClientException", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"]
)
def test_credentials_that_are_refused_are_told_as_such(code: str) -> None:
    with answering("redshift-serverless") as (client, stubber):
        stubber.add_client_error("get_workgroup", code, "no")
        with pytest.raises(
            Unavailable, match=rf"^AWS refuses the credentials that boto3 finds, with {code}.*AWS_PROFILE"
        ):
            temporary_login(WORKGROUP, {"redshift-serverless": client}.__getitem__)


URL = "https://redshift-serverless.us-east-1.amazonaws.com"
NOWHERE = replace(WORKGROUP, region="eu-nowhere-9")
FOUND_NO_CREDENTIALS = (
    r"small: boto3 finds no AWS credentials \({}\); look at AWS_PROFILE, AWS_ACCESS_KEY_ID and the role"
)
LATER = "small now .* look at CONCERT_REGION, CONCERT_ENDPOINT_URL and the network$"


@pytest.mark.parametrize(
    ("cause", "settings", "error", "said"),
    [
        (exceptions.NoCredentialsError(), WORKGROUP, Unavailable, FOUND_NO_CREDENTIALS),
        (exceptions.ProfileNotFound(profile="me"), WORKGROUP, Unavailable, FOUND_NO_CREDENTIALS),
        (exceptions.CredentialRetrievalError(provider="sso", error_msg="x"), WORKGROUP, Unavailable, FOUND_NO_CREDENTIALS),
        (exceptions.UnauthorizedSSOTokenError(), WORKGROUP, Unavailable, FOUND_NO_CREDENTIALS),
        (exceptions.EndpointConnectionError(endpoint_url=URL), WORKGROUP, WarehouseBusy, LATER),
        (exceptions.ConnectTimeoutError(endpoint_url=URL), WORKGROUP, WarehouseBusy, LATER),
        (exceptions.ReadTimeoutError(endpoint_url=URL), WORKGROUP, WarehouseBusy, LATER),
        (exceptions.ConnectionClosedError(endpoint_url=URL), WORKGROUP, WarehouseBusy, LATER),
        (exceptions.EndpointConnectionError(endpoint_url=URL), replace(NOWHERE, endpoint_url=URL), WarehouseBusy, LATER),
        (exceptions.SSLError(endpoint_url=URL, error="certificate verify failed"), WORKGROUP, Unavailable, "AWS_CA_BUNDLE"),
        (exceptions.EndpointConnectionError(endpoint_url=URL), NOWHERE, Unavailable, "'eu-nowhere-9' .* CONCERT_REGION$"),
        (exceptions.InvalidRegionError(region_name="x y"), replace(NOWHERE, region="x y"), Unavailable, "'x y' .* CONCERT_REGION$"),
        (exceptions.NoRegionError(), replace(NOWHERE, region=""), Unavailable, "'' .* CONCERT_REGION$"),
        (exceptions.DataNotFoundError(data_path="x"), WORKGROUP, Unavailable, r"\(CONCERT_REDSHIFT_WORKGROUP\): Unable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_what_keeps_boto3_from_asking_is_one_line_with_what_to_look_at(
    cause: Exception, settings: RedshiftSettings, error: type[Exception], said: str
) -> None:
    def client(_: str) -> Any:
        raise cause

    with pytest.raises(error, match=said.format(type(cause).__name__)) as caught:
        temporary_login(settings, client)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_a_region_that_is_none_is_told_before_anybody_is_asked() -> None:
    nowhere = replace(WORKGROUP, region="no region")
    with pytest.raises(Unavailable, match=r"in region 'no region' .*look at CONCERT_REGION$"):
        temporary_login(nowhere, clients(nowhere))


@pytest.mark.parametrize(
    "reason", ["SSL SYSCALL error: EOF detected", "SSL error: unexpected eof while reading", "timeout expired"]
)
def test_a_connection_that_is_dropped_is_tried_again(tmp_path: Path, reason: str) -> None:
    tried = []

    def dropped(*_: Any) -> Any:
        tried.append(1)
        raise psycopg2.OperationalError(reason)

    login = Login("127.0.0.1", 1, "concerts", "someone", PASSWORD)
    store = FolderObjectStore(tmp_path)
    warehouse = RedshiftWarehouse(WORKGROUP, store, "processed", login=lambda: login, connect=dropped)
    with pytest.raises(WarehouseBusy, match=f"{reason}, 4 times$"), warehouse.session():
        pass
    assert len(tried) == 4


@pytest.mark.parametrize("named", [{}, {"cluster": "a", "workgroup": "b"}])
def test_one_warehouse_is_named(named: dict[str, str]) -> None:
    with pytest.raises(Unavailable, match="one of them"):
        RedshiftSettings("concerts", ROLE, **named)  # type: ignore[arg-type]


@pytest.fixture
def plain_server() -> Iterator[int]:
    """A port that answers a wish for TLS as PostgreSQL without TLS does, and counts what else it is told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    side, _ = listener.accept()
                except OSError:
                    return
                with side:
                    if side.recv(8)[4:] == b"\x04\xd2\x16\x2f":
                        side.sendall(b"N")
                    else:
                        side.sendall(b"E\0\0\0\x08plain")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_nothing_is_said_in_plain_text(plain_server: int) -> None:
    login = Login("127.0.0.1", plain_server, "concerts", "someone", PASSWORD)
    with pytest.raises(psycopg2.OperationalError, match="server does not support SSL, but SSL was required"):
        connect_verified(login, WORKGROUP)


def test_a_server_without_tls_is_refused_for_good_and_without_the_password(plain_server: int, tmp_path: Path) -> None:
    login = Login("127.0.0.1", plain_server, "concerts", "someone", PASSWORD)
    warehouse = RedshiftWarehouse(WORKGROUP, FolderObjectStore(tmp_path), "processed", login=lambda: login)
    with pytest.raises(Unavailable, match=r"workgroup small at 127.0.0.1.*SSL") as caught, warehouse.session():
        pass
    assert PASSWORD not in told(caught.value)


def test_a_server_that_does_not_answer_is_tried_again_with_new_credentials(tmp_path: Path) -> None:
    asked = []

    def login() -> Login:
        asked.append(1)
        return Login("127.0.0.1", 1, "concerts", "someone", PASSWORD)

    def refused(login: Login, _: RedshiftSettings) -> Any:
        raise psycopg2.OperationalError(f"connection refused, dsn was password={login.password}")

    warehouse = RedshiftWarehouse(WORKGROUP, FolderObjectStore(tmp_path), "processed", login=login, connect=refused)
    with (
        pytest.raises(WarehouseBusy, match=r"cannot be reached .*: connection refused.*\*\*\*, 4 times") as caught,
        warehouse.session(),
    ):
        pass
    assert len(asked) == 4
    assert PASSWORD not in told(caught.value)


def told(error: BaseException) -> str:
    """All that a traceback could tell of an error, and of those that it came of."""
    texts = []
    at: BaseException | None = error
    while at is not None:
        texts.append(repr(at))
        at = at.__cause__ or at.__context__
    return "\n".join(texts)


def test_a_location_holds_no_credentials(tmp_path: Path) -> None:
    warehouse = RedshiftWarehouse(CLUSTER, FolderObjectStore(tmp_path), "processed")
    assert warehouse.location("concert_dw.artists") == "redshift://cluster/big/concerts#concert_dw.artists"
