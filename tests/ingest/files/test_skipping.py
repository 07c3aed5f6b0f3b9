"""Telling what was skipped, and what the caller can do."""

from resift.ingest.files.skipping import notes_on, why_empty
from resift.ingest.report import Failure, IngestReport


def test_what_the_glob_left_out_is_told_only_when_nothing_came_in() -> None:
    assert notes_on(IngestReport(added=1, skipped={"outside the glob": 3})) == ()
    assert notes_on(IngestReport(skipped={"outside the glob": 3})) == (
        "Skipped 3 files outside the glob. To ingest more, widen the glob.",
    )


def test_empty_folder_is_told() -> None:
    assert notes_on(IngestReport()) == ("No files were found.",)
    assert notes_on(IngestReport(failures=(Failure("a.md", "It cannot be read."),))) == ()


def test_reason_is_short_and_names_readable_formats_only_where_they_matter() -> None:
    failures = tuple(Failure("a" * 5000, f"reason {number} " + "b" * 5000) for number in range(80))
    told = why_empty(IngestReport(failures=failures))
    assert "And 77 more failed." in told
    assert "Resift reads" not in told
    assert len(told) < 2000
    assert why_empty(IngestReport(notes=("No files were found.",))) == "No files were found."
    papers = IngestReport(skipped={"odt": 2})
    assert why_empty(papers + IngestReport(notes=notes_on(papers))).startswith(
        "Skipped 2 .odt files. Resift cannot read .odt files. Convert those that matter to text. Resift reads "
    )
