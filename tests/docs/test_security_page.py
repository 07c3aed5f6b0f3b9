"""docs/security.md names tests that exist, and every threat has a defence and a test."""

import re
from functools import cache
from pathlib import Path

import pytest

from resift.tests.project.tree import modules, source

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
THREATS = (
    "Path traversal",
    "Code in the client's folder",
    "Links",
    "Server-side request forgery",
    "Prompt injection from documents",
    "Token theft",
    "Access across collections",
    "Requests from web pages",
    "Other users of the machine",
    "Exhausted resources",
    "Documents that attack their parser",
    "Poisoned models",
    "Poisoned manifests, backups and indexes",
    "Leaks into logs and errors",
)
RUNS_CODE = re.compile(r"\b(trust_remote_code|pickle\.loads?|marshal\.loads?|torch\.load|shell=True|eval\(|exec\()")


def _section(threat: str) -> str:
    _, _, rest = PAGE.partition(f"## {threat}\n")
    assert rest, f"docs/security.md has no section {threat!r}"
    return rest.partition("\n## ")[0]


@cache
def _functions(file: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


def _named(text: str) -> list[tuple[str, str]]:
    """Return the tests that a text names, as lines of a file and the functions in it."""
    lines = re.findall(r"^- `(tests/[\w/]+\.py)`: (.+(?:\n  .+)*)", text, re.MULTILINE)
    return [(file, name) for file, names in lines for name in re.findall(r"`(test_\w+)`", names)]


@pytest.mark.parametrize("threat", THREATS)
def test_threat_has_a_defence_and_tests(threat: str) -> None:
    section = _section(threat)
    defence, _, tests = section.partition("Held by:\n")
    assert len(defence.split()) > 40, "what an attacker can do, and what stops it"
    assert len(_named(tests)) >= 2


def test_every_test_that_is_named_exists() -> None:
    named = _named(PAGE)
    assert len(named) > 60
    assert [each for each in named if not (ROOT / each[0]).is_file() or each[1] not in _functions(each[0])] == []
    assert len(named) == len(set(named)), "each test is named once"
    assert set(re.findall(r"`(test_\w+)`", PAGE)) == {name for _, name in named}, "all are in lists of files"


def test_no_section_is_unlisted() -> None:
    others = {"What is trusted", "What Resift does not defend against", "Report a vulnerability"}
    assert set(re.findall(r"^## (.+)$", PAGE, re.MULTILINE)) == others | set(THREATS)


def test_no_module_runs_what_comes_with_data() -> None:
    found = [f"{path}: {each}" for path in modules() for each in RUNS_CODE.findall(source(path))]
    assert [each for each in found if not each.startswith("tests/")] == []
