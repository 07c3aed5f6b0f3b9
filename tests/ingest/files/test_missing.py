"""Paths at which there is nothing: the nearest name is told, and a call that names nothing else is known."""

from pathlib import Path

import pytest

from resift.core.errors import NotFound
from resift.ingest.files.roots import Roots, nearest_path
from resift.ingest.files.walk import MAX_SUGGESTIONS, Found, find_files


def find(folder: Path, *paths: str) -> Found:
    return find_files(paths, roots=Roots.of([folder]))


def test_nearest_name_is_told_where_it_may_be_read(tmp_path: Path) -> None:
    for name in ("docs", ".dcs", "other"):
        (tmp_path / name).mkdir()
    assert Roots.of([tmp_path]).nearest_to("dcos") == " Did you mean 'docs'?"
    assert not Roots.of([tmp_path / "dcos"]).nearest_to(tmp_path / "dcos")  # what lies beside a root stays unknown
    (tmp_path / "loop").symlink_to("loop")  # as may come to be there after it was found missing
    assert not Roots.of([tmp_path]).nearest_to("loop")


@pytest.mark.parametrize(
    ("name", "near"), [("gon.md", ""), ("stup.md", "setup.md"), ("setup.txt", "setup.md"), (".", ""), ("/", "")]
)
def test_name_is_near_whose_stem_is_near(tmp_path: Path, name: str, near: str) -> None:
    for each in ("b.md", "setup.md"):
        (tmp_path / each).touch()
    assert nearest_path(name, tmp_path / name) == (f" Did you mean {near!r}?" if near else "")


def test_absolute_path_is_not_asked_for_where_one_is_given(tmp_path: Path) -> None:
    roots = Roots.of([tmp_path])
    with pytest.raises(NotFound, match=r"'dcos'\. Check the spelling, or give an absolute path\.$"):
        roots.admit("dcos")
    with pytest.raises(NotFound, match=r"dcos'\. Check the spelling\.$"):
        roots.admit(tmp_path / "dcos")


def test_nearest_paths_are_told_for_the_first_of_many_that_are_missing(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pump.md").touch()
    found = find(tmp_path, "dcos/*.md", "dcos", *[f"docs/pmp{number}.md" for number in range(MAX_SUGGESTIONS)])
    assert found.is_nowhere
    near = [each.reason.partition(" Did you mean ")[2].partition("?")[0] for each in found.failures]
    assert near[:3] == ["'docs'", "'docs'", "'docs/pump.md'"]
    assert not any(near[MAX_SUGGESTIONS:])


def test_paths_lead_nowhere_if_there_is_nothing_at_any_of_them(tmp_path: Path) -> None:
    (tmp_path / "pump.md").write_text("The pump hums.")
    (tmp_path / "empty").mkdir()
    assert find(tmp_path, "pmp.md", "nowhere/*.md").is_nowhere
    for other in ("pump.md", "empty", "*.html", "../lamp.md", "https://example.com/lamp.md"):
        assert not find(tmp_path, "pmp.md", other).is_nowhere, other
