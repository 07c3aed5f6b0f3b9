"""`resift delete` asks at a terminal before much goes, and can show what would."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from resift.tests.server.in_process import Run

QUESTION = (
    "Delete the whole collection 'default'? It holds 11 documents (11 passages). Files on disk are not touched. [y/N] "
)


@pytest.fixture
def answers(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a user at the terminal, of whom the given answers come; a collection of 11 documents is there."""
    for number in range(11):
        (tmp_path / f"note{number}.md").write_text(f"# Note {number}\n\nThe pump {number} hums.\n")
    assert run("ingest", str(tmp_path)).code == 0

    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    def answer(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", Keyboard(text))
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    return answer


def test_collection_goes_only_if_the_user_agrees(run: Run, answers: Callable[[str], None]) -> None:
    for refusal in ("n\n", ""):
        answers(refusal)
        kept = run("delete", "default", "--everything")
        assert (kept.code, kept.out) == (1, "")
        assert kept.err.startswith(f"{QUESTION}Nothing was changed.")
    answers("y\n")
    gone = run("delete", "default", "--everything")
    assert (gone.code, gone.out) == (0, "Collection default deleted: 11 documents, 11 passages.\n")
    assert gone.err == QUESTION


def test_without_a_terminal_what_would_be_asked_about_needs_yes(
    run: Run, answers: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    refused = run("delete", "default", "--everything")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"resift: {QUESTION.removesuffix('[y/N] ')}There is no terminal on which to ask")
    assert refused.err.endswith("nothing was deleted. Add --yes.\n")
    few = run("delete", "default", "--id", str(tmp_path / "note1.md"))
    assert (few.code, few.out) == (0, "default: 1 document, 1 passage deleted.\n")
    gone = run("delete", "default", "--everything", "--yes")
    assert gone.out == "Collection default deleted: 10 documents, 10 passages.\n"


def test_many_documents_are_asked_about_and_few_are_not(
    run: Run, answers: Callable[[str], None], tmp_path: Path
) -> None:
    answers("n\n")
    few = run("delete", "default", "--id", str(tmp_path / "note1.md"))
    assert (few.code, few.out, few.err) == (0, "default: 1 document, 1 passage deleted.\n", "")
    (tmp_path / "pump.md").write_text("# Pump\n\nIt hums.\n")
    (tmp_path / "fan.md").write_text("---\nkind: fan\n---\n# Fan\n\nIt hums.\n")
    run("ingest", str(tmp_path))
    kept = run("delete", "default", "--filter", '{"not": {"kind": "fan"}}')
    assert kept.err.startswith("Delete 12 documents (12 passages) from the collection 'default'?")
    gone = run("delete", "default", "--filter", '{"not": {"kind": "fan"}}', "--yes")
    assert (gone.out, gone.err) == ("default: 12 documents, 12 passages deleted.\n", "")


def test_dry_run_shows_what_would_go_and_what_is_not_there(
    run: Run, answers: Callable[[str], None], tmp_path: Path
) -> None:
    answers("")
    shown = run("delete", "default", "--everything", "--dry-run")
    assert (shown.code, shown.out) == (0, "Collection default would be deleted: 11 documents, 11 passages.\n")
    missing = run("delete", "default", "--id", "note99.md", "--id", str(tmp_path / "note2.md"), "--dry-run")
    assert (missing.code, missing.out) == (1, "default: 1 document, 1 passage would be deleted.\n")
    assert missing.err.endswith("  not found: note99.md\n")
    assert "11 passages" in run("delete", "default", "--everything", "--yes").out
