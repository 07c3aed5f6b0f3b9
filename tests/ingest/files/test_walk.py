"""Finding files below the roots, and telling what is skipped."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.ingest.files.named import roots_of
from resift.ingest.files.opening import open_file
from resift.ingest.files.roots import Roots
from resift.ingest.files.skipping import notes_on
from resift.ingest.files.walk import Found, FoundFile, find_files
from resift.ingest.report import IngestReport


def write(folder: Path, *names: str, data: bytes = b"text") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def find(folder: Path, *paths: str | Path, glob: str = "**/*") -> Found:
    return find_files(paths or [folder], glob=glob, roots=Roots.of([folder]))


def names(found: Found, folder: Path) -> list[str]:
    return [file.path.relative_to(folder).as_posix() for file in found.files]


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


def test_size_and_time_of_each_file_are_told(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "folder/b.md", data=b"four")
    (tmp_path / "link.md").symlink_to("a.md")
    os.utime(tmp_path / "a.md", ns=(1, 1_700_000_000_123_456_789))
    for path, depth in ("a.md", 0), ("link.md", 0), (tmp_path, 1):
        file = find(tmp_path, path).files[0]
        assert file == FoundFile(tmp_path / "a.md", size=4, modified_ns=1_700_000_000_123_456_789, depth=depth)


def test_hidden_and_generated_files_are_skipped(tmp_path: Path) -> None:
    write(tmp_path, ".env.md", ".git/a.md", "node_modules/a.md", "x.egg-info/a.txt", "build/a.md", "kept.md")
    assert names(find(tmp_path), tmp_path) == ["kept.md"]


def test_file_named_directly_is_tried_even_if_hidden(tmp_path: Path) -> None:
    write(tmp_path, ".notes/.today.md")
    assert names(find(tmp_path, tmp_path / ".notes/.today.md"), tmp_path) == [".notes/.today.md"]


def test_folder_named_directly_is_searched_even_if_it_would_be_skipped(tmp_path: Path) -> None:
    write(tmp_path, "build/a.md")
    assert names(find(tmp_path, tmp_path / "build"), tmp_path) == ["build/a.md"]


def test_files_that_are_not_taken_are_counted_by_kind(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    write(tmp_path, "a.png", "b.zip", "c.odt", "d.ODT", "empty.py", "empty.md", data=b"")
    write(tmp_path, "a.odt", "d.unknown", data=b"\x00\x01\xff")
    write(tmp_path, ".hidden.md", ".git/config", "node_modules/a.js", "server.pem", "prod.env")
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere.md")
    os.mkfifo(tmp_path / "pipe.md")
    found = find(tmp_path)
    assert (names(found, tmp_path), found.failures) == (["a.md"], ())
    assert found.skipped == {
        "empty": 6,
        "binary": 1,
        "odt": 1,
        "hidden": 1,
        "folders of version control": 1,
        "generated folders": 1,
        "secret files": 2,
        "dangling links": 1,
        "special files": 1,
    }
    assert find(tmp_path, glob="**/*.rst").skipped["outside the glob"] == 14


def test_file_of_unknown_suffix_is_found_when_it_holds_text(tmp_path: Path) -> None:
    write(tmp_path, "Makefile", "notes.zzz", data="all: café".encode())
    assert names(find(tmp_path), tmp_path) == ["Makefile", "notes.zzz"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.mp3", "Resift cannot read .mp3 files. Convert the file to text first."),
        ("a.doc", "Resift cannot read .doc files. Save it as .docx first."),
        ("b.unknown", "not in a known format (html,"),
    ],
)
def test_binary_named_directly_is_a_failure(tmp_path: Path, name: str, reason: str) -> None:
    write(tmp_path, name, data=b"\x89PNG\x00")
    (failure,) = find(tmp_path, tmp_path / name).failures
    assert failure.source.endswith(name)
    assert reason in failure.reason


def test_missing_path_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    found = find(tmp_path, tmp_path / "gone", tmp_path / "a.md")
    assert names(found, tmp_path) == ["a.md"]
    assert "gone" in found.failures[0].source


def test_link_out_of_the_roots_is_skipped_in_a_folder_and_refused_when_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, "inside/a.md", "outside/b.md")
    inside = tmp_path / "inside"
    (inside / "out").symlink_to(tmp_path / "outside")
    (inside / "out.md").symlink_to(tmp_path / "outside/b.md")
    (inside / "gone.md").symlink_to("/nowhere/gone.md")
    found = find(inside)
    assert (names(found, tmp_path), found.failures) == (["inside/a.md"], ())
    assert found.skipped == {"links that lead outside": 2, "dangling links": 1}
    assert "RESIFT_INGEST_ROOTS" in notes_on(IngestReport(added=1, skipped=found.skipped))[0]
    found = find(inside, glob="*.rst")
    assert (found.failures, found.skipped) == ((), {"outside the glob": 3, "links that lead outside": 1})
    [refused] = find(inside, "out.md").failures
    assert "RESIFT_INGEST_ROOTS" in refused.reason


def test_what_resift_keeps_is_skipped_in_a_folder_and_refused_when_it_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "index/mine.md", "index/owner.json", "index/collections/c/manifest.json")
    (tmp_path / "link").symlink_to(tmp_path / "index" / "collections")
    roots = Roots.of([tmp_path], own=[tmp_path / "index/collections", tmp_path / "index/owner.json"])
    found = find_files([tmp_path], roots=roots)
    assert (names(found, tmp_path), found.failures) == (["a.md", "index/mine.md"], ())
    assert found.skipped == {"Resift's own files": 3}
    for named in ("index/collections", "index/collections/c/manifest.json", "index/owner.json", "index/collections/*"):
        found = find_files([named], roots=roots)
        assert (found.files, "data folder" in found.failures[0].reason) == ((), True)


def test_loops_of_links_end(tmp_path: Path) -> None:
    write(tmp_path, "x/a.md")
    (tmp_path / "x" / "up").symlink_to(tmp_path)
    (tmp_path / "x" / "again.md").symlink_to(tmp_path / "x/a.md")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    found = find(tmp_path)
    assert names(found, tmp_path) == ["x/a.md"]
    assert len(found.failures) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_folder_that_cannot_be_listed_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    (failure,) = find(tmp_path).failures
    assert failure.source.endswith("locked")


@pytest.mark.parametrize(
    "name", [".env", ".env.local", "prod.env", ".netrc", ".npmrc", "id_rsa", "a.pem", ".ssh/config"]
)
def test_file_of_secrets_is_refused_even_when_it_is_named(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, data=b"KEY=1")
    (tmp_path / "notes.md").symlink_to(tmp_path / name)
    for path in (name, "notes.md"):
        found = find(tmp_path, path)
        assert found.files == ()
        assert "passwords or keys" in found.failures[0].reason
    assert find(tmp_path, glob="*.md").skipped["secret files"] == 1


@pytest.mark.parametrize("name", [".env.example", "env.md", "id_rsa.pub", "keys.md"])
def test_sample_of_a_file_of_secrets_is_taken(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    assert names(find(tmp_path, name), tmp_path) == [name]


def deep_folder(top: Path, name: str, levels: int) -> None:
    """Make folders in one another, by descriptors: the path may be longer than the system takes."""
    inner = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=inner)
        outer, inner = inner, os.open(name, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    file = os.open("a.md", os.O_WRONLY | os.O_CREAT, dir_fd=inner)
    os.write(file, b"text")
    os.close(file)
    os.close(inner)


@pytest.fixture
def top(tmp_path: Path) -> Iterator[Path]:
    """A folder that is removed by `rm`: pytest's own way recurses."""
    (tmp_path / "top").mkdir()
    yield tmp_path / "top"
    subprocess.run(["rm", "-rf", tmp_path / "top"], check=True)


