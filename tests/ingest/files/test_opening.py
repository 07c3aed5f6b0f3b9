"""Opening below the roots: what is swapped for a link after the walk is never read through it."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resift.core.errors import PathRefused, UnreadableFile
from resift.core.values import Document
from resift.ingest.files import opening
from resift.ingest.files.opening import open_file, open_folder
from resift.ingest.files.roots import Roots
from resift.ingest.report import Failure
from resift.ingest.sources import Files, files_below
from resift.tests.ingest.harness import outcomes


@pytest.fixture(params=["descriptors", "no descriptors"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to open: the one of this system, and the one of Windows."""
    if request.param == "no descriptors":
        monkeypatch.setattr(opening, "OPENS_BELOW_DESCRIPTORS", False)
    return str(request.param)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A root with a folder and a file, beside a secret of the same names."""
    for place, text in (("root", "public"), ("outside", "secret")):
        (tmp_path / place / "docs").mkdir(parents=True)
        (tmp_path / place / "docs" / "a.md").write_text(text)
        (tmp_path / place / "b.md").write_text(text)
    return tmp_path / "root"


def swap(path: Path) -> None:
    """Put a link to the file or folder of that name outside in the place of the one inside."""
    path.rename(path.with_name("away"))
    path.symlink_to(path.parents[0].parent / "outside" / path.name)


def found_in(top: Path) -> Files:
    return files_below([top], glob="**/*", roots=Roots.of([top]), metadata={}, max_bytes=1000)


@pytest.mark.parametrize(("name", "lost"), [("b.md", "b.md"), ("docs", "docs/a.md")])
def test_what_became_a_link_after_the_walk_is_not_read(top: Path, name: str, lost: str) -> None:
    files = found_in(top)
    swap(top / name)
    items = outcomes(files)
    [failure] = [item for item in items if isinstance(item, Failure)]
    assert failure.source == f"{top}/{lost}"
    assert "was replaced by a link" in failure.reason
    assert [item.text for item in items if isinstance(item, Document)] == ["public"]


def test_root_that_became_a_link_is_not_read(top: Path) -> None:
    files = found_in(top)
    top.rename(top.with_name("away"))
    top.symlink_to(top.with_name("outside"))
    assert all(isinstance(item, Failure) for item in outcomes(files))


def test_folder_that_became_a_link_is_not_listed(top: Path) -> None:
    roots = Roots.of([top])
    swap(top / "docs")
    with pytest.raises(PathRefused), open_folder(top / "docs", roots):
        pass


def test_link_to_a_file_inside_the_roots_is_read(top: Path) -> None:
    (top / "link.md").symlink_to("docs/a.md")
    (top / "folder").symlink_to("docs")
    files = files_below([top / "link.md", top / "folder"], glob="", roots=Roots.of([top]), metadata={}, max_bytes=99)
    [document] = outcomes(files)
    assert isinstance(document, Document)
    assert (document.source, document.text) == (f"{top}/docs/a.md", "public")


def test_path_outside_the_roots_is_refused(top: Path) -> None:
    with pytest.raises(PathRefused):
        open_file(top.parent / "outside" / "b.md", Roots.of([top]))


def test_single_file_is_a_root(top: Path) -> None:
    with open_file(top / "b.md", Roots.of([top / "b.md"])) as file:
        assert file.read() == b"public"
    with pytest.raises(PathRefused):
        open_file(top / "docs" / "a.md", Roots.of([top / "b.md"]))


def test_pipe_is_refused_and_does_not_block(top: Path) -> None:
    os.mkfifo(top / "pipe.md")
    with pytest.raises(UnreadableFile, match="not a regular file"):
        open_file(top / "pipe.md", Roots.of([top]))


def open_descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_nothing_stays_open(top: Path) -> None:
    before = open_descriptors()
    outcomes(found_in(top))
    swap(top / "docs")
    for _ in range(20):
        with pytest.raises(PathRefused):
            open_file(top / "docs" / "a.md", Roots.of([top]))
    assert open_descriptors() <= before


@pytest.fixture
def flipping(top: Path) -> Iterator[Path]:
    """The root, while a thread puts a folder and a link to the one outside in each other's place."""
    link, stop = top / "link", threading.Event()
    link.symlink_to(top.parent / "outside" / "docs")

    def flip() -> None:
        while not stop.is_set():
            (top / "docs").rename(top / "away")
            link.rename(top / "docs")
            (top / "docs").rename(link)
            (top / "away").rename(top / "docs")

    thread = threading.Thread(target=flip)
    thread.start()
    yield top
    stop.set()
    thread.join()


@pytest.mark.slow
def test_nothing_outside_is_read_while_folders_are_swapped(flipping: Path, way: str) -> None:
    if way == "no descriptors":
        pytest.skip("without descriptors a race remains, though a narrow one")
    texts: list[str] = []
    for _ in range(3000):
        files = files_below(["docs/a.md"], glob="", roots=Roots.of([flipping]), metadata={}, max_bytes=1000)
        texts += [item.text for item in outcomes(files) if isinstance(item, Document)]
    assert set(texts) == {"public"}
