"""A real server survives 1,000 malformed requests: no crash, no defect, and no traceback in an answer or its log."""

import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from resift.server.http.plain.cohere import RERANKINGS
from resift.server.http.plain.feedback_path import FEEDBACK
from resift.server.http.plain.job_paths import DOCUMENTS
from resift.server.http.plain.openai import EMBEDDINGS
from resift.server.http.plain.search import DELETIONS, READINGS, SEARCHES
from resift.server.http.plain.tei import RERANKINGS as TEI_RERANKINGS
from resift.tests.server.http.plain.broken_requests import RequestMutator
from resift.tests.server.processes import COMMAND, environment

pytestmark = pytest.mark.slow

REQUESTS, AT_ONCE, SEED = 1_000, 8, 20261129
HANG_S = 200.0  # a request that ends too early is waited for, longer if much of it came: 10,000 bytes a second
VALID: list[tuple[str, Mapping[str, Any]]] = [
    (path, body)
    for path, examples in {
        "/v1/search": SEARCHES,
        "/v1/documents": DOCUMENTS,
        "/v1/documents/read": READINGS,
        "/v1/documents/delete": DELETIONS,
        "/v1/feedback": FEEDBACK,
        "/v1/rerank": RERANKINGS,
        "/v2/rerank": RERANKINGS,
        "/rerank": TEI_RERANKINGS,
        "/v1/embeddings": EMBEDDINGS,
    }.items()
    for body in examples.values()
]
LIMITS = {"RESIFT_HTTP__REQUESTS_PER_MINUTE": "0", "RESIFT_HTTP__CLIENT_TIMEOUT_S": "0.3"}


@contextmanager
def running_server(folder: Path) -> Generator[tuple[subprocess.Popen[bytes], int, Path]]:
    """Yield a process that serves HTTP, its port, and the file with what it wrote to stderr."""
    log = folder / "server.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--http", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            env={**environment(folder), **LIMITS},
            cwd=folder,
        )
    try:
        yield process, _port_in(log, process), log
    finally:
        process.terminate()
        process.wait(HANG_S)


def _port_in(log: Path, process: subprocess.Popen[bytes]) -> int:
    """Return the port that the server announces."""
    while process.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/mcp", log.read_text(encoding="utf-8")):
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))


def answer_to(port: int, request: bytes) -> bytes:
    """Send bytes and return all that comes back until the server closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=HANG_S) as connection:
        try:
            connection.sendall(request)
            while part := connection.recv(65536):
                received += part
        except (ConnectionResetError, BrokenPipeError):  # it need not read what it refuses to its end
            pass
    return received


def statuses_in(answer: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"^HTTP/1\.1 (\d{3})", answer, re.MULTILINE)]


def test_malformed_requests_neither_stop_the_server_nor_show_its_inside(ingested: Path, tmp_path: Path) -> None:
    shutil.copytree(ingested, tmp_path, dirs_exist_ok=True)
    mutator = RequestMutator(VALID, seed=SEED)
    requests = [mutator.request() for _ in range(REQUESTS)]
    with running_server(tmp_path) as (process, port, log), ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(partial(answer_to, port), requests))
        assert process.poll() is None
        question = {"query": "brake pads", "limit": 1}
        after = httpx.post(f"http://127.0.0.1:{port}/v1/search", json=question, timeout=HANG_S)
        assert after.json()["hits"][0]["document_id"] == "brakes"
    assert process.returncode == 0
    seen = Counter[int]()
    for number, (request, answer) in enumerate(zip(requests, answers, strict=True)):
        statuses = statuses_in(answer)
        seen.update(statuses or [0])
        context = f"request {number}: {request[:2000]!r} was answered {answer[:2000]!r}"
        assert all(status < 500 or status == 503 for status in statuses), context
        assert b"Traceback" not in answer, context
        assert b"site-packages" not in answer, context
    written = log.read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in written
    assert "Error" not in written
    # They reach the parser of HTTP, the checks before the application, and the application.
    assert {200, 400, 404, 405, 408, 415, 421, 422} <= set(seen), seen
    assert seen[422] > REQUESTS / 10, seen
