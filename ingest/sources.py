"""Where documents come from: files below the allowed roots, or text that the caller passes."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.errors import ResiftError
from ..core.values import Document
from .decoding import normalise
from .job import Failure
from .reader import read_document
from .roots import Roots
from .walk import find_files


@dataclass(frozen=True, slots=True)
class Files:
    """Files to ingest. Iterating reads them one by one and yields a document or a failure for each."""

    paths: tuple[Path, ...]
    failures: tuple[Failure, ...]
    """Paths that cannot be read at all."""
    folders: tuple[Path, ...]
    """Those of the caller's paths that are folders."""
    metadata: Mapping[str, Any]
    """Fields that every document gets; they replace fields of the same names in the file."""
    max_bytes: int

    def __len__(self) -> int:
        return len(self.paths) + len(self.failures)

    def __iter__(self) -> Iterator[Document | Failure]:
        yield from self.failures
        for path in self.paths:
            try:
                document = read_document(path, max_bytes=self.max_bytes)
                yield replace(document, metadata={**document.metadata, **self.metadata})
            except ResiftError as error:
                yield Failure(path.as_posix(), str(error))


def files_below(
    paths: Sequence[str | Path], *, glob: str, roots: Roots, metadata: Mapping[str, Any], max_bytes: int
) -> Files:
    """Return the readable files at or below the paths; a path that cannot be used becomes a failure."""
    found = find_files(paths, glob=glob, roots=roots)
    folders = tuple(folder for path in paths if (folder := _folder(path, roots)) is not None)
    return Files(paths=found.files, failures=found.failures, folders=folders, metadata=metadata, max_bytes=max_bytes)


def _folder(path: str | Path, roots: Roots) -> Path | None:
    try:
        target = roots.admit(path)
    except ResiftError:  # find_files has reported it
        return None
    return target if target.is_dir() else None


def text_document(
    text: str, *, title: str = "", source: str = "", id_: str = "", metadata: Mapping[str, Any]
) -> Document:
    """Return a document of text that the caller passes. Without `id_`, its id is its source or a hash."""
    text, title = normalise(text), normalise(title)
    content = hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()
    derived = source or f"text-{content[:12]}"
    return Document(id=id_ or derived, title=title, text=text, source=source, metadata=metadata)
