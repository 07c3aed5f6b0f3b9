"""Searching a folder: which files below it are taken, and as what the others are skipped."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ...core.errors import NotFound, PathRefused, ResiftError
from ..parsers.registry import has_parser
from ..report import Failure, Skipped
from ..text.decoding import SAMPLE_BYTES, looks_like_text
from ..text.junk import junk_by_name
from . import kinds
from .gitignore import IgnoreFiles
from .ignoring import Rules
from .opening import FolderEntry, OpenFolder, open_file, open_folder
from .roots import Roots


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read: its resolved path, and its size in bytes and time of modification when it was found."""

    path: Path
    size: int
    modified_ns: int
    depth: int | None = None
    """How many levels below the path that the caller named; 0 for a file that was named."""

    @classmethod
    def at(cls, target: Path, *, depth: int) -> "FoundFile":
        """Return the file at a resolved path as it is now."""
        status = target.stat()
        return cls(target, size=status.st_size, modified_ns=status.st_mtime_ns, depth=depth)


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence about a problem that kept no file out."""

    text: str


Outcome: TypeAlias = FoundFile | Failure | Skipped | Note


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    parts: tuple[str, ...]
    """The path below the folder that the caller named."""
    rules: Rules


@dataclass(frozen=True, slots=True)
class _Place:
    """An open folder in which entries are looked at, and what its path says about all of them."""

    folder: OpenFolder
    prefix: str
    """Its path with a slash at the end."""
    parts: tuple[str, ...]
    rules: Rules
    is_secret: bool

    @property
    def path(self) -> Path:
        """Return the path of the folder."""
        return self.folder.path

    def ignored(self, name: str, *, is_folder: bool) -> str:
        """Return the kind as which an entry is ignored, or "" if it is not."""
        return self.rules.kind(f"{self.prefix}{name}", name, is_folder=is_folder) if self.rules.checks else ""


@dataclass(frozen=True, slots=True)
class TreeSearch:
    """Where files may be looked for, which paths below the top folder match, and which ignore files count."""

    roots: Roots
    matches: Callable[[tuple[str, ...]], bool]
    ignore_files: IgnoreFiles
    own_names: frozenset[str] = field(init=False, default=frozenset())
    """The last components of the paths that are Resift's own."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "own_names", frozenset(path.name for path in self.roots.own))

    def find(self, top: Path) -> Iterator[Outcome]:
        """Yield what lies below a folder. Each folder is searched once, so that loops of symbolic links end."""
        found = self.ignore_files.above(top)
        yield from map(Note, found.problems)
        seen, waiting = set[Path](), [_Folder(top, (), found.rules)]
        while waiting:
            folder = waiting.pop()
            if folder.path in seen:
                continue
            seen.add(folder.path)
            for outcome in self._search(folder):
                if isinstance(outcome, _Folder):
                    waiting.append(outcome)
                else:
                    yield outcome

    def _search(self, folder: _Folder) -> list[Outcome | _Folder]:
        """Return what becomes of each entry of a folder."""
        try:
            with open_folder(folder.path, self.roots) as opened:
                found = self.ignore_files.inside(opened, folder.rules)
                is_secret = not kinds.SECRET_FOLDERS.isdisjoint(folder.path.parts)
                prefix = f"{folder.path.as_posix().rstrip('/')}/"
                place = _Place(opened, prefix, parts=folder.parts, rules=found.rules, is_secret=is_secret)
                return [*map(Note, found.problems), *(self._outcome(entry, place) for entry in opened.entries)]
        except (ResiftError, OSError) as error:
            return [failed(folder.path, error)]

    def _outcome(self, entry: FolderEntry, place: _Place) -> Outcome | _Folder:
        try:
            if entry.kind == "link" and not entry.name.startswith("."):
                return self._look_behind(entry, place)
            if entry.kind == "folder":
                return self._folder(entry.name, place)
            return self._file(entry, place)
        except (ResiftError, OSError) as error:
            return failed(place.path / entry.name, error)

    def _folder(self, name: str, place: _Place) -> Skipped | _Folder:
        path = place.path / name
        if kind := self._folder_kind(name, path) or place.ignored(name, is_folder=True):
            return Skipped(path.as_posix(), kind)
        return _Folder(path, (*place.parts, name), place.rules)

    def _folder_kind(self, name: str, target: Path) -> str:
        """Return the kind as which a folder is skipped because of its name, or "" if it is not."""
        if name in self.own_names and target in self.roots.own:
            return kinds.OWN
        return kinds.kind_of_folder(name)

    def _file(self, entry: FolderEntry, place: _Place) -> FoundFile | Skipped:
        name = entry.name
        path = place.path / name
        kind = self._kind(name, place, is_special=entry.kind == "special", target=path)
        kind = kind or _kind_by_name(name, place.is_secret, size=entry.size)
        if kind or not _is_text(place.folder, name):
            return Skipped(path.as_posix(), kind or kinds.kind_of(name))
        return FoundFile(path, size=entry.size, modified_ns=entry.modified_ns, depth=len(place.parts) + 1)

    def _kind(self, name: str, place: _Place, *, is_special: bool, target: Path) -> str:
        """Return the kind as which a file is skipped because of its place, or "" if it is not."""
        if name in self.own_names and target in self.roots.own:
            return kinds.OWN
        if not self.matches((*place.parts, name)):
            return kinds.OTHER_NAMES
        if name.startswith("."):
            return kinds.SECRETS if kinds.is_secret(name) else kinds.HIDDEN
        if is_special:
            return kinds.SPECIAL
        return place.ignored(name, is_folder=False)

    def _look_behind(self, entry: FolderEntry, place: _Place) -> Outcome | _Folder:
        """Return the folder or file that a link leads to, or why it is skipped."""
        path = place.path / entry.name
        target = self._followed(path, is_match=self.matches((*place.parts, entry.name)))
        if isinstance(target, Skipped):
            return target
        if target.is_dir():
            # To git a link is a file, wherever it leads.
            if kind := self._folder_kind(entry.name, target) or place.ignored(entry.name, is_folder=False):
                return Skipped(path.as_posix(), kind)
            return _Folder(target, (*place.parts, entry.name), self.ignore_files.above(target).rules)
        kind = self._kind(entry.name, place, is_special=not target.is_file(), target=target)
        file = FoundFile.at(target, depth=len(place.parts) + 1)
        is_secret = kinds.holds_secrets(target, target.with_name(entry.name))
        if kind := kind or _kind_by_name(entry.name, is_secret, size=file.size):
            return Skipped(path.as_posix(), kind)
        return file if is_readable(target, self.roots) else Skipped(path.as_posix(), kinds.kind_of(target.name))

    def _followed(self, path: Path, *, is_match: bool) -> Path | Skipped:
        """Return where a link in a folder leads, or why it is skipped. One that leads to a folder matches any glob."""
        if not is_match and not os.path.isdir(path):  # noqa: PTH112 - that of Path can raise
            return Skipped(path.as_posix(), kinds.OTHER_NAMES)
        try:
            return self.roots.admit(path)
        except NotFound:
            return Skipped(path.as_posix(), kinds.DANGLING)
        except PathRefused:
            if self.roots.is_own(path.resolve()):
                return Skipped(path.as_posix(), kinds.OWN)
            leads_anywhere = os.path.exists(path)  # noqa: PTH110 - that of Path can raise
            return Skipped(path.as_posix(), kinds.OUTSIDE if leads_anywhere else kinds.DANGLING)


