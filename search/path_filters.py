"""Filters on sources and document ids by relative paths: what they stand for among the stored paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..core.citations import Citation
from ..store.collection import Collection
from ..store.filters import All, AnyOf, Condition, Either, Not, Prefix, Scalar
from .named_documents import MAX_COMPARED, candidates, ending_in
from .relative_paths import RelativePaths

PATH_FIELDS = ("source", "document_id", "path")

MAX_CHECKED = 50  # values of one condition that are looked up; each further one stands for all its spellings


@dataclass(frozen=True, slots=True)
class PathFilter:
    """A filter whose relative paths are replaced by stored ones."""

    given: Condition | None
    where: Condition | None
    replaced: Mapping[Condition, Condition] = field(default_factory=dict[Condition, Condition])
    """The conditions that were replaced, and by what."""
    guesses: tuple[str, ...] = ()
    """Sentences on paths that match several stored ones, or only the end of a stored one."""
    citations: tuple[Citation, ...] = ()
    """Places in documents that the caller gave as paths; they stand for the whole documents."""

    def stored(self, condition: Condition) -> Condition:
        """Return a part of the caller's filter with its relative paths replaced."""
        match condition:
            case Not():
                return Not(self.stored(condition.condition))
            case All():
                return All(tuple(map(self.stored, condition.conditions)))
            case Either():
                return Either(tuple(map(self.stored, condition.conditions)))
            case _:
                return self.replaced.get(condition, condition)


NO_FILTER = PathFilter(None, None)


async def resolve_paths(collection: Collection, paths: RelativePaths, where: Condition | None) -> PathFilter:
    """Return the filter with each relative path replaced by the stored paths that it stands for."""
    if where is None:
        return NO_FILTER
    replaced: dict[Condition, Condition] = {}
    guesses: list[str] = []
    citations: list[Citation] = []
    for leaf in dict.fromkeys(_path_leaves(where)):
        if isinstance(leaf, Prefix):
            found, guess = await _stored_paths(collection, paths, leaf, leaf.prefix)
            stored: Condition = Either(tuple(Prefix(leaf.field, each) for each in found))
        else:
            stored, guess, places = await _stored_values(collection, paths, leaf)
            citations += places
        guesses += guess
        if stored not in (leaf, Either((leaf,))):
            replaced[leaf] = stored
    resolved = PathFilter(where, where, replaced=replaced, guesses=tuple(guesses), citations=tuple(citations))
    return replace(resolved, where=resolved.stored(where))


async def _stored_values(
    collection: Collection, paths: RelativePaths, leaf: AnyOf
) -> tuple[AnyOf, list[str], list[Citation]]:
    """Return the condition with the stored paths that its values stand for, the guesses, and the citations among them.

    A citation stands for its source.
    """
    values: list[Scalar] = []
    guesses: list[str] = []
    citations: list[Citation] = []
    for place, value in enumerate(leaf.values):
        if not isinstance(value, str):
            values.append(value)
            continue
        citation = Citation.parse(value)
        if place >= MAX_CHECKED:
            values += [*paths.spellings(value), *paths.spellings(citation.source)]
        else:
            found, guess = await _stored_paths(collection, paths, leaf, value)
            if citation.first and not guess and not await collection.count(AnyOf(leaf.field, tuple(found))):
                found, guess = await _stored_paths(collection, paths, leaf, citation.source)
                citations.append(citation)
            values += found
            guesses += guess
    return AnyOf(leaf.field, tuple(dict.fromkeys(values))), guesses, citations


async def _stored_paths(
    collection: Collection, paths: RelativePaths, leaf: AnyOf | Prefix, path: str
) -> tuple[list[str], list[str]]:
    """Return the stored paths, or prefixes of them, that a path stands for, and a sentence if that was a guess."""
    spellings = paths.spellings(path)
    if len(spellings) == 1:
        return spellings, []
    is_prefix = isinstance(leaf, Prefix)
    found = [
        each
        for each in spellings
        if await collection.count(Prefix(leaf.field, each) if is_prefix else AnyOf(leaf.field, (each,)))
    ]
    if found:
        return found, [_several(path, found)] if len(found) > 1 else []
    known = await collection.paths(leaf.field, documents=MAX_COMPARED + 1)
    found = _prefixes_below(known, path) if is_prefix else ending_in(known, path)
    shown = [paths.shorten(each) for each in found]
    if len(found) > 1:
        return found, [_several(path, shown)]
    return (found, [f"{path!r} was read as {shown[0]!r}."]) if found else ([path], [])


def _several(path: str, found: Sequence[str]) -> str:
    return f"{path!r} matches {len(found)} paths: {candidates(found)}."


def _prefixes_below(known: Sequence[str], path: str) -> list[str]:
    """Return the beginnings of known paths that end in `path`, which starts below some folder of theirs."""
    inside = f"/{path.replace(chr(92), '/').removeprefix('./').lstrip('/')}"
    if len(inside) == 1 or len(known) > MAX_COMPARED:
        return []
    return sorted({each[: each.index(inside) + len(inside)] for each in known if inside in each})


def _path_leaves(condition: Condition) -> Iterator[AnyOf | Prefix]:
    match condition:
        case Not():
            yield from _path_leaves(condition.condition)
        case All() | Either():
            for each in condition.conditions:
                yield from _path_leaves(each)
        case _:
            if isinstance(condition, AnyOf | Prefix) and condition.field in PATH_FIELDS:
                yield condition
