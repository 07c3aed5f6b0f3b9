"""docs/adopt.md names the options of the command and the figures of the code."""

import re
from pathlib import Path

import typer

from resift.server.cli.app import LazyCommands, app
from resift.server.cli.collections.adopt import ANOTHER_MODEL, ANOTHER_TEXT
from resift.store.qdrant.adopted.keywords import BATCH, KEYWORDS, OLDEST
from resift.store.qdrant.adopted.model_check import COMPARED
from resift.store.qdrant.adopted.survey import BELOW, NODE_TEXT, SAMPLE_SIZE

PAGE = (Path(__file__).parents[2] / "docs" / "adopt.md").read_text(encoding="utf-8")


def test_options_of_the_page_are_those_of_the_command() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, LazyCommands)
    command = group.get_command(typer.Context(group), "adopt")
    options = {name for parameter in command.params for name in parameter.opts}
    named = set(re.findall(r"`(--[a-z-]+)`", PAGE))
    assert options - {"name", "--help", "--install-completion", "--show-completion"} == named
    assert set(re.findall(r"resift adopt.* (--[a-z-]+)", PAGE)) <= options


def test_figures_and_names_of_the_page_are_those_of_the_code() -> None:
    words = " ".join(PAGE.split())
    assert f"Above a median cosine of {ANOTHER_TEXT}, Resift takes the encoder for the model" in words
    assert f"If the median is below {ANOTHER_MODEL}, it refuses" in words
    assert f"the vectors of {COMPARED} points are compared" in words
    assert f"the payload of {SAMPLE_SIZE} random points" in words
    assert f"`{KEYWORDS}` to points that have none, {BATCH} per request" in words
    assert f"needs Qdrant {OLDEST} or newer" in words
    assert all(f"`{each}`" in words for each in (*BELOW, NODE_TEXT))
