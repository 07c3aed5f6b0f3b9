"""The names of collections: which ones every store can use, and the error for one that does not exist."""

import re
from collections.abc import Sequence

from ..core.errors import Hint, InvalidInput, NotFound, nearest
from ..core.text import listed

MAX_SHOWN = 80  # characters of a name that is refused

LONGEST_NAME = 64  # characters

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")
"""The embedded store makes a folder of each name, and no system may read it as a path, an option or a device."""

NAME_RULE = (
    f"Resift takes names of up to {LONGEST_NAME} letters, digits, '.', '_' and '-' that begin with a letter or digit."
)


def is_valid_name(name: str) -> bool:
    """Return whether every store can use a name for a collection."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Refuse a name that not every store can use for a collection, for instance as the name of a folder.

    Raises:
        InvalidInput: Stating which names are allowed.
    """
    if not is_valid_name(name):
        raise InvalidInput(
            f"{name[:MAX_SHOWN]!r} is not a valid collection name. Use up to {LONGEST_NAME} letters, digits, '.', '_' "
            "or '-', starting with a letter or digit."
        )


def unknown_collection(name: str, known: Sequence[str]) -> NotFound:
    """Return the error for a collection that does not exist.

    It names those that do, and the one whose name is nearest.
    """
    if not known:
        return NotFound(f"No collection {name!r}: nothing has been ingested yet.", hint=Hint.INGEST, collection=name)
    message = f"No collection {name!r}.{nearest(name, known)} Known: {listed(known)}."
    return NotFound(message, hint=Hint.LIST_COLLECTIONS, collection=name)
