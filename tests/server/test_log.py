"""What the server logs at the default level: what happened, and nothing of what documents and questions say."""

from pathlib import Path

import pytest

from resift.tests.server.processes import RawServer

TEXT, QUESTION, TITLE = "xylophone-in-the-document", "saxophone-in-the-question", "trombone-in-the-title"


@pytest.mark.slow
@pytest.mark.parametrize("level", ["INFO", "WARNING"])
def test_log_holds_no_text_of_documents_or_questions(tmp_path: Path, level: str) -> None:
    server = RawServer(tmp_path, {"RESIFT_LOG_LEVEL": level})
    document = {"text": f"A text with {TEXT}.", "title": TITLE}
    assert server.structured("ingest_documents", {"documents": [document]})["added"] == 1
    found = server.structured("search_and_rerank", {"query": QUESTION})
    assert TEXT in found["hits"][0]["text"]
    server.call("search_and_rerank", {"query": QUESTION, "collection": "*", "filter": {"title": TITLE}})
    server.call("search_and_rerank", {"query": QUESTION, "filter": {QUESTION: 1}})
    server.call("rerank", {"query": QUESTION, "passages": [{"text": TEXT}, {"title": TITLE}]})
    server.call("read_document", {"document_id": TITLE})
    assert server.end() == 0
    logs = [tmp_path / ".stderr", *(tmp_path / "data").rglob("*.log*")]
    for log in logs:
        written = log.read_text(encoding="utf-8", errors="replace")
        for secret in (TEXT, QUESTION, TITLE):
            assert secret not in written, f"{log.name}: {written[-2000:]}"
