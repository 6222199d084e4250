"""The interpreters that play a Glue job: this one with DuckDB, and the Spark of Glue where it is set up."""

import os
import subprocess
from functools import cache
from pathlib import Path

from concert_assets_tests.support_glue_process import Interpreter

_HOME = Path(__file__).parents[1] / ".venv-spark"
SPARK = Interpreter(str(_HOME / "bin" / "python"), ("pyspark", "py4j"))


@cache
def missing_for_spark() -> tuple[str, ...]:
    """What this machine lacks to play a job on Spark."""
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else Path("java")
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    except OSError:
        told = ""
    lacks = {"Java 17": 'version "17' not in told, ".venv-spark, which make conformance sets up": not _ready()}
    return tuple(name for name, is_missing in lacks.items() if is_missing)


def _ready() -> bool:
    return (_HOME / ".ready").exists()


def interpreters() -> list[Interpreter]:
    """Those that are here."""
    return [Interpreter()] if missing_for_spark() else [Interpreter(), SPARK]


def missing_in_ci() -> tuple[str, ...]:
    """What CI lacks, which must not pass quietly; nothing where this is not CI."""
    return missing_for_spark() if os.environ.get("CI") == "true" else ()
