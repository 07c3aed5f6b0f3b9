"""What is known of the settings without loading them agrees with the settings."""

from pathlib import Path

import pytest

from resift.settings.load import load_settings
from resift.settings.location import checksums, data_dir, differing


@pytest.mark.parametrize("name", ["RESIFT_DATA_DIR", "resift_data_dir"])
@pytest.mark.parametrize("value", ["", "~/docs", "relative/folder", "/absolute"])
def test_data_folder_is_that_of_the_settings(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert data_dir() == load_settings().data_dir


def test_data_folder_may_be_named_in_the_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "own.env"
    file.write_text(f"resift_data_dir='{tmp_path}/in file' # here\n", encoding="utf-8")
    monkeypatch.setenv("RESIFT_ENV_FILE", str(file))
    assert data_dir() == load_settings().data_dir == tmp_path / "in file"
    monkeypatch.setenv("RESIFT_DATA_DIR", str(tmp_path / "in environment"))
    assert data_dir() == load_settings().data_dir == tmp_path / "in environment"


def test_settings_that_differ_are_named_wherever_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QDRANT_URL", "http://localhost:6333")
    before = checksums()
    file = tmp_path / "own.env"
    file.write_text("QDRANT_URL=http://localhost:6333\nRESIFT_THREADS=1\n", encoding="utf-8")
    monkeypatch.setenv("RESIFT_ENV_FILE", str(file))
    monkeypatch.delenv("QDRANT_URL")
    assert differing(before, checksums()) == ["RESIFT_THREADS"]
    assert differing(before, before) == []
    monkeypatch.setenv("RESIFT_OAUTH__ISSUER", "https://login.example.com")
    monkeypatch.setenv("RESIFT_HTTP__PORT", "8000")
    assert differing(before, checksums()) == ["RESIFT_THREADS"], "the others are for the HTTP server alone"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "OPENAI_API_KEY" in differing(before, checksums())
    assert "sk-secret" not in str(checksums())
