from textwrap import dedent

import pytest

from resift.core.values import Document, Passage
from resift.ingest.parsers.code import lay_out
from resift.ingest.passages.chunker import Cutter

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


def cut(cutter: Cutter, text: str, source: str) -> list[Passage]:
    return cutter.cut(Document("d", "", text=text, source=source), "code")


def test_python_is_cut_by_function_and_method(cutter: Cutter) -> None:
    passages = cut(cutter, PYTHON, "a.py")
    starts = {passage.heading: passage.text.split("\n")[0] for passage in reversed(passages)}
    assert starts == {
        "": '"""Says what it is for."""',
        "f": "# Comment of f.",
        "Store > first": "class Store:",
        "Store > second": "    # About second.",
    }


def test_class_without_docstring_goes_with_its_first_method() -> None:
    sections = lay_out("class A:\n\n    def a(self): ...\n\n    def b(self): ...\n", "python").sections
    assert [section.path for section in sections] == [("A", "a"), ("A", "b")]
    assert (sections[0].blocks[0].first, sections[0].blocks[0].last) == (0, 3)


def test_functions_of_one_line_keep_their_own_names() -> None:
    sections = lay_out("def a(): ...\ndef b(): ...\nx = 1\n", "python").sections
    assert [section.path for section in sections] == [("a",), ("b",), ()]


def test_nested_classes_nest() -> None:
    sections = lay_out("class A:\n    class B:\n        def c(self): ...\n", "python").sections
    assert [section.path for section in sections] == [("A", "B", "c")]


def test_python_with_a_syntax_error_is_cut_at_its_definitions() -> None:
    sections = lay_out("x = (\n\n@dec\ndef a():\n    pass\n\nclass B:\n    pass\n", "python").sections
    assert [section.path for section in sections] == [(), ("a",), ("B",)]


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("rust", "use a;\n\n/// Doc.\n#[test]\npub fn one() {\n}\n\nimpl<T> Two for X {\n}\n", ["", "one", "Two"]),
        ("go", "package main\n\nfunc (s *S) Run(a int) {\n}\n\ntype S struct {\n}\n", ["main", "Run", "S"]),
        ("javascript", "export default class A {\n}\nexport const b = async (x) => {\n}\n", ["A", "b"]),
        ("c", "#include <a.h>\n\nstatic int\tmain(int c,\n  char **v)\n{\n  if (a) {}\n}\n\nf(1);\n", ["", "main"]),
        ("sql", "CREATE TABLE IF NOT EXISTS users (\n);\n\ncreate or replace view v as select 1;\n", ["users", "v"]),
        ("shell", "set -e\n\nrun() {\n  ls\n}\n\nif [ x ]; then\n  run\nfi\n", ["", "run"]),
        ("json", '{\n  "a": 1\n}\n', [""]),
    ],
)
def test_other_languages_are_cut_at_definitions(language: str, text: str, names: list[str]) -> None:
    assert ["".join(section.path) for section in lay_out(text, language).sections] == names


def test_indentation_is_kept_and_lines_are_exact(cutter: Cutter) -> None:
    text = dedent(PYTHON)
    lines = text.split("\n")
    for passage in cut(cutter, text, "a.py"):
        if "why" not in passage.text:  # that line is longer than a passage
            assert passage.text == "\n".join(lines[passage.start_line - 1 : passage.end_line])
