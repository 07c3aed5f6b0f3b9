"""Close names are suggested, a hint has a wording for each interface, and a missing extra comes with its command."""

import pickle
import re
import sys

import pytest

from resift.core.errors import EXTRAS, Hint, MissingExtra, NotFound, StoreUnavailable, has_extra, nearest, require_extra
from resift.server.cli.console import HINTS as COMMANDS
from resift.tools.boundary import HINTS as TOOLS

TOOL_NAMES = re.compile(r"\b\w+_(?:collections|documents|document)\b|everything=")
OPTIONS = re.compile(r"(?<!\w)--\w")


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


@pytest.mark.parametrize("hint", Hint)
def test_hint_names_tools_to_models_and_commands_to_people(hint: Hint) -> None:
    values = {"collection": "notes"}
    neutral, tools, commands = [wording.format(**values) for wording in (hint.value, TOOLS[hint], COMMANDS[hint])]
    assert not TOOL_NAMES.search(neutral + commands)
    assert not OPTIONS.search(neutral + tools)
    assert all(text.endswith(".") for text in (neutral, tools, commands))


def test_error_ends_with_its_hint_in_the_words_asked_for() -> None:
    error = NotFound("No collection 'a{}'.", hint=Hint.ADOPT, collection="b")
    assert str(error) == "No collection 'a{}'. The command `resift adopt b` makes it searchable."
    assert error.text(COMMANDS) == "No collection 'a{}'. Run `resift adopt b` to make it searchable."
    assert str(NotFound("Gone.")) == "Gone."


def test_error_survives_the_way_between_processes() -> None:
    error = StoreUnavailable("Down.", retry_after_s=2.0, hint=Hint.FIND_CAUSE)
    other = pickle.loads(pickle.dumps(error))
    assert (str(other), other.retry_after_s, other.hint) == (str(error), 2.0, Hint.FIND_CAUSE)
