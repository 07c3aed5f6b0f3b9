"""Write the files of a report: report.json, report.html, sweep.png. An ingestion of the folder leaves them out."""

import json
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile

from ...core.errors import InvalidInput
from ...ingest.files.ignoring import OWN_RULES
from .content import EvaluationReport
from .plots import plot_sweep, to_png
from .web_page import to_html


def check_folder(folder: Path, advice: str) -> None:
    """Check that the folder can be made if there is none, and that files can be written to it. Nothing stays behind.

    Raises:
        InvalidInput: They cannot; the message ends with the advice.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    with write_errors_explained(folder, advice):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):  # permissions alone do not reveal a read-only disk
            pass
    for each in missing:
        with suppress(OSError):  # somebody else uses it by now
            each.rmdir()


@contextmanager
def write_errors_explained(path: Path, advice: str) -> Generator[None]:
    """Turn errors of the operating system while writing into one that says what to do.

    Raises:
        InvalidInput: Writing failed; the message ends with the advice.
    """
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror or error}. {advice}") from error


ADVICE = "Make it writable, or choose another output folder (--out on the command line)."


def write_reports(report: EvaluationReport, folder: Path) -> None:
    """Write the files, replacing those of an earlier run.

    Raises:
        InvalidInput: They cannot be written.
    """
    contents = {
        "report.json": to_json(report).encode(),
        "report.html": to_html(report).encode(),
        "sweep.png": to_png(plot_sweep(report.sweep, ink="black")),
    }
    with write_errors_explained(folder, ADVICE):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        if not (folder / OWN_RULES).exists():  # one that is there may be the user's
            rules = "".join(f"/{name}\n" for name in contents)
            (folder / OWN_RULES).write_text(f"# Reports of `resift eval` are not ingested.\n{rules}", "utf-8")


def to_json(report: EvaluationReport) -> str:
    """Return the report as JSON, including the prediction and the advice in words."""
    content = asdict(report)
    content["ceiling"]["prediction"] = report.ceiling.prediction
    content["sweep"]["advice"] = report.sweep.advice
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
