"""Say why a filter matches nothing: which condition leaves nothing, and which values there are instead."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from posixpath import dirname
from typing import Any

from anyio.lowlevel import checkpoint

from ..core.errors import InvalidFilter, StoreError, nearest
from ..core.text import composed, counted, cut
from ..store.collection import Collection
from ..store.fields import TEXT, FieldType
from ..store.filters import All, AnyOf, Condition, Either, Not, Prefix, Range, Scalar, Words
from .named_documents import LONGEST_COMPARED, MAX_NEAREST
from .path_filters import PATH_FIELDS, PathFilter
from .relative_paths import RelativePaths
from .value_ranges import RANGED, range_of

MAX_EXPLAINED = 3  # conditions in one answer

MAX_COMBINED = 8  # conditions whose combinations are tried

MAX_VALUES = 6  # shown of a field

MAX_WORDS = 20  # of a condition that are looked for one by one

MAX_COMPARED = 1_000  # values of a field among which the nearest is looked for

NUMERIC: tuple[FieldType, ...] = ("integer", "number")


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A filter that no passage of a collection meets."""

    collection: Collection
    filter: PathFilter
    paths: RelativePaths

    async def reasons(self, condition: Condition) -> list[str]:
        """Return sentences on why a part of the caller's filter matches nothing."""
        match condition:
            case All():
                return await self._reasons_of_all(condition.conditions)
            case Either():
                return [reason for each in condition.conditions[:MAX_EXPLAINED] for reason in await self.reasons(each)]
            case Not():
                return [f'Every passage meets {shown(condition.condition)}, which "not" leaves out.']
            case _:
                return [await self._reason(condition)]

    async def _reason(self, condition: AnyOf | Range | Words | Prefix) -> str:
        match condition:
            case AnyOf():
                return await self._reason_of_values(condition)
            case Range():
                return await self._reason_of_range(condition)
            case Words():
                return await self._reason_of_words(condition)
            case Prefix():
                return await self._reason_of_prefix(condition)

    async def _count(self, *conditions: Condition) -> int:
        await checkpoint()  # the embedded store never waits, and other calls must not wait for all counts
        return await self.collection.count(All(tuple(map(self.filter.stored, conditions))))

    async def _reasons_of_all(self, conditions: Sequence[Condition]) -> list[str]:
        counts = {each: await self._count(each) for each in dict.fromkeys(conditions)}
        if empty := [each for each, count in counts.items() if not count]:
            return [reason for each in empty[:MAX_EXPLAINED] for reason in await self.reasons(each)]
        for first, second in combinations(list(counts)[:MAX_COMBINED], 2):
            if not await self._count(first, second):
                met = f"{shown(first)} ({counted(counts[first], 'passage')}) and {shown(second)} ({counts[second]})"
                return [f"No passage meets both {met}."]
        left = [
            f"{count} without {shown(each)}"
            for each in list(counts)[:MAX_COMBINED]
            if (count := await self._count(*(other for other in counts if other != each)))
        ]
        found = ", ".join(left) or "none"
        return [f"No passage meets all conditions at once. Passages that meet all but one: {found}."]

    async def _reason_of_values(self, condition: AnyOf) -> str:
        name, kind = condition.field, self._kind(condition.field)
        if reason := _mismatch(name, kind, condition.values):
            return reason + await self._values_of(name, kind)
        if name in PATH_FIELDS:
            return await self._reason_of_paths(condition)
        given = " or ".join(map(_quoted, _distinct(condition.values)[:MAX_VALUES]))
        near = ""
        if texts := [value for value in condition.values if isinstance(value, str)]:
            known = [each for each, _ in await self._most_common(name, MAX_COMPARED) if isinstance(each, str)]
            near = _nearest(texts[0], known)
        day = ' For a period, write {"gte": ..., "lt": ...}.' if kind == "date" else ""
        return f"No passage has {given} as {name!r}.{near}{await self._values_of(name, kind)}{day}"

    async def _reason_of_range(self, condition: Range) -> str:
        name, kind = condition.field, self._kind(condition.field)
        if kind not in (*RANGED, "mixed"):
            what = "dates" if condition.over_dates else "numbers"
            return f"{name!r} holds {_named(kind)}, not {what}.{await self._values_of(name, kind)}"
        return f"No passage has {shown(condition)}.{await self._values_of(name, kind)}"

    async def _reason_of_words(self, condition: Words) -> str:
        name = condition.field
        words = list(dict.fromkeys(re.findall(r"\w+", condition.words)))[:MAX_WORDS]
        missing = [word for word in words if not await self._count(Words(name, words=word))]
        if not missing:
            return f"Each word of {condition.words!r:.80} occurs in some {name!r}, but no {name!r} has all of them."
        known = {word for text in await self.collection.sample(name) for word in re.findall(r"\w+", str(text).lower())}
        near = _nearest(missing[0].lower(), sorted(known))
        return f'No {name!r} has the word {_quoted(missing[0])}: "match" finds whole words only.{near}'

    async def _reason_of_prefix(self, condition: Prefix) -> str:
        name, prefix = condition.field, condition.prefix
        begun = f"No {name!r} starts with {_quoted(prefix)}."
        if name == TEXT:
            return f'{begun} To find words anywhere in the text, use "match".'
        if name not in PATH_FIELDS:
            known = [each for each, _ in await self._most_common(name, MAX_COMPARED) if isinstance(each, str)]
            beginnings = dict.fromkeys(each[: len(prefix)] for each in known)
            return f"{begun}{_nearest(prefix, list(beginnings))}{await self._values_of(name, self._kind(name))}"
        folders = await self._folders(name)
        above = {f"{part}/" for folder in folders for part in _with_parents(folder.rstrip("/"))}
        return f"{begun}{_nearest(prefix, sorted(above))}{_folder_list(folders)}"

    async def _reason_of_paths(self, condition: AnyOf) -> str:
        given = str(condition.values[0])
        known = [self.paths.shorten(each) for each in await self._known_paths(condition.field)]
        folders = await self._folders(condition.field)
        if (folder := f"{given.rstrip('/')}/") in {f"{part}/" for each in folders for part in _with_parents(each[:-1])}:
            return f"{_quoted(given)} is a folder: write {shown(Prefix(condition.field, folder))}."
        near = _nearest(given, known) or _folder_list(folders)
        return f"No passage has {_quoted(given)} as {condition.field!r}.{near}"

    async def _folders(self, name: str) -> Counter[str]:
        """Return the folders of the paths in a field, with the number of these documents in each."""
        known = map(self.paths.shorten, await self._known_paths(name))
        return Counter(f"{folder.rstrip('/')}/" for path in known if (folder := dirname(path)))

    async def _known_paths(self, name: str) -> list[str]:
        return await self.collection.paths(name, documents=MAX_NEAREST)

    async def _values_of(self, name: str, kind: FieldType) -> str:
        """Return a sentence on the values that a field has: its range, or the most common ones."""
        if kind in RANGED and (extremes := await range_of(self.collection, name)):
            lowest, highest = extremes
            within = f"is always {lowest}" if lowest == highest else f"lies between {lowest} and {highest}"
            return f" {name!r} {within}."
        most_common = await self._most_common(name, MAX_VALUES)
        if not most_common:
            return f" No passage has a value for {name!r}."
        return f" Most common: {_counted(most_common[:MAX_VALUES])}."

    async def _most_common(self, name: str, limit: int) -> list[tuple[Scalar, int]]:
        """Return the most common values; if the store cannot count them, those of some passages."""
        facets = await self.collection.facet(name, limit=limit)
        found = [pair for pair in facets if pair[1]]  # engines keep values that no passage has any more
        found = found or Counter(await self.collection.sample(name)).most_common(limit)
        return [pair for pair in found if pair[0] != ""]

    def _kind(self, name: str) -> FieldType:
        return self.collection.manifest.fields.get(name, "keyword")


