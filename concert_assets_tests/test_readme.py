"""What README and docs tell a reader to type or to open exists: targets, commands, options, jobs, files."""

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
BIN = Path(sys.executable).parent
SHELLS = {"sh", "bash", "shell", "console"}
# Programs of the reader's own machine: that they exist is not ours to test.
ELSEWHERE = {
    "git",
    "cd",
    "cp",
    "mv",
    "mkdir",
    "ls",
    "cat",
    "export",
    "source",
    ".",
    "open",
    "xdg-open",
    "sudo",
    "apt-get",
}


def commands(text: str) -> list[str]:
    """Every command line of a page: those in shell blocks, and inline code that begins as one of ours."""
    found = []
    for language, block in re.findall(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        if language in SHELLS:
            lines = re.sub(r"\\\n", " ", block).splitlines()
            if any(line.lstrip().startswith("$ ") for line in lines):  # with prompts, the rest is output
                lines = [line.lstrip()[2:] for line in lines if line.lstrip().startswith("$ ")]
            found += [line.strip() for line in lines]
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    found += re.findall(r"`((?:make|concert-assets|dagster) [^`]+)`", prose)
    return [line for line in found if line and not line.startswith("#")]


@cache
def help_of(program: str, *subcommands: str) -> str:
    """The help text of one of this environment's commands; fails where it has none."""
    done = subprocess.run(
        [str(BIN / program), *subcommands, "--help"],
        env={**os.environ, "COLUMNS": "200", "DAGSTER_DISABLE_TELEMETRY": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{program} {' '.join(subcommands)} --help: {done.stderr}"
    return done.stdout


@cache
def targets() -> frozenset[str]:
    """The targets that the Makefile offers."""
    return frozenset(re.findall(r"^([a-z]+):.* ## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@cache
def jobs_and_assets() -> tuple[frozenset[str], frozenset[str]]:
    """Names of the jobs, and the keys of the assets as a selection writes them."""
    from concert_assets.definitions import defs

    repository = defs.get_repository_def()
    keys = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    return frozenset(repository.job_names), frozenset(keys)


def value_of(words: list[str], *options: str) -> str | None:
    """The value given to an option, as --option value or --option=value."""
    for position, word in enumerate(words):
        if word in options and position + 1 < len(words):
            return words[position + 1]
        for option in options:
            if word.startswith(option + "="):
                return word.partition("=")[2]
    return None


def unknown_options(program: str, subcommands: list[str], words: list[str]) -> list[str]:
    """Options among the words that the command's help does not list."""
    listed = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", help_of(program, *subcommands)))
    given = [word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]
    return [f"{program} {' '.join(subcommands)} has no {option}" for option in given if option not in listed]


def faults(line: str) -> list[str]:
    """What is wrong with one command line; empty where every part of it exists."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;")
    lexer.whitespace_split = True
    commands_of_line: list[list[str]] = [[]]
    for token in lexer:  # without comments, and with quotes taken away
        if set(token) <= set("&|;"):
            commands_of_line.append([])
        elif commands_of_line[-1] or not re.fullmatch(
            r"[A-Z_]+=.*", token
        ):  # settings before a program are passed over
            commands_of_line[-1].append(token)
    return [fault for words in commands_of_line if words for fault in faults_of_one(words)]


def faults_of_one(words: list[str]) -> list[str]:
    """What is wrong with a single command, as words."""
    program = Path(words[0]).name or words[0]  # "." has no name
    rest = words[1:]
    names = [word for word in rest if not word.startswith("-")]
    if program == "make":
        asked = [word for word in names if "=" not in word]
        wrong = [f"make has no target {name}" for name in asked if name not in targets()]
        arguments = shlex.split(value_of(rest, "ARGS") or "")
        if asked in (["demo"], ["dev"]):
            wrong += unknown_options("concert-assets", asked, arguments)
        return wrong
    if program == "concert-assets":
        return unknown_options(program, names[:1], rest)
    if program == "dagster":
        wrong = unknown_options(program, [word for word in names[:2] if word.islower() and word.isalpha()], rest)
        jobs, keys = jobs_and_assets()
        if names[:2] == ["job", "execute"] and (job := value_of(rest, "-j", "--job")) not in jobs:
            wrong.append(f"there is no job {job}")
        selection = value_of(rest, "--select") or ""
        return wrong + [f"there is no asset {key}" for key in re.findall(r"\w+/\w+", selection) if key not in keys]
    if program.startswith("python"):
        module = value_of(rest, "-m")
        path = ROOT / (module.replace(".", "/") + ".py" if module else names[0])
        return [] if module in {"pip", "venv", "pytest"} or path.exists() else [f"{path} does not exist"]
    return [] if program in ELSEWHERE else [f"nothing is known of {program}"]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists_with_its_options(page: Path) -> None:
    wrong = [(line, fault) for line in commands(page.read_text("utf-8")) for fault in faults(line)]
    assert wrong == []


def test_the_readme_says_how_to_begin() -> None:
    lines = commands(README.read_text("utf-8"))
    assert {"make demo", "make test", "make dev"} <= {" ".join(line.split()[:2]) for line in lines}
    assert any("concert-assets ingest" in line for line in lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    broken = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("make demos", "make has no target demos"),
        ('make demo ARGS="--salez 10"', "concert-assets demo has no --salez"),
        ("cd x && .venv/bin/concert-assets status --yaml", "concert-assets status has no --yaml"),
        ("dagster job execute -j run_demos", "there is no job run_demos"),
        ("dagster asset materialize --select 'raw/artistes'", "there is no asset raw/artistes"),
        ("dagster asset materialise --select '*' --loud", "materialise"),
        ("python tools/nothing.py", "nothing.py does not exist"),
        ("conzert-assets demo", "nothing is known of conzert-assets"),
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str, fault: str) -> None:
    try:
        found = "; ".join(faults(line))
    except AssertionError as error:  # the command itself has no help
        found = str(error)
    assert fault in found


@pytest.mark.parametrize(
    "line",
    [
        "make demo  # first; then --loud",
        ". .venv/bin/activate && CONCERT_HOME=elsewhere concert-assets status --json | cat",
        'make demo ARGS="--sales 1000 --seed 7"',
        "dagster job execute -j run_demo",
    ],
)
def test_a_command_that_exists_passes(line: str) -> None:
    assert faults(line) == []


def test_commands_are_read_from_shell_blocks_and_prose() -> None:
    page = "Type `make test`, not `x`.\n```sh\n# first\nmake demo \\\n  ARGS=1\n```\n```\nno shell\n```\n"
    page += "```console\n$ concert-assets status\nhealthy\n```\n"
    assert commands(page) == ["make demo    ARGS=1", "concert-assets status", "make test"]
