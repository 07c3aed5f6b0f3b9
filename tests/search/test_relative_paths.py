"""Short names of documents: paths relative to the folders that may be read, on every system, and never ambiguous."""

from dataclasses import replace
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.values import Passage
from resift.search.relative_paths import RelativePaths, ShortNames

ONE = RelativePaths(("/srv/work",), windows=False)
TWO = RelativePaths(("/srv/work", "/data/notes"), windows=False)
WINDOWS = RelativePaths(("C:/team/work",), windows=True)

names = st.text(st.sampled_from("ab._- é"), min_size=1, max_size=8).filter(lambda name: name.strip(". ") == name)


@pytest.mark.parametrize(
    ("paths", "stored", "shown"),
    [
        (ONE, "/srv/work/docs/setup.md", "docs/setup.md"),
        (ONE, "/srv/workshop/docs/setup.md", "/srv/workshop/docs/setup.md"),
        (ONE, "/srv/work", "/srv/work"),
        (TWO, "/data/notes/a.md", "a.md"),
        (ONE, "https://example.com/srv/work/a", "https://example.com/srv/work/a"),
        (RelativePaths(("",), windows=False), "/etc/hosts", "/etc/hosts"),
        (WINDOWS, "C:/team/work/docs/a.md", "docs/a.md"),
        (WINDOWS, "D:/docs/a.md", "D:/docs/a.md"),
        (RelativePaths(), "/srv/work/a.md", "/srv/work/a.md"),
    ],
)
def test_path_below_a_folder_is_shown_relative_to_it(paths: RelativePaths, stored: str, shown: str) -> None:
    assert paths.shorten(stored) == shown
    assert stored in paths.spellings(shown)


@pytest.mark.parametrize(
    ("paths", "given", "stored"),
    [
        (ONE, "docs/", ["docs/", "/srv/work/docs/"]),
        (ONE, "./docs/../a.md", ["./docs/../a.md", "/srv/work/a.md"]),
        (ONE, "./", ["./", "/srv/work/"]),
        (TWO, "a.md", ["a.md", "/srv/work/a.md", "/data/notes/a.md"]),
        (ONE, "/srv/work/a.md", ["/srv/work/a.md"]),
        (ONE, "https://example.com/a", ["https://example.com/a"]),
        (ONE, "~/a.md", ["~/a.md"]),
        (ONE, "docs\\a.md", ["docs\\a.md", "/srv/work/docs\\a.md"]),
        (WINDOWS, "docs\\a.md", ["docs\\a.md", "docs/a.md", "C:/team/work/docs/a.md"]),
        (WINDOWS, "C:\\team\\a.md", ["C:\\team\\a.md", "C:/team/a.md"]),
        (WINDOWS, "c:/team/a.md", ["c:/team/a.md", "C:/team/a.md"]),
    ],
)
def test_relative_path_stands_for_paths_below_the_folders(paths: RelativePaths, given: str, stored: list[str]) -> None:
    assert paths.spellings(given) == stored


@given(st.lists(names, min_size=1, max_size=4))
def test_what_is_shown_stands_for_what_is_stored(parts: list[str]) -> None:
    for paths in (ONE, TWO, WINDOWS):
        for folder in paths.folders:
            stored = "/".join([folder, *parts])
            assert stored in paths.spellings(paths.shorten(stored))


def test_folders_are_written_with_slashes() -> None:
    assert RelativePaths.to([Path("/srv/work/"), Path("/")]).folders == ("/srv/work", "")
    assert PureWindowsPath("C:\\team").as_posix() == "C:/team"


def test_passage_is_named_after_its_document() -> None:
    short = ShortNames({"/srv/work/a.md": "a.md"})
    passage = Passage("/srv/work/a.md", 3, text="text", source="/srv/work/a.md")
    assert (short.document_id(passage), short.passage_id(passage), short.source(passage)) == ("a.md", "a.md#3", "a.md")
    assert short.citation(replace(passage, page=2, end_page=3)) == "a.md:p.2-3"
    given = Passage("note", 0, text="text", source="/srv/work/a.md")
    assert (short.passage_id(given), short.source(given)) == ("note#0", "/srv/work/a.md")
    adopted = Passage("/srv/work/a.md", -1, text="text", source="/srv/work/a.md", key="17")
    assert (short.document_id(adopted), short.passage_id(adopted)) == ("a.md", "17")


def test_paths_stay_absolute_in_the_root_of_the_file_system() -> None:
    assert RelativePaths.to([Path("/")]).shorten("/srv/notes.md") == "/srv/notes.md"
    assert RelativePaths(("C:",), windows=True).shorten("C:/notes.md") == "C:/notes.md"
