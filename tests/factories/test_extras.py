"""Settings that need an extra which is not installed are refused at the start, with the install line."""

import sys
from typing import Any

import pytest

from resift.core.errors import MissingExtra
from resift.factories.engine import build_engine
from resift.settings.load import load_settings

ENDPOINT = {"OPENAI_BASE_URL": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("module", "settings", "message"),
    [
        ("openai", {"llm": {"model": "small"}, **ENDPOINT}, r"RESIFT_LLM__MODEL = 'small' .*\[openai\]'"),
        (
            "openai",
            {"encoder": {"kind": "openai", "model": "small"}, **ENDPOINT},
            r"RESIFT_ENCODER__KIND = 'openai' .*\[openai\]'",
        ),
        (
            "fastembed",
            {"encoder": {"kind": "fastembed", "model": "BAAI/bge-small-en-v1.5"}},
            r"RESIFT_ENCODER__KIND = 'fastembed' .*\[fastembed\]'",
        ),
        (
            "sentence_transformers",
            {"encoder": {"kind": "torch", "model": "BAAI/bge-small-en-v1.5"}},
            r"RESIFT_ENCODER__KIND = 'torch' .*\[torch\]'",
        ),
        ("fastembed", {"vectors": {"words": "x"}}, r"RESIFT_VECTORS__WORDS = 'x' .*\[fastembed\]'"),
        (
            "fastembed",
            {"rerankers": {"colbert": {"kind": "late-interaction", "model": "x"}}},
            r"'x' of RESIFT_RERANKERS .*\[fastembed\]'",
        ),
    ],
)
def test_missing_extra_is_named_with_its_setting_and_install_line(
    monkeypatch: pytest.MonkeyPatch, module: str, settings: dict[str, Any], message: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=message):
        build_engine(load_settings(**settings))


def test_default_settings_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("openai", "fastembed", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, module, None)
    assert build_engine(load_settings()).language_model is None
