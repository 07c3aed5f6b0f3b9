"""The Python of README.md and docs/python.md runs, in a folder with a few documents."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = {
    "settings.md": "# Settings\n\nThe .env file of the working directory is ignored, because the repository that is "
    "open must not change settings. Name a file with RESIFT_ENV_FILE instead.\n",
    "scale.md": "# Scale\n\nTo copy collections to a Qdrant server, run `resift move --to URL`. It can be resumed.\n",
    "bees.md": "# Bees\n\nBees dance to tell where flowers are.\n",
}
PRINTED = {
    "README.md": [["1 1 Settings"]],
    "docs/python.md": [
        ["3 documents added, 0 failed", "1 1 Settings", "settings.md:", "good"],
        ["Bees dance to tell where flowers are."],
        ["1 2 0.", "Bees dance", "\n2 "],
        [
            "(your model answers 'how do I copy collections",
            "who won the football cup: the documents probably hold no answer.",
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
    monkeypatch.chdir(tmp_path)
    exec(compile(_examples(page)[number], f"{page}, example {number}", "exec"), {"__name__": "__main__"})
    out = capsys.readouterr().out
    for expected in PRINTED[page][number]:
        assert expected in out
