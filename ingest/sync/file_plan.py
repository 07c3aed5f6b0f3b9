"""The plan of a job over files: which are the same, which have to be read, and which were renamed."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from ...store.protocols import Entry
from ..files.walk import FoundFile, is_gone
from ..parsers.records import former_id
from .holdings import HeldFile, Holdings
from .states import is_unchanged


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the content of a file was before; its vectors are used again."""

    held: HeldFile
    is_renamed: bool
    """Whether that file is gone, so that its documents go as well."""


class SyncPlan:
    """Compares the files of a job with what the collection holds. Files are compared in the order of their paths."""

    def __init__(
        self,
        holdings: Holdings,
        files: Sequence[FoundFile],
        *,
        options: Callable[[str], str],
        below: Sequence[Path] | None = None,
    ) -> None:
        """Take the files of a job. With `below`, only files that were in these folders count as renamed.

        Other machines may write to a shared store, and what is missing here may exist there.
        """
        self._holdings = holdings
        self._files = files
        self._paths = {file.path.as_posix() for file in files}
        self._options = options
        self._below = None if below is None else prefixes(below)
        self._renamed = set[str]()

    def split(self, taken: Set[str]) -> tuple[list[HeldFile], list[FoundFile]]:
        """Return what is held of the files that are the same, and the files to read. Ids in `taken` are in use."""
        same, to_read = list[HeldFile](), list[FoundFile]()
        for file in self._files:
            held = self.held(file)
            state = held.state if held else None
            if held and state and held.path not in taken and is_unchanged(file, state, options=self.options(file)):
                same.append(held)
            else:
                to_read.append(file)
        return same, to_read

    def held(self, file: FoundFile) -> HeldFile | None:
        """Return what the collection holds of a file."""
        return self._holdings.at(file.path.as_posix())

    def options(self, file: FoundFile) -> str:
        """Return the hash of the options with which a file is read now."""
        return self._options(file.path.as_posix())

    def known_content(self, file: FoundFile) -> str:
        """Return the SHA-256 with which a file need not be parsed again; empty if it has to be parsed anyway."""
        held = self.held(file)
        state = held.state if held else None
        is_settled = state is not None and state.modified_ns != 0
        return state.content if state and is_settled and state.options == self.options(file) else ""

    def origin(self, file: FoundFile, content: str) -> Origin | None:
        """Return where the content of a file that was added or changed was before. Each file is renamed once."""
        path = file.path.as_posix()
        others = [held for held in self._holdings.with_content(content) if held.path != path]
        if self.held(file) is None:
            for held in others:
                if held.path not in self._renamed and self._is_gone(held):
                    self._renamed.add(held.path)
                    return Origin(held, is_renamed=True)
        return Origin(others[0], is_renamed=False) if others else None

    def torn_and_gone(self) -> list[str]:
        """Return the documents whose renaming was interrupted after the new version was written."""
        return [id_ for held in self._holdings if held.is_torn and self._is_gone(held) for id_ in held.entries]

    def not_found(self) -> list[HeldFile]:
        """Return what is held of files that are not among those of the job."""
        return [held for held in self._holdings if held.path not in self._paths]

    def _is_gone(self, held: HeldFile) -> bool:
        """Return whether the file is gone, and may be missed here."""
        if held.path in self._paths or not any(entry.file for entry in held.entries.values()):
            return False
        return (self._below is None or held.path.startswith(self._below)) and is_gone(held.path)


def prefixes(folders: Sequence[Path]) -> tuple[str, ...]:
    """Return with what the paths of files in these folders begin."""
    return tuple(f"{folder.as_posix().rstrip('/')}/" for folder in folders)


def leftovers(
    entries: Mapping[str, Entry], *, found: Set[str], kept: Sequence[str], content: str = ""
) -> tuple[str, ...]:
    """Return which of the documents held of a file are no longer in it. Nothing but `found` was read of it now.

    What could not be read or was skipped now, and what lies inside it, stays: `kept` are their ids. Of a file with the
    SHA-256 `content`, a document that has another id by now does not stay.
    """
    below, former = tuple(f"{each}/" for each in kept), set(map(former_id, found))
    return tuple(
        id_
        for id_, entry in entries.items()
        if id_ not in found
        and (not (id_ in kept or id_.startswith(below)) or (id_ in former and _content_of(entry) == content))
    )


def _content_of(entry: Entry) -> str | None:
    return entry.file.content if entry.file else None
