from pathlib import Path

import pytest

from resift.core.errors import InvalidInput, NotFound, PathRefused
from resift.ingest.files.roots import Roots, roots_for_tools


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    (tmp_path / "allowed").mkdir()
    (tmp_path / "secret.md").write_text("secret")
    return Roots.of([tmp_path / "allowed"])


def test_file_inside_is_admitted(roots: Roots) -> None:
    file = roots.folders[0] / "a.md"
    file.write_text("a")
    assert roots.admit(file) == file


def test_root_itself_is_admitted(roots: Roots) -> None:
    assert roots.admit(roots.folders[0]) == roots.folders[0]


def test_dots_that_leave_the_root_are_refused(roots: Roots) -> None:
    with pytest.raises(PathRefused, match="RESIFT_INGEST_ROOTS") as caught:
        roots.admit(roots.folders[0] / ".." / "secret.md")
    assert str(roots.folders[0]) in str(caught.value)
    assert "secret.md" in str(caught.value)


def test_link_that_leaves_the_root_is_refused(roots: Roots, tmp_path: Path) -> None:
    (roots.folders[0] / "link.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(PathRefused):
        roots.admit(roots.folders[0] / "link.md")


def test_folder_whose_name_begins_with_that_of_a_root_is_refused(roots: Roots, tmp_path: Path) -> None:
    (tmp_path / "allowed-not").mkdir()
    with pytest.raises(PathRefused):
        roots.admit(tmp_path / "allowed-not")


def test_existence_outside_the_roots_is_not_revealed(roots: Roots, tmp_path: Path) -> None:
    with pytest.raises(PathRefused):
        roots.admit(tmp_path / "no such file")


def test_missing_file_is_not_found(roots: Roots) -> None:
    with pytest.raises(NotFound, match=r"nothing\.md"):
        roots.admit(roots.folders[0] / "nothing.md")


def test_relative_path_is_looked_for_in_the_roots(roots: Roots) -> None:
    (roots.folders[0] / "a.md").write_text("a")
    assert roots.admit("a.md") == roots.folders[0] / "a.md"


def test_folder_of_the_system_is_none_that_a_client_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "top").symlink_to("/")
    folders = [Path("/"), Path("/usr/.."), tmp_path / "top", tmp_path]
    assert roots_for_tools([], client_folders=folders) == (tmp_path,)
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path / "Windows"))
    assert roots_for_tools([], client_folders=[tmp_path / "Windows" / "System32", tmp_path]) == (tmp_path,)


def test_settings_that_name_a_folder_decide_though_it_is_of_the_system(tmp_path: Path) -> None:
    assert roots_for_tools([Path("/")], client_folders=[tmp_path]) == (Path("/"),)


def test_refusal_does_not_say_how_to_get_around_the_limit(roots: Roots) -> None:
    with pytest.raises(PathRefused, match=r"Ask whoever runs Resift to add its folder to RESIFT_INGEST_ROOTS\.$"):
        roots.admit("../secret.md")


def test_no_roots_allow_nothing(tmp_path: Path) -> None:
    with pytest.raises(PathRefused, match="Allowed: none"):
        Roots.of([]).admit(tmp_path)


@pytest.mark.parametrize("path", ["a\0b", "loop"])
def test_unusable_path_is_invalid(roots: Roots, path: str) -> None:
    (roots.folders[0] / "loop").symlink_to(roots.folders[0] / "loop")
    with pytest.raises(InvalidInput, match="not a usable path"):
        roots.admit(path)
