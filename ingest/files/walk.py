"""Finding the files to ingest below the paths of a caller, without leaving the allowed roots."""

import logging
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ...core.errors import InvalidInput, NotFound, ResiftError
from ...core.text import agreeing
from ..parsers.registry import installed_parsers
from ..report import Failure, Skipped, examples_of
from . import kinds
from .gitignore import IgnoreFiles
from .glob import DEFAULT_GLOB, Glob, split_magic
from .ignoring import IGNORED
from .named import glob_below, local_path, shown
from .roots import Roots, nothing_at
from .skipping import why_unreadable
from .tree import FoundFile, Note, Outcome, TreeSearch, failed, is_readable

logger = logging.getLogger(__name__)

MAX_NOTES = 3  # on ignore files that cannot be used

MAX_SUGGESTIONS = 3  # of a path for one at which there is nothing: each reads a folder

LEFT_OUT = frozenset({*IGNORED.values(), kinds.HIDDEN, kinds.HIDDEN_FOLDERS, kinds.SECRETS})
"""The kinds of what was skipped that the caller may have wanted before: its name or a rule keeps it out now."""


@dataclass(frozen=True, slots=True)
class Missing(Failure):
    """A path at which there is nothing."""

    target: str = ""
    """The resolved path; empty for a glob."""


