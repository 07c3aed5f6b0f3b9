"""Which changes matter: not those of what an ingestion skips."""

from pathlib import Path

import pytest

from resift.ingest.files.roots import Roots
from resift.ingest.watching.relevance import relevant_changes


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "top/.git").mkdir(parents=True)
    (tmp_path / "top/.gitignore").write_text("out/\n*.log\n")
    return tmp_path / "top"


def relevant(top: Path, *names: str, glob: str = "**/*", gitignore: bool = True) -> list[str]:
    roots = Roots.of([top], own=[top / "data/collections"])
    paths = [str(top / name) for name in names]
    found = relevant_changes(paths, [top], glob=glob, roots=roots, gitignore=gitignore)
    return [path.relative_to(top).as_posix() for path in found]


@pytest.mark.parametrize(
    "name", ["a.md", "deep/b.txt", "new.unknown", ".gitignore", "deep/.resiftignore", "vanished", "v1.2", "."]
)
def test_what_may_be_ingested_matters_even_if_it_is_gone(top: Path, name: str) -> None:
    assert relevant(top, name) == [name]


@pytest.mark.parametrize(
    "name",
    [
        *(".a.md.swp", ".git/index", ".hidden/a.md", "node_modules/a.js", "deep/node_modules/x/a.js"),
        *("out/a.md", "out/deep/.gitignore", "a.log", "film.mp4", "key.pem", "a.min.js", "data/collections/x/y.md"),
        "../elsewhere.md",
    ],
)
def test_what_is_skipped_does_not_matter(top: Path, name: str) -> None:
    assert relevant(top, name) == []


def test_glob_and_settings_count(top: Path) -> None:
    (top / "folder.x").mkdir()
    assert relevant(top, "a.md", "b.txt", "folder.x", glob="**/*.md") == ["a.md", "folder.x"]
    assert relevant(top, "a.log", gitignore=False) == ["a.log"]


def test_rules_of_inner_folders_count(top: Path) -> None:
    (top / "deep").mkdir()
    (top / "deep/.resiftignore").write_text("draft*\n!b.log\n")
    assert relevant(top, "deep/draft.md", "deep/a.md", "deep/a.log", "deep/b.log") == ["deep/a.md", "deep/b.log"]
