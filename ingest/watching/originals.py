"""Whether a watched folder is the one that was ingested. Another may lie in its place, as where no disk is mounted."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from ...store.protocols import Entry
from ..sync.file_plan import prefixes
from .noticing import identity_of


class Originals:
    """Tells folders in which a missing file is a deleted one from those that may stand for a disk that is away.

    A folder is trusted as long as it is the same, and another in its place if one of the held files is there.
    """

    def __init__(self) -> None:
        self._trusted: dict[Path, tuple[int, int]] = {}
        self._lost: dict[Path, frozenset[str]] = {}
        """The files that were held when none of them was there, until one is back or none of them is held."""

    def unknown(self, folders: Iterable[Path]) -> list[Path]:
        """Return the folders that are not trusted, or not there."""
        return [each for each in folders if (found := identity_of(each)) is None or self._trusted.get(each) != found]

    def emptied(self, folders: Iterable[Path], held: Collection[Entry]) -> list[Path]:
        """Return those of the unknown folders in which no held file is. The others are trusted from now on."""
        paths = [entry.file.path if entry.file else entry.source for entry in held]
        return [each for each in folders if not self._trusts(each, paths)]

    def _trusts(self, folder: Path, paths: Iterable[str]) -> bool:
        identity, below = identity_of(folder), prefixes([folder])
        if identity is None:
            return False
        files = frozenset(path for path in paths if path.startswith(below))
        lost = files & self._lost.get(folder, files)
        if lost and not any(map(os.path.lexists, lost)):
            self._lost[folder] = lost
            return False
        self._lost.pop(folder, None)
        self._trusted[folder] = identity
        return True
