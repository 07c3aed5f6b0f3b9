"""Definitions found by grammars, where the extra [code] is installed."""

from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.ingest.parsers.code import CodeParser
from resift.ingest.parsers.code.grammars import GRAMMARS, MAX_BROKEN_CHARS, grammar_definitions
from resift.ingest.parsers.protocols import Content
from resift.ingest.text.structure import ParsedDocument
from resift.tests.ingest.parsers.code.test_patterns import CSHARP, JAVA, SCRIPT

needs_grammars = pytest.mark.skipif(
    not all(find_spec(grammar.package) for grammar in GRAMMARS.values()), reason="needs the extra [code]"
)


def parse(source: str, text: str) -> ParsedDocument:
    return CodeParser().parse(Content(source, text=text))


def names(source: str, text: str) -> list[str]:
    return [" > ".join(section.path) for section in parse(source, text).sections]


@needs_grammars
@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("a.java", JAVA, ["", "Store", "Store > Store", "Store > find", "Store > Listener > changed"]),
        ("a.cs", CSHARP, ["Example > Store > FindAsync", "Example > Store > OnChanged"]),
        ("a.js", SCRIPT, ["", "Wheel > constructor", "Wheel > turn", "exports.run"]),
        ("a.ts", "export interface A {\n  b: number;\n}\n\nexport const c = <T,>(x: T) => x;\n", ["A", "c"]),
        ("a.tsx", "const View = (p: P) => {\n  return <b>{p.x}</b>;\n};\n", ["View"]),
        ("a.go", "package a\n\n// Doc.\nfunc (s *Store) Find() int {\n\treturn 1\n}\n\ntype Store struct{}\n",
         ["", "Store.Find", "Store"]),
        ("a.rs", "use a;\n\n/// Doc.\n#[test]\npub fn one() {}\n\nimpl<T> Two for X<T> {\n    fn two(&self) {}\n}\n",
         ["", "one", "X<T> > two"]),
        ("a.c", "#include <a.h>\n\n/* Doc. */\nstatic int *\nmain(int c)\n{\n}\n\nextern int foo (int a);\n",
         ["", "main", "foo"]),
        ("a.cpp", "template <class T>\nclass A {\n public:\n  A();\n  int b() { return 1; }\n};\n\nint A::c() {\n}\n",
         ["A", "A > A", "A > b", "A::c"]),
        ("a.rb", "module A\n  # Doc.\n  class B\n    def c\n    end\n\n    def self.d\n    end\n  end\nend\n",
         ["A > B", "A > B > c", "A > B > d"]),
        ("a.php", "<?php\nclass A\n{\n    /** Doc. */\n    public function b(): int\n    {\n    }\n}\n", ["", "A > b"]),
        ("a.sh", "set -e\n\nrun() {\n  ls\n}\n", ["", "run"]),
        ("a.kt", "class A {\n    fun b() = 1\n\n    companion object {\n        fun c() = 2\n    }\n}\n",
         ["A > b", "A > companion > c"]),
        ("a.scala", "object A {\n  def b: Int = 1\n}\n", ["A > b"]),
        ("a.swift", "struct A {\n    init() {}\n\n    func b() {}\n}\n", ["A > init", "A > b"]),
        ("a.lua", "local a = 1\n\nfunction b.c()\nend\n", ["", "b.c"]),
    ],
)  # fmt: skip
def test_members_have_the_names_of_what_they_stand_in(source: str, text: str, found: list[str]) -> None:
    assert [name for name in names(source, text) if name] == [name for name in found if name]


@needs_grammars
def test_comments_and_annotations_stay_with_their_definition() -> None:
    lines = JAVA.split("\n")
    [store] = grammar_definitions(JAVA, "java", lines) or []
    assert lines[store.first] == "/** Keeps. */"
    assert [lines[member.first].strip() for member in store.members][1:] == ["/** Finds. */", "interface Listener {"]


@needs_grammars
def test_short_functions_stay_whole_and_long_ones_are_cut_at_those_inside() -> None:
    inner = "function inner() {\n  return 1;\n}\n"
    assert names("a.js", f"function outer() {{\n{inner}}}\n") == ["outer"]
    filler = "  call();\n" * 70
    assert names("a.js", f"function outer() {{\n{filler}\n{inner}}}\n") == ["outer", "outer > inner"]


@needs_grammars
def test_broken_code_is_cut_as_far_as_it_can_be_read() -> None:
    assert "Store > find" in names("a.java", JAVA.replace("(id)", "((id"))


def test_language_without_a_grammar_is_cut_by_its_lines() -> None:
    assert grammar_definitions("x", "elixir", ["x"]) is None
    assert names("a.ex", "defmodule A do\n  def b do\n  end\nend\n") == ["A > b"]


@needs_grammars
@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            [
                "class A",
                "{",
                "}",
                "(",
                ")",
                "<",
                "fn a()",
                ";",
                "\n",
                "/*",
                "*/",
                "@a",
                "function ",
                "=> ",
                "'",
                '"',
                "#",
            ]
        ),
        max_size=40,
    ),
    st.sampled_from([".java", ".js", ".rs", ".cs", ".php", ".rb"]),
)
def test_any_code_is_read_with_all_its_lines(pieces: list[str], suffix: str) -> None:
    parsed = parse(f"a{suffix}", "".join(pieces))
    blocks = [block for section in parsed.sections for block in section.blocks]
    covered = {index for block in blocks for index in range(block.first, block.last)}
    assert covered >= {index for index, line in enumerate(parsed.lines) if line.strip()}


@needs_grammars
def test_long_text_that_is_no_code_is_cut_by_its_lines() -> None:
    broken = "(" * (MAX_BROKEN_CHARS + 1)
    assert grammar_definitions(broken, "java", [broken]) is None
    assert grammar_definitions(JAVA * 100, "java", (JAVA * 100).split("\n"))
