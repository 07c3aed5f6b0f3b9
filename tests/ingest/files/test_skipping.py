"""Telling what was skipped: counts, examples, and what the caller can do."""

from resift.ingest.files.skipping import MAX_KINDS, counts_of, most_frequent, notes_on, why_empty
from resift.ingest.report import Failure, IngestReport


def test_most_frequent_kinds_come_first_and_the_rest_is_summed_up() -> None:
    skipped = {f"kind{number:02}": number for number in range(1, MAX_KINDS + 4)}
    shown = most_frequent(skipped)
    assert list(shown)[:2] == ["kind13", "kind12"]
    assert shown["and 3 more kinds"] == 1 + 2 + 3
    assert len(shown) == MAX_KINDS + 1
    assert counts_of(skipped).endswith("4 kind04, and 3 more kinds (6)")
    almost = {f"kind{number:02}": number for number in range(1, MAX_KINDS + 2)}
    assert "kind01" in most_frequent(almost)
    assert counts_of({"links that lead outside": 1}) == "1 link that leads outside"
    assert counts_of({"hidden folders": 1, "dangling links": 2000}) == "2,000 dangling links, 1 hidden folder"


def test_what_the_glob_left_out_is_told_only_when_nothing_came_in() -> None:
    assert notes_on(IngestReport(added=1, skipped={"outside the glob": 3})) == ()
    assert notes_on(IngestReport(skipped={"outside the glob": 3})) == (
        "Skipped 3 outside the glob. To ingest more, widen the glob.",
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
    papers = IngestReport(skipped={"odt": 2})
    assert why_empty(papers + IngestReport(notes=notes_on(papers))).startswith(
        "Skipped 2 odt. Resift cannot read odt. Convert the files that matter to text. Resift reads "
    )
