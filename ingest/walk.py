"""Find the files to ingest below the paths a caller names, without leaving the allowed roots."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from ..core.errors import ResiftError
from .job import Failure
from .parsers.formats import FORMATS
from .reader import looks_like_text
from .roots import Roots

DEFAULT_GLOB = "**/*"

# Made by tools, not written by people; found in nearly every repository.
SKIPPED_FOLDERS = frozenset({
    "__pycache__", "node_modules", "bower_components", "venv", "env", "dist", "build", "target", "site-packages",
    "htmlcov", "__MACOSX", "*.egg-info", "*.dist-info",
})  # fmt: skip

# Known without a look inside. Some of them, such as SVG and PDF, can begin like text.
UNREADABLE_SUFFIXES = frozenset({
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".svg", ".bmp", ".tiff", ".mp3", ".mp4", ".wav", ".mov",
    ".webm", ".avi", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".epub", ".zip", ".tar",
    ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".whl", ".jar", ".exe", ".dll", ".so", ".dylib", ".o", ".a",
    ".class", ".pyc", ".wasm", ".bin", ".onnx", ".pt", ".safetensors", ".npy", ".npz", ".parquet", ".sqlite", ".db",
    ".ttf", ".otf", ".woff", ".woff2", ".map", ".lock",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """Files to read, resolved, sorted and each once; and what could not be looked at."""

    files: tuple[Path, ...]
    failures: tuple[Failure, ...]


def find_files(paths: Iterable[str | Path], *, glob: str = DEFAULT_GLOB, roots: Roots) -> Found:
    """Return the files named in `paths`, and those in the folders named there that match `glob` and hold text.

    A file named directly is tried whatever its name; in folders, hidden, generated, empty and unreadable ones
    are passed over. `glob` is relative to the folder, with `**` for any depth and `{a,b}` for alternatives.
    """
    search = _Search(roots, _patterns(glob or DEFAULT_GLOB))
    for path in paths:
        search.name(path)
    return Found(tuple(sorted(search.files)), tuple(search.failures))


@dataclass(slots=True)
class _Search:
    """One walk: what to look for, what was found, and the folders seen, so that loops of links end."""

    roots: Roots
    patterns: Sequence[tuple[str, ...]]
    files: set[Path] = field(default_factory=set[Path])
    failures: list[Failure] = field(default_factory=list[Failure])

    def name(self, path: str | Path) -> None:
        """Take a path the caller named."""
        target = self._admitted(path)
        if target is None:
            return
        if target.is_dir():
            self._folder(target, (), set())
        elif self._is_text(target):
            self.files.add(target)
        elif not any(failure.source == target.as_posix() for failure in self.failures):
            self._fail(target, "Not text. Resift reads text, Markdown, HTML and source code: convert it first.")

    def _folder(self, folder: Path, inside: tuple[str, ...], seen: set[Path]) -> None:
        """Look through a folder; `inside` is its path below the one that was named."""
        if folder in seen:
            return
        seen.add(folder)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._fail(folder, f"Cannot be listed: {error.strerror}. Check its permissions.")
            return
        for entry in entries:
            if not entry.name.startswith("."):
                self._entry(entry, (*inside, entry.name), seen)

    def _entry(self, entry: os.DirEntry[str], inside: tuple[str, ...], seen: set[Path]) -> None:
        path = Path(entry.path)
        is_folder = path.is_dir()
        if not (self._is_entered(entry.name) if is_folder else self._is_matched(inside)):
            return
        target = self._admitted(path) if entry.is_symlink() else path
        if target is None:
            return
        if is_folder:
            self._folder(target, inside, seen)
        elif self._is_picked(target):
            self.files.add(target)

    def _is_entered(self, name: str) -> bool:
        return not any(fnmatchcase(name, pattern) for pattern in SKIPPED_FOLDERS)

    def _is_matched(self, inside: tuple[str, ...]) -> bool:
        return any(_matches(inside, pattern) for pattern in self.patterns)

    def _is_picked(self, path: Path) -> bool:
        """Say whether a file in a folder is one to read; an empty one, as `__init__.py` often is, is no failure."""
        try:
            if not path.is_file() or path.stat().st_size == 0:
                return False
        except OSError as error:
            self._fail(path, f"Cannot be read: {error.strerror}. Check its permissions.")
            return False
        return path.suffix.lower() in FORMATS or self._is_text(path)

    def _is_text(self, path: Path) -> bool:
        try:
            return path.suffix.lower() not in UNREADABLE_SUFFIXES and (not path.is_file() or looks_like_text(path))
        except OSError as error:
            self._fail(path, f"Cannot be read: {error.strerror}. Check its permissions.")
            return False

    def _admitted(self, path: str | Path) -> Path | None:
        try:
            return self.roots.admit(path)
        except ResiftError as error:
            self._fail(path, str(error))
            return None

    def _fail(self, source: str | Path, reason: str) -> None:
        self.failures.append(Failure(Path(source).as_posix(), reason))


def is_gone_or_empty(path: Path) -> bool:
    """Return whether no text can be at `path` any more; what cannot be looked at now may still be there."""
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
    ways = (glob[: match.start()] + way.strip() + glob[match.end() :] for way in match[1].split(","))
    return [pattern for way in ways for pattern in _patterns(way)]


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Say whether the components of a path match those of a glob."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[skipped:], pattern[1:] or ("*",)) for skipped in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])
