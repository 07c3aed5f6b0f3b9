"""Finding the files to ingest below the paths of a caller, without leaving the allowed roots."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ...core.errors import NotFound, PathRefused, ResiftError
from ..job import Failure, Skipped, examples_of
from ..parsers.registry import installed_parsers
from ..text.decoding import SAMPLE_BYTES, looks_like_text
from ..text.junk import junk_by_name
from . import skipping
from .glob import DEFAULT_GLOB, Glob
from .named import glob_below, local_path, shown
from .opening import FolderEntry, list_folder, open_file
from .roots import Roots

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read: its resolved path, and its size in bytes and time of modification when it was found."""

    path: Path
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """Files to read, sorted by path and without repeats; a failure for each path that cannot be read."""

    files: tuple[FoundFile, ...]
    failures: tuple[Failure, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    """What was skipped in folders, by kind."""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The first files and folders that were skipped, by kind."""
    named: frozenset[Path] = frozenset()
    """Files that the caller named, rather than their folder."""


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    parts: tuple[str, ...]
    """The path below the folder that the caller named."""


_Outcome: TypeAlias = FoundFile | Failure | Skipped


def find_files(
    paths: Iterable[str | Path],
    *,
    glob: str = DEFAULT_GLOB,
    roots: Roots,
    on_file: Callable[[int], None] = lambda _: None,
) -> Found:
    """Return the files among `paths`, and the readable files below its folders that match `glob`.

    Below a folder, hidden, generated, empty and non-text files are skipped and counted; a file in `paths` is tried
    whatever its name. `glob` is relative to the folder. `on_file` is called with the number of files found so far.

    Raises:
        InvalidInput: The glob is too long, or has too many alternatives.
    """
    search, files, named = _Search(roots, Glob.of(glob)), dict[Path, FoundFile](), set[Path]()
    failures, skipped = list[Failure](), dict[str, Skipped]()
    for path in paths:
        for item, is_named in search.find(path):
            if isinstance(item, Failure):
                failures.append(item)
            elif isinstance(item, Skipped):
                logger.debug("Skipped (%s): %s", item.kind, item.source)
                skipped[item.source] = item
            else:
                files[item.path] = item
                if is_named:
                    named.add(item.path)
                on_file(len(files))
    return Found(
        tuple(files[path] for path in sorted(files)),
        tuple(failures),
        skipped=Counter(item.kind for item in skipped.values()),
        examples=examples_of(skipped.values()),
        named=frozenset(named),
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """Where files may be looked for, and the glob that they must match."""

    roots: Roots
    glob: Glob

    def find(self, path: str | Path) -> Iterator[tuple[_Outcome, bool]]:
        """Yield the file, or the files of the folder or the glob, that the caller named; and whether it was a file."""
        try:
            name = local_path(path)
            target = self._admitted(name)
            if target is None:
                yield from ((item, False) for item in self._find_matching(name))
            elif target.is_dir():
                yield from ((item, False) for item in self._find_below(target, self.glob.matches))
            else:
                yield self._named_file(target, name), True
        except ResiftError as error:
            yield Failure.of(shown(path), error), True
        except OSError as error:
            yield _unreadable(Path(shown(path)), error), True

    def _admitted(self, name: Path) -> Path | None:
        """Return the resolved path, or None when there is nothing but perhaps files that match it."""
        try:
            return self.roots.admit(name)
        except NotFound:
            return None

    def _named_file(self, target: Path, name: Path) -> FoundFile | Failure:
        if skipping.holds_secrets(target, name):
            return Failure(
                target.as_posix(),
                "Its name suggests that it holds passwords or keys, which searches would show, so it was not ingested. "
                "If it holds none, copy it under another name.",
            )
        return _found(target) if self._is_readable(target) else _unknown_format(target)

    def _find_matching(self, path: Path) -> Iterator[_Outcome]:
        """Yield the files that match a glob among the paths, and those below the folders that match it."""
        folders, pattern = glob_below(path, self.roots)
        wanted, is_found = Glob.of(pattern), False

        def matches(parts: tuple[str, ...]) -> bool:
            return wanted.matches(parts) or any(
                wanted.matches(parts[:end]) and self.glob.matches(parts[end:]) for end in range(1, len(parts))
            )

        for folder in folders:
            for item in self._find_below(folder, matches):
                is_found = is_found or isinstance(item, FoundFile)
                yield item
        if not is_found:
            below = " and ".join(map(str, folders))
            yield Failure(str(path), f"No file that can be read matches {pattern!r} below {below}. Check the pattern.")

    def _find_below(self, top: Path, matches: Callable[[tuple[str, ...]], bool]) -> Iterator[_Outcome]:
        """Yield the files below a folder. Each folder is searched once, so that loops of symbolic links end."""
        seen, waiting = set[Path](), [_Folder(top, ())]
        while waiting:
            folder = waiting.pop()
            if folder.path in seen:
                continue
            seen.add(folder.path)
            try:
                entries = list_folder(folder.path, self.roots)
            except (ResiftError, OSError) as error:
                yield _failed(folder.path, error)
                continue
            for entry in entries:
                path, parts = folder.path / entry.name, (*folder.parts, entry.name)
                try:
                    found = self._look(path, entry, is_match=entry.kind == "folder" or matches(parts))
                except (ResiftError, OSError) as error:
                    found = _failed(path, error)
                if isinstance(found, _Folder):
                    waiting.append(_Folder(found.path, parts))
                else:
                    yield found

    def _look(self, path: Path, entry: FolderEntry, *, is_match: bool) -> _Outcome | _Folder:
        """Return a folder to search, a file to read, or why an entry of a folder is neither."""
        is_folder, file = entry.kind == "folder", FoundFile(path, size=entry.size, modified_ns=entry.modified_ns)
        if entry.kind == "link" and not entry.name.startswith("."):
            followed = self._followed(path, is_match=is_match)
            if isinstance(followed, Skipped):
                return followed
            file, is_folder = _found(followed), followed.is_dir()
        if file.path in self.roots.own:
            return Skipped(path.as_posix(), skipping.OWN)
        kind = _folder_kind(entry.name) if is_folder else self._file_kind(entry, file, is_match=is_match)
        if kind:
            return Skipped(path.as_posix(), kind)
        return _Folder(file.path, ()) if is_folder else file

    def _followed(self, path: Path, *, is_match: bool) -> Path | Skipped:
        """Return where a link in a folder leads, or why it is skipped. One that leads to a folder matches any glob."""
        if not is_match and not os.path.isdir(path):  # noqa: PTH112 - that of Path can raise
            return Skipped(path.as_posix(), skipping.OTHER_NAMES)
        try:
            return self.roots.admit(path)
        except NotFound:
            return Skipped(path.as_posix(), skipping.DANGLING)
        except PathRefused:
            if self.roots.is_own(path.resolve()):
                return Skipped(path.as_posix(), skipping.OWN)
            leads_anywhere = os.path.exists(path)  # noqa: PTH110 - that of Path can raise
            return Skipped(path.as_posix(), skipping.OUTSIDE if leads_anywhere else skipping.DANGLING)

    def _file_kind(self, entry: FolderEntry, file: FoundFile, *, is_match: bool) -> str:
        """Return the kind as which a file in a folder is skipped, or "" if it is not."""
        target = file.path
        reasons = (
            (skipping.OTHER_NAMES, lambda: not is_match),
            (skipping.HIDDEN, lambda: entry.name.startswith(".")),
            (skipping.SPECIAL, lambda: entry.kind == "special" or (entry.kind == "link" and not target.is_file())),
            (skipping.SECRETS, lambda: skipping.holds_secrets(target, target.with_name(entry.name))),
            (skipping.EMPTY, lambda: not file.size),
            (junk_by_name(entry.name), lambda: bool(junk_by_name(entry.name))),
            (skipping.kind_of(target.name), lambda: not self._is_readable(target)),
        )
        return next((kind for kind, holds in reasons if holds()), "")

    def _is_readable(self, path: Path) -> bool:
        """Return whether a parser knows the suffix of a file, or the file looks like text."""
        if installed_parsers().for_file(path.name) is not None:
            return True
        if skipping.kind_of(path.name) != skipping.BINARY:
            return False
        with open_file(path, self.roots) as file:
            return looks_like_text(file.read(SAMPLE_BYTES))


def _found(target: Path) -> FoundFile:
    """Return the file at a resolved path as it is now."""
    status = target.stat()
    return FoundFile(target, size=status.st_size, modified_ns=status.st_mtime_ns)


def _folder_kind(name: str) -> str:
    """Return the kind as which a folder is skipped, or "" if it is not."""
    if name.startswith("."):
        return skipping.HIDDEN_FOLDERS
    return skipping.GENERATED_FOLDERS if skipping.is_generated(name) else ""


def _unknown_format(path: Path) -> Failure:
    if (kind := skipping.kind_of(path.name)) != skipping.BINARY:
        return Failure(path.as_posix(), f"Resift cannot read {kind}. Convert the file to text first.")
    formats = ", ".join(installed_parsers().by_name)
    return Failure(path.as_posix(), f"The file is not in a known format ({formats}). Convert it to one of them first.")


def _failed(path: Path, error: ResiftError | OSError) -> Failure:
    return Failure.of(path.as_posix(), error) if isinstance(error, ResiftError) else _unreadable(path, error)


def _unreadable(path: Path, error: OSError) -> Failure:
    return Failure(path.as_posix(), f"It cannot be read: {error.strerror}. Check its permissions.")


def is_missing_or_empty(path: Path) -> bool:
    """Return whether there is no text at `path` any more. A file that cannot be looked at counts as present."""
    try:
        return path.stat().st_size == 0
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
