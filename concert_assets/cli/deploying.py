"""The subcommands ``deploy`` and ``destroy``: the stack of CloudFormation that the deployment aws runs on."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.runs import shown
from concert_assets.deployment import Deployment

if TYPE_CHECKING:
    from concert_assets.deploy.stack import Plan, Stack, StackState

_STACK = re.compile(r"[a-z][a-z0-9-]{2,39}")  # it is part of names in Redshift and KMS, which take no more
_HOME = ".concert-aws"
_LINT_REGION = "us-east-1"
_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-"}


def deploy(deployment: Deployment, options: Any) -> int:
    """Make or change the stack and write the settings that lead to it; with ``--plan`` only tell what would be done."""
    from concert_assets.deploy.checks import lint, problems, wrong_values
    from concert_assets.deploy.template import as_text, template

    _check(options)
    whole = template()
    given = _parameters(options)
    for fault in wrong_values(whole, given):
        raise WrongOption(f"--set: {fault}")
    faults = problems(whole)
    linted = lint(whole, deployment.region or _LINT_REGION) if options.plan else None
    kinds = Counter(item["Type"] for item in whole["Resources"].values())
    print(f"template: {sum(kinds.values())} resources of {len(kinds)} types, {len(as_text(whole)):,} bytes")
    if options.plan:
        print("cfn-lint: " + ("not installed" if linted is None else f"{len(linted)} findings"))
    if options.template:
        _write(Path(options.template), as_text(whole, indent=1) + "\n", "--template")
    if faults or linted:
        raise CommandFailed("the template is not fit to be used: " + "; ".join([*faults, *(linted or ())]))
    return _plan(deployment, options, whole, given) if options.plan else _deploy(deployment, options, whole, given)


def destroy(deployment: Deployment, options: Any) -> int:
    """Remove the stack after asking for its name, and the data where that is asked for too."""
    from concert_assets.deploy import surroundings
    from concert_assets.deploy.stack import TAG

    _check(options)
    with _failures():
        client = _clients(deployment)
        account = _account(client, options)[0]
        stack = _stack(client, options)
        state = stack.settled()
        if state is None:
            raise CommandFailed(f"there is no stack {stack.name} in account {account}, region {client.region}")
        if TAG not in state.tags:
            raise CommandFailed(f"stack {stack.name} was not made by concert-assets: it lacks the tag {TAG}")
        made = stack.resources()
        buckets = [name for kind, name in made.values() if kind == "AWS::S3::Bucket"]
        keys = [name for kind, name in made.values() if kind == "AWS::KMS::Key"]
        print(f"stack {stack.name} in account {account}, region {client.region}: {len(made)} resources")
        fate = "removed with all they hold" if options.with_data else "kept"
        print(f"buckets, {fate}: {', '.join(buckets) or 'none are the stack’s'}")
        _ask(stack.name, options.confirm)
        if job := state.outputs.get("ConcertGlueJob"):
            surroundings.remove_job(client("glue"), job)
        stack.remove()
        print(f"stack {stack.name} is removed")
        if not options.with_data:
            _tell_how_to_keep(state)
            return 0
        for bucket in buckets:
            print(f"bucket {bucket}: removed, {surroundings.remove_bucket(client('s3'), bucket):,} versions of objects")
        for key in keys:
            surroundings.remove_key(client("kms"), key)
            print(f"key {key}: KMS removes it in {surroundings.KEY_DAYS} days, and keeps it if told so before")
    return 0


class _Clients:
    """boto3 clients of the deployment's region, by service."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.region: str = self("sts").meta.region_name

    def __call__(self, service: str) -> Any:
        from concert_assets.resources.clients import aws_client

        return aws_client(service, self._deployment.region, self._deployment.endpoint_url)


def _clients(deployment: Deployment) -> _Clients:
    from concert_assets.deploy.failures import told

    with told():
        return _Clients(deployment)


def _plan(deployment: Deployment, options: Any, whole: Mapping[str, Any], given: dict[str, str]) -> int:
    from concert_assets.deploy.failures import NoAccount
    from concert_assets.deploy.template import as_text

    try:
        with _failures(NoAccount):
            client = _clients(deployment)
            account = _account(client, options)[0]
            stack = _stack(client, options)
            plan = stack.plan(as_text(whole), given | _spared(client, stack, given), whole["Parameters"])
            _tell(stack, plan, account, client.region)
            stack.drop(plan)
    except NoAccount as error:
        print(f"not compared with an account: {error}")
    return 0


def _deploy(deployment: Deployment, options: Any, whole: Mapping[str, Any], given: dict[str, str]) -> int:
    from concert_assets.deploy import surroundings
    from concert_assets.deploy.template import as_text, settings_names, settings_of
    from concert_assets.warehousing.names import SCHEMA, STAGING

    with _failures():
        client = _clients(deployment)
        account, arn = _account(client, options)
        stack = _stack(client, options)
        plan = stack.plan(as_text(whole), given | _spared(client, stack, given), whole["Parameters"])
        _tell(stack, plan, account, client.region)
        if plan.change_set:
            print(f"waiting up to {options.deadline_seconds} s for CloudFormation", flush=True)
        state = stack.carry_out(plan) if plan.change_set else stack.state()
        if state is None:
            raise CommandFailed(f"stack {stack.name} is gone; somebody removed it meanwhile")
        settings = settings_of(state.outputs)
        # First of all, so that they are there whatever Redshift says.
        _write_settings(deployment, options, settings, settings_names(whole))
        if any(kind == "AWS::RedshiftServerless::Workgroup" for kind, _ in stack.resources().values()):
            runner = state.parameters.get("RunnerRole")
            user = f"IAMR:{runner}" if runner else surroundings.database_user(arn)
            surroundings.let_create(
                client("redshift-serverless"),
                client("redshift-data"),
                settings["CONCERT_REDSHIFT_WORKGROUP"],
                settings["CONCERT_REDSHIFT_DATABASE"],
                user,
                options.deadline_seconds,
                (SCHEMA, STAGING),
            )
            print(f"Redshift user {user} may create schemas in {settings['CONCERT_REDSHIFT_DATABASE']}")
    print(f"a first run: (. {shlex.quote(_sourced(Path(options.env_file)))}; concert-assets demo)")
    return 0


