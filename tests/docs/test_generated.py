"""The generated parts of the documentation are those that the code generates now."""

from pathlib import Path

import anyio
import pytest

from resift.docs.generate import ARCHITECTURE, described, fill
from resift.docs.trace import Call, table, trace
from resift.ingest.parsers.protocols import USUAL_FIELDS

DOCS = Path(__file__).parents[2] / "docs"
MOST_FUNCTIONS, MOST_FILES = 7, 6


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    return anyio.run(trace)


@pytest.mark.parametrize("path", described(), ids=lambda path: path.name)
def test_descriptions_of_tools_clients_and_settings_are_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == described()[path], f"{path.name} is out of date: run `make docs`"


def test_page_on_ingestion_names_every_usual_field_of_records() -> None:
    page = (DOCS / "ingestion.md").read_text(encoding="utf-8")
    told = page[page.index("In JSON Lines, the title") : page.index("Other short values")]
    for names in (USUAL_FIELDS.title, USUAL_FIELDS.text, USUAL_FIELDS.id):
        listed = ", ".join(f"`{name}`" for name in names[:-1]) + f" or `{names[-1]}`"
        assert listed in " ".join(told.split())


@pytest.mark.slow
def test_trace_of_the_architecture_page_is_current(calls: list[Call]) -> None:
    assert ARCHITECTURE.read_text(encoding="utf-8") == fill(ARCHITECTURE, trace=table(calls)), "run `make docs`"


@pytest.mark.slow
def test_few_functions_stand_between_a_tool_and_the_model(calls: list[Call]) -> None:
    tool, *between = calls
    assert tool.file.startswith("tools/")
    assert 1 < len(between) <= MOST_FUNCTIONS
    assert len({call.file for call in between}) <= MOST_FILES
