"""Schemathesis tests the server against its OpenAPI description. `make test-all` installs it (extra `clients`)."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resift.tests.server.http.application import READER, WRITER, bearer, rows
from resift.tests.server.http.plain.served import served
from resift.tests.server.http.plain.test_openapi import PATHS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("schemathesis") is None,
        reason="the extra `clients` is not installed; `make test-all` does",
    ),
]

EXAMPLES, SEED = 10, 20261129
LEFT_OUT = {
    "positive_data_acceptance": "a schema cannot say that a query must not be blank or an id must exist",
    "negative_data_rejection": '"3" is taken for 3, and a single string for a list of one, as everywhere in Resift',
}
"""Checks that do not apply, and why."""


def test_server_answers_generated_requests_as_its_description_says(ingested: Path, tmp_path: Path) -> None:
    root_folder = shutil.copytree(ingested, tmp_path / "served")
    own = tmp_path / "schemathesis"
    own.mkdir()
    http = {"tokens": rows(READER, WRITER), "requests_per_minute": 0}
    with served(root_folder, http=http) as root:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{root}/openapi.json"),
                *("--header", f"Authorization: {bearer(WRITER)['Authorization']}"),
                *("--checks", "all", "--exclude-checks", ",".join(LEFT_OUT)),
                *("--phases", "examples,coverage,fuzzing", "--continue-on-failure"),
                *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--no-color"),
            ],
            cwd=own,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    operations = len(PATHS) + 1  # a job can be read and cancelled
    assert f"Tested: {operations}" in done.stdout, done.stdout
