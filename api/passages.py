"""Passages and documents as callers hand them over, and hits as the feedback log keeps them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import InvalidInput
from ..core.text import listed
from ..core.values import Document, Hit, Passage
from ..ingest.sources import text_document
from ..pipeline.request import SearchRequest
from ..search.relative_paths import ShortNames
from ..store.feedback_log import Searched, ShownHit
from .requests import MAX_NAME_CHARACTERS, MAX_PASSAGES, DocumentInput, GivenPassage

MAX_CHARACTERS = 200_000  # of all passages together: about 20 s of reading on two cores


def read_passages(given: Sequence[GivenPassage]) -> list[Passage]:
    """Return the passages to rerank. An id is the caller's, or else the position in the list, from 1.

    Raises:
        InvalidInput: There are no passages, too many, too long ones, or some without text.
    """
    if not 1 <= len(given) <= MAX_PASSAGES:
        raise InvalidInput(f"Pass 1 to {MAX_PASSAGES} passages, not {len(given)}. Choose the likeliest ones.")
    passages = [_passage(each, place) for place, each in enumerate(given, start=1)]
    if empty := [str(place) for place, each in enumerate(passages, start=1) if not each.text.strip()]:
        raise InvalidInput(f"Passages without text, by position in the list: {listed(empty)}. Leave them out.")
    characters = sum(len(each.text) + len(each.title) for each in passages)
    if characters > MAX_CHARACTERS:
        raise InvalidInput(
            f"The passages have {characters:,} characters, more than the limit of {MAX_CHARACTERS:,}. Pass fewer."
        )
    return passages


def read_documents(given: Sequence[DocumentInput], metadata: Mapping[str, Any]) -> list[Document]:
    """Return the documents given as text, with `metadata` below their own."""
    return [
        text_document(
            each["text"],
            title=each.get("title", ""),
            source=each.get("source", ""),
            id_=each.get("id", ""),
            metadata={**metadata, **each.get("metadata", {})},
            position=position,
        )
        for position, each in enumerate(given)
    ]


def searched(request: SearchRequest, hits: Sequence[Hit], names: ShortNames) -> list[Searched]:
    """Return what the feedback log keeps of a search and the hits that it showed, for each collection they are from."""
    shown: dict[str, list[ShownHit]] = {}
    for hit in hits:
        name = hit.passage.collection or request.collection[0]
        shown.setdefault(name, []).append(_shown(hit, names))
    return [
        Searched(
            name,
            request.query,
            shown=entries,
            filter=request.filter,
            # Other hits are right for a request with preferences of its own.
            plain=request.is_plain and not request.instruction and not request.reorders,
            reranker=request.reranker,
            others=[each for each in shown if each != name],
        )
        for name, entries in shown.items()
    ]


def _shown(hit: Hit, names: ShortNames) -> ShownHit:
    passage, shown_id = hit.passage, names.passage_id(hit.passage)
    return ShownHit(
        passage.id,
        passage.document_id,
        rank=hit.rank,
        shown_id="" if shown_id == passage.id else shown_id,
    )


def _passage(given: GivenPassage, place: int) -> Passage:
    if isinstance(given, Hit):
        return given.passage
    if isinstance(given, Passage):
        return given
    if isinstance(given, str):
        return Passage(str(place), ordinal=-1, text=given)
    own_id, date = given.get("id", "") or str(place), given.get("date", "")
    document_id = given.get("document_id", "")
    return Passage(
        document_id or own_id,
        ordinal=-1,
        text=given["text"],
        title=given.get("title", ""),
        heading=given.get("heading", "")[:MAX_NAME_CHARACTERS],
        source=given.get("source", "")[:MAX_NAME_CHARACTERS],
        metadata={**given.get("metadata", {}), **({"date": date} if date else {})},
        key=own_id if document_id else "",
        collection=given.get("collection", ""),
    )
