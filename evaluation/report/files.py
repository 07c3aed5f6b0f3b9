"""The folder of reports: report.json, report.html, sweep.png."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

from ...core.errors import InvalidInput
from .content import EvaluationReport
from .page import to_html
from .plots import sweep_figure, to_png


def check_folder(folder: Path, advice: str) -> None:
    """Create the folder, and a file in it that goes away again.

    Raises:
        InvalidInput: It cannot be created, or takes no file; ends with the advice.
    """
    with told_when_refused(folder, advice):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):  # permissions alone do not tell of a read-only disk
            pass


@contextmanager
def told_when_refused(path: Path, advice: str) -> Generator[None]:
    """Turn what the system refuses while writing into words.

    Raises:
        InvalidInput: The system refused; ends with the advice.
    """
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror or error}. {advice}") from error


ELSEWHERE = "Free it, or name another folder with --out."


def write_reports(report: EvaluationReport, folder: Path) -> None:
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


def to_json(report: EvaluationReport) -> str:
    """Return the report as JSON, with the prediction and the advice in words."""
    whole = asdict(report)
    whole["ceiling"]["prediction"] = report.ceiling.prediction
    whole["sweep"]["advice"] = report.sweep.advice
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