@contextmanager
def _failures(but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Turn what the infrastructure says into what a command says."""
    from concert_assets.deploy.failures import DeploymentFailed

    try:
        yield
    except but:
        raise
    except DeploymentFailed as error:
        raise CommandFailed(str(error)) from None


def _check(options: Any) -> None:
    if not _STACK.fullmatch(options.stack):
        raise WrongOption(
            f"--stack: {options.stack!r} is not allowed; expected 3 to 40 lower-case letters, digits and dashes, "
            "a letter first"
        )
    if options.account is not None and not re.fullmatch(r"[0-9]{12}", options.account):
        raise WrongOption(f"--account: {options.account!r} is not allowed; expected the twelve digits of an account")
    if options.deadline_seconds < 1:
        raise WrongOption(f"--deadline-seconds: {options.deadline_seconds} is not allowed; it must be 1 or more")


def _parameters(options: Any) -> dict[str, str]:
    given = {"RawBucket": options.raw_bucket, "ProcessedBucket": options.processed_bucket}
    found = {name: value for name, value in given.items() if value is not None}
    for text in options.set or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise WrongOption(f"--set: {text!r} is not allowed; expected NAME=VALUE, such as RedshiftCapacity=16")
        found[name] = value
    return found


def _account(client: _Clients, options: Any) -> tuple[str, str]:
    from concert_assets.deploy.surroundings import caller

    account, arn = caller(client("sts"))
    if options.account is not None and account != options.account:
        raise CommandFailed(f"--account is {options.account}, but the credentials are of account {account}")
    return account, arn


def _stack(client: _Clients, options: Any) -> "Stack":
    from concert_assets.deploy.stack import Stack

    return Stack(client("cloudformation"), options.stack, options.deadline_seconds)


def _spared(client: _Clients, stack: "Stack", given: Mapping[str, str]) -> dict[str, str]:
    """Log groups that all Glue jobs of an account share are left alone where a new stack would find them there."""
    from concert_assets.deploy.surroundings import has_glue_logs

    name = "GlueLogGroups"
    if name in given or not stack.is_new() or not has_glue_logs(client("logs")):
        return {}
    print("the account has log groups of Glue jobs already; their retention is left as it is")
    return {name: "keep"}


def _tell(stack: "Stack", plan: "Plan", account: str, region: str) -> None:
    changes = f"{len(plan.changes)} resources to change" if plan.change_set else "no changes"
    what = f"is new, {len(plan.changes)} resources to make" if plan.is_new else changes
    print(f"stack {stack.name} in account {account}, region {region}: {what}")
    for change in plan.changes:
        anew = ", made anew" if change.is_replaced else ""
        print(f"  {_SIGNS.get(change.action, '?')} {change.kind} {change.resource}{anew}")


def _ask(name: str, confirmed: str | None) -> None:
    if confirmed is None:
        try:
            confirmed = input(f"type {name} to remove it: ")
        except EOFError:
            raise CommandFailed(f"nobody answers; nothing is removed without --confirm {name}") from None
    if confirmed.strip() != name:
        raise CommandFailed(f"{confirmed.strip()!r} is not {name!r}; nothing is removed")


def _tell_how_to_keep(state: "StackState") -> None:
    kept = {
        "RawBucket": "ConcertRawBucket",
        "ProcessedBucket": "ConcertProcessedBucket",
        "SigningKey": "ConcertSigningKey",
    }
    options = " ".join(
        f"--set {name}={state.outputs[output]}" for name, output in kept.items() if output in state.outputs
    )
    print(f"what is kept serves a new stack by: concert-assets deploy {options}")


def _write_settings(deployment: Deployment, options: Any, settings: Mapping[str, str], known: Sequence[str]) -> None:
    """Put the settings into the file. Lines of other names stay as they are; an earlier value of these does not.

    Nor does one of the ``known`` settings that this stack has none of, such as another stack's warehouse.
    """
    home = Path(options.home or _HOME).expanduser().absolute()
    lines = {
        "CONCERT_DEPLOYMENT": "aws",
        **({"CONCERT_ENDPOINT_URL": deployment.endpoint_url} if deployment.endpoint_url else {}),
        **settings,
        "CONCERT_HOME": str(home),
        "DAGSTER_HOME": str(home / "dagster"),
    }
    path = Path(options.env_file)
    names = "|".join(map(re.escape, [*lines, *known, "CONCERT_ENDPOINT_URL"]))
    ours = re.compile(rf"\s*(export\s+)?({names})=")
    kept = [line for line in _lines(path) if not ours.match(line)]
    text = "\n".join([*kept, *(f"export {name}={shlex.quote(value)}" for name, value in lines.items())]) + "\n"
    _write(path, text, "--env-file")
    print(f"settings: {shown(path.absolute())}")


def _sourced(path: Path) -> str:
    """A path that a shell takes for a file and not for a command on its way."""
    return str(path) if "/" in str(path) else f"./{path}"


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise CommandFailed(f"{option}: {str(path)!r} cannot be written: {error.strerror}") from None
