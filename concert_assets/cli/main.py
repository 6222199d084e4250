"""The entry point: reads the options, finds the deployment, and hands over to the subcommand."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from concert_assets import deployment as deployments
from concert_assets.cli import (
    deliveries,
    deploying,
    endpoint,
    erasure,
    evaluate,
    explaining,
    forecasts,
    inspection,
    rejects,
    upkeep,
    work,
)
from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.options import parser
from concert_assets.deployment import ConfigurationError, Deployment, HomeOfOtherVersion
from concert_assets.resources.kms.failures import SigningUnavailable
from concert_assets.resources.redshift.failures import Unavailable
from concert_assets.resources.redshift.protocol import WarehouseBusy, WarehouseDamaged
from concert_assets.resources.s3.protocol import ObjectChanged, StoreBusy, StoreUnavailable

# What a command may fail by, each in one line; anything else is a fault of the program and told as such.
_FAILURES = (
    HomeOfOtherVersion, CommandFailed, WarehouseBusy, WarehouseDamaged, Unavailable, StoreBusy, StoreUnavailable,
    SigningUnavailable, ObjectChanged,
)  # fmt: skip
_SETTINGS = ("home", "raw_bucket", "processed_bucket", "deployment")
_COMMANDS: dict[str, Callable[[Deployment, Any], int]] = {
    "demo": work.demo,
    "train": work.train,
    "dev": work.dev,
    "rebuild": work.rebuild,
    "setup": work.setup,
    "ingest": deliveries.ingest,
    "release": deliveries.release,
    "retract": deliveries.retract,
    "validate": inspection.validate,
    "status": inspection.status,
    "predict": forecasts.predict,
    "explain": explaining.explain,
    "rejects": rejects.rejects,
    "forget": erasure.forget,
    "gc": upkeep.gc,
    "evaluate": evaluate.evaluate,
    "deploy": deploying.deploy,
    "destroy": deploying.destroy,
    "endpoint": endpoint.endpoint,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 where it succeeded, 1 where it failed, 2 where an option or setting is wrong."""
    options = parser().parse_args(arguments)
    given = {name: value for name in _SETTINGS if (value := getattr(options, name)) is not None}
    try:
        deployment = deployments.read(options={f"CONCERT_{name.upper()}": value for name, value in given.items()})
        return _COMMANDS[options.command](deployment, options)
    except (ConfigurationError, WrongOption) as error:
        print(f"concert-assets {options.command}: {error}", file=sys.stderr)
        return 2
    except _FAILURES as error:
        print(f"concert-assets {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader, such as head, has seen enough; what is still buffered must not fail at exit.
        sys.stdout = None
        return 0 if options.command in ("status", "validate", "rejects", "predict", "explain") else 1
    except KeyboardInterrupt:
        print("interrupted; run the command again to go on", file=sys.stderr)
        return 130


def console() -> NoReturn:
    """Run the command and end the process.

    Taking an interpreter apart that has imported all that a run needs takes most of a second, with nothing left to do;
    and looking through a growing heap for cycles at every 700 new objects takes as long.
    """
    gc.set_threshold(200_000, 20, 100)
    code = main()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.flush()
    os._exit(code)


if __name__ == "__main__":
    console()
