import os
from pathlib import Path

import pytest

from resift.ingest.roots import Roots
from resift.ingest.walk import Found, find_files


def write(folder: Path, *names: str, data: bytes = b"text") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def find(folder: Path, *paths: str | Path, glob: str = "**/*") -> Found:
    return find_files(paths or [folder], glob=glob, roots=Roots.of([folder]))


def names(found: Found, folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in found.files]


def test_files_are_sorted_and_each_once(tmp_path: Path) -> None:
    write(tmp_path, "b.md", "a/c.txt", "a.py")
    found = find(tmp_path, tmp_path, tmp_path / "a", tmp_path / "b.md")
    assert names(found, tmp_path) == ["a/c.txt", "a.py", "b.md"]
    assert found.failures == ()


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("**/*", ["a.md", "x/b.md", "x/y/c.txt"]),
        ("", ["a.md", "x/b.md", "x/y/c.txt"]),
        ("*.md", ["a.md"]),
        ("**/*.md", ["a.md", "x/b.md"]),
        ("x/**", ["x/b.md", "x/y/c.txt"]),
        ("**/*.{txt,rst}", ["x/y/c.txt"]),
        ("x/*/c.*", ["x/y/c.txt"]),
    ],
)
def test_only_files_that_match_the_glob_are_found(tmp_path: Path, glob: str, expected: list[str]) -> None:
    write(tmp_path, "a.md", "x/b.md", "x/y/c.txt")
    assert names(find(tmp_path, glob=glob), tmp_path) == expected


def test_hidden_and_generated_files_are_skipped(tmp_path: Path) -> None:
    write(tmp_path, ".env.md", ".git/a.md", "node_modules/a.md", "x.egg-info/a.txt", "build/a.md", "kept.md")
    assert names(find(tmp_path), tmp_path) == ["kept.md"]


def test_file_named_directly_is_tried_even_if_hidden(tmp_path: Path) -> None:
    write(tmp_path, ".notes/.today.md")
    assert names(find(tmp_path, tmp_path / ".notes/.today.md"), tmp_path) == [".notes/.today.md"]


def test_folder_named_directly_is_searched_even_if_it_would_be_skipped(tmp_path: Path) -> None:
    write(tmp_path, "build/a.md")
    assert names(find(tmp_path, tmp_path / "build"), tmp_path) == ["build/a.md"]


def test_non_text_files_in_a_folder_are_skipped_silently(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "b.zip", "c.pdf", "empty.py", data=b"")
    write(tmp_path, "d.unknown", data=b"\x00\x01\xff")
    assert find(tmp_path) == Found((), ())


def test_file_of_unknown_suffix_is_found_when_it_holds_text(tmp_path: Path) -> None:
    write(tmp_path, "Makefile", "notes.zzz", data="all: café".encode())
    assert names(find(tmp_path), tmp_path) == ["Makefile", "notes.zzz"]


@pytest.mark.parametrize("name", ["a.png", "b.unknown"])
def test_binary_named_directly_is_a_failure(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, data=b"\x89PNG\x00")
    (failure,) = find(tmp_path, tmp_path / name).failures
    assert failure.source.endswith(name)
    assert "not in a known format (html, markdown, code, text)" in failure.reason


def test_missing_path_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    found = find(tmp_path, tmp_path / "gone", tmp_path / "a.md")
    assert names(found, tmp_path) == ["a.md"]
    assert "gone" in found.failures[0].source


def test_link_out_of_the_roots_is_one_failure(tmp_path: Path) -> None:
    write(tmp_path, "inside/a.md", "outside/b.md")
    (tmp_path / "inside" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "inside" / "out.md").symlink_to(tmp_path / "outside/b.md")
    found = find(tmp_path / "inside")
    assert names(found, tmp_path) == ["inside/a.md"]
    assert [Path(failure.source).name for failure in found.failures] == ["out", "out.md"]
    assert all("RESIFT_INGEST_ROOTS" in failure.reason for failure in found.failures)


def test_loops_of_links_end(tmp_path: Path) -> None:
    write(tmp_path, "x/a.md")
    (tmp_path / "x" / "up").symlink_to(tmp_path)
    (tmp_path / "x" / "again.md").symlink_to(tmp_path / "x/a.md")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    found = find(tmp_path)
    assert names(found, tmp_path) == ["x/a.md"]
    assert len(found.failures) == 1


def test_pipe_in_a_folder_is_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert find(tmp_path) == Found((), ())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_folder_that_cannot_be_listed_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    (failure,) = find(tmp_path).failures
    assert failure.source.endswith("locked")
