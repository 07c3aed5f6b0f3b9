"""Names of collections: which there can be, and what is said of one that is not there."""

import re
from collections.abc import Sequence

from ..core.errors import InvalidInput, nearest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> None:
    """Refuse what cannot name a collection in every store, a folder among them.

    Raises:
        InvalidInput: Saying what can.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} cannot name a collection. Use up to 64 letters, digits, '.', '_' or '-', "
            "starting with a letter or digit."
        )


def unknown_collection(name: str, known: Sequence[str]) -> str:
    """Return the message for a collection that is not there."""
    if not known:
        how = "Call ingest_documents, or run `resift ingest PATH`."
        return f"No collection {name!r}: nothing has been ingested yet. {how}"
    return f"No collection {name!r}.{nearest(name, known)} Known: {', '.join(known)}. Call list_collections."
