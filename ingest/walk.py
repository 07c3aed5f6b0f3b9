"""Finding the files to ingest below the paths of a caller, without leaving the allowed roots."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
    search = _Search(roots, _patterns(glob or DEFAULT_GLOB))
    found = [item for path in paths for item in search.find(path)]
    files = {item for item in found if isinstance(item, Path)}
    return Found(tuple(sorted(files)), tuple(item for item in found if isinstance(item, Failure)))


@dataclass(frozen=True, slots=True)
class _Search:
    """Where files may be looked for, and the patterns of which they must match one."""

    roots: Roots
    patterns: Sequence[tuple[str, ...]]

    def find(self, path: str | Path) -> Iterator[Path | Failure]:
        """Yield the file, or the files of the folder, that the caller named."""
        try:
            target = self.roots.admit(path)
            is_folder = target.is_dir()
            if not is_folder:
                yield target if _is_readable(target) else _unknown_format(target)
        except ResiftError as error:
            yield Failure(Path(path).as_posix(), str(error))
        except OSError as error:
            yield _unreadable(Path(path), error)
        else:
            if is_folder:
                yield from self._find_below(target)

    def _find_below(self, top: Path) -> Iterator[Path | Failure]:
        """Yield the files below a folder. Each folder is searched once, so that loops of symbolic links end."""
        seen, waiting = set[Path](), [(top, tuple[str, ...]())]
        while waiting:
            folder, relative = waiting.pop()
            if folder in seen:
                continue
            seen.add(folder)
            for entry in _entries(folder):
                if isinstance(entry, Failure):
                    yield entry
                    continue
                inside = (*relative, entry.name)
                found = self._pick(entry, inside)
                if isinstance(found, Path) and found.is_dir():
                    waiting.append((found, inside))
                elif found is not None:
                    yield found

    def _pick(self, entry: os.DirEntry[str], relative: tuple[str, ...]) -> Path | Failure | None:
        """Return a folder to search, a file to read, why it cannot be read, or None for what is skipped.

        `relative` is the path below the folder that the caller named.
        """
        path = Path(entry.path)
        is_folder = path.is_dir()
        if not (_is_searched(entry.name) if is_folder else self._matches_glob(relative)):
            return None
        try:
            target = self.roots.admit(path) if entry.is_symlink() else path
            return target if is_folder or _is_document(target) else None
        except ResiftError as error:
            return Failure(path.as_posix(), str(error))
        except OSError as error:
            return _unreadable(path, error)

    def _matches_glob(self, relative: tuple[str, ...]) -> bool:
        return any(_matches(relative, pattern) for pattern in self.patterns)


def _entries(folder: Path) -> list[os.DirEntry[str]] | list[Failure]:
    """Return what a folder holds, without hidden files and folders, or why it cannot be listed."""
    try:
        return sorted(
            (entry for entry in os.scandir(folder) if not entry.name.startswith(".")), key=lambda entry: entry.name
        )
    except OSError as error:
        return [_unreadable(folder, error)]


def _is_searched(folder_name: str) -> bool:
    return not any(fnmatchcase(folder_name, pattern) for pattern in SKIPPED_FOLDERS)


def _is_document(path: Path) -> bool:
    """Return whether a file in a folder is to be read. An empty one, such as `__init__.py`, is not a failure."""
    return path.is_file() and path.stat().st_size > 0 and _is_readable(path)


def _is_readable(path: Path) -> bool:
    """Return whether a parser knows the suffix of a file, or the file looks like text."""
    if installed_parsers().for_file(path.name) is not None:
        return True
    return path.suffix.lower() not in NON_TEXT_SUFFIXES and (not path.is_file() or looks_like_text(path))


def _unknown_format(path: Path) -> Failure:
    formats = ", ".join(installed_parsers().by_name)
    return Failure(path.as_posix(), f"The file is not in a known format ({formats}). Convert it to one of them first.")


def _unreadable(path: Path, error: OSError) -> Failure:
    return Failure(path.as_posix(), f"{path} cannot be read: {error.strerror}. Check its permissions.")


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
