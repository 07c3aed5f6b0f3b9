"""What README.md says is true: its commands run, its filter is understood, and links lead somewhere."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from resift.store.fields import hold
from resift.store.filters import parse_filter

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = ("make ", "pip ", "python3 -m venv ")  # they install; CI does the same
ANSWERED_BY = {
    "what is left out of folders": "docs/ingestion.md",
    "can I search several collections at once": "docs/hybrid.md",
}
"""The questions of the README, and the page that answers each."""


@pytest.mark.slow
def test_commands_of_the_readme_run(tmp_path: Path) -> None:
    commands = [line[2:].split("  #")[0] for block in _blocks("console") for line in block.splitlines() if line]
    ours = [command.strip() for command in commands if not command.startswith(NOT_RUN)]
    assert len(ours) >= 5
    asked = list[str]()
    for command in ours:
        program, *arguments = shlex.split(command)
        assert program == "resift"
        _run(tmp_path, *arguments)
        if arguments[0] == "search":
            asked.append(arguments[1])
            page = json.loads(_run(tmp_path, *arguments, "--json"))
            first = page["hits"][0]
            assert (page["verdict"], Path(first["document_id"]).relative_to(ROOT).as_posix()) == (
                "good",
                ANSWERED_BY[arguments[1]],
            ), command
            if "--explain" in arguments:
                assert first["was"] > 1, f"nothing to see: {command}"
    assert asked == list(ANSWERED_BY)
    _check_transcript(tmp_path)


def test_no_page_quotes_the_questions_of_the_readme() -> None:
    quoting = [
        path.name
        for path in (ROOT / "docs").glob("*.md")
        for question in ANSWERED_BY
        if question in path.read_text(encoding="utf-8")
    ]
    assert quoting == []


def _check_transcript(folder: Path) -> None:
    """Compare the reply in the README with that of the same search."""
    [block] = [each for each in _blocks("text") if each.startswith("You: ")]
    call = json.loads(block[block.index("search_and_rerank ") :].partition(" ")[2].partition("\n")[0])
    told = json.loads(block[block.index("{", block.index("Resift: ")) : block.rindex("Agent: ")])
    answer = json.loads(_run(folder, "search", call["query"], "-c", call["collection"], "--json"))
    [shown], first = told["hits"], answer["hits"][0]
    beginning = shown.pop("text").removesuffix(" ...")
    assert beginning in " ".join(first["text"].split())
    assert first["source"].endswith(source := shown.pop("source"))
    assert block.endswith(f"({source})\n")
    assert (told["verdict"], shown) == (answer["verdict"], {name: first[name] for name in shown})


def _run(folder: Path, *arguments: str) -> str:
    """Run `resift` with a data folder of its own, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "resift", *arguments],
        check=False,
        cwd=ROOT,
        env={**os.environ, "RESIFT_DATA_DIR": str(folder / "data")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def test_filter_of_the_readme_is_understood() -> None:
    (block,) = _blocks("json")
    filter_ = json.loads(block)
    metadata = {"lang": "en", "year": 2020, "tag": ["a"], "status": "x", "published": "2024-01-01"}
    assert parse_filter(filter_, hold({}, metadata).fields) is not None


def test_relative_links_of_the_documentation_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md"), ROOT / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
