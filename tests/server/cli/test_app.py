"""The application: every command of its table is there, and is described as in its own help."""

import pytest
import typer
from typer.main import get_command

from resift.server.cli.app import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_there_and_described_as_in_its_own_help(name: str) -> None:
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    command = group.get_command(typer.Context(group), name)
    assert command is not None
    help_text = " ".join((command.help or "").split())
    assert help_text.startswith(COMMANDS[name][1])


def test_unknown_command_is_none() -> None:
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    assert group.get_command(typer.Context(group), "serach") is None
