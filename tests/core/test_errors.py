"""Close names are suggested, and a missing extra is told with the command that installs it."""

import sys

import pytest

from resift.core.errors import EXTRAS, MissingExtra, has_extra, nearest, require_extra


def test_nearest_name_is_suggested_and_a_far_one_is_not() -> None:
    assert nearest("defualt", ["default", "notes"]) == " Did you mean 'default'?"
    assert nearest("zzz", ["default", "notes"]) == ""
    assert nearest("x", []) == ""


def test_missing_extra_names_what_needs_it_and_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    assert not has_extra("openai")
    with pytest.raises(MissingExtra) as failed:
        require_extra("openai", "RESIFT_ENCODER__KIND = 'openai'")
    assert str(failed.value) == (
        "RESIFT_ENCODER__KIND = 'openai' needs the extra 'openai': openai is not installed. "
        "Install it with: pip install 'resift[openai]'"
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
    assert set(EXTRAS) == set(project["optional-dependencies"]) - {"dev"}