@pytest.mark.parametrize(
    ("name", "levels"),
    [pytest.param("d", 600, marks=pytest.mark.slow, id="600 levels"), pytest.param("d" * 100, 60, id="long path")],
)
def test_folders_of_any_depth_are_searched(top: Path, name: str, levels: int) -> None:
    write(top, "b.md")
    deep_folder(top, name, levels)
    found = find(top)
    assert [file.path.name for file in found.files] == ["b.md", "a.md"]
    assert len(found.files[1].path.relative_to(top).parts) == levels + 1
    with open_file(found.files[1].path, Roots.of([top])) as file:
        assert file.read() == b"text"
    assert len(find(top, glob="**/a.md").files) == 1


@pytest.mark.parametrize("path", ["docs/*.md", "docs/**/*.md", "{docs,other}/*.md", "**/a.md", "do?s"])
def test_glob_among_the_paths_is_expanded(tmp_path: Path, path: str) -> None:
    write(tmp_path, "docs/a.md", "a.txt")
    for named in (path, tmp_path / path):
        assert names(find(tmp_path, named), tmp_path) == ["docs/a.md"]


def test_glob_among_the_paths_is_expanded_in_each_root_and_nowhere_else(tmp_path: Path) -> None:
    write(tmp_path, "one/a.md", "two/b.md", "three/c.md")
    roots = Roots.of([tmp_path / "one", tmp_path / "two"])
    assert [file.path.name for file in find_files(["*.md"], roots=roots).files] == ["a.md", "b.md"]
    for outside in ("../three/*.md", f"{tmp_path}/three/*.md", f"{tmp_path}/*/*.md"):
        found = find_files([outside], roots=roots)
        assert found.files == ()
        assert "RESIFT_INGEST_ROOTS" in found.failures[0].reason


