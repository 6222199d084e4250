"""TLS to the warehouse: who is believed to be it, by a certificate that is made here."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from concert_assets.resources.redshift.aws import RedshiftWarehouse
from concert_assets.resources.redshift.credentials import Login, RedshiftSettings
from concert_assets.resources.redshift.failures import Unavailable
from concert_assets.resources.s3.folder import FolderObjectStore
from concert_assets_tests.support_redshift import PASSWORD, PostgresServer, running
from concert_assets_tests.support_rendered import ROLE


def certificate(host: str) -> tuple[bytes, bytes]:
    """A certificate of a host that vouches for itself, and it with its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    return made, made + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


AUTHORITY, WITH_KEY = certificate("localhost")


class Terminator:
    """TLS before PostgreSQL, which is built without it here: what is decrypted goes on in plain text."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server_port = server.port
        (folder / "server.pem").write_bytes(WITH_KEY)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.versions: list[str | None] = []
        self.told = b""  # by clients, after the handshake
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                side, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(side,), daemon=True).start()

    def _serve(self, side: socket.socket) -> None:
        with side, suppress(OSError):  # a handshake that the client breaks off is one
            if side.recv(8)[4:] != b"\x04\xd2\x16\x2f":  # the wish for TLS
                return
            side.sendall(b"S")
            with (
                self._context.wrap_socket(side, server_side=True) as ours,
                socket.create_connection(("127.0.0.1", self._server_port)) as theirs,
            ):
                self.versions.append(ours.version())
                while True:
                    for ready in select.select([ours, theirs], [], [])[0]:
                        data = ready.recv(1 << 16)  # larger than a record, so none is left where select does not look
                        if not data:
                            return
                        self.told += data if ready is ours else b""
                        (theirs if ready is ours else ours).sendall(data)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running() as found:
        yield found


@pytest.fixture
def tls(server: PostgresServer, tmp_path: Path) -> Iterator[Terminator]:
    with closing(Terminator(server, tmp_path)) as found:
        yield found


def warehouse(tls: Terminator, folder: Path, host: str, authority: bytes) -> RedshiftWarehouse:
    """The warehouse itself, with its own way to connect, on a host and with an authority to believe."""
    roots = ""
    if authority:
        (folder / "authority.pem").write_bytes(authority)
        roots = str(folder / "authority.pem")
    settings = RedshiftSettings("postgres", ROLE, workgroup="small", root_certificates=roots)
    login = Login(host, tls.port, "postgres", "postgres", PASSWORD)
    return RedshiftWarehouse(settings, FolderObjectStore(folder), "processed", login=lambda: login)


def test_the_host_for_which_the_authority_vouches_is_entered_by_tls(tls: Terminator, tmp_path: Path) -> None:
    with warehouse(tls, tmp_path, "localhost", AUTHORITY).session() as session:
        assert session.query("select 1 as one") == [(1,)]
    assert tls.versions in (["TLSv1.3"], ["TLSv1.2"])
    assert b"concert_assets" in tls.told


@pytest.mark.parametrize(
    ("host", "authority", "said"),
    [
        ("localhost", certificate("localhost")[0], "certificate verify failed"),
        ("localhost", b"", "certificate verify failed"),
        ("127.0.0.1", AUTHORITY, r'server certificate for "localhost".* does not match host name "127\.0\.0\.1"'),
    ],
    ids=["another authority of that name", "the authorities that boto3 trusts", "another host"],
)
def test_anybody_else_is_refused_for_good_before_anything_is_told(
    tls: Terminator, tmp_path: Path, host: str, authority: bytes, said: str
) -> None:
    with pytest.raises(Unavailable, match=rf"workgroup small .*\(CONCERT_REDSHIFT_WORKGROUP, .*{said}") as caught:
        warehouse(tls, tmp_path, host, authority)._open()
    assert "\n" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert tls.told == b""
