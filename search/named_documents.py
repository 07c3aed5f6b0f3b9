"""Find the documents and passages that a caller names: by id, by source, or by a path relative to a folder."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.citations import Citation
from ..core.errors import InvalidFilter, InvalidInput, NotFound, nearest
from ..core.text import composed, listed
from ..store.collection import Collection
from ..store.filters import FIRST_PASSAGES, All, AnyOf
from .relative_paths import RelativePaths

MAX_COMPARED = 10_000  # documents whose paths are compared with the end of a path, in about 0.5 s

MAX_NEAREST = 2_000  # ids whose spelling is compared, in about 0.1 s

LONGEST_COMPARED = 200  # characters of a name; a longer one is no misspelling

MAX_CANDIDATES = 5  # shown in a message


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document that a caller named, and what the name cites of it; nothing if the name is no citation."""

    id: str
    citation: Citation


async def find_document(collection: Collection, paths: RelativePaths, name: str) -> NamedDocument:
    """Return the document that a name stands for; the end of a path is enough if only one document has it.

    Raises:
        NotFound: There is none; the message names the nearest.
        InvalidInput: There are several; the message names them.
    """
    meanings = list(dict.fromkeys([Citation(name), Citation.parse(name)]))
    for citation in meanings:
        if found := await documents_named(collection, paths, citation.source):
            return NamedDocument(_only(found, name), citation)
    ids = await document_ids(collection)
    for citation in meanings:
        if found := ending_in(ids, citation.source):
            return NamedDocument(_only([paths.shorten(document_id) for document_id in found], name, found), citation)
    near = nearest_document(ids, paths, meanings[-1].source)
    raise NotFound(
        f"No document {name!r} in collection {collection.name!r}.{near} Take a document_id from a hit, or search.",
        document=name,
    )


async def find_documents(
    collection: Collection, paths: RelativePaths, names: Sequence[str]
) -> dict[str, NamedDocument]:
    """Return the documents that names stand for, by name. The end of a path is not enough: see `Remover`.

    Raises:
        InvalidInput: A name stands for several documents; the message names them.
    """
    held = await collection.entries(names) if names else {}
    found = {name: NamedDocument(name, Citation(name)) for name in held}
    for name in names:
        if name in held:
            continue
        for citation in dict.fromkeys([Citation(name), Citation.parse(name)]):
            if ids := await documents_named(collection, paths, citation.source):
                found[name] = NamedDocument(_only(ids, name), citation)
                break
    return found


async def find_passage(collection: Collection, paths: RelativePaths, passage_id: str) -> str:
    """Return the id, as it is stored, of the passage that an id stands for; any other id as it is.

    Raises:
        InvalidInput: Several documents may be meant; the message names them.
    """
    name, mark, ordinal = passage_id.rpartition("#")
    if not name or collection.manifest.adopted is not None:
        return passage_id
    found = await documents_named(collection, paths, name)
    if not found:
        found = ending_in(await document_ids(collection), name)
    return f"{_only(found, name)}{mark}{ordinal}" if found else passage_id


async def documents_named(collection: Collection, paths: RelativePaths, name: str) -> list[str]:
    """Return the ids of the documents with this id, else with this path as id, else with it as their source."""
    spellings = paths.spellings(name)
    held = await collection.entries(spellings)
    if name in held:
        return [name]
    return sorted(held) or await _with_source(collection, spellings)


async def document_ids(collection: Collection) -> list[str]:
    """Return the ids of the documents, or one more than can be compared."""
    return await collection.paths("document_id", documents=MAX_COMPARED + 1)


def ending_in(paths: Sequence[str], end: str) -> list[str]:
    """Return the paths that end in these folders and file; none if there are more paths than can be compared."""
    if len(paths) > MAX_COMPARED:
        return []
    end = composed(f"/{end.replace(chr(92), '/').removeprefix('./').lstrip('/')}")
    return sorted(path for path in paths if composed(path).endswith(end)) if len(end) > 1 else []


def nearest_document(ids: Sequence[str], paths: RelativePaths, name: str) -> str:
    """Return " Did you mean 'x'?" for the document whose shown id is spelt most like a name, or nothing."""
    if len(name) > LONGEST_COMPARED:
        return ""
    return nearest(name, [paths.shorten(document_id) for document_id in ids[:MAX_NEAREST]])


def candidates(names: Sequence[str]) -> str:
    """Return the first names, quoted and long enough to be given back, and how many more there are."""
    return listed(map(repr, names), most=MAX_CANDIDATES, characters=LONGEST_COMPARED)


async def _with_source(collection: Collection, sources: Sequence[str]) -> list[str]:
    where = AnyOf("source", tuple(sources))
    is_ours = collection.manifest.adopted is None
    try:
        found = await collection.sample("document_id", All((FIRST_PASSAGES, where)) if is_ours else where)
    except InvalidFilter:  # an adopted collection without sources
        return []
    return sorted({str(each) for each in found})


def _only(shown: Sequence[str], name: str, ids: Sequence[str] = ()) -> str:
    if len(shown) > 1:
        raise InvalidInput(f"{name!r} may be any of {len(shown)} documents: {candidates(shown)}. Give one of these.")
    return (ids or shown)[0]
