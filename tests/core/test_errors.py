"""Close names are suggested, and a hint has a wording for each interface."""

import pickle
import re

import pytest

from resift.core.errors import Hint, NotFound, StoreUnavailable, nearest
from resift.server.cli.console import HINTS as COMMANDS
from resift.tools.boundary import HINTS as TOOLS

TOOL_NAMES = re.compile(r"\b\w+_(?:collections|documents|document)\b|everything=")
OPTIONS = re.compile(r"(?<!\w)--\w")


def test_nearest_name_is_suggested_and_a_far_one_is_not() -> None:
    assert nearest("defualt", ["default", "notes"]) == " Did you mean 'default'?"
    assert nearest("zzz", ["default", "notes"]) == ""
    assert nearest("x", []) == ""
    assert nearest("RESIFT_NOSUCH", ["RESIFT_THREADS", "RESIFT_ENCODER__BATCH"], prefix="RESIFT_") == ""
    assert nearest("RESIFT_TREADS", ["RESIFT_THREADS"], prefix="RESIFT_") == " Did you mean 'RESIFT_THREADS'?"


@pytest.mark.parametrize("hint", Hint)
def test_hint_names_tools_to_models_and_commands_to_people(hint: Hint) -> None:
    values = {"collection": "notes", "command": "pip install x", "job": "5f3a"}
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
