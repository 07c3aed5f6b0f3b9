"""The Python of README.md and docs/python.md runs, in a folder with a few documents."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = {
    "settings.md": "# Settings\n\nThe .env file of the working directory is ignored, because the repository that is "
    "open must not change settings. Name a file with RESIFT_ENV_FILE instead.\n",
    "scale.md": "# Scale\n\nTo copy collections to a Qdrant server, run `resift move --to URL`. It can be resumed.\n",
    "quantization.md": "# Quantization\n\n## When to use it\n\nUse `turbo4` or `int8` from about a hundred thousand "
    "passages, if memory is short. Do not quantize smaller collections.\n",
    "bees.md": "# Bees\n\nBees dance to tell where flowers are.\n",
}
NO_ANSWER = "who won the football cup: the documents probably hold no answer."
PRINTED = {
    "README.md": [["1 1 Quantization When to use it"]],
    "docs/python.md": [
        ["4 documents added, 0 failed", "1 1 Settings", "settings.md:", "good"],
        ["Bees dance to tell where flowers are."],
        ["1 2 0.", "Bees dance", "\n2 "],
        [
            "(your model answers 'how do I serve a team",
            NO_ANSWER,
        ],
    ],
}
"""What each example prints, in the order of the page."""


def _examples(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"<!-- run -->\n```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("page", PRINTED)
def test_every_example_is_marked_to_run(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text.count("```python") == len(_examples(page)) == len(PRINTED[page])


def _run(page: str, number: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run an example in a folder, with the README.md of the project."""
    shutil.copy(ROOT / "README.md", folder)
    monkeypatch.chdir(folder)
    exec(compile(_examples(page)[number], f"{page}, example {number}", "exec"), {"__name__": "__main__"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "number"), [(page, number) for page in PRINTED for number in range(len(PRINTED[page]))]
)
def test_example_runs(
    page: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    _run(page, number, tmp_path, monkeypatch)
    out = capsys.readouterr().out
    for expected in PRINTED[page][number]:
        assert expected in out


@pytest.mark.slow
def test_question_without_an_answer_is_not_found_on_the_page_that_asks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "python.md", tmp_path / "docs")
    _run("docs/python.md", len(PRINTED["docs/python.md"]) - 1, tmp_path, monkeypatch)
    assert NO_ANSWER in capsys.readouterr().out
