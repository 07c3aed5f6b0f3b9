"""Definitions found by the beginnings of lines, as without the extra [code]."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.ingest.parsers.code.definitions import sections_of
from resift.ingest.parsers.code.patterns import pattern_definitions

JAVA = """package org.example;

/** Keeps. */
@Component
public class Store<T> implements Finder<T> {
    private final int limit = of(3);

    public Store(Clock clock, @Value("${limit}") int limit) {
        if (limit > 0) {
            run();
        }
    }

    /** Finds. */
    @Override
    public Optional<T> find(String id) throws IOException {
        return Optional.of(id);
    }

    interface Listener {
        void changed(T document);
    }
}
"""

CSHARP = """namespace Example
{
    public class Store
    {
        [HttpGet("{id}")]
        public async Task<T> FindAsync(string id)
        {
            foreach (var each in all)
            {
            }
        }

        protected virtual void OnChanged(EventArgs e) => Changed?.Invoke(this, e);
    }
}
"""

SCRIPT = """import a from "a";

class Wheel extends Part {
  constructor(size) {
    super(size);
  }

  async turn(by) {
    return by.map((each) => each + 1);
  }
}

exports.run = function (options) {
  const inner = () => 1;
};
"""


def names(text: str, language: str) -> list[str]:
    lines = text.split("\n")
    return [" > ".join(section.path) for section in sections_of(pattern_definitions(lines, language), lines)]


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("java", JAVA,
         ["", "Store", "Store > Store", "Store > find", "Store > Listener", "Store > Listener > changed"]),
        ("csharp", CSHARP,
         ["Example", "Example > Store", "Example > Store > FindAsync", "Example > Store > OnChanged"]),
        ("javascript", SCRIPT, ["", "Wheel", "Wheel > constructor", "Wheel > turn", "run"]),
        ("rust", "use a;\n\n/// Doc.\n#[test]\npub fn one() {\n}\n\nimpl<T> Two for X {\n    fn two() {}\n}\n",
         ["", "one", "Two", "Two > two"]),
        ("go", "package main\n\nfunc (s *S) Run(a int) {\n}\n\ntype S struct {\n}\n", ["main", "Run", "S"]),
        ("c", "#include <a.h>\n\nstatic int\tmain(int c,\n  char **v)\n{\n  if (a) {}\n}\n\nf(1);\n", ["", "main"]),
        ("c", "#include <a.h>\n\n/* Doc. */\nextern int foo (int a) __THROW;\n\n#define MAX(a, b) a\n",
         ["", "foo", "MAX"]),
        ("sql", "CREATE TABLE IF NOT EXISTS users (\n);\n\ncreate or replace view v as select 1;\n", ["users", "v"]),
        ("shell", "set -e\n\nrun() {\n  ls\n}\n\nif [ x ]; then\n  run\nfi\n", ["", "run"]),
        ("yaml", "a:\n  b: 1\n", [""]),
    ],
)  # fmt: skip
def test_definitions_and_members_of_classes_are_found(language: str, text: str, found: list[str]) -> None:
    text = text.replace("package org.example;\n", "import a;\n")
    assert names(text, language) == found


def test_comments_and_annotations_stay_with_their_definition() -> None:
    lines = JAVA.split("\n")
    found = {each.path[-1]: lines[each.first].strip() for each in pattern_definitions(lines, "java")}
    assert found["Store"] in {"/** Keeps. */", 'public Store(Clock clock, @Value("${limit}") int limit) {'}
    assert found["find"] == "/** Finds. */"


PIECES = [
    "class A {",
    "  ",
    "fn a()",
    "{",
    "}",
    "(",
    "<",
    "a ",
    ";",
    "\n",
    "/*",
    "*/",
    "@a",
    "def ",
    "public ",
    "=>",
    "\t",
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.sampled_from(["java", "c", "csharp", ""]))
def test_every_line_is_in_one_section(text: str, language: str) -> None:
    lines = text.split("\n")
    blocks = [block for section in sections_of(pattern_definitions(lines, language), lines) for block in section.blocks]
    covered = [index for block in blocks for index in range(block.first, block.last)]
    assert covered == sorted(set(covered))
    assert set(covered) >= {index for index, line in enumerate(lines) if line.strip()}
