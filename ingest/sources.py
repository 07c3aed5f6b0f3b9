"""Where documents come from: files below the allowed roots, or text that the caller passes."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from anyio import from_thread, to_thread

from ..core.errors import PathRefused, ResiftError, UnreadableFile
from ..core.text import cut
from ..core.values import Document
from .files.kinds import BLANK
from .files.named import local_path
from .files.roots import Roots
from .files.walk import Found, FoundFile, find_files
from .parsing import Parse, parse_file
from .reader import FileContent, FileDocument, Unparsed, read_file
from .report import Failure, Progress, Skipped
from .text.decoding import normalise
from .text.junk import junk_reason

logger = logging.getLogger(__name__)

FILES_BETWEEN_REPORTS = 100

HASHED = "text-"  # begins the id of a text that was given without an id and a source


@dataclass(frozen=True, slots=True)
class FileReading:
    """What was read of a file: a document for each that it holds, or why there is none."""

    file: FoundFile
    """The file as it was when it was opened."""
    outcomes: Sequence[Document | Failure | Skipped]
    content: str = ""
    """The SHA-256 of its bytes; empty if it could not be read."""
    is_known: bool = False
    """Whether it was not parsed, because its content was known."""
    modified: str = ""
    """The time of its last change as it is stored in metadata; empty if it could not be read."""
    kept: Sequence[str] = ()
    """The ids of what could not be read or was skipped. What is stored of it, and of what lies inside it, stays."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files to ingest, which are read one by one."""

    found: Found
    folders: tuple[Path, ...]
    """Those of the caller's paths that are folders."""
    metadata: Mapping[str, Any]
    """Fields that every document gets; they replace fields of the same names in the file."""
    roots: Roots
    max_bytes: int
    parse: Parse = parse_file

    def __len__(self) -> int:
        return len(self.found.files) + len(self.found.failures)

    def read(self, file: FoundFile, *, known: str = "") -> FileReading:
        """Return the documents of a file. If the SHA-256 of its content is `known`, it is not parsed."""
        path = file.path
        try:
            content = read_file(path, roots=self.roots, max_bytes=self.max_bytes, parse=self.parse, known=known)
        except (PathRefused, UnreadableFile) as error:
            return FileReading(file, [Failure.of(path.as_posix(), error)])
        outcomes, kept = self._outcomes(content, path)
        for item in outcomes:
            if isinstance(item, Skipped):
                logger.debug("Skipped (%s): %s", item.kind, item.source)
        return FileReading(
            FoundFile(path, size=content.size, modified_ns=content.modified_ns, depth=file.depth),
            outcomes,
            content=content.digest,
            is_known=content.digest == known,
            modified=content.modified,
            kept=kept,
        )

    def _outcomes(self, content: FileContent, path: Path) -> tuple[list[Document | Failure | Skipped], list[str]]:
        """Return what becomes of each document of a file, and the ids of those that stay in the collection."""
        is_named, source = path in self.found.named, path.as_posix()
        if content.junk and content.documents and not is_named:
            return [Skipped(source, content.junk)], [source]
        outcomes = [self._outcome(found, is_named=is_named) for found in content.documents]
        kept = [
            found.kept if isinstance(found, Unparsed) else found.id
            for found, item in zip(content.documents, outcomes, strict=True)
            if not isinstance(item, Document)
        ]
        return outcomes, kept

    def _outcome(self, found: FileDocument | Unparsed, *, is_named: bool) -> Document | Failure | Skipped:
        if isinstance(found, Unparsed):
            is_skipped = found.is_blank and not is_named
            return Skipped(found.source, BLANK) if is_skipped else Failure.of(found.source, found.problem)
        if not is_named and (kind := junk_reason(PurePath(found.source).name, found.text)):
            return Skipped(found.source, kind)
        return replace(found, metadata={**found.metadata, **self.metadata})


def files_below(
    paths: Sequence[str | Path],
    *,
    glob: str,
    roots: Roots,
    metadata: Mapping[str, Any],
    max_bytes: int,
    gitignore: bool = True,
    parse: Parse = parse_file,
    on_file: Callable[[int], None] = lambda _: None,
) -> Files:
    """Return the readable files at or below the paths; a path that cannot be used becomes a failure.

    Raises:
        InvalidInput: The glob is too long, or has too many alternatives.
    """
    return Files(
        found=find_files(paths, glob=glob, roots=roots, gitignore=gitignore, on_file=on_file),
        folders=tuple(folder for path in paths if (folder := _folder(path, roots)) is not None),
        metadata=metadata,
        roots=roots,
        max_bytes=max_bytes,
        parse=parse,
    )


async def search_paths(paths: Sequence[str | Path], *, progress: Progress | None, **options: Any) -> Files:
    """Return what `files_below` returns, and report how many files have been found so far."""

    async def say(message: str) -> None:
        if progress is not None and paths:
            await progress(0, 0, message)

    def on_file(count: int) -> None:
        if count % FILES_BETWEEN_REPORTS == 0:
            from_thread.run(say, f"Looking for files: {count:,} so far")

    await say("Looking for files")
    return await to_thread.run_sync(partial(files_below, paths, **options, on_file=on_file))


def _folder(path: str | Path, roots: Roots) -> Path | None:
    try:
        target = roots.admit(local_path(path))
    except ResiftError:  # find_files has reported it
        return None
    return target if target.is_dir() else None


def text_document(
    text: str, *, title: str = "", source: str = "", id_: str = "", metadata: Mapping[str, Any], position: int = 0
) -> Document:
    """Return a document of text that the caller passes. Without `id_`, its id is its source or a hash.

    `position` is that in the list of the caller's documents, from 0.
    """
    text, title = normalise(text), normalise(title)
    content = hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()
    derived = source or f"{HASHED}{content[:12]}"
    place = "" if id_ or source else f"documents.{position}" + (f' ("{cut(title)}")' if title else "")
    return Document(id=id_ or derived, title=title, text=text, source=source, metadata=metadata, place=place)
