"""The application: every command of its table is there, and is described as in its own help."""

import pytest
import typer
from typer.main import get_command

from resift.server.cli.app import COMMANDS, LazyCommands, app


@pytest.fixture
def group() -> LazyCommands:
    commands = get_command(app)
    assert isinstance(commands, LazyCommands)
    return commands


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_there_and_described_as_in_its_own_help(group: LazyCommands, name: str) -> None:
    command = group.get_command(typer.Context(group), name)
    assert command is not None
    described = COMMANDS[name][1]
    assert described.endswith(".")
    assert " ".join(command.help.split()).startswith(described.rstrip("."))


def test_unknown_command_is_none(group: LazyCommands) -> None:
    assert group.get_command(typer.Context(group), "serach") is None
