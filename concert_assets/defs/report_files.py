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
    """Write JSON reports and the page below ``runs/<run_id>`` of the folder of reports, and below ``latest``.

    ``latest`` never goes back: the report of a run that began before the one there is written to its own folder alone.
    """
    texts = {name: json.dumps(report, ensure_ascii=False, indent=2) for name, report in reports.items()}
    texts[PAGE] = page
    places = [folder / "runs" / run_id]
    start = reports[PIPELINE_REPORT]["run"]["start"] or ""
    if start >= _start_of_latest(folder):
        places.append(folder / "latest")
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            temporary = place / f".{name}.{os.getpid()}"
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(place / name)


def _start_of_latest(folder: Path) -> str:
    try:
        report = json.loads((folder / "latest" / PIPELINE_REPORT).read_text(encoding="utf-8"))
        return report["run"]["start"] or ""
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return ""  # what cannot be read is no report that one could go back from
