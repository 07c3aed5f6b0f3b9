"""Filters on sources and document ids by relative paths: what they stand for among the stored paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from anyio.lowlevel import checkpoint

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
    lookup = _Lookup(collection, paths)
    for leaf in dict.fromkeys(_path_leaves(where)):
        await checkpoint()  # the embedded store never waits, and other calls must not wait for all leaves
        if isinstance(leaf, Prefix):
            found, guess = await lookup.stored_paths(leaf, leaf.prefix)
            stored: Condition = Either(tuple(Prefix(leaf.field, each) for each in found))
        else:
            stored, guess, places = await lookup.stored_values(leaf)
            citations += places
        guesses += guess
        if stored not in (leaf, Either((leaf,))):
            replaced[leaf] = stored
    resolved = PathFilter(where, where, replaced=replaced, guesses=tuple(guesses), citations=tuple(citations))
    return replace(resolved, where=resolved.stored(where))


@dataclass(frozen=True, slots=True)
class _Lookup:
    """Looks up what the paths of one filter stand for; the stored paths of a field are read once."""

    collection: Collection
    paths: RelativePaths
    known: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    async def stored_values(self, leaf: AnyOf) -> tuple[AnyOf, list[str], list[Citation]]:
        """Return the condition with the stored paths that its values stand for, the guesses, and the citations.

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
                values += [*self.paths.spellings(value), *self.paths.spellings(citation.source)]
            else:
                found, guess = await self.stored_paths(leaf, value)
                if citation.first and not guess and not await self.collection.count(AnyOf(leaf.field, tuple(found))):
                    found, guess = await self.stored_paths(leaf, citation.source)
                    citations.append(citation)
                values += found
                guesses += guess
        return AnyOf(leaf.field, tuple(dict.fromkeys(values))), guesses, citations

    async def stored_paths(self, leaf: AnyOf | Prefix, path: str) -> tuple[list[str], list[str]]:
        """Return the stored paths, or prefixes of them, that a path stands for, and a sentence if it was a guess."""
        spellings = self.paths.spellings(path)
        if len(spellings) == 1:
            return spellings, []
        is_prefix = isinstance(leaf, Prefix)
        found = [
            each
            for each in spellings
            if await self.collection.count(Prefix(leaf.field, each) if is_prefix else AnyOf(leaf.field, (each,)))
        ]
        if found:
            return found, [_several(path, found)] if len(found) > 1 else []
        known = await self._known(leaf.field)
        found = _prefixes_below(known, path) if is_prefix else ending_in(known, path)
        shown = [self.paths.shorten(each) for each in found]
        if len(found) > 1:
            return found, [_several(path, shown)]
        return (found, [f"{path!r} was read as {shown[0]!r}."]) if found else ([path], [])

    async def _known(self, name: str) -> list[str]:
        if name not in self.known:
            self.known[name] = await self.collection.paths(name, documents=MAX_COMPARED + 1)
        return self.known[name]


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