async def reasons_for_nothing(collection: Collection, filter_: PathFilter, paths: RelativePaths) -> list[str]:
    """Return sentences on why a filter matches no passage of a collection; none if one matches."""
    if await collection.count(filter_.where):
        return []
    if filter_.given is None or not await collection.count():
        return [
            f"Collection {collection.name!r} is empty. If documents are being ingested, ask again when some are stored."
        ]
    try:
        reasons = await Unmatched(collection, filter_, paths).reasons(filter_.given)
    except (StoreError, InvalidFilter) as error:  # such as a server that facets no field; the answer stands without it
        reasons = [f"The reason could not be determined: {error}"]
    return ["The filter matches no passage. " + " ".join(dict.fromkeys(reasons))]


def shown(condition: Condition) -> str:
    """Return a condition as its caller may have written it, cut if it is long."""
    return cut(json.dumps(_as_json(condition), ensure_ascii=False, default=str))


def _as_json(condition: Condition) -> dict[str, Any]:
    match condition:
        case All():
            parts = [_as_json(each) for each in condition.conditions]
            return parts[0] if len(parts) == 1 else {"all": parts}
        case Either():
            return {"any": [_as_json(each) for each in condition.conditions]}
        case Not():
            return {"not": _as_json(condition.condition)}
        case _:
            return {condition.field: _value_as_json(condition)}