def _is_text(folder: OpenFolder, name: str) -> bool:
    """Return whether a parser knows the suffix of a file in a folder, or the file looks like text."""
    known = _is_known(name)
    return looks_like_text(folder.read(name, SAMPLE_BYTES)) if known is None else known


def _kind_by_name(name: str, is_secret: bool, *, size: int) -> str:
    """Return the kind as which a file is skipped because of its name or size, or "" if it is not."""
    if is_secret or kinds.is_secret(name):
        return kinds.SECRETS
    return junk_by_name(name) if size else kinds.EMPTY


def is_readable(path: Path, roots: Roots) -> bool:
    """Return whether a parser knows the suffix of a file, or the file looks like text."""
    known = _is_known(path.name)
    if known is not None:
        return known
    with open_file(path, roots) as file:
        return looks_like_text(file.read(SAMPLE_BYTES))


def _is_known(name: str) -> bool | None:
    """Return whether a file can be read, or None if its name does not say it."""
    if has_parser(name):
        return True
    return None if kinds.kind_of(name) == kinds.BINARY else False


def failed(path: Path, error: ResiftError | OSError) -> Failure:
    """Return why a file or folder cannot be read."""
    if isinstance(error, ResiftError):
        return Failure.of(path.as_posix(), error)
    return Failure(path.as_posix(), f"It cannot be read: {error.strerror}. Check its permissions.")
