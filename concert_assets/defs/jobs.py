"""Jobs: which assets are made together, under a verb."""

import dagster as dg

run_demo = dg.define_asset_job(
    "run_demo",
    selection=dg.AssetSelection.all(),
    description="Make everything, from raw datasets to reports; where nothing is delivered yet, generate it first.",
)

refresh_warehouse = dg.define_asset_job(
    "refresh_warehouse",
    selection=dg.AssetSelection.all(),
    config={"ops": {"raw": {"config": {"generate": "never"}}}},
    description="Make everything from the raw objects on; nothing is generated.",
)

load_arrivals = dg.define_asset_job(
    "load_arrivals",
    selection=dg.AssetSelection.groups("raw", "curated", "staging", "quality", "warehouse"),
    config={"ops": {"raw": {"config": {"generate": "never"}}}},
    description="Take in what lies in the inbox and publish it; what is downstream follows by automation.",
)

retrain_models = dg.define_asset_job(
    "retrain_models",
    selection=dg.AssetSelection.groups("model", "prediction", "report"),
    description="Train both models on the published tables, predict with them and report.",
)

jobs = [run_demo, refresh_warehouse, load_arrivals, retrain_models]