def _value_as_json(condition: AnyOf | Range | Words | Prefix) -> Any:
    match condition:
        case AnyOf():
            values = _distinct(condition.values)
            return values[0] if len(values) == 1 else values
        case Range():
            return dict(condition.bounds)
        case Words():
            return {"match": condition.words}
        case Prefix():
            return {"prefix": condition.prefix}


def _distinct(values: Sequence[Scalar]) -> list[Scalar]:
    """Return values that look different: a text may be there in two Unicode forms."""
    return list({(type(value), composed(str(value))): value for value in reversed(values)}.values())[::-1]


_WRONG: Sequence[tuple[Sequence[FieldType], Callable[[Scalar], bool], str]] = (
    (NUMERIC, lambda value: isinstance(value, str), "Write a number without quotes."),
    (("boolean",), lambda value: not isinstance(value, bool), "Write true or false without quotes."),
    (("keyword", "date"), lambda value: not isinstance(value, str), "Write the value in quotes."),
)
"""By type of field: which values never match it, and how to write one that can."""


def _mismatch(name: str, kind: FieldType, values: Sequence[Scalar]) -> str:
    """Return a sentence if no value has the type of the field; "" otherwise."""
    for kinds, is_wrong, advice in _WRONG:
        if kind in kinds and all(map(is_wrong, values)):
            return f"{name!r} holds {_named(kind)}, and {_quoted(values[0])} is not one. {advice}"
    return ""


def _named(kind: FieldType) -> str:
    return {
        "keyword": "texts",
        "integer": "integers",
        "number": "numbers",
        "boolean": "true or false",
        "date": "dates",
    }.get(kind, "values of several types")


def _nearest(given: str, known: Sequence[str]) -> str:
    """Return " Did you mean ...?" for the nearest value in any case; "" if none is near."""
    if len(given) > LONGEST_COMPARED:
        return ""
    by_lower = {each.lower(): each for each in reversed(known)}
    found = nearest(given.lower(), by_lower)
    return next((f" Did you mean {_quoted(by_lower[each])}?" for each in by_lower if found.endswith(f"{each!r}?")), "")


def _with_parents(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1) if any(parts[:count])]


def _folder_list(folders: Counter[str]) -> str:
    names = ", ".join(_quoted(name) for name in sorted(dict(folders.most_common(MAX_VALUES))))
    return f" Folders with documents: {names}." if names else ""


def _counted(values: Sequence[tuple[Any, int]]) -> str:
    return ", ".join(f"{_quoted(value)} ({count})" for value, count in values)


def _quoted(value: Any) -> str:
    return json.dumps(cut(value) if isinstance(value, str) else value, ensure_ascii=False, default=str)