def test_glob_that_matches_nothing_is_a_failure(tmp_path: Path) -> None:
    write(tmp_path, "docs/a.md")
    [failure] = find(tmp_path, "docs/*.txt").failures
    assert failure.reason == f"No file that can be read matches '*.txt' below {tmp_path}/docs. Check the pattern."


def test_file_whose_name_looks_like_a_glob_is_taken(tmp_path: Path) -> None:
    write(tmp_path, "a[1].md", "a1.md")
    assert names(find(tmp_path, "a[1].md"), tmp_path) == ["a[1].md"]


def test_glob_below_a_folder_whose_name_looks_like_one_is_expanded(tmp_path: Path) -> None:
    write(tmp_path, "notes [2026]/{a}/a.md", "notes [2026]/{a}/a.txt", "notes 2/a/b.md", "x/c.md")
    for named in ("notes [2026]/{a}/*.md", tmp_path / "notes [2026]" / "{a}" / "*.md"):
        found = find(tmp_path, named)
        assert (names(found, tmp_path), found.failures) == (["notes [2026]/{a}/a.md"], ())
    below = tmp_path / "notes [2026]"
    assert roots_of([below / "*" / "*.md"]).folders == (below,)
    assert [each.path.name for each in find_files(["*/*.md"], roots=Roots.of([below])).files] == ["a.md"]
    roots = Roots.of([tmp_path / "x", tmp_path])
    assert [each.path.name for each in find_files(["notes [2026]/**/*.md"], roots=roots).files] == ["a.md"]
    assert names(find(tmp_path, "notes [0-9]/a/*.md"), tmp_path) == ["notes 2/a/b.md"]


def test_file_uri_is_its_path(tmp_path: Path) -> None:
    write(tmp_path, "my docs/a#1.md")
    uri = (tmp_path / "my docs" / "a#1.md").as_uri()
    for named in (uri, uri.replace("file://", "file://localhost"), Path(uri), (tmp_path / "my docs").as_uri()):
        assert names(find(tmp_path, named), tmp_path) == ["my docs/a#1.md"]


@pytest.mark.parametrize("path", ["https://user:hunter2@example.com/a.md?key=hunter2", "s3://bucket/a.md"])
def test_address_is_refused_with_what_to_do_instead(tmp_path: Path, path: str) -> None:
    for named in (path, Path(path)):
        [failure] = find(tmp_path, named).failures
        assert failure.reason.endswith("Download it first, then ingest the file.")
        assert ("RESIFT_INGEST__URLS=true" in failure.reason) == path.startswith("http")
        assert "hunter2" not in failure.reason + failure.source
    [other] = find(tmp_path, "file://elsewhere/a.md").failures
    assert "'elsewhere'" in other.reason
