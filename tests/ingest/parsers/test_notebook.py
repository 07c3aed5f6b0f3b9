"""Notebooks: headings of Markdown cells, code, outputs."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.errors import BlankFile, ResiftError, UnreadableFile
from resift.ingest.parsers.notebook import NotebookParser
from resift.ingest.parsers.protocols import Content
from resift.ingest.parsing import parse_file
from resift.ingest.passages.chunker import Chunker
from resift.ingest.reader import FileDocument
from resift.ingest.text.structure import ParsedDocument


def cell(source: str | list[str], kind: str = "markdown", outputs: list[Any] | None = None) -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "metadata": {}, **({"outputs": outputs} if outputs else {})}


def parse(*cells: Any, **more: Any) -> ParsedDocument:
    metadata = {"kernelspec": {"language": "python"}, "language_info": {"name": "Python"}}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5, **more}
    return NotebookParser().parse(Content("a.ipynb", data=json.dumps(notebook).encode()))


def stream(text: str) -> list[Any]:
    return [{"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}]


def test_headings_of_markdown_cells_hold_for_the_cells_below(chunker: Chunker) -> None:
    parsed = parse(
        cell("# Study\n\nAbout wheels."),
        cell(["## Load\n", "\n", "The data. " * 40]),
        cell("rows = load('a.csv')\n" * 30, "code"),
        cell("## Plot"),
        cell("plot(rows)\n" * 30, "code"),
    )
    assert (parsed.title, parsed.metadata) == ("Study", {"language": "python"})
    assert [section.path for section in parsed.sections] == [("Study",), ("Study", "Load"), ("Study", "Plot")]
    passages = chunker.chunk(FileDocument(id="d", title="Study", text="x", source="a.ipynb", parsed=parsed))
    code = [passage for passage in passages if "load('a.csv')" in passage.text]
    assert {(passage.heading, passage.start_line) for passage in code} == {("Load", 0)}


def test_cells_are_numbered_and_code_is_verbatim() -> None:
    parsed = parse(cell("Text."), cell("def f():\n\n    return 1", "code", stream("1\n")), cell("raw", "raw"))
    assert parsed.lines[3:] == [
        "```python cell 2", "def f():", "", "    return 1", "```", "", "```text output of cell 2", "1", "```", "",
        "```text cell 3", "raw", "```",
    ]  # fmt: skip
    assert [block.verbatim for block in parsed.sections[0].blocks] == [False, True, True, True]


def test_outputs_are_text_and_short_and_no_pictures() -> None:
    outputs = [
        {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo" * 500, "text/plain": ["<Figure>"]}},
        {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["\x1b[31mlong\x1b[0m"]},
        {"output_type": "stream", "text": "\x1b[32mgreen\x1b[0m\n" * 100},
    ]
    text = "\n".join(parse(cell("f()", "code", outputs)).lines)
    assert "iVBOR" not in text
    assert "<Figure>\nValueError: bad\ngreen\n" in text
    assert text.count("green") == 18
    assert text.endswith("\n…\n```")


def test_fence_left_open_does_not_hide_the_cells_below() -> None:
    parsed = parse(cell("```\ncode"), cell("# Title"), cell("x = '```'", "code"), cell("## Next"))
    assert parsed.title == "Title"
    assert parsed.sections[-1].path == ("Title", "Next")


def test_old_notebooks_are_read() -> None:
    sheet = {
        "cells": [{"cell_type": "heading", "level": 2, "source": "Old"}, {"cell_type": "code", "input": ["a = 1"]}]
    }
    data = json.dumps({"metadata": {}, "nbformat": 3, "worksheets": [sheet]}).encode()
    parsed = NotebookParser().parse(Content("a.ipynb", data=data))
    assert parsed.lines[1:] == ["## Old", "", "```cell 2", "a = 1", "```"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '"cells"', "[" * 100_000])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(UnreadableFile, match=r"a.ipynb is (not a notebook|nested too deeply).*Save it again"):
        NotebookParser().parse(Content("a.ipynb", data=text.encode()))


def test_notebook_without_text_is_blank() -> None:
    with pytest.raises(BlankFile):
        parse(cell(" "), cell("", "code"))


VALUE = st.none() | st.integers() | st.text("a`~#\n \x1b\ud800", max_size=8) | st.lists(st.text("a`\n"), max_size=2)
CELL = st.fixed_dictionaries({
    "cell_type": st.sampled_from(["markdown", "code", "raw", "heading"]) | VALUE, "source": VALUE, "level": VALUE,
    "outputs": VALUE | st.lists(st.dictionaries(st.sampled_from(["text", "data", "ename"]), VALUE), max_size=2),
})  # fmt: skip


@settings(max_examples=50)
@given(st.lists(CELL | VALUE, max_size=4), VALUE)
def test_any_notebook_is_read_or_refused(cells: list[Any], metadata: Any) -> None:
    with contextlib.suppress(ResiftError):
        parse(*cells, metadata=metadata)
    [part] = parse_file("a.ipynb", json.dumps({"cells": cells}).encode())
    assert "cannot be turned into passages" not in part.problem
