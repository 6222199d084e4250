"""A program for tests: the command, which dies at a given event of a given step: ``KIND STEP ARGUMENTS…``."""

import logging
import os
import signal
import sys

from concert_assets.cli import runs
from concert_assets.cli.main import main

kind, step, *arguments = sys.argv[1:]
tell = runs._Progress.emit


def tell_and_die(self: runs._Progress, record: logging.LogRecord) -> None:
    tell(self, record)
    event = (getattr(record, "dagster_meta", None) or {}).get("dagster_event")
    if event is not None and (event.event_type_value, event.step_key) == (kind, step):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    runs._Progress.emit = tell_and_die  # type: ignore[method-assign]
    sys.exit(main(arguments))
