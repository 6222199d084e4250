"""The subcommands that make something: ``demo``, ``train``, ``rebuild``, ``dev`` and ``setup``."""

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from concert_assets import deployment as deployments
from concert_assets.cli.errors import CommandFailed, WrongOption
from concert_assets.cli.runs import data_place, delivery_log, inbox_place, is_published, open_home, run_job, shown
from concert_assets.deployment import Deployment

SIMULATION = "simulation"
USE_WHAT_IS_DELIVERED = {"raw": {"config": {"generate": "never"}}}


def check_test_size(options: Any) -> None:
    """Raise WrongOption for a share that leaves nothing to train or to judge on."""
    if not 0 < options.test_size < 1:
        raise WrongOption(f"--test-size: {options.test_size} is not allowed; it must be a share above 0 and below 1")


def training_config(options: Any) -> dict[str, Any]:
    """Run configuration of both models."""
    config = {"config": {"test_size": options.test_size}}
    return {"model_venue_popularity": config, "model_ticket_sales": config}


def demo(deployment: Deployment, options: Any) -> int:
    """Run the whole graph, on generated data or on what is delivered already."""
    check_test_size(options)
    generation = {"generate": "never"} if options.skip_generation else _generation(options)
    deployments.check_home(deployment)
    log = delivery_log(deployment)
    live = [item for item in log.deliveries() if item.state in ("live", "held")]
    foreign = sorted({item.name for item in live if item.entry.source != SIMULATION})
    if options.skip_generation and not live:
        raise CommandFailed(
            f"--skip-generation: nothing is delivered in {data_place(deployment)}; ingest files, or run without it"
        )
    if foreign and not options.skip_generation:
        raise CommandFailed(
            f"{data_place(deployment)} holds deliveries of your own ({', '.join(foreign[:3])}); generated data are not "
            "mixed with them: use --skip-generation, or another --home"
        )
    open_home(deployment)
    return run_job(deployment, "run_demo", {"ops": {"raw": {"config": generation}, **training_config(options)}})


def _generation(options: Any) -> dict[str, Any]:
    from concert_assets.simulation.settings import (
        SettingsError,
        SimulationSettings,
        parse_as_of,
        parse_raw_format,
        parse_sales,
    )
    from concert_assets.simulation.world import check_settings

    try:
        settings = SimulationSettings(
            artists=options.artists,
            venues=options.venues,
            concerts=options.concerts,
            sales=parse_sales(options.sales),
            seed=options.seed,
            as_of=parse_as_of(options.as_of),
            defect_rate=options.defect_rate,
            raw_format=parse_raw_format(options.raw_format),
        )
        check_settings(settings)  # more sales than its concerts can sell is an error that only the world knows
    except SettingsError as error:
        raise WrongOption(str(error)) from error
    return {
        "generate": "always",
        "artists": settings.artists,
        "venues": settings.venues,
        "concerts": settings.concerts,
        "sales": str(settings.sales),
        "seed": settings.seed,
        "as_of": settings.as_of.isoformat(),
        "defect_rate": settings.defect_rate,
        "raw_format": settings.raw_format,
    }


def train(deployment: Deployment, options: Any) -> int:
    """Train both models on what is published."""
    check_test_size(options)
    deployments.check_home(deployment)
    if not is_published(deployment):
        raise CommandFailed(f"nothing is published in {data_place(deployment)}; run demo or ingest first")
    open_home(deployment)
    return run_job(deployment, "retrain_models", {"ops": training_config(options)})


def rebuild(deployment: Deployment, options: Any) -> int:
    """Discard the warehouse and make it anew from the log."""
    from concert_assets.definitions import build_resources

    deployments.check_home(deployment)
    if not delivery_log(deployment).deliveries():
        raise CommandFailed(f"nothing is delivered in {data_place(deployment)}; there is nothing to rebuild from")
    open_home(deployment)
    resources = build_resources(deployment)
    _discard_damaged(resources["s3"])
    resources["redshift"].discard()
    return run_job(deployment, "refresh_warehouse", {"ops": USE_WHAT_IS_DELIVERED})


def _discard_damaged(s3: Any) -> None:
    """Forget curated deliveries whose bytes are not those they were written with, so that they are curated anew."""
    from concert_assets.defs.s3_objects import rules_version
    from concert_assets.deliveries.curated import CuratedObjectDamaged, discard_manifest, is_intact, read_manifest
    from concert_assets.deliveries.log import DeliveryLog

    for delivery in DeliveryLog(s3.store, s3.raw_bucket).deliveries():
        content_id = delivery.entry.content_id
        try:
            manifest = read_manifest(s3.store, s3.processed_bucket, content_id, rules_version())
            is_whole = manifest is None or is_intact(s3.store, s3.processed_bucket, manifest)
        except CuratedObjectDamaged:
            is_whole = False
        if not is_whole:
            print(f"what was curated of {delivery.name} is damaged; it is curated anew", file=sys.stderr)
            discard_manifest(s3.store, s3.processed_bucket, content_id, rules_version())


def setup(deployment: Deployment, options: Any) -> int:
    """Make the home, and the ``.env`` that leads plain ``dagster`` commands to it."""
    open_home(deployment)
    deployments.write_dotenv(deployment, Path.cwd())
    return 0


def dev(deployment: Deployment, options: Any) -> NoReturn:
    """Become ``dagster dev`` on the home; it ends as that does."""
    open_home(deployment)
    print(f"web UI at http://{options.host}:{options.port} · home {shown(deployment.home)}", flush=True)
    print(f"files dropped below {inbox_place(deployment)} are loaded while this runs", flush=True)
    # A workspace of the home's own gives the code location the name that workspace.yaml gives it, so that what is
    # switched on in one is on in the other.
    workspace = deployments.write_workspace(deployment)
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(workspace)]
    command += ["--host", options.host, "--port", str(options.port)]
    # Dagster lets ``.env`` of its working folder go before the environment, and so before the settings of this command.
    if deployments.adopt_dotenv(deployment, Path.cwd()):
        os.chdir(deployment.dagster_home)  # where there is none
    os.execv(command[0], command)  # noqa: S606 - there is no shell on purpose
