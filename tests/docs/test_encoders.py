"""docs/encoders.md: its settings can be used, every kind is described, and its figures are those of the code."""

import re
import shlex
from pathlib import Path

import pytest

from resift.factories.encoders import BUILDERS
from resift.factories.engine import build_engine
from resift.models.endpoint.client import FAILURES_TO_OPEN, OPEN_S, Endpoint
from resift.models.endpoint.embeddings import MAX_CONCURRENT
from resift.settings.load import load_settings
from resift.settings.sections import EncoderSettings

PAGE = (Path(__file__).parents[2] / "docs" / "encoders.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    "block", [pytest.param(block, marks=pytest.mark.torch if "KIND=torch" in block else ()) for block in BLOCKS]
)
def test_settings_of_the_page_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: str) -> None:
    for name, value in (part.split("=", 1) for part in shlex.split(block) if part != "export"):
        monkeypatch.setenv(name, value)
    settings = load_settings(data_dir=tmp_path)
    engine = build_engine(settings)
    assert Path(settings.encoder.model).name.lower() in engine.encoder.fingerprint.lower()
    assert ("query='query: ' passage='passage: '" in engine.encoder.fingerprint) == ("PREFIX" in block)


def test_every_kind_is_on_the_page() -> None:
    kinds = {kind for block in BLOCKS for kind in re.findall(r"RESIFT_ENCODER__KIND=(\w+)", block)}
    assert kinds | {"bundled"} == BUILDERS.keys()


def test_figures_of_the_page_are_those_of_the_code() -> None:
    words = {2: "twice", 3: "three", 4: "four", 60: "a minute"}
    assert f"in batches of {EncoderSettings().batch}, {words[MAX_CONCURRENT]} at once" in PAGE
    assert f"is sent {words[Endpoint('m').retries]} more, and after {words[FAILURES_TO_OPEN]} calls in a row" in PAGE
    assert f"left alone for {words[int(OPEN_S)]}" in " ".join(PAGE.split())
