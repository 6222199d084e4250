"""Where report files are written: a folder a run, and ``latest``, each file whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PIPELINE_REPORT = "pipeline_report.json"
MODEL_REPORT = "model_training_report.json"
PAGE = "report.html"


def write_report_files(folder: Path, run_id: str, reports: Mapping[str, Any], page: str) -> None:
    """Write JSON reports and the page below ``runs/<run_id>`` and ``latest`` of the folder of reports."""
    texts = {name: json.dumps(report, ensure_ascii=False, indent=2) for name, report in reports.items()}
    texts[PAGE] = page
    for place in (folder / "runs" / run_id, folder / "latest"):
        place.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            temporary = place / f".{name}.{os.getpid()}"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(place / name)
