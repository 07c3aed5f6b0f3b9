"""What decides whether a file has to be read again: the options of reading it, and how old its last change is."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cache

from ...core.values import Metadata
from ...store.protocols import FileState
from ..files.walk import FoundFile
from ..parsers.protocols import USUAL_FIELDS, Container, RecordFields
from ..parsers.registry import installed_parsers

PARSING_VERSION = 5
"""Raise it when parsers or the cutting of passages make something else of a file: all files are then cut again."""


def options_hash(
    metadata: Metadata, chunking: str, *, record_fields: RecordFields = USUAL_FIELDS
) -> Callable[[str], str]:
    """Return a function from the path of a file to the hash of what decides how it is read, besides its content."""
    given = json.dumps([PARSING_VERSION, chunking, dict(metadata)], sort_keys=True, default=str)
    fields = "" if record_fields == USUAL_FIELDS else json.dumps(asdict(record_fields))

    @cache
    def of_parser(parser: str) -> str:
        return hashlib.sha256(f"{given} {parser}".encode()).hexdigest()[:16]

    return lambda path: of_parser(_parser_of(path, fields))


def _parser_of(path: str, record_fields: str) -> str:
    """Return the class of the parser that reads a file, and for one that may hold records, how their fields are called.

    It is empty if the look of the text decides.
    """
    parser = installed_parsers().for_file(path)
    if parser is None:
        return ""
    of_records = record_fields if isinstance(parser, Container) else ""  # an archive may hold files of records
    return f"{type(parser).__module__}.{type(parser).__qualname__}{of_records}"


def is_unchanged(file: FoundFile, state: FileState, *, options: str) -> bool:
    """Return whether a file is as it was when it was read, so that it need not be opened."""
    return (file.size, file.modified_ns, options) == (state.size, state.modified_ns, state.options)


def state_of(file: FoundFile, *, content: str, options: str, documents: int) -> FileState:
    """Return the state of a file that was read."""
    return FileState(
        path=file.path.as_posix(),
        size=file.size,
        modified_ns=file.modified_ns,
        content=content,
        options=options,
        documents=documents,
        depth=file.depth,
    )
