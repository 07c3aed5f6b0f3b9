"""Files for the commands that run inside the engine."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "docs" / "pump.md").write_text("---\nkind: device\n---\n# Pump [1]\n\nThe pump hums: größer als …\n")
    (tmp_path / "docs" / "lamp.md").write_text("# Lamp\n\nThe lamp flickers when its contact is loose.\n")
    (tmp_path / "docs" / "damaged.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    return tmp_path
