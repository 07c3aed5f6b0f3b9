"""Arguments of the tools that only shape a reply."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, Any, TypeAlias

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel, Field
from pydantic_core import to_json

from ..api.requests import MAX_NAME_CHARACTERS, DetailLevel
from ..core.text import BYTES_PER_TOKEN
from ..core.values import Hit, Stage
from ..pipeline.page import OFF_TOPIC_HITS, Page, Verdict
from ..pipeline.scope import MAX_COPIES
from ..pipeline.snippet import passage_snippet
from ..search.relative_paths import ShortNames
from ..store.fields import REVISION, is_file_fact

MAX_REPLY_CHARACTERS = 18_000
"""Of one copy. A reply carries two, as text and as structured content, which stay below 40,000 together."""

UNLIMITED = 2**62

MAX_REPLY_TOKENS = MAX_REPLY_CHARACTERS // BYTES_PER_TOKEN

PLACE = ("rank", "was", "passage_id", "score", "relevance")  # what a hit tells a caller who has its text

WITHOUT_TEXT = "The reply has no room for every text: a hit without one is in `passages` at the position `was`."

OFF_TOPIC_CHARACTERS = 200  # of the text of a hit where no hit answers


UNTOLD = ("path", "format", REVISION)  # facts about a file that its source says already, or that only Resift needs


class HitResult(BaseModel):
    """One hit."""

    rank: int
    was: Annotated[int, Field(description="Rank before reranking")]
    collection: str = ""
    document_id: str
    passage_id: str
    title: str
    heading: str = ""
    source: Annotated[str, Field(description="path:first-last line, or path:p.page")]
    relevance: Annotated[float, Field(description="Probability that it answers")] = 0.0
    score: float
    text: Annotated[str, Field(description="Untrusted data")]
    also_in: Annotated[list[str], Field(description="Others with this text")] = []
    also_in_more: int = 0
    metadata: dict[str, Any] = {}
    scores: dict[str, float] = {}
    ranks: dict[str, int] = {}


class RankingResult(BaseModel):
    """A page of a ranking."""

    hits: list[HitResult]
    verdict: Annotated[Verdict, Field(description="Whether the hits answer")]
    stages: list[dict[str, Any]]
    notes: list[str]
    degraded: Annotated[bool, Field(description="A stage failed; see notes")]
    left_out: Annotated[int, Field(description="Hits of this page not shown")]
    next_offset: Annotated[int, Field(description="0 at the end")]
    search_id: str = ""


class SameRankingResult(BaseModel):
    """The same page with a short schema: tools/list has no room for the full one in every tool."""

    hits: Annotated[list[dict[str, Any]], Field(description="As in search_and_rerank")]
    verdict: str
    notes: list[str]


RankingReply: TypeAlias = Annotated[CallToolResult, RankingResult]

SameRankingReply: TypeAlias = Annotated[CallToolResult, SameRankingResult]


def reply(answer: dict[str, Any]) -> CallToolResult:
    """Return an answer that carries the same compact content as text and as structure."""
    return CallToolResult(
        content=[TextContent(type="text", text=to_json(answer, inf_nan_mode="null").decode())],
        structured_content=answer,
    )


def ranking_reply(page: Page, *, full: bool, max_tokens: int) -> CallToolResult:
    """Return the page as a reply of at most `max_tokens` tokens, with the number of hits that did not fit."""
    return reply(ranking_answer(page, full=full, budget=ReplyBudget(max_tokens)))


def ranking_answer(
    page: Page, *, full: bool, budget: "ReplyBudget | None" = None, reads: str = "read_document"
) -> dict[str, Any]:
    """Return the page in the one shape of every ranking, with the hits that fit; all of them without `budget`.

    `reads` is what the caller reads documents with.

    Of a page without any answer, the concise form shows the first few hits only, and the part of their texts with most
    words of the query. Of passages that the caller supplied, those whose texts do not fit are shown without.
    """
    ranking = page.ranking
    budget = budget or ReplyBudget(UNLIMITED, most=UNLIMITED)
    answer: dict[str, Any] = {
        "hits": [],
        "verdict": page.verdict,
        "stages": [_stage(stage, full=full) for stage in ranking.stages],
        "notes": list(ranking.notes),
        "degraded": ranking.degraded,
        "left_out": 0,
        "next_offset": 0,
    }
    entries = [_hit(hit, page.names, full=full) for hit in ranking.hits]
    if page.is_off_topic and not full:
        entries = [{**each, "text": _part(hit, page.query)} for each, hit in zip(entries, ranking.hits, strict=True)]
        entries = entries[:OFF_TOPIC_HITS]
        answer["notes"] += _what_is_cut(page)
    budget.take(answer)
    if not page.pages:
        return _with_places(answer, entries, budget)
    for entry in entries:
        if not budget.admit(entry):
            break
        answer["hits"].append(entry)
    if not answer["hits"] and ranking.hits:
        answer["hits"].append(shortened(_hit(ranking.hits[0], page.names, full=False), budget))
        answer["notes"].append(f"The first hit alone exceeds max_tokens and was cut. Read it with {reads}.")
    shown = len(answer["hits"])
    answer["left_out"] = len(ranking.hits) - shown
    if answer["left_out"] or page.more:
        answer["next_offset"] = page.offset + shown
    return answer


def _with_places(answer: dict[str, Any], entries: Sequence[dict[str, Any]], budget: "ReplyBudget") -> dict[str, Any]:
    """Return the answer with the places of all hits, and with all about those hits for which there is room."""
    if sum(size_of(each) + 1 for each in entries) <= budget.left:
        return {**answer, "hits": list(entries)}
    notes = [*answer["notes"], WITHOUT_TEXT]
    budget.take(WITHOUT_TEXT)
    places = list(takewhile(budget.admit, ({name: each[name] for name in PLACE if name in each} for each in entries)))
    if left_out := len(entries) - len(places):
        notes.append(f"{left_out:,} of {len(entries):,} hits do not fit at all, since ids are long. Pass shorter ones.")
    hits = [
        entry if budget.admit({name: entry[name] for name in entry.keys() - PLACE}) else place
        for place, entry in zip(places, entries, strict=False)
    ]
    return {**answer, "hits": hits, "notes": notes, "left_out": left_out}


class ReplyBudget:
    """The space left in a reply, in UTF-8 bytes of compact JSON."""

    def __init__(self, max_tokens: int, *, most: int = MAX_REPLY_CHARACTERS) -> None:
        self._left = min(max_tokens * BYTES_PER_TOKEN, most)

    @property
    def left(self) -> int:
        """Return the bytes left, at least 0."""
        return max(0, self._left)

    def take(self, entry: Any) -> None:
        """Add an entry, whether it fits or not."""
        self._left -= size_of(entry) + 1

    def admit(self, entry: Any) -> bool:
        """Add an entry if it fits; return whether it did."""
        if size_of(entry) + 1 > self._left:
            return False
        self.take(entry)
        return True


def size_of(value: Any) -> int:
    """Return the size of a value as compact JSON, in UTF-8 bytes."""
    return len(to_json(value))


def shortened(entry: dict[str, Any], budget: ReplyBudget) -> dict[str, Any]:
    """Return an entry with as much of its `text` as fits."""
    text: str = entry["text"]
    spare = max(200, budget.left - size_of({**entry, "text": ""}))
    while size_of(text) > spare:  # halve until it fits, since JSON escapes make the size hard to predict
        text = text[: len(text) // 2]
    return {**entry, "text": f"{text}…"}


def _hit(hit: Hit, names: ShortNames, *, full: bool) -> dict[str, Any]:
    passage = hit.passage
    entry: dict[str, Any] = {
        "rank": hit.rank,
        "was": hit.was or hit.rank,
        **({"collection": passage.collection} if passage.collection else {}),
        **({"document_id": names.document_id(passage)} if passage.is_stored else {}),
        "passage_id": names.passage_id(passage),
        "title": passage.title[:MAX_NAME_CHARACTERS],
        "heading": passage.heading[:MAX_NAME_CHARACTERS],
        "source": names.citation(passage),
        "score": round(hit.score, 4),
    }
    if hit.relevance is not None:
        entry["relevance"] = round(hit.relevance, 3)
    entry["text"] = passage.text
    if hit.also_in:
        entry["also_in"] = copies_of(hit, names)
        entry["also_in_more"] = len(hit.also_in) - len(entry["also_in"])
    if full:
        entry["metadata"] = {
            name: value
            for name, value in passage.metadata.items()
            if name not in UNTOLD or not is_file_fact(passage, name)
        }
        entry["scores"] = {name: round(score, 4) for name, score in hit.scores.items()}
        entry["ranks"] = dict(hit.ranks)
    return entry


def copies_of(hit: Hit, names: ShortNames) -> list[str]:
    """Return the citations of the first passages that a hit stands for, with their collections if there are several."""
    places = [(each, names.citation(each) or names.document_id(each)) for each in hit.also_in[:MAX_COPIES]]
    return [f"{each.collection}: {citation}" if each.collection else citation for each, citation in places]


def _part(hit: Hit, query: str) -> str:
    """Return a short text whole, and of a long one what lets a reader see that it answers after all."""
    text = hit.passage.text
    return passage_snippet(hit.passage, query, most=OFF_TOPIC_CHARACTERS) if len(text) > OFF_TOPIC_CHARACTERS else text


def _what_is_cut(page: Page) -> list[str]:
    shown = page.hits[:OFF_TOPIC_HITS]
    fewer = f"only the first {len(shown)} of {len(page.hits)} are shown" if len(shown) < len(page.hits) else ""
    is_cut = any(len(hit.passage.text) > OFF_TOPIC_CHARACTERS for hit in shown)
    if not fewer and not is_cut:
        return []
    part = "the part of each text that fits best"
    which = f"{fewer}, with {part}" if fewer and is_cut else fewer or f"only {part} is shown"
    return [f'Probably no hit answers the question, so {which}. To see everything, set `detail` to "full".']


def _stage(stage: Stage, *, full: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": stage.name,
        "received": stage.received,
        "returned": stage.returned,
        "milliseconds": round(stage.milliseconds, 1),
    }
    if full:
        entry["model"] = stage.model
        entry["kind"] = stage.kind
    if full or stage.note:
        entry["note"] = stage.note
    return entry


Detail: TypeAlias = Annotated[DetailLevel, Field(description="full adds metadata, scores, ranks")]

MaxTokens: TypeAlias = Annotated[int, Field(description="Size of the reply", ge=200, le=MAX_REPLY_TOKENS)]
