"""What is known of the settings without loading them agrees with the settings."""

import os
from pathlib import Path

import pytest

from resift.settings.load import load_settings
from resift.settings.location import checksums, data_dir, differing, drop_own_settings, own_settings
from resift.settings.per_client import ClientSettings


def test_own_settings_are_those_of_the_environment_or_else_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.env"
    file.write_text("RESIFT_INGEST_ROOTS=/in/file\nRESIFT_THREADS=1\nresift_read_only=yes\n", encoding="utf-8")
    monkeypatch.setenv("RESIFT_ENV_FILE", str(file))
    monkeypatch.setenv("resift_ingest_roots", os.pathsep.join(["/here", "there"]))
    own = ClientSettings.decode(own_settings())
    assert (own.ingest_roots, own.read_only) == ((Path("/here"), Path("there")), True)
    assert own.differing(load_settings()) == frozenset()
    drop_own_settings()
    assert load_settings().ingest_roots == (Path("/in/file"),)
    assert own.differing(load_settings()) == {"ingest_roots"}


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
    monkeypatch.setenv("RESIFT_INGEST_ROOTS", str(tmp_path))
    monkeypatch.setenv("RESIFT_READ_ONLY", "true")
    assert differing(before, checksums()) == ["RESIFT_THREADS"], "each client has its own"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "OPENAI_API_KEY" in differing(before, checksums())
    assert "sk-secret" not in str(checksums())
