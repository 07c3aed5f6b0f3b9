"""docs/http.md: its settings load, its commands and options exist, its paths and metrics are those of the server."""

import configparser
import re
import shlex
from io import StringIO
from pathlib import Path

import pytest
import typer
import yaml
from dotenv import dotenv_values
from typer.main import get_command

from resift.server.cli.app import LazyCommands, app
from resift.server.http.health import HEALTH_PATH, METRICS_PATH, READY_PATH
from resift.server.http.metrics import Metrics
from resift.server.http.slow_clients import MOST_CONNECTIONS
from resift.settings.load import all_settings, load_settings
from resift.settings.serving import HttpSettings, OAuthSettings

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def assert_command(words: list[str]) -> None:
    """Check that a command has all options that it is given."""
    group = get_command(app)
    assert isinstance(group, LazyCommands)
    command = group.get_command(typer.Context(group), words[0])
    command.make_context(words[0], words[1:])


@pytest.mark.parametrize("block", blocks("env"))
def test_settings_of_the_page_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: str) -> None:
    for name, value in dotenv_values(stream=StringIO(block)).items():
        monkeypatch.setenv(name, value or "")
    settings = load_settings(data_dir=tmp_path)
    assert settings.http.tokens or settings.oauth.issuer


def test_settings_that_the_page_names_exist() -> None:
    known = {name for name, _, _ in all_settings()}
    named = set(re.findall(r"\b(?:RESIFT|QDRANT)_[A-Z_]+[A-Z]\b", PAGE)) - {"RESIFT_HTTP"}
    assert len(named) > 12
    assert named - known == set()


def test_commands_of_the_page_have_their_options() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    [unit] = blocks("ini")
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
    parsed.read_string(unit)
    lines.append(parsed["Service"]["ExecStart"])
    for line in lines:
        words = shlex.split(line)
        start = next(place for place, word in enumerate(words) if re.search(r"(^|/)resift(:[\d.]+)?$", word))
        assert_command(words[start + 1 :])
    assert len(lines) == 6


def test_ports_and_figures_of_the_page_are_those_of_the_code() -> None:
    assert set(re.findall(r"127\.0\.0\.1:(\d+)", PAGE)) == {str(HttpSettings().port)}
    assert f"At most {MOST_CONNECTIONS} connections" in PAGE
    assert f"`{OAuthSettings().read_scope}`, and `{OAuthSettings().write_scope}`" in PAGE
    for path in (HEALTH_PATH, READY_PATH, METRICS_PATH):
        assert f"| `{path}` |" in PAGE


def test_data_folder_of_the_unit_is_for_its_user_alone() -> None:
    [unit] = blocks("ini")
    assert {"StateDirectoryMode=0700", "UMask=0077", "Wants=network-online.target"} <= set(unit.splitlines())


def test_metrics_of_the_page_are_those_of_the_server() -> None:
    named = set(re.findall(r"`(resift_\w+)`", PAGE))
    served = re.findall(r"^# TYPE (\w+)", Metrics().text().decode(), re.MULTILINE)
    assert len(named) >= 6
    assert named <= set(served)
    [scraped] = blocks("yaml")
    assert yaml.safe_load(scraped)["scrape_configs"][0]["authorization"]
