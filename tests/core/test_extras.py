"""A missing extra comes with the command that installs it into this installation, wherever that came from."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from resift.core import extras
from resift.core.errors import MissingExtra
from resift.core.extras import EXTRAS, has_extra, install_line, require_extra, restore_line

PIP = f"{sys.executable} -m pip install"
PACKAGES = "'ir-measures>=0.3.3' 'matplotlib>=3.9'"

Comes = Callable[[Mapping[str, Any]], None]


@pytest.fixture
def comes_from(monkeypatch: pytest.MonkeyPatch) -> Comes:
    """Return a function that says where Resift was installed from, in the words of direct_url.json."""

    def say(origin: Mapping[str, Any]) -> None:
        monkeypatch.setattr(extras, "_origin", lambda: origin)

    return say


def test_missing_extra_names_what_needs_it_and_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    assert not has_extra("openai")
    with pytest.raises(MissingExtra) as failed:
        require_extra("openai", "RESIFT_ENCODER__KIND = 'openai'")
    assert str(failed.value) == (
        "RESIFT_ENCODER__KIND = 'openai' needs the extra 'openai': openai is not installed. "
        f"Run `{install_line('openai')}` to install it."
    )


def test_every_missing_module_of_an_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(MissingExtra, match="ir_measures, matplotlib are not installed"):
        require_extra("eval", "`resift eval`")


def test_looking_for_an_extra_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "openai", raising=False)
    has_extra("openai")
    assert "openai" not in sys.modules


def test_extras_are_those_of_the_package() -> None:
    import tomllib
    from pathlib import Path

    import resift

    project = tomllib.loads((Path(resift.__file__).parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(EXTRAS) == set(project["optional-dependencies"]) - {"dev", "clients"}


@pytest.mark.skipif(sys.platform == "win32", reason="quotes are others there")
def test_clone_is_installed_again_with_the_extra(comes_from: Comes, tmp_path: Path) -> None:
    comes_from({"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    assert install_line("eval") == f"{PIP} -e '{tmp_path}[eval]'"
    assert restore_line() == f"git -C {tmp_path} restore models"
    comes_from({"url": tmp_path.as_uri(), "dir_info": {}})
    assert install_line("eval") == f"{PIP} '{tmp_path}[eval]'"
    assert restore_line() == f"{PIP} --force-reinstall --no-deps {tmp_path}"


@pytest.mark.skipif(sys.platform == "win32", reason="quotes are others there")
def test_repository_and_archive_are_installed_again_with_the_extra(comes_from: Comes, tmp_path: Path) -> None:
    comes_from({"url": "https://example.org/resift", "vcs_info": {"vcs": "git", "commit_id": "abc"}})
    assert install_line("eval") == f"{PIP} 'resift[eval] @ git+https://example.org/resift@abc'"
    wheel = tmp_path / "resift.whl"
    wheel.touch()
    comes_from({"url": wheel.as_uri(), "archive_info": {}})
    assert install_line("eval") == f"{PIP} 'resift[eval] @ {wheel.as_uri()}'"


@pytest.mark.skipif(sys.platform == "win32", reason="quotes are others there")
@pytest.mark.parametrize(
    "origin", [{}, {"url": "file:///gone/away", "dir_info": {}}, {"url": "file:///gone/away.whl", "archive_info": {}}]
)
def test_packages_are_installed_by_name_if_the_source_is_gone(comes_from: Comes, origin: Mapping[str, Any]) -> None:
    comes_from(origin)
    assert install_line("eval") == f"{PIP} {PACKAGES}"


@pytest.mark.skipif(sys.platform == "win32", reason="quotes are others there")
def test_environment_without_pip_is_installed_into_by_uv(
    comes_from: Comes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    comes_from({})
    monkeypatch.setitem(sys.modules, "pip", None)
    (tmp_path / "uv").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_line("eval") == f"uv pip install --python {sys.executable} {PACKAGES}"


@pytest.mark.skipif(sys.platform == "win32", reason="quotes are others there")
def test_environment_of_pipx_is_installed_into_by_pipx(
    comes_from: Comes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    comes_from({})
    (tmp_path / "resift").mkdir()
    (tmp_path / "resift/pipx_metadata.json").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "resift"))
    assert install_line("eval") == f"pipx runpip resift install {PACKAGES}"


def test_origin_is_read_from_the_installation_and_not_from_a_build_beside_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for place, name in (("checkout", "resift.egg-info"), ("site", "resift-1.0.dist-info")):
        (tmp_path / place / name).mkdir(parents=True)
    (tmp_path / "checkout/resift.egg-info/PKG-INFO").write_text("Name: resift\nVersion: 1.0\n")
    (tmp_path / "site/resift-1.0.dist-info/METADATA").write_text("Name: resift\nVersion: 1.0\n")
    (tmp_path / "site/resift-1.0.dist-info/direct_url.json").write_text('{"url": "file:///src", "dir_info": {}}')
    monkeypatch.setattr(sys, "path", [str(tmp_path / "checkout"), str(tmp_path / "site")])
    assert extras._origin()["url"] == "file:///src"  # pyright: ignore[reportPrivateUsage]
