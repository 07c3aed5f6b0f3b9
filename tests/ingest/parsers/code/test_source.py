from textwrap import dedent

from resift.core.values import Document, Passage
from resift.ingest.parsers.code import CodeParser
from resift.ingest.parsers.protocols import Content
from resift.ingest.text.structure import Section
from resift.tests.ingest.harness import ParsingChunker

BODY = "".join(f"        value_{number} = compute({number})\n" for number in range(20))
PYTHON = f'''"""Says what it is for."""

import os

LIMIT = 3  # {"why " * 150}


# Comment of f.
@decorated
def f():
{BODY}

class Store:
    """Keeps."""

    size: int

    @property
    def first(self):
{BODY}
    # About second.
    async def second(self):
{BODY}

if __name__ == "__main__":
    f()
'''


def sections_of(text: str, source: str = "a.py") -> tuple[Section, ...]:
    return CodeParser().parse(Content(source, text=text)).sections


def cut(chunker: ParsingChunker, text: str, source: str) -> list[Passage]:
    return chunker.chunk(Document(id="d", title="", text=text, source=source))


def test_python_is_cut_by_function_and_method(chunker: ParsingChunker) -> None:
    passages = cut(chunker, PYTHON, "a.py")
    starts = {passage.heading: passage.text.split("\n")[0] for passage in reversed(passages)}
    assert starts == {
        "": '"""Says what it is for."""',
        "f": "# Comment of f.",
        "Store > first": "class Store:",
        "Store > second": "    # About second.",
    }


def test_class_without_docstring_stays_with_its_first_method() -> None:
    sections = sections_of("class A:\n\n    def a(self): ...\n\n    def b(self): ...\n")
    assert [section.path for section in sections] == [("A", "a"), ("A", "b")]
    assert (sections[0].blocks[0].first, sections[0].blocks[0].last) == (0, 3)


def test_functions_of_one_line_keep_their_own_names() -> None:
    sections = sections_of("def a(): ...\ndef b(): ...\nx = 1\n")
    assert [section.path for section in sections] == [("a",), ("b",), ()]


def test_nested_classes_nest() -> None:
    sections = sections_of("class A:\n    class B:\n        def c(self): ...\n")
    assert [section.path for section in sections] == [("A", "B", "c")]


def test_python_with_a_syntax_error_is_cut_at_its_definitions() -> None:
    sections = sections_of("x = (\n\n@dec\ndef a():\n    pass\n\nclass B:\n    pass\n")
    assert [section.path for section in sections] == [(), ("a",), ("B",)]


def test_indentation_is_kept_and_lines_are_exact(chunker: ParsingChunker) -> None:
    text = dedent(PYTHON)
    lines = text.split("\n")
    for passage in cut(chunker, text, "a.py"):
        if "why" not in passage.text:  # that line is longer than a passage
            assert passage.text == "\n".join(lines[passage.start_line - 1 : passage.end_line])


def test_very_long_python_is_cut_at_its_definitions_without_a_syntax_tree() -> None:
    many = "{a}\n" * 130_000
    text = f'VALUES = f"""\n{many}"""\n\ndef last():\n    return 1\n'
    assert CodeParser().parse(Content("a.py", text=text)).sections[-1].path == ("last",)
