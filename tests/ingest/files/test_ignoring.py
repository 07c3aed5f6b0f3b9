"""What .gitignore and .resiftignore files leave out of folders: the same as git."""

import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from resift.ingest.files.ignoring import parse_rules
from resift.ingest.files.roots import Roots
from resift.ingest.files.walk import Found, find_files
from resift.tests.ingest.files.test_walk import names, write

GIT_KIND = "ignored by .gitignore"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "repo/.git/info").mkdir(parents=True)
    return tmp_path / "repo"


def rules(folder: Path, *lines: str, name: str = ".gitignore") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(f"{line}\n" for line in lines))


def find(*paths: Path, roots: Sequence[Path] = (), gitignore: bool = True) -> Found:
    return find_files(paths, roots=Roots.of(roots or paths), gitignore=gitignore)


def test_ignored_files_and_folders_are_skipped_and_counted(repository: Path) -> None:
    write(repository, "a.md", "draft-b.md", "out/c.md", "out/d.md", "deep/out/e.md", "deep/kept.md")
    rules(repository, "out/", "draft-*")
    found = find(repository)
    assert names(found, repository) == ["a.md", "deep/kept.md"]
    assert found.skipped == {GIT_KIND: 3, "hidden": 1, "folders of version control": 1}
    assert found.examples[GIT_KIND] == tuple(f"{repository}/{name}" for name in ("draft-b.md", "out", "deep/out"))


def test_what_is_named_is_taken_even_if_it_is_ignored(repository: Path) -> None:
    write(repository, "out/c.md", "out/deep/d.md", "secret.md", "out/e.log")
    rules(repository, "out", "secret.md", "*.log")
    rules(repository / "out", "deep/")
    assert names(find(repository / "secret.md"), repository) == ["secret.md"]
    assert names(find(repository / "out", roots=[repository]), repository) == ["out/c.md", "out/e.log"]
    assert names(find(repository / "out/deep", roots=[repository]), repository) == ["out/deep/d.md"]


def test_rules_of_the_folders_above_count_within_the_roots(repository: Path) -> None:
    write(repository, "docs/a.md", "docs/b.tmp", "docs/deep/c.tmp", "docs/d.txt")
    rules(repository, "*.tmp")
    rules(repository / ".git/info", "d.txt", name="exclude")
    docs = repository / "docs"
    assert names(find(docs, roots=[repository]), docs) == ["a.md"]
    assert len(find(docs).files) == 4
    assert names(find_files([docs], roots=Roots((docs,), reads_rules_above=True)), docs) == ["a.md"]


def test_inner_rules_take_back_what_outer_ones_ignore_but_not_below_an_ignored_folder(repository: Path) -> None:
    write(repository, "a.log", "kept/a.log", "kept/logs/b.log", "gone/a.log")
    rules(repository, "*.log", "gone/")
    rules(repository / "kept", "!*.log", "logs/")
    rules(repository / "gone", "!a.log")
    assert names(find(repository), repository) == ["kept/a.log"]


def test_folder_that_is_taken_back_does_not_take_back_what_lies_in_it(repository: Path) -> None:
    write(repository, "src/build/a.md", "src/b.md", "deep/logs/a.log", "deep/logs/a.md")
    rules(repository, "*.log", "build", "!src/")
    rules(repository / "deep", "!logs/")
    assert names(find(repository), repository) == ["deep/logs/a.md", "src/b.md"]


def test_gitignore_counts_unless_it_is_switched_off_and_resiftignore_always(repository: Path) -> None:
    write(repository, "a.md", "b.md", "c.md")
    rules(repository, "a.md")
    rules(repository, "b.md", name=".resiftignore")
    assert names(find(repository), repository) == ["c.md"]
    found = find(repository, gitignore=False)
    assert names(found, repository) == ["a.md", "c.md"]
    assert found.skipped["ignored by .resiftignore"] == 1


def test_gitignore_counts_outside_a_repository_from_the_named_folder_down(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "plan.log", "inner/b.md", "inner/c.md", "inner/plan.log", "repo/.git/HEAD", "repo/plan.log")
    rules(tmp_path, "*.log")
    rules(tmp_path / "inner", "c.md")
    found = find(tmp_path)
    assert names(found, tmp_path) == ["a.md", "inner/b.md", "repo/plan.log"]
    assert found.skipped[GIT_KIND] == 3
    assert names(find(tmp_path / "inner", roots=[tmp_path]), tmp_path) == ["inner/b.md", "inner/plan.log"]


def test_resiftignore_has_the_last_word_and_holds_in_inner_repositories(repository: Path) -> None:
    write(repository, "a.log", "b.log", "inner/.git/HEAD", "inner/a.md", "inner/c.md", "inner/d.log")
    rules(repository, "*.log")
    rules(repository, "!a.log", "c.md", name=".resiftignore")
    rules(repository / "inner", "a.md")
    assert names(find(repository), repository) == ["a.log", "inner/d.log"]  # git does not look out of a repository


