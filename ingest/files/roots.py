"""The folders that Resift may read, and the check that a path lies inside them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Self

from ...core.errors import InvalidInput, NotFound, PathRefused, nearest
from ...core.text import listed


def roots_for_tools(named: Iterable[Path], *, client_folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the folders that the tools may read: those that the settings name, or else those their client works in.

    Desktop programs start servers in the root of the file system, or in a folder of Windows. That is nothing that a
    user has chosen, and would open the whole disk, so it counts as no folder.
    """
    return tuple(named) or tuple(each for each in client_folders if not _is_of_system(each))


def _is_of_system(folder: Path) -> bool:
    resolved, windows = folder.resolve(), os.environ.get("SYSTEMROOT", "")
    is_windows = bool(windows) and resolved.is_relative_to(Path(windows).resolve())
    return is_windows or resolved == Path(resolved.anchor)


MAX_NAMES = 1_000  # of a folder that are compared with a misspelt one: 10,000 take half a second or more


@dataclass(frozen=True, slots=True)
class Roots:
    """The allowed folders, absolute and with symbolic links resolved. Without any, no path is allowed."""

    folders: tuple[Path, ...]
    own: frozenset[Path] = frozenset()
    """What Resift keeps in its data folder, resolved. It is never read as a document."""
    reads_rules_above: bool = False
    """Whether ignore files in the folders above may be read too, because the caller may read anything."""

    @classmethod
    def of(cls, paths: Iterable[str | Path], *, own: Iterable[str | Path] = ()) -> Self:
        """Return the resolved `paths` without repeats. A folder need not exist yet."""
        folders = tuple(dict.fromkeys(_resolved(Path(path)) for path in paths))
        return cls(folders, frozenset(_resolved(Path(path)) for path in own))

    def admit(self, path: str | Path) -> Path:
        """Return the resolved `path`. A relative path is looked up in each root in turn.

        Raises:
            InvalidInput: The path is not usable on this file system.
            PathRefused: The path leads outside every root, or to what Resift keeps itself.
            NotFound: There is nothing at the path.
        """
        target = self.target(Path(path))
        if self.is_own(target):
            raise PathRefused(
                f"{str(path)!r} belongs to Resift's data folder, which holds what was ingested. Leave it out."
            )
        if not self.contain(target):
            allowed = listed(self.folders) or "none"
            raise PathRefused(
                f"{str(path)!r} leads outside the folders Resift may read. Allowed: {allowed}. "
                "Ask whoever runs Resift to add its folder to RESIFT_INGEST_ROOTS."
            )
        if not _exists(target):
            raise nothing_at(path)
        return target

    def nearest_to(self, path: str | Path) -> str:
        """Return " Did you mean 'docs'?" for a path without a file, or nothing if no name that may be read is close."""
        try:
            target = self.target(Path(path))
        except (InvalidInput, OSError):  # what is there has changed since it was looked for
            return ""
        may_look = self.reads_rules_above or self.contain(target.parent)
        return nearest_path(path, target) if may_look else ""

    def contain(self, target: Path) -> bool:
        """Return whether `target`, already resolved, is a root or lies below one, and is not Resift's own."""
        return any(target.is_relative_to(folder) for folder in self.folders) and not self.is_own(target)

    def is_own(self, target: Path) -> bool:
        """Return whether `target`, already resolved, is kept by Resift itself."""
        return bool(self.own) and not self.own.isdisjoint((target, *target.parents))

    def target(self, path: Path) -> Path:
        """Return the resolved `path`: a relative one below the first root that has it, else below the first root.

        Raises:
            InvalidInput: The path is not usable on this file system.
        """
        if path.is_absolute() or str(path).startswith("~") or not self.folders:
            return _resolved(path)
        # The engine outlives the client that started it, so its working directory has no meaning for a caller.
        found = [target for folder in self.folders if _exists(target := _resolved(folder / path))]
        return found[0] if found else _resolved(self.folders[0] / path)


def nothing_at(path: str | Path, near: str = "") -> NotFound:
    """Return the error for a path at which there is nothing; `near` tells the nearest one."""
    is_whole = Path(path).is_absolute() or str(path).startswith("~")
    advice = "Check the spelling." if is_whole else "Check the spelling, or give an absolute path."
    return NotFound(f"No file or folder {str(path)!r}.{near} {advice}")


def nearest_path(path: str | Path, target: Path, *, only_folders: bool = False) -> str:
    """Return " Did you mean 'docs'?" for a path without a file, or nothing if no name beside its `target` is close."""
    name = Path(path).name
    try:
        with os.scandir(target.parent) as entries:
            beside = [each.name for each in islice(entries, MAX_NAMES) if not only_folders or each.is_dir()]
    except OSError:
        return ""
    stems = {each: Path(each).stem for each in beside if each.isprintable() and not each.startswith(".")}
    close = get_close_matches(Path(name).stem, set(stems.values()))  # a suffix alone makes no name close
    names = [each for each, stem in stems.items() if name and stem in close]
    return nearest(str(path), [str(Path(path).with_name(name)) for name in names], prefix=f"{Path(path).parent}/")


def _resolved(path: Path) -> Path:
    """Return `path` with every link followed, or raise InvalidInput for an impossible path or a loop of links."""
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidInput(
            f"{str(path)!r} is not a usable path: {error}. Give the path of a file or folder."
        ) from error


def _exists(target: Path) -> bool:
    try:
        return target.exists()
    except OSError as error:  # for example, a name that is too long
        raise InvalidInput(f"{str(target)[:200]!r} is not a usable path: {error.strerror}. Correct it.") from error
