"""The folder of reports: report.json, report.html, sweep.png."""

import json
from dataclasses import asdict
from pathlib import Path

from .html import to_html
from .plots import sweep_figure, to_png
from .report import Report
from .writable import told_when_refused

ELSEWHERE = "Free it, or name another folder with --out."


def write_reports(report: Report, folder: Path) -> None:
    """Write the files, over those of an earlier run.

    Raises:
        InvalidInput: They cannot be written.
    """
    contents = {
        "report.json": to_json(report).encode(),
        "report.html": to_html(report).encode(),
        "sweep.png": to_png(sweep_figure(report.sweep, ink="black")),
    }
    with told_when_refused(folder, ELSEWHERE):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)


def to_json(report: Report) -> str:
    """Return the report as JSON, with the prediction and the advice in words."""
    whole = asdict(report)
    whole["ceiling"]["prediction"] = report.ceiling.prediction
    whole["sweep"]["advice"] = report.sweep.advice
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
