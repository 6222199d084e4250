"""The options of every subcommand, each with the values it allows; what is wrong with one is said in one line."""

import argparse
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from concert_assets.catalog.canonical import BY_NAME
from concert_assets.catalog.operational import OUTCOMES

SOURCES = ("musicbrainz", "nyphil", "ticketmaster", "tickit")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line and ends with 2, before anything is opened or written."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        sys.exit(2)


def _number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number; expected a share from 0 to 1") from None
    return value


def _port(text: str) -> int:
    value = _number(text)
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; expected 1 to 65535")
    return value


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", metavar="DIR", help="folder of all state (CONCERT_HOME; default .concert)")
    parser.add_argument("--raw-bucket", metavar="NAME", help="bucket of deliveries (CONCERT_RAW_BUCKET)")
    parser.add_argument("--processed-bucket", metavar="NAME", help="bucket of what is made (CONCERT_PROCESSED_BUCKET)")
    parser.add_argument("--deployment", metavar="NAME", help="where it runs (CONCERT_DEPLOYMENT; default embedded)")


def _test_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--test-size", type=_share, default=0.2, metavar="SHARE", help="end of the time range to judge on (default 0.2)"
    )


def _forecasts(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    predict = add("predict", "forecast the tickets of a concert, or of planned ones in a file, with intervals")
    what = predict.add_mutually_exclusive_group(required=True)
    what.add_argument("--file", metavar="FILE", help="concerts by their canonical columns: csv, jsonl, json, parquet")
    explain = add("explain", "tell what each feature adds to the forecast of a concert")
    what.add_argument("--concert", metavar="ID", help="a published concert, to come or past")
    explain.add_argument("--concert", metavar="ID", required=True, help="a published concert, to come or past")
    for command in (predict, explain):
        command.add_argument("--json", action="store_true", help="for programs")


def _upkeep(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    rejects = add("rejects", "tell which rows are not published and why, or write them into files to mend")
    rejects.add_argument("--table", choices=tuple(BY_NAME), metavar="TABLE", help=f"one of {', '.join(BY_NAME)}")
    rejects.add_argument("--delivery", metavar="NAME", help="of one delivery, by name or number")
    rejects.add_argument("--rule", metavar="RULE", help="rows that one rule decided on")
    rejects.add_argument(
        "--outcome", choices=OUTCOMES[1:], default="rejected", metavar="OUTCOME",
        help=f"one of {', '.join(OUTCOMES[1:])} (default rejected)",
    )  # fmt: skip
    rejects.add_argument("--limit", type=_number, default=20, metavar="N", help="rows to list (default 20)")
    rejects.add_argument("--json", action="store_true", help="for programs")
    rejects.add_argument("--export", metavar="DIR", help="write all of them into files in this folder")
    forget = add("forget", "erase a customer from everything that the home keeps, and make the warehouse anew")
    forget.add_argument("customer", metavar="CUSTOMER", help="the customer's id, as it was delivered")
    gc = add("gc", "drop objects that nothing refers to any more")
    gc.add_argument(
        "--older-than", type=_number, default=24, metavar="HOURS", help="spare what is younger (default 24 hours)"
    )
    for command, what in ((forget, "tell what would be erased"), (gc, "list what would be dropped")):
        command.add_argument("--dry-run", action="store_true", help=f"only {what}")


def _infrastructure(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    deploy = add("deploy", "make or change what the deployment aws runs on, by a stack of CloudFormation")
    deploy.add_argument("--plan", action="store_true", help="only check the template and tell what would change")
    deploy.add_argument("--set", action="append", metavar="NAME=VALUE", help="a parameter of the template")
    deploy.add_argument("--template", metavar="FILE", help="write the template into this file too")
    deploy.add_argument("--env-file", metavar="FILE", default=".env.aws", help="for the settings (default .env.aws)")
    destroy = add("destroy", "remove the stack; buckets and the signing key stay")
    destroy.add_argument("--confirm", metavar="NAME", help="the stack's name, in place of being asked for it")
    destroy.add_argument("--with-data", action="store_true", help="remove buckets with all objects and the key too")
    endpoint = add("endpoint", "serve the ticket forecasts of the model in use by an endpoint of SageMaker, on aws")
    endpoint.add_argument("--image", metavar="URI", help="image in Amazon ECR that runs the package, see docs/aws.md")
    endpoint.add_argument("--name", default="concert-ticket-sales", help="its name (default concert-ticket-sales)")
    endpoint.add_argument("--memory", type=_number, default=2048, metavar="MB", help="1024 to 6144 (default 2048)")
    endpoint.add_argument("--concurrency", type=_number, default=5, metavar="N", help="requests at a time (default 5)")
    endpoint.add_argument("--remove", action="store_true", help="remove the endpoint")
    for command in (deploy, destroy):
        command.add_argument("--stack", default="concert-assets", metavar="NAME", help="default concert-assets")
        command.add_argument("--account", metavar="NUMBER", help="refuse credentials of any other account")
    for command in (deploy, destroy, endpoint):
        command.add_argument(
            "--deadline-seconds", type=_number, default=1800, metavar="N", help="how long to wait (default 1800)"
        )


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    top = _Parser(
        prog="concert-assets",
        description="Concert data platform: generate or ingest, curate, audit, publish, train, report.",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        _common(command)
        return command

    demo = add("demo", "run the whole graph on generated data")
    demo.add_argument("--artists", type=_number, default=1_000, metavar="N", help="artists (default 1000)")
    demo.add_argument("--venues", type=_number, default=500, metavar="N", help="venues (default 500)")
    demo.add_argument("--concerts", type=_number, default=10_000, metavar="N", help="concerts (default 10000)")
    demo.add_argument("--sales", default="50000", metavar="N|full", help="ticket orders, or full (default 50000)")
    demo.add_argument("--seed", type=_number, default=42, metavar="N", help="seed of the random streams (default 42)")
    demo.add_argument("--as-of", default="2026-01-01", metavar="DATE", help="today of the world (default 2026-01-01)")
    demo.add_argument("--defect-rate", type=_share, default=0.01, metavar="SHARE", help="bad rows (default 0.01)")
    demo.add_argument("--raw-format", default="jsonl", metavar="FORMAT", help="jsonl, csv or parquet (default jsonl)")
    demo.add_argument("--skip-generation", action="store_true", help="use what is delivered already")
    _test_size(demo)

    ingest = add("ingest", "deliver files of your own, or what lies in the inbox, and bring everything up to date")
    what = ingest.add_mutually_exclusive_group()
    what.add_argument("--table", choices=tuple(BY_NAME), metavar="TABLE", help=f"one of {', '.join(BY_NAME)}")
    what.add_argument("--source", choices=SOURCES, metavar="SOURCE", help=f"an archive's format: {', '.join(SOURCES)}")
    ingest.add_argument("--delivery", metavar="NAME", help="name of the delivery (default: table or source and file)")
    ingest.add_argument("files", nargs="*", metavar="FILE", help="without one, what was dropped into the inbox")
    _test_size(ingest)

    _test_size(add("train", "train both models anew on what is published"))
    _forecasts(add)
    add("evaluate", "compare the models in use with what could be known of a generated world")
    add("validate", "check set-up, settings, definitions and the state of the home")
    status = add("status", "tell what is loaded, the last run and the quality score")
    status.add_argument("--json", action="store_true", help="for programs")
    dev = add("dev", "start the web UI and the daemon on the same home")
    dev.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    dev.add_argument("--port", type=_port, default=3000, help="port to listen on (default 3000)")
    for name, text in (
        ("release", "let a held delivery pass the audit after all"),
        ("retract", "take a delivery back; its rows leave the published tables"),
    ):
        verdict = add(name, text)
        verdict.add_argument("delivery", metavar="DELIVERY", help="its name, or its number in the log")
        verdict.add_argument("--note", default="", help="why, kept in the log")
    _upkeep(add)
    _infrastructure(add)
    add("rebuild", "make the warehouse anew from the delivery log")
    add("setup", "make the home and .env; make does this by itself")
    return top