@dataclass(frozen=True, slots=True)
class Found:
    """Files to read, sorted by path and without repeats; a failure for each path that cannot be read."""

    files: tuple[FoundFile, ...]
    failures: tuple[Failure, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    """What was skipped in folders, by kind."""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The first files and folders that were skipped, by kind."""
    left_out: frozenset[str] = frozenset()
    """Paths of the files and folders that ignore files leave out, that are hidden, or that may hold secrets."""
    named: frozenset[Path] = frozenset()
    """Files that the caller named, rather than their folder."""
    is_nowhere: bool = False
    """Whether the caller named paths, and there is nothing at any of them."""
    notes: tuple[str, ...] = ()
    """Sentences on ignore files that could not be used, or not in full."""


def find_files(
    paths: Iterable[str | Path],
    *,
    glob: str = DEFAULT_GLOB,
    roots: Roots,
    gitignore: bool = True,
    on_file: Callable[[int], None] = lambda _: None,
) -> Found:
    """Return the files among `paths`, and the readable files below its folders that match `glob`.

    Below a folder, hidden, generated, empty and non-text files are skipped and counted, and so is what .resiftignore
    files leave out and, with `gitignore`, what git ignores; a file in `paths` is tried whatever its name. `glob` is
    relative to the folder. `on_file` is called with the number of files found so far.

    Raises:
        InvalidInput: The glob is too long, or has too many alternatives.
    """
    search, files, named = _Search(IgnoreFiles(roots, gitignore), Glob.of(glob)), dict[Path, FoundFile](), set[Path]()
    failures, skipped, notes = list[Failure](), dict[str, Skipped](), dict[str, None]()
    paths, missing = list(paths), 0
    for path in paths:
        for item, is_named in search.find(path, suggests=missing < MAX_SUGGESTIONS):
            if isinstance(item, Failure):
                failures.append(item)
                missing += isinstance(item, Missing)
            elif isinstance(item, Skipped):
                logger.debug("Skipped (%s): %s", item.kind, item.source)
                skipped[item.source] = item
            elif isinstance(item, Note):
                notes[item.text] = None
            else:
                files[item.path] = _nearest(files.get(item.path), item)
                if is_named:
                    named.add(item.path)
                on_file(len(files))
    return Found(
        tuple(sorted(files.values(), key=_by_components)),
        tuple(failures),
        skipped=Counter(item.kind for item in skipped.values()),
        examples=examples_of(skipped.values()),
        left_out=frozenset(item.source for item in skipped.values() if item.kind in LEFT_OUT),
        named=frozenset(named),
        is_nowhere=0 < len(paths) == missing,
        notes=_first(list(notes)),
    )


def _nearest(known: FoundFile | None, file: FoundFile) -> FoundFile:
    """Return the file as it was found from the innermost of the paths that the caller named."""
    return file if known is None or (file.depth or 0) <= (known.depth or 0) else known


def _by_components(file: FoundFile) -> str:
    """Return a key that sorts as the path does, and is compared faster."""
    return str(file.path).replace(os.sep, "\0")


def _first(notes: Sequence[str]) -> tuple[str, ...]:
    """Return the first notes, and how many there are beyond them."""
    more = len(notes) - MAX_NOTES
    if more <= 0:
        return tuple(notes)
    lines = f"{more:,} more {agreeing(more, 'line', 'lines')}"
    return (*notes[:MAX_NOTES], f"{lines} of ignore files {agreeing(more, 'is', 'are')} not usable.")


@dataclass(frozen=True, slots=True)
class _Search:
    """Where files may be looked for, what is ignored, and the glob that files must match."""

    ignore_files: IgnoreFiles
    glob: Glob

    @property
    def roots(self) -> Roots:
        """Return the folders that may be read."""
        return self.ignore_files.roots

    def find(self, path: str | Path, *, suggests: bool) -> Iterator[tuple[Outcome, bool]]:
        """Yield the file, or the files of the folder or the glob, that the caller named; and whether it was a file.

        If there is nothing at the path and `suggests` is true, the failure tells the nearest path.
        """
        try:
            name = local_path(path)
            target = self._admitted(name)
            if target is None:
                yield from ((item, False) for item in self._find_matching(name))
            elif target.is_dir():
                yield from ((item, False) for item in self._find_below(target, self.glob.matches))
            else:
                yield self._named_file(target, name), True
        except NotFound:
            yield self._missing(path, suggests=suggests), True
        except ResiftError as error:
            yield Failure.of(shown(path), error), True
        except OSError as error:
            yield failed(Path(shown(path)), error), True

    def _missing(self, path: str | Path, *, suggests: bool) -> Missing:
        name = local_path(path)
        base, pattern = split_magic(name.as_posix())
        sought = base if pattern else name
        near = self.roots.nearest_to(sought) if suggests else ""
        try:
            target = "" if pattern else self.roots.target(Path(sought)).as_posix()
        except InvalidInput:  # what is there has changed since it was looked for
            target = ""
        return replace(Missing.of(shown(path), nothing_at(sought, near)), target=target)

    def _admitted(self, name: Path) -> Path | None:
        """Return the resolved path, or None when there is nothing but perhaps files that match it."""
        try:
            return self.roots.admit(name)
        except NotFound:
            return None

    def _named_file(self, target: Path, name: Path) -> FoundFile | Failure:
        if kinds.holds_secrets(target, name):
            return Failure(
                target.as_posix(),
                "Its name suggests that it holds passwords or keys, which searches would show, so it was not ingested. "
                "If it holds none, copy it under another name.",
            )
        return FoundFile.at(target, depth=0) if is_readable(target, self.roots) else _unknown_format(target)

    def _find_matching(self, path: Path) -> Iterator[Outcome]:
        """Yield the files that match a glob among the paths, and those below the folders that match it."""
        places, is_found = glob_below(path, self.roots), False
        for folder, pattern in places:
            for item in self._find_below(folder, partial(self._matches, Glob.of(pattern))):
                is_found = is_found or isinstance(item, FoundFile)
                yield item
        if not is_found:
            tried = " or ".join(f"{pattern!r} below {folder}" for folder, pattern in places)
            yield Failure(str(path), f"No file that can be read matches {tried}. Check the pattern.")

    def _matches(self, wanted: Glob, parts: tuple[str, ...]) -> bool:
        """Return whether a file matches a glob among the paths, or lies below a folder that does."""
        return wanted.matches(parts) or any(
            wanted.matches(parts[:end]) and self.glob.matches(parts[end:]) for end in range(1, len(parts))
        )

    def _find_below(self, top: Path, matches: Callable[[tuple[str, ...]], bool]) -> Iterator[Outcome]:
        return TreeSearch(self.roots, matches, ignore_files=self.ignore_files).find(top)


def _unknown_format(path: Path) -> Failure:
    if (kind := kinds.kind_of(path.name)) != kinds.BINARY:
        return Failure(path.as_posix(), why_unreadable(kind))
    formats = ", ".join(installed_parsers().by_name)
    return Failure(path.as_posix(), f"The file is not in a known format ({formats}). Convert it to one of them first.")


def is_gone(path: str, *, was_read: bool = True) -> bool:
    """Return whether no text is left at a path. What cannot be looked at counts as present.

    A file that `was_read` had a path without links: a folder in its place is another thing, and a link, there or on
    the way, leads to another file. A source that a caller gave may be either.
    """
    try:
        status = os.lstat(path) if was_read else os.stat(path)  # noqa: PTH116 - a Path costs more than the call
        if not stat.S_ISREG(status.st_mode):
            return was_read
        return status.st_size == 0 or (was_read and Path(os.path.realpath(path)) != Path(path))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
