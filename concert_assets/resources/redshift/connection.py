"""One connection to Redshift: opened anew where it dropped, its errors told in our words."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from concert_assets.resources.redshift.backend import Backend
from concert_assets.resources.redshift.failures import (
    Interrupted,
    is_dropped,
    is_replaced,
    is_serialization_failure,
    refusal,
)
from concert_assets.resources.redshift.protocol import Parameters
from concert_assets.resources.redshift.statements import bound


class Connection:
    """What a session sends by. A connection that drops within a transaction has undone it."""

    def __init__(self, connect: Callable[[], Any], backend: Backend, statement_seconds: float) -> None:
        """``connect`` opens a psycopg2 connection; ``statement_seconds`` is how long one statement may take."""
        self._connect = connect
        self._backend = backend
        self._statement_seconds = statement_seconds
        self._connection: Any = None
        self._in_transaction = False
        self.close_and_open()

    def close_and_open(self) -> None:
        """Make the connection anew."""
        self.close()
        self._connection = self._connect()
        self._connection.autocommit = True  # transactions are begun and ended by statements of ours
        for setting in ("set timezone to 'UTC'", self._deadline(self._statement_seconds)):
            self._send(setting)

    def close(self) -> None:
        """Close the connection; what is not committed is undone."""
        if self._connection is not None:
            self._connection.close()

    @staticmethod
    def _deadline(seconds: float) -> str:
        return f"set statement_timeout to {max(1, int(seconds * 1000))}"

    @contextmanager
    def _cancelled_after(self, seconds: float) -> Iterator[None]:
        """Cancel the statement within from this side, by a connection of its own."""
        timer = threading.Timer(seconds, self._connection.cancel)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _send(self, sql: str, parameters: Parameters | None = None, work: Callable[[Any], Any] | None = None) -> Any:
        """Run one statement, or ``work`` on a cursor, with the errors of the connection told in our words."""
        import psycopg2  # type: ignore[import-untyped]

        try:
            with self._connection.cursor() as cursor:
                if work is not None:
                    return work(cursor)
                cursor.execute(*bound(sql, self._backend.statement(sql), parameters))
                return cursor
        except psycopg2.Error as error:
            if is_dropped(error, self._connection):
                self._connection.close()
                raise Interrupted("the connection to Redshift dropped; what it had not committed is undone") from error
            if is_serialization_failure(error):
                raise Interrupted(
                    "Redshift undid the transaction, since another ran at the same time (1023)"
                ) from error
            if refused := refusal(error):
                raise refused from error
            raise

    def _repeatable(self, action: Callable[[], Any]) -> Any:
        """Something that changes nothing, once more where a connection dropped or a table was replaced under it.

        Within a transaction neither is tried again: the drop has undone it, and what it replaces it replaces itself.
        """
        import psycopg2

        if self._connection.closed and not self._in_transaction:
            self.close_and_open()
        try:
            return action()
        except Interrupted:
            if self._in_transaction:
                raise
            self.close_and_open()
        except psycopg2.Error as error:
            if self._in_transaction or not is_replaced(error):
                raise
        return action()