def test_link_to_a_folder_is_a_file_to_git(repository: Path) -> None:
    write(repository.parent, "elsewhere/a.md", "other/b.md")
    (repository / "out").symlink_to(repository.parent / "elsewhere")
    (repository / "gone").symlink_to(repository.parent / "other")
    rules(repository, "out/", "gone")
    found = find(repository, roots=[repository.parent])
    assert names(found, repository.parent) == ["elsewhere/a.md"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"fine\n[z-a]x\nb.md\n", ".gitignore:2 is not a usable pattern and was left out (bad character range z-a"),
        (b"b.md\nend\\\n", ".gitignore:2 is not a usable pattern"),
        (b"b.md\n[[:alpha:]].x\n", "classes of characters such as [:alpha:] are not supported"),
        (b"b.md\n**/a/**/b/**/c/**\n", "it has more than 3 `**`"),
        (b"b.md\nfo[o\n", "a bracket is not closed"),
        (b"b.md\n" + b"x" * 2000, "more than 1,000 characters"),
        (b"b.md\n" * 6000, "has 6,001 lines; only the first 5,000 were used"),
    ],
)
def test_unusable_pattern_is_said_and_the_others_hold(repository: Path, data: bytes, problem: str) -> None:
    write(repository, "a.md", "b.md")
    (repository / ".gitignore").write_bytes(data)
    found = find(repository)
    assert names(found, repository) == ["a.md"]
    assert problem in found.notes[0]


def test_file_that_is_too_large_or_a_link_is_not_read_and_that_is_said(repository: Path) -> None:
    write(repository, "a.md", "deep/b.md")
    (repository / ".gitignore").write_bytes(b"*\n" + b"\n" * 1_000_001)
    (repository.parent / "rules").write_text("*\n")
    (repository / "deep/.gitignore").symlink_to(repository.parent / "rules")
    found = find(repository, roots=[repository.parent])
    assert names(found, repository) == ["a.md", "deep/b.md"]
    assert [note.partition(" was not used: ")[2] for note in found.notes] == [
        "it has more than 1,000,000 bytes.",
        "it is a link, a folder or a special file.",
    ]


def test_many_problems_are_summed_up(repository: Path) -> None:
    rules(repository, *["[z-a]"] * 10)
    assert find(repository).notes[3:] == ("7 more lines of ignore files are not usable.",)
    rules(repository, *["[z-a]"] * 4)
    assert find(repository).notes[3:] == ("1 more line of ignore files is not usable.",)


def test_pattern_with_many_stars_takes_no_time() -> None:
    file = parse_rules(".gitignore", "/", b"*a" * 60 + b"b\n", shown="")
    assert file.ignores("/" + "a" * 250, "a" * 250, is_folder=False) is None
    assert file.ignores("/" + "a" * 250 + "b", "a" * 250 + "b", is_folder=False)


PARTS = ("ab", "a", "b", "logs", "data", "x1", "note")
PATTERNS = (
    *("*.txt", "*.log", "!*.log", "/a", "b/", "!b/", "logs", "!logs/", "data/*", "!data/x1", "**/note", "a/**"),
    *("!a/b.md", "**/b/*.md", "ab/**/b", "?b", "[ab].md", "[!a].txt", "x*", "!x1.md", "\\!a", "# comment", "", "a*b*"),
    *("*/", "!*/", "**", "!**/*.md", "/*/b", "note/ ", "b.md\\ ", "[^b]1.*", "**/", "logs/**/", "*", "!*.md", "/**/x1"),
    *("*.md*", "!/ab"),
)
FOR_THE_TOP = ("/a", "logs/", "x1*.md", "!a/b.md", "?b", "[^b]1.*", "**/b/*.md")  # those that leave most of the tree in


def plant(top: Path, files: int, draw: random.Random) -> None:
    """Make a tree of folders with files and ignore files."""
    every = [top]
    while len(every) < files // 25:
        if not (folder := draw.choice(every) / draw.choice(PARTS)).exists():
            folder.mkdir()
            every.append(folder)
    for place in range(files):
        folder = every[place % len(every)]
        (folder / f"{draw.choice(PARTS)}{place // len(every)}.{draw.choice(('md', 'txt', 'log'))}").write_text("x")
    for folder in [top, *draw.sample(every, len(every) // 15)]:
        few = draw.sample(FOR_THE_TOP if folder == top else PATTERNS, 2)
        (folder / ".gitignore").write_text("".join(f"{each}\n" for each in few))
    (top / ".git/info").mkdir(parents=True, exist_ok=True)
    (top / ".git/info/exclude").write_text("x1*.log\n")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize(("files", "seed"), [(20_000, 1), *((400, seed) for seed in range(2, 42))])
def test_files_equal_those_of_git(tmp_path: Path, files: int, seed: int) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    run = ["git", "-C", str(tmp_path)]
    subprocess.run([*run, "init", "-q"], check=True, env=environment)
    plant(tmp_path, files, random.Random(seed))
    listed = subprocess.run(
        [*run, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        env=environment,
        capture_output=True,
    )
    expected = {name for name in os.fsdecode(listed.stdout).split("\0") if name and not name.endswith(".gitignore")}
    assert set(names(find(tmp_path), tmp_path)) == expected
    assert find(tmp_path).notes == ()
