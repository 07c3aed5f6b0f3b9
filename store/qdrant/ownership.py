"""Find out whether Resift made a collection whose manifest cannot be read, so that it may delete it."""

import json
from typing import Any
from uuid import UUID

from ...core.errors import StoreError
from ...core.values import Passage, id_of
from .connection import QdrantConnection
from .manifests import METADATA_KEY, read_metadata
from .wire import scroll_page

POINTS_COMPARED = 16


async def check_made_here(connection: QdrantConnection, name: str) -> None:
    """Check that the points of a collection have the ids that Resift gives them.

    Raises:
        StoreError: It was adopted, it has no points to tell by, or another program wrote some of them.
    """
    says_adopted = _says_adopted((await read_metadata(connection, name)).get(METADATA_KEY))
    keys = ["document_id", "ordinal"]
    points, _ = await scroll_page(connection, name, None, limit=POINTS_COMPARED, offset=None, payload=keys)
    if says_adopted or not points or not all(_is_ours(each.id, each.payload or {}, name) for each in points):
        raise StoreError(
            f"The manifest of collection {name!r} at {connection.address.shown} is damaged, and nothing else shows "
            f"that Resift made the collection, so it was not deleted. If you no longer need it, delete it at Qdrant: "
            f"DELETE {connection.address.shown}/collections/{name}."
        )


def _is_ours(point_id: int | str | UUID, payload: dict[str, Any], collection: str) -> bool:
    match payload:
        case {"document_id": str(document_id), "ordinal": int(ordinal)}:
            return id_of(point_id) == Passage(document_id, ordinal, text="").point_id(collection)
        case _:
            return False


def _says_adopted(manifest: Any) -> bool:
    """Return whether what is left of a manifest has the mapping of an adopted collection."""
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    return '"adopted"' in text.replace(" ", "").replace('"adopted":null', "")
