"""All assets in lineage order."""

from concert_assets.defs.marts import marts
from concert_assets.defs.predictions import predictions
from concert_assets.defs.quality_results import quality_results
from concert_assets.defs.raw_datasets import raw_datasets
from concert_assets.defs.redshift_tables import staging, warehouse
from concert_assets.defs.reports import reports
from concert_assets.defs.s3_objects import s3_objects
from concert_assets.defs.trained_models import trained_models

ASSETS = [
    raw_datasets,
    s3_objects,
    staging,
    quality_results,
    warehouse,
    *marts,
    *trained_models,
    *predictions,
    reports,
]
