"""From the names in a request to the collections that it searches, with their filters and examples."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import Hint, InvalidFilter, InvalidInput, NotFound, StoreBusy, StoreError
from ..core.text import listed
from ..search.federation import MAX_COLLECTIONS, Example, Federation, Member
from ..search.named_documents import find_passage
from ..search.path_filters import resolve_paths
from ..search.relative_paths import RelativePaths
from ..store.collection import Collection
from ..store.filters import Condition, parse_filter
from .request import SearchRequest
from .scope import Scope, all_fields


@dataclass(frozen=True, slots=True)
class Selection:
    """The names of the collections to search. Of every collection, those that cannot be used are left out."""

    names: Sequence[str]
    is_several: bool = False
    is_every: bool = False


def selection_of(names: Sequence[str], *, is_every: bool, has_others: bool = False) -> Selection:
    """Return the collections to search. `has_others` says that there are some that the caller may not use.

    Raises:
        InvalidInput: None is named, or too many are.
        NotFound: There are no collections, where every collection is meant.
    """
    if is_every and not names:
        raise _nothing_to_search(has_others=has_others)
    if not names:
        raise InvalidInput('Name a collection, several of them, or "*" for all.')
    if len(names) > MAX_COLLECTIONS:
        raise InvalidInput(
            f"{len(names)} collections are too many for one search; the limit is {MAX_COLLECTIONS}. Name fewer."
        )
    return Selection(names, is_several=is_every or len(names) > 1, is_every=is_every)


def _nothing_to_search(*, has_others: bool) -> NotFound:
    if has_others:
        return NotFound(
            "None of the collections that there are is one that this token may use. Ingest documents into one that it "
            "may use, or take a token for others."
        )
    return NotFound("There are no collections: nothing has been ingested yet.", hint=Hint.INGEST)


async def open_scope(
    request: SearchRequest,
    selection: Selection,
    *,
    open_one: Callable[[str], Awaitable[Collection]],
    paths: RelativePaths,
) -> Scope:
    """Return what a request searches.

    Raises:
        InvalidFilter: The filter cannot be used in any of the collections.
        InvalidInput: An example is not clear.
        NotFound: There is no such collection or example.
        StoreError: A collection that was named cannot be used, or none of them can be.
    """
    collections, left_out = await _opened(selection, open_one)
    conditions, unfiltered = _conditions(request.filter, collections)
    members = [(each, await resolve_paths(each, paths, where)) for each, where in conditions]
    left_out += unfiltered
    given = [*request.like, *request.unlike]
    if not selection.is_several:
        [(only, _)] = members
        stored = {each: await find_passage(only, paths, each) for each in given}
        return Scope(members=members, searched=only, paths=paths, examples=stored)
    owners = [Member(collection, filter_.where) for collection, filter_ in members]
    federation = Federation(
        owners,
        [text for text in (request.query, *request.queries) if text],
        examples=[await _example(owners, paths, each) for each in given],
        leaves_out_damaged=selection.is_every,
    )
    stored = {each: each for each in given}
    return Scope(members=members, searched=federation, paths=paths, examples=stored, left_out=left_out)


async def _opened(
    selection: Selection, open_one: Callable[[str], Awaitable[Collection]]
) -> tuple[list[Collection], list[str]]:
    """Return the collections, and sentences on those that cannot be used."""
    found: list[Collection] = []
    problems: list[StoreError | NotFound] = []
    for name in selection.names:
        try:
            found.append(await open_one(name))
        except StoreBusy:
            raise
        except (StoreError, NotFound) as error:  # not found: it was deleted meanwhile
            if not selection.is_every:
                raise
            problems.append(error)
    if not found:
        raise problems[0]
    return found, [f"Not searched: {error.args[0]}" for error in problems]


def _conditions(
    filter_: Mapping[str, Any], collections: Sequence[Collection]
) -> tuple[list[tuple[Collection, Condition | None]], list[str]]:
    """Return the collections with the filter in their terms, and sentences on those that do not have its fields."""
    found: list[tuple[Collection, Condition | None]] = []
    left_out: list[str] = []
    for collection in collections:
        try:
            found.append((collection, parse_filter(filter_, collection.manifest.fields)))
        except InvalidFilter as error:
            left_out.append(f"{collection.name!r} was not searched: {error.args[0]}")
    if not found:
        parse_filter(filter_, all_fields(collections))  # raises for a filter that is wrong in every collection
        raise InvalidFilter(f"No collection has all fields of the filter. {' '.join(left_out)}", hint=Hint.SHOW_FIELDS)
    return found, left_out


async def _example(members: Sequence[Member], paths: RelativePaths, passage_id: str) -> Example:
    """Return where an example is stored; copies in several collections count as one."""
    points: list[tuple[Member, Any]] = []
    unclear: list[InvalidInput] = []
    for member in members:
        try:
            point = member.collection.point_of(await find_passage(member.collection, paths, passage_id))
        except InvalidInput as error:
            unclear.append(error)
            continue
        if await member.collection.fetch([point]):
            points.append((member, point))
    if not points and len(unclear) == len(members):
        raise unclear[0]
    if not points:
        names = listed(repr(member.name) for member in members)
        raise NotFound(f"No passage {passage_id!r} in the collections {names}. Take a passage_id from a hit.")
    return Example(passage_id, points)
