"""What a collection still holds of paths at which there is nothing any more."""

import json
from dataclasses import replace
from typing import Any

from ...core.text import agreeing, counted
from ...store.collection import Collection, Store
from ...store.filters import FIRST_PASSAGES, All, AnyOf, Prefix
from ..files.walk import Found, Missing

MAX_PATHS = 5  # that are looked up: each counts passages


async def with_what_is_held(found: Found, store: Store, name: str) -> Found:
    """Return what was found, with how to delete what the collection holds of missing paths.

    Nobody can say whether a path was deleted or misspelt, or lies on a disk that is not mounted. So its documents stay.
    """
    missing = [each for each in found.failures if isinstance(each, Missing)][:MAX_PATHS]
    if not missing or name not in await store.names():
        return found
    collection = await store.open(name)
    told = {each.source: await _told(each, collection) for each in missing}
    return replace(found, failures=tuple(told.get(each.source, each) for each in found.failures))


async def _told(missing: Missing, collection: Collection) -> Missing:
    """Return the failure with the number of the documents that are held, and the filter that selects them."""
    path = missing.target
    for condition, filter_, where in (
        (Prefix("path", f"{path}/"), {"prefix": f"{path}/"}, " of files below it"),
        (AnyOf("path", (path,)), path, " of it"),
    ):
        if path and (count := await collection.count(All((condition, FIRST_PASSAGES)))):
            return replace(missing, reason=f"{missing.reason} {_how_to_delete(count, where, filter_)}")
    return missing


def _how_to_delete(count: int, where: str, path: Any) -> str:
    """Return what is held, and how it can be deleted."""
    kept = f"{counted(count, 'document')}{where} {agreeing(count, 'is', 'are')} still in the collection."
    filter_ = json.dumps({"path": path}, ensure_ascii=False)
    return f"{kept} If you do not want {agreeing(count, 'it', 'them')}, delete with the filter {filter_}."
