"""Texts of the same title without ids of their own: some may be old versions that their new ones do not replace."""

from collections.abc import Sequence

from ..core.errors import StoreError
from ..core.text import agreeing, composed, counted, listed
from ..core.values import Document
from ..store.collection import Store
from ..store.filters import FIRST_PASSAGES, All, AnyOf
from .sources import HASHED

MAX_TITLES = 5  # looked for: each took 0.1 s in 20,000 passages, since titles have no index

MAX_PASSAGES = 20_000  # of a collection that is searched for them

MAX_NAMED = 5

MAX_FOUND = 100


async def notes_on_same_titles(store: Store, name: str, documents: Sequence[Document]) -> tuple[str, ...]:
    """Return a note if a collection holds other texts with the titles of texts that were given without an id or source.

    The id of such a text is a hash of it, so that a new version is added beside the old one.
    """
    given = [each for each in documents if each.place and each.title]
    titles = tuple(dict.fromkeys(composed(each.title) for each in given))[:MAX_TITLES]
    if not titles:
        return ()
    ids = {each.id for each in given}
    try:
        others = [each for each in await _texts_with(store, name, titles, most=MAX_FOUND + len(ids)) if each not in ids]
    except StoreError:  # the documents are stored, whether this can be told or not
        return ()
    if not others:
        return ()
    texts = f"{counted(len(others), 'other text')} with {agreeing(len(titles), 'the title', 'titles')} of this call"
    return (
        f"The collection holds {texts}, without an id or source: {listed(others, most=MAX_NAMED)}. If these are old "
        "versions, delete them by their ids. Give each text an `id`, so that its next version replaces it.",
    )


async def _texts_with(store: Store, name: str, titles: tuple[str, ...], *, most: int) -> list[str]:
    """Return the ids of texts with one of the titles and no id of their own; none if the collection is large."""
    if name not in await store.names():
        return []
    collection = await store.open(name)
    if await collection.count() > MAX_PASSAGES:
        return []
    where = All((FIRST_PASSAGES, AnyOf("title", titles)))
    found = await collection.sample("document_id", where, passages=most)
    return sorted(each for each in map(str, found) if each.startswith(HASHED))
