"""Data directories to attack, and what has to be found in them afterwards."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from resift.tests.hostile.server_process import Fault, ServerProcess

VICTIM = "victim"
OTHER = "other"
DOCUMENTS = 12

SUBJECTS = ("pump", "lamp", "radar", "brake", "gearbox", "antenna", "kettle", "turbine", "ladder", "compass", "sail")


def text_of(number: int, *, edition: int = 0) -> str:
    """Return the text of a document of two or three passages."""
    subject = SUBJECTS[number % len(SUBJECTS)]
    lines = (
        f"The {subject} of unit {number} shows sign {line} of wear in edition {edition}; check bolt {line} of it, "
        f"grease its seat {number + line} and note the torque in newton metres before you close the housing again."
        for line in range(12)
    )
    return f"# {subject.title()} {number}\n\n" + "\n\n".join(lines) + "\n"


def document_id(number: int) -> str:
    return f"doc-{number:04}"


def ingest(server: ServerProcess, collection: str, numbers: Iterable[int], *, edition: int = 0) -> None:
    """Ingest documents by number in one call, which has to succeed."""
    documents = [
        {
            "id": document_id(number),
            "text": text_of(number, edition=edition),
            "metadata": {"kind": SUBJECTS[number % len(SUBJECTS)], "number": number, "draft": number % 2 == 0},
        }
        for number in numbers
    ]
    taken = server.call("ingest_documents", {"documents": documents, "collection": collection}).value
    if taken["failed"] or taken["added"] + taken["updated"] + taken["unchanged"] != len(documents):
        raise Fault(f"not everything came in: {taken}")


def delete(server: ServerProcess, collection: str, **arguments: Any) -> None:
    """Delete documents, or the collection, in a call which has to succeed."""
    reply = server.call("delete_documents", {"collection": collection, **arguments})
    if reply.is_error:
        raise Fault(f"{arguments} cannot be deleted from {collection}: {reply.text}")


def assert_whole(server: ServerProcess, collection: str, numbers: Iterable[int], *, edition: int = 0) -> None:
    """Check that the collection holds all of these documents with all their text."""
    for number in numbers:
        asked = {"document_id": document_id(number), "collection": collection}
        read = server.call("read_document", asked)
        if read.is_error:
            raise Fault(f"{collection} lost {document_id(number)}: {read.text}")
        passages = read.value["passages"]
        if len(passages) != read.value["passages_in_all"]:
            raise Fault(f"{collection} lost a part of {document_id(number)}: {len(passages)} passages are left")
        text = " ".join(passage["text"] for passage in passages)
        missing = [line for line in text_of(number, edition=edition).splitlines()[2:] if line.split(";")[0] not in text]
        if missing:
            raise Fault(f"{collection} lost a part of {document_id(number)}: {missing[0]!r}")


def assert_found(server: ServerProcess, collection: str, number: int) -> None:
    """Check that a search by words finds a document."""
    asked = {"query": f"unit {number}", "mode": "keyword", "collection": collection, "limit": 50}
    found = server.call("hybrid_search", asked).value["hits"]
    if document_id(number) not in {hit["document_id"] for hit in found}:
        raise Fault(f"{collection}: a search does not find {document_id(number)}")


def make(folder: Path, names: Iterable[str]) -> Path:
    """Make collections with the same documents in a folder, and return it."""
    with ServerProcess(folder) as server:
        for name in names:
            ingest(server, name, range(DOCUMENTS))
        server.finish()
    return folder


def copy(source: Path, target: Path) -> Path:
    """Copy a folder; files keep their holes, because most of a collection's files are empty space."""
    return Path(shutil.copytree(source, target, copy_function=_copy_file, symlinks=True, dirs_exist_ok=True))


def _copy_file(source: str, target: str) -> str:
    if not hasattr(os, "SEEK_DATA"):
        return str(shutil.copy2(source, target))
    with Path(source).open("rb", buffering=0) as read, Path(target).open("wb", buffering=0) as written:
        size = os.fstat(read.fileno()).st_size
        written.truncate(size)
        for start, end in _parts_with_data(read.fileno(), size):
            os.pwrite(written.fileno(), os.pread(read.fileno(), end - start, start), start)
    shutil.copystat(source, target)
    return target


def _parts_with_data(file: int, size: int) -> Iterator[tuple[int, int]]:
    end = 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError:  # nothing but a hole is left
            return
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end


def erase(path: Path) -> None:
    """Delete a folder if there is one."""
    if path.exists():
        shutil.rmtree(path)
