"""The warehouse on Redshift, provisioned or serverless: how it is reached."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from concert_assets.catalog.operational import PUBLICATIONS
from concert_assets.resources.redshift.backend import Backend, RedshiftBackend
from concert_assets.resources.redshift.credentials import Login, RedshiftSettings, clients, temporary_login
from concert_assets.resources.redshift.failures import Unavailable, without
from concert_assets.resources.redshift.noted import Noted
from concert_assets.resources.redshift.protocol import WarehouseBusy
from concert_assets.resources.redshift.session import RedshiftSession
from concert_assets.resources.redshift.statements import WRITER
from concert_assets.resources.s3.protocol import ObjectStore

ATTEMPTS = 4
_FIRST_WAIT_SECONDS = 0.2
_LASTING_WORDS = (
    "authentication failed",
    "certificate",
    "does not exist",
    "does not support SSL",  # and not any word of SSL: a connection that was dropped is told by it too
    "permission denied",
)


class RedshiftWarehouse:
    """A :class:`~concert_assets.resources.redshift.protocol.Warehouse` on Redshift. Nothing is opened at first."""

    def __init__(
        self,
        settings: RedshiftSettings,
        store: ObjectStore,
        bucket: str,
        *,
        login: Callable[[], Login] | None = None,
        connect: Callable[[Login, RedshiftSettings], Any] | None = None,
        backend: Backend | None = None,
    ) -> None:
        """``bucket`` of ``store`` is where what is published is noted, and what large results go through.

        The others take the place of IAM, TLS and Redshift in tests.
        """
        self._settings = settings
        self._store = store
        self._bucket = bucket
        self._noted = Noted(store, bucket)
        self._login = login or (lambda: temporary_login(settings, clients(settings)))
        self._connect = connect or connect_verified
        self._backend = backend or RedshiftBackend(settings.iam_role, has_bucket_key=settings.has_bucket_key)

    def location(self, table: str) -> str:
        """Warehouse, database and table."""
        kind, _, name = self._settings.name.partition(" ")
        return f"redshift://{kind}/{name}/{self._settings.database}#{table}"

    @contextmanager
    def session(self) -> Iterator[RedshiftSession]:
        """A session; WarehouseBusy where Redshift does not answer, Unavailable where it never will as it is set."""
        session = RedshiftSession(
            self._open,
            self._backend,
            self._store,
            self._bucket,
            self._noted,
            self._settings.wait_seconds,
            self._settings.statement_seconds,
        )
        try:
            yield session
        finally:
            session.close()

    def published_position(self) -> int:
        """The position of the log that was published last, as it was noted beside Redshift; 0 where nothing is."""
        return self._noted.position()

    def discard(self) -> None:
        """Drop every table and view of both schemas; the lock of writers alone stays."""
        staging, _, writer = WRITER.partition(".")
        with self.session() as session, session.transaction():
            relations = session.query(
                "select table_schema, table_name, table_type from information_schema.tables "
                "where table_schema in (:published, :staged) and table_name <> :writer order by table_type desc",
                {"published": PUBLICATIONS.schema, "staged": staging, "writer": writer},
            )
            for schema, name, kind in relations:
                session.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {schema}.{name}")
            # Before the commit: a note of what is gone would be taken for a warehouse that has lost something.
            self._noted.forget()

    def _open(self) -> Any:
        """A connection, tried a few times; each attempt asks for credentials of its own."""
        import psycopg2  # type: ignore[import-untyped]

        for attempt in range(ATTEMPTS):
            login = self._login()
            try:
                return self._connect(login, self._settings)
            except psycopg2.OperationalError as error:
                reason = without(login.password, str(error))
            text = (
                f"Redshift {self._settings.name} at {login.host}:{login.port} cannot be reached "
                f"({self._settings.setting}, CONCERT_REDSHIFT_DATABASE): {reason}"
            )
            if any(word in reason for word in _LASTING_WORDS):
                raise Unavailable(text)
            if attempt < ATTEMPTS - 1:
                time.sleep(_FIRST_WAIT_SECONDS * 2**attempt)
        raise WarehouseBusy(f"{text}, {ATTEMPTS} times")


def connect_verified(login: Login, settings: RedshiftSettings) -> Any:
    """A psycopg2 connection over TLS that has verified authority and host name; it never falls back to plain text."""
    import psycopg2
    from botocore.httpsession import get_cert_path  # type: ignore[import-untyped]

    return psycopg2.connect(
        host=login.host,
        port=login.port,
        dbname=login.database,
        user=login.user,
        password=login.password,
        sslmode="verify-full",
        sslrootcert=settings.root_certificates or get_cert_path(True),
        connect_timeout=max(2, int(settings.connect_seconds)),
        client_encoding="utf8",
        application_name="concert_assets",
        keepalives=1,
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
    )
