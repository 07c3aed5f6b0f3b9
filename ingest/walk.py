"""Finding the files to ingest below the paths of a caller, without leaving the allowed roots."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ..core.errors import ResiftError
from .decoding import looks_like_text
from .job import Failure
from .parsers.registry import installed_parsers
from .roots import Roots

DEFAULT_GLOB = "**/*"

# Written by tools, not by people, and common in repositories.
SKIPPED_FOLDERS = frozenset({
    "__pycache__", "node_modules", "bower_components", "venv", "env", "dist", "build", "target", "site-packages",
    "htmlcov", "__MACOSX", "*.egg-info", "*.dist-info",
})  # fmt: skip

# Without a parser these are not opened: some, such as SVG and PDF, begin like text.
NON_TEXT_SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".svg", ".bmp", ".tiff", ".mp3", ".mp4", ".wav", ".mov",
    ".webm", ".avi", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".epub", ".zip", ".tar",
    ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".whl", ".jar", ".exe", ".dll", ".so", ".dylib", ".o", ".a",
    ".class", ".pyc", ".wasm", ".bin", ".onnx", ".pt", ".safetensors", ".npy", ".npz", ".parquet", ".sqlite", ".db",
    ".ttf", ".otf", ".woff", ".woff2", ".map", ".lock",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """Files to read, resolved, sorted and without repeats; and a failure for each path that cannot be read."""

    files: tuple[Path, ...]
    failures: tuple[Failure, ...]


def find_files(paths: Iterable[str | Path], *, glob: str = DEFAULT_GLOB, roots: Roots) -> Found:
    """Return the files among `paths`, and the readable files below its folders that match `glob`.

    Below a folder, hidden, generated, empty and non-text files are skipped; a file in `paths` is tried whatever its
    name. `glob` is relative to the folder, with `**` for any depth and `{a,b}` for alternatives.
    """
    search = _Search(roots=roots, patterns=_patterns(glob or DEFAULT_GLOB))
    for path in paths:
        search.add(path)
    return Found(tuple(sorted(search.files)), tuple(search.failures))


@dataclass(slots=True)
class _Search:
    """One search: what to look for, and what was found so far."""

    roots: Roots
    patterns: Sequence[tuple[str, ...]]
    files: set[Path] = field(default_factory=set[Path])
    failures: list[Failure] = field(default_factory=list[Failure])

    def add(self, path: str | Path) -> None:
        """Add a file, or the files of a folder, that the caller named."""
        target = self._admitted(path)
        if target is None:
            return
        if target.is_dir():
            self._add_folder(target, (), set())
        elif self._is_readable(target):
            self.files.add(target)
        elif not any(failure.source == target.as_posix() for failure in self.failures):
            formats = ", ".join(installed_parsers().by_name)
            self._fail(target, f"The file is not in a known format ({formats}). Convert it to one of them first.")

    def _add_folder(self, folder: Path, relative: tuple[str, ...], seen: set[Path]) -> None:
        """Add the files below a folder.

        `relative` is its path below the folder that the caller named; `seen` are the folders searched already, so
        that loops of symbolic links end.
        """
        if folder in seen:
            return
        seen.add(folder)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._fail(folder, f"The folder cannot be listed: {error.strerror}. Check its permissions.")
            return
        for entry in entries:
            if not entry.name.startswith("."):
                self._add_entry(entry, (*relative, entry.name), seen)

    def _add_entry(self, entry: os.DirEntry[str], relative: tuple[str, ...], seen: set[Path]) -> None:
        path = Path(entry.path)
        is_folder = path.is_dir()
        if not (self._is_entered(entry.name) if is_folder else self._matches_glob(relative)):
            return
        target = self._admitted(path) if entry.is_symlink() else path
        if target is None:
            return
        if is_folder:
            self._add_folder(target, relative, seen)
        elif self._is_document(target):
            self.files.add(target)

    def _is_entered(self, name: str) -> bool:
        return not any(fnmatchcase(name, pattern) for pattern in SKIPPED_FOLDERS)

    def _matches_glob(self, relative: tuple[str, ...]) -> bool:
        return any(_matches(relative, pattern) for pattern in self.patterns)

    def _is_document(self, path: Path) -> bool:
        """Return whether a file in a folder is to be read. An empty one, such as `__init__.py`, is not a failure."""
        try:
            if not path.is_file() or path.stat().st_size == 0:
                return False
        except OSError as error:
            self._fail(path, f"The file cannot be read: {error.strerror}. Check its permissions.")
            return False
        return self._is_readable(path)

    def _is_readable(self, path: Path) -> bool:
        """Return whether a parser knows the suffix of a file, or the file looks like text."""
        if installed_parsers().for_file(path.name) is not None:
            return True
        try:
            return path.suffix.lower() not in NON_TEXT_SUFFIXES and (not path.is_file() or looks_like_text(path))
        except OSError as error:
            self._fail(path, f"The file cannot be read: {error.strerror}. Check its permissions.")
            return False

    def _admitted(self, path: str | Path) -> Path | None:
        try:
            return self.roots.admit(path)
        except ResiftError as error:
            self._fail(path, str(error))
            return None

    def _fail(self, source: str | Path, reason: str) -> None:
        self.failures.append(Failure(Path(source).as_posix(), reason))


def is_missing_or_empty(path: Path) -> bool:
    """Return whether there is no text at `path` any more. A file that cannot be looked at counts as present."""
    try:
        return path.stat().st_size == 0
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False


def _patterns(glob: str) -> list[tuple[str, ...]]:
    """Return the alternatives of a glob, each as its components."""
    match = re.search(r"\{([^{}]*)\}", glob)
    if match is None:
        return [tuple(part for part in glob.split("/") if part not in {"", "."})]
    choices = (glob[: match.start()] + choice.strip() + glob[match.end() :] for choice in match[1].split(","))
    return [pattern for choice in choices for pattern in _patterns(choice)]


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Return whether the components of a path match those of a glob."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[skipped:], pattern[1:] or ("*",)) for skipped in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
