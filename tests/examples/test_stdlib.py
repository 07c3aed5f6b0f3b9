"""The docstrings of the standard library become documents, silently and reproducibly."""

from collections import Counter

import pytest

from resift.core.values import Document
from resift.examples.questions import STDLIB_QUESTIONS, UNANSWERED
from resift.examples.stdlib import EVERYDAY_MODULES, MIN_CHARACTERS, SKIPPED, stdlib_documents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return {document.id: document for document in stdlib_documents()}


def test_thousands_of_documents_are_made_without_output(capfd: pytest.CaptureFixture[str]) -> None:
    documents = stdlib_documents()
    assert len(documents) > 3000
    assert len({document.id for document in documents}) == len(documents)
    assert capfd.readouterr() == ("", "")


def test_order_and_content_are_the_same_each_time() -> None:
    first = stdlib_documents()
    assert first == stdlib_documents()
    assert [document.id for document in first] == sorted(document.id for document in first)


def test_documents_have_titles_sources_and_metadata(documents: dict[str, Document]) -> None:
    directory = documents["tempfile.TemporaryDirectory"]
    assert directory.title == "tempfile.TemporaryDirectory"
    assert directory.source == "python://tempfile.TemporaryDirectory"
    assert directory.metadata == {"module": "tempfile", "kind": "class"}
    kinds = Counter(document.metadata["kind"] for document in documents.values())
    assert set(kinds) == {"module", "class", "function", "method", "property"}


@pytest.mark.parametrize(
    "name",
    ["atexit.register", "asyncio.gather", "os.path.join", "os.getcwd", "io.IOBase.readline", "urllib.parse.urlsplit"],
)
def test_objects_have_their_documented_names(name: str, documents: dict[str, Document]) -> None:
    assert name in documents


@pytest.mark.parametrize(
    "name", ["asyncio.tasks.gather", "posixpath.join", "posix.getcwd", "logging.Formatter.converter"]
)
def test_reexports_and_aliases_are_left_out(name: str, documents: dict[str, Document]) -> None:
    assert name not in documents


def test_private_skipped_and_undocumented_objects_are_left_out(documents: dict[str, Document]) -> None:
    for name, document in documents.items():
        assert len(document.text) >= MIN_CHARACTERS
        assert not any(part.startswith("_") for part in name.split("."))
        assert SKIPPED.isdisjoint(document.metadata["module"].split("."))
        assert not document.text.startswith("Alias for field number")


def test_everyday_modules_are_a_part_of_the_whole_that_answers_every_question(documents: dict[str, Document]) -> None:
    everyday = {document.id: document for document in stdlib_documents(EVERYDAY_MODULES)}
    assert 2000 < len(everyday) < len(documents)
    assert everyday.items() <= documents.items()
    assert len(STDLIB_QUESTIONS) == 40
    for question in STDLIB_QUESTIONS:
        assert question.answers
        assert any(answer in everyday for answer in question.answers), question.text
    assert [question.answers for question in UNANSWERED] == [()] * 6
