"""An ingestion in the terminal: what it did, what a dry run would do, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...core.text import agreeing, counted
from ..terminal import current_folder
from .console import note, say

if TYPE_CHECKING:
    from ...ingest.report import IngestReport

MAX_FAILURES = 20

MAX_PLANNED_SHOWN = 20  # of each kind of change

TO_DO: Mapping[str, str] = {
    "added": "to add",
    "updated": "to update",
    "renamed": "to rename",
    "removed": "to remove",
}
"""What a dry run calls the changes."""


def print_report(report: IngestReport, collection: str, *, dry_run: bool = False) -> None:
    """Print what an ingestion did, or would do; failures go to stderr."""
    kinds = ("added", "updated", *(["renamed"] if report.renamed else []), "unchanged", "removed")
    words: Mapping[str, str] = TO_DO if dry_run else {}
    counts = ", ".join(f"{getattr(report, kind):,} {words.get(kind, kind)}" for kind in kinds)
    failed = f", {len(report.failures):,} {'cannot be read' if dry_run else 'failed'}" if report.failures else ""
    done = "to write. Nothing was changed" if dry_run else "written"
    say(f"{collection}: {counts}{failed}; {counted(report.passages, 'passage')} {done}.")
    _print_plan(report)
    if report.gone:
        kept = counted(report.gone, "document")
        say(f"Kept although their files are gone or empty: {kept}. --prune removes them (--dry-run: shows which).")
    if report.truncated:
        longer = f"{counted(report.truncated, 'passage')} {agreeing(report.truncated, 'is', 'are')} longer"
        say(
            f"{longer} than the encoder's window; only the beginning was encoded. "
            "Lower RESIFT_INGEST__MAX_TOKENS to make passages shorter."
        )
    for each in report.notes:
        note(f"  {each}")
    for failure in report.failures[:MAX_FAILURES]:
        note(f"  failed: {failure.source}: {failure.reason}")
    if len(report.failures) > MAX_FAILURES:
        note(f"  ... and {counted(len(report.failures) - MAX_FAILURES, 'more failure')}.")


def _print_plan(report: IngestReport) -> None:
    """Print the first documents of each kind of change that a dry run found."""
    here = f"{current_folder().as_posix().rstrip('/')}/"
    for kind, ids in report.planned.items():
        word = TO_DO[kind].removeprefix("to ")
        for id_ in ids[:MAX_PLANNED_SHOWN]:
            say(f"  {word} {' -> '.join(each.removeprefix(here) for each in id_.split(' -> '))}")
        if (more := getattr(report, kind) - MAX_PLANNED_SHOWN) > 0:
            say(f"  ... and {more:,} more to {word}")
