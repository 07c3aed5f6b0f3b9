"""What is in a collection although its file is gone, or is skipped now."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from ...core.text import listed
from ...store.protocols import Entry
from ..files.kinds import BLANK, OTHER_NAMES
from ..files.walk import is_missing_or_empty
from .file_plan import prefixes
from .holdings import HeldFile

MAX_KEPT = 3  # documents of skipped files that are named in a note

MAX_NAME_CHARACTERS = 1_000  # the longest id that a document may have: `delete` needs it whole


def documents_to_prune(
    holdings: Iterable[HeldFile], folders: Sequence[Path], *, seen: Collection[str], skipped: Mapping[str, str]
) -> list[str]:
    """Return the documents below the folders whose files are missing, empty or blank.

    `seen` are the ids of the documents that the job had, and `skipped` the kinds of what it skipped, by source.
    """
    if not folders:
        return []
    below = prefixes(folders)
    found: list[str] = []
    for held in holdings:
        unseen = [id_ for id_ in held.entries if id_ not in seen]
        blank = {id_ for id_ in unseen if skipped.get(held.entries[id_].source) == BLANK}
        is_gone = bool(unseen) and _file_of(held).startswith(below) and is_missing_or_empty(Path(_file_of(held)))
        found += [id_ for id_ in unseen if is_gone or (id_ in blank and held.entries[id_].source.startswith(below))]
    return found


def _file_of(held: HeldFile) -> str:
    """Return the path of a file; of a document of which no file is known, the source, which may be one."""
    entry = next(iter(held.entries.values()))
    return entry.file.path if entry.file else entry.source


async def note_what_stays(
    entries: Callable[[Sequence[str]], Awaitable[Mapping[str, Entry]]],
    *,
    skipped: Mapping[str, str],
    removed: Collection[str],
) -> tuple[str, ...]:
    """Note which documents are in the collection although their files are skipped now: they became junk, say."""
    held = await entries([source for source, kind in skipped.items() if kind != OTHER_NAMES])
    if not (kept := sorted(held.keys() - set(removed))):
        return ()
    names = listed(kept, most=MAX_KEPT, characters=MAX_NAME_CHARACTERS)
    return (f"Still in the collection, although their files are skipped now: {names}. Delete what you do not want.",)
