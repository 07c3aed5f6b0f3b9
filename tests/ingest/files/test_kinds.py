"""The kinds of what is skipped, counted."""

from resift.ingest.files.kinds import MAX_KINDS, counts_of, most_frequent


def test_most_frequent_kinds_come_first_and_the_rest_is_summed_up() -> None:
    skipped = {f"kind{number:02}": number for number in range(1, MAX_KINDS + 4)}
    shown = most_frequent(skipped)
    assert list(shown)[:2] == ["kind13", "kind12"]
    assert shown["and 3 more kinds"] == 1 + 2 + 3
    assert len(shown) == MAX_KINDS + 1
    assert counts_of(skipped).endswith("4 kind04 files, and 3 more kinds (6)")
    almost = {f"kind{number:02}": number for number in range(1, MAX_KINDS + 2)}
    assert "kind01" in most_frequent(almost)
    assert counts_of({"links that lead outside": 1}) == "1 link that leads outside"
    assert counts_of({"hidden": 2, "empty": 1, "bin": 1}) == "2 hidden files, 1 .bin file, 1 empty file"
    assert counts_of({"ignored by .gitignore": 2, "outside the glob": 1}) == (
        "2 files or folders ignored by .gitignore, 1 file outside the glob"
    )
    assert counts_of({"hidden folders": 1, "dangling links": 2000}) == "2,000 dangling links, 1 hidden folder"
