"""Globs: what they match, and that matching them takes no longer than their length warrants."""

import re
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import InvalidInput
from resift.ingest.files.glob import MAX_PATTERNS, Glob, has_magic, split_magic


@pytest.mark.parametrize(
    ("glob", "path", "is_match"),
    [
        ("", "a/b.md", True),
        ("**", "a/b.md", True),
        ("*.md", "b.md", True),
        ("*.md", "a/b.md", False),
        ("**/*.md", "b.md", True),
        ("./a//*.md", "a/b.md", True),
        ("a/**", "a/b/c.md", True),
        ("a/**", "a", False),
        ("a/**/c.md", "a/c.md", True),
        ("**/b/**/c.md", "x/b/y/b/c.md", True),
        ("**/b/**/c.md", "x/c.md", False),
        ("**/*.{md,rs{t,x}}", "a/b.rst", True),
        ("[ab].md", "c.md", False),
        ("{a, b}.md", "b.md", True),
    ],
)
def test_glob_matches_by_components(glob: str, path: str, is_match: bool) -> None:
    assert Glob.of(glob).matches(path.split("/")) is is_match


def test_path_of_any_depth_is_matched() -> None:
    assert Glob.of("**/*.md").matches(["d"] * 2000 + ["a.md"])


NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=7)
PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=7)


@given(NAMES, PATTERNS)
def test_glob_matches_what_trying_every_way_matches(names: list[str], pattern: list[str]) -> None:
    @cache
    def tried(place: int, at: int) -> bool:
        if at == len(pattern):
            return place == len(names)
        if pattern[at] != "**":
            return place < len(names) and fnmatchcase(names[place], pattern[at]) and tried(place + 1, at + 1)
        rest = at + 1
        return any(tried(skipped, rest) for skipped in range(place, len(names) + (rest < len(pattern)))) or (
            rest == len(pattern) and place < len(names)
        )

    assert Glob.of("/".join(pattern)).matches(names) is tried(0, 0)


def test_time_grows_with_the_product_of_the_lengths_at_most() -> None:
    asked = 0

    class Component:
        def match(self, name: str) -> bool:
            nonlocal asked
            asked += 1
            return name == "a"

    parts: Any = (*(None, Component()) * 8, None, re.compile("b"))
    assert not Glob("", (parts,)).matches(["a"] * 600 + ["c"])
    assert 1 <= asked <= 600 * 20


@pytest.mark.parametrize(
    "glob", ["{a,b}" * 24, "{a,b}/" * 24, "x" * 1000, "{" * 200 + "a,b" + "}" * 200 + "{a,b}" * 20]
)
def test_glob_that_stands_for_too_much_is_refused(glob: str) -> None:
    with pytest.raises(InvalidInput, match=f"limit is 500|more than {MAX_PATTERNS} patterns"):
        Glob.of(glob)


def test_folder_of_a_glob_ends_before_its_first_pattern() -> None:
    assert split_magic("docs/api/*.md") == ("docs/api", "*.md")
    assert split_magic("*/a.md") == (".", "*/a.md")
    assert split_magic("/*/a") == ("/", "*/a")
    assert split_magic("docs") == ("docs", "")
    assert (has_magic("a{b}"), has_magic("a-b")) == (True, False)
