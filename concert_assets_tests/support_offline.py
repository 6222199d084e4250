"""Python processes that are watched: what they ask of the network and which SDKs they import, those they start as well.

``watched`` writes a ``sitecustomize`` and returns the environment by which a process has it. It adds an audit hook,
which no library can go around in Python, and hands itself on to whatever Python that process starts.
"""

import os
from pathlib import Path

from concert_assets_tests.support_moto import ENVIRONMENT

SDKS = ("boto3", "botocore", "s3transfer", "psycopg2", "redshift_connector", "dagster_aws")
CANARY = "canary-of-the-embedded-deployment"
_HOOK = """
import os
import sys

PLACE, LOG, SDKS = {place!r}, {log!r}, {sdks!r}
ASKS = {{
    "socket.bind", "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
    "socket.gethostbyaddr", "socket.getnameinfo",
}}
AF_UNIX = 1
log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def note(*told):
    os.write(log, ("\\t".join([str(os.getpid()), *map(str, told)]).replace("\\n", " ") + "\\n").encode())


def hook(event, arguments):
    if event in ASKS:
        if getattr(arguments[0], "family", None) != AF_UNIX:
            note("asks", event, *(each for each in arguments if not hasattr(each, "family")))
    elif event == "import":
        if arguments[0].partition(".")[0] in SDKS:
            note("imports", arguments[0])
    elif event == "subprocess.Popen":
        environment = arguments[3]
        if environment is not None and PLACE not in environment.get("PYTHONPATH", ""):
            environment["PYTHONPATH"] = os.pathsep.join([PLACE, environment.get("PYTHONPATH", "")]).strip(os.pathsep)


sys.addaudithook(hook)
note("starts", *sys.orig_argv)
"""


def watched(folder: Path) -> tuple[dict[str, str], Path]:
    """The environment of a watched process, its AWS settings canaries, and the log of what it asks."""
    place, log = folder / "watched", folder / "asked.log"
    place.mkdir()
    (place / "sitecustomize.py").write_text(_HOOK.format(place=str(place), log=str(log), sdks=SDKS))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CONCERT_", "DAGSTER_"))}
    canaries = {name: CANARY for name in (*ENVIRONMENT, "AWS_SESSION_TOKEN", "AWS_PROFILE") if name.startswith("AWS_")}
    return {**kept, **canaries, "PYTHONPATH": str(place)}, log


def told(log: Path, what: str) -> list[list[str]]:
    """What the processes wrote of a kind, a list a line: process, and what it was."""
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    return [[pid, *rest] for pid, kind, *rest in lines if kind == what]
