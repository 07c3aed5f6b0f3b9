from pathlib import Path

import pytest

from resift.tests.ingest.harness import Harness
from resift.tests.ingest.sync.folder import Folder


@pytest.fixture
def folder(tmp_path: Path, harness: Harness) -> Folder:
    return Folder(tmp_path, harness)
