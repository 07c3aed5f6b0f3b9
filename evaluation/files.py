"""The folder of reports: report.json, report.html, sweep.png."""

import json
from dataclasses import asdict
from pathlib import Path

from .html import to_html
from .plots import sweep_figure, to_png
from .report import Report


def write_reports(report: Report, folder: Path) -> None:
    """Write the files, over those of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(to_json(report), encoding="utf-8")
    (folder / "report.html").write_text(to_html(report), encoding="utf-8")
    (folder / "sweep.png").write_bytes(to_png(sweep_figure(report.sweep, ink="black")))


def to_json(report: Report) -> str:
    """Return the report as JSON, with the prediction and the advice in words."""
    whole = asdict(report)
    whole["ceiling"]["prediction"] = report.ceiling.prediction
    whole["sweep"]["advice"] = report.sweep.advice
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
