"""What a caller names as a path: a file or folder, a `file://` URI, or a glob such as `docs/*.md`."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ...core.errors import InvalidInput, ResiftError
from .glob import split_magic
from .roots import Roots, nothing_at

_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):/+")  # a single letter is a drive; Path makes one slash of two

_LOCAL_HOSTS = ("", "localhost")


def local_path(path: str | Path) -> Path:
    """Return the path that the caller named, without `file://`.

    Raises:
        InvalidInput: It is a URL of another kind, or of another machine.
    """
    match = _URI.match(str(path))
    if match is None:
        return Path(path)
    scheme = match["scheme"].lower()
    if scheme in ("http", "https"):
        raise InvalidInput(
            f"{shown(path)!r} is a URL, which Resift fetches only if whoever runs it sets RESIFT_INGEST__URLS=true. "
            "Download it first, then ingest the file."
        )
    if scheme != "file":
        raise InvalidInput(
            f"{shown(path)!r} is a URL of the kind {scheme}://, which Resift cannot fetch. "
            "Download it first, then ingest the file."
        )
    # Path leaves one of the slashes, which then stands for `file:///`.
    parts = urlsplit(path if isinstance(path, str) else f"file:///{str(path)[match.end() :]}")
    if parts.netloc.lower() not in _LOCAL_HOSTS:
        raise InvalidInput(
            f"{path!r} names a file on the machine {parts.netloc!r}. For a file on this machine, write file:///PATH."
        )
    return Path(url2pathname(parts.path))


def shown(path: str | Path) -> str:
    """Return a path for a message: as it was given, but a URL without what may hold keys."""
    text = str(path)
    if _URI.match(text) is None:
        return text
    start, at, rest = text.partition("@")
    scheme = f"{start.partition(':')[0]}://" if at else ""
    return f"{scheme}{re.split(r'[?#]', rest if at else text)[0]}"


def glob_below(path: Path, roots: Roots) -> list[tuple[Path, str]]:
    """Return the folders of the roots in which a glob is to be looked for, each with its pattern below them.

    Raises:
        NotFound: There is no such folder, or the path is not a glob at all.
        PathRefused: The folder lies outside the roots.
    """
    glob = path.as_posix()
    base, pattern = split_magic(glob)
    if not pattern:
        raise nothing_at(path)
    is_whole = path.is_absolute() or glob.startswith("~")
    places = (_place(glob, folder, roots) for folder in ([Path()] if is_whole else roots.folders))
    return [place for place in places if place is not None] or [(roots.admit(base), pattern)]


def _place(glob: str, folder: Path, roots: Roots) -> tuple[Path, str] | None:
    """Return the folder of a glob relative to a folder, and its pattern; None if there is no such folder."""

    def admitted(path: str) -> Path | None:
        try:
            return roots.admit(folder / path)
        except ResiftError:
            return None

    base, pattern = split_magic(glob, exists=lambda path: admitted(path) is not None)
    found = admitted(base)
    return None if found is None else (found, pattern)


def absolute(paths: Iterable[str | Path], folder: Path) -> Iterator[str | Path]:
    """Yield the paths, relative ones below a folder. URLs stay as they are, to be refused one by one."""
    for path in paths:
        try:
            yield folder / local_path(path).expanduser()
        except (InvalidInput, RuntimeError):
            yield path


def roots_of(paths: Sequence[str | Path], *, own: Iterable[Path] = ()) -> Roots:
    """Return roots that allow exactly what the caller names, but not what is Resift's `own`.

    Of a glob, they allow the folder at its beginning.
    """
    named = [Path(path).as_posix() for path in paths]
    exists = os.path.exists  # unlike that of Path, it raises nothing
    roots = Roots.of((path if exists(path) else split_magic(path, exists)[0] for path in named), own=own)
    return replace(roots, reads_rules_above=True)
