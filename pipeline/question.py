"""What is asked of the pipeline, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from ..core.errors import InvalidInput
from ..core.text import encodable
from ..core.values import EMPTY, Hit, Ranking
from ..core.vectors import TEXT_FIELD
from ..search.legs import Mode

Verdict: TypeAlias = Literal["good", "weak", "none", "unknown"]

MAX_PHRASINGS = 8  # each is one more search; beyond, they say the same again

MAX_EXAMPLES = 20

MAX_QUERY_CHARACTERS = 10_000  # a question, not a document: a thousand words are far beyond every model's window

DEFAULT_DEPTH = 50

USUAL_LIMIT = 10  # hits on a page

REARRANGED = 100  # hits that metadata and diversity put in order where nothing reranks them: those of one leg

DEEPEST_TUNED = 100  # no tuned depth is greater: each search contributes 100 hits by default

MAX_RESULTS = 200  # how deep pages go: deeper than any reranker reads

GOOD_RELEVANCE = 0.5  # more likely than not that the best hit answers

WEAK_RELEVANCE = 0.1  # at 0.2 three of the 14 right answers of the demo were called none (docs/decisions.md)


@dataclass(frozen=True, slots=True)
class Question:
    """A search: `depth` hits are reranked by `reranker`; "none" keeps the fused order. Defaults as in the tools."""

    query: str
    """May be empty where there are passages to search by, and nothing is reranked then."""
    collection: str = "default"
    limit: int = USUAL_LIMIT
    offset: int = 0
    mode: Mode = "hybrid"
    filter: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    per_document: int = 0
    queries: Sequence[str] = ()
    """Further phrasings of the query, searched with it; passages are reranked against the query."""
    fields: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    """Weights of the fields whose dense vectors are searched; empty is the text alone."""
    like: Sequence[str] = ()
    """Ids of passages: more like these."""
    unlike: Sequence[str] = ()
    diversity: float = 0.0
    """From 0, the best hits whatever they repeat, to 1, those that differ most."""
    recency: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """`field`, `half_life_days` and `weight`, the last two by default as in the settings; empty leaves it to these."""
    boost: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: EMPTY)
    """Factors by metadata field and value, in the place of those of the settings."""
    reranker: str = "none"
    depth: int = 0
    """How many hits are reranked; 0 is as many as pay, up to the depth tuned or `DEFAULT_DEPTH`."""
    instruction: str = ""
    time_budget_ms: float = 0.0
    min_relevance: float = 0.0
    rerank_weight: float | None = None
    """Share of the reranker, retrieval having the rest; None is what was tuned for the collection, or configured."""

    @property
    def is_rearranged(self) -> bool:
        """Return whether the order of a whole head is changed without a model, so that no page shows it alone."""
        return bool(self.recency or self.boost or self.diversity)

    @property
    def is_plain(self) -> bool:
        """Return whether texts are searched both ways, and by nothing but words: what tuned weights hold for."""
        fields = {name for name, weight in self.fields.items() if weight}
        return self.mode == "hybrid" and fields <= {TEXT_FIELD} and not self.like and not self.unlike


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a ranking. `verdict` is of the whole ranking; `more` says that hits follow after the slice."""

    ranking: Ranking
    verdict: Verdict
    offset: int
    more: bool
    pages: bool = True
    """Whether a next page can be asked for; not of passages that were only handed over to be reranked."""


def checked(question: Question) -> Question:
    """Return the question with its words cleaned.

    Raises:
        InvalidInput: When it says nothing to search by, too much, or examples that are not compared.
    """
    query = "" if question.like and not question.query.strip() else check_query(question.query)
    if len(question.queries) > MAX_PHRASINGS:
        raise InvalidInput(f"`queries` takes at most {MAX_PHRASINGS} phrasings, got {len(question.queries)}.")
    if len(question.like) + len(question.unlike) > MAX_EXAMPLES:
        raise InvalidInput(f"`like` and `unlike` take at most {MAX_EXAMPLES} passages together. Give the best ones.")
    if question.mode == "keyword" and (question.like or question.unlike):
        raise InvalidInput("`like` and `unlike` compare by meaning. Ask with mode 'hybrid' or 'dense'.")
    queries = [check_query(each) for each in question.queries]
    return replace(question, query=query, queries=queries, instruction=clean(question.instruction))


def check_query(query: str) -> str:
    """Return the query without surrounding space.

    Raises:
        InvalidInput: When it is empty, or longer than `MAX_QUERY_CHARACTERS`.
    """
    if not query.strip():
        raise InvalidInput("The query is empty. Ask in words, such as 'how do I rotate the API key'.")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(
            f"The query has {len(query):,} characters; at most {MAX_QUERY_CHARACTERS:,} are taken. Ask a shorter "
            "question; to search with a document, ingest it and ask about it."
        )
    return clean(query)


def clean(text: str) -> str:
    """Return the text without surrounding space, with a "?" for half a surrogate pair, which has no UTF-8."""
    return encodable(text).strip()


def judge(hits: list[Hit]) -> Verdict:
    """Return how likely it is that the hits hold an answer, from the best calibrated relevance among them."""
    if not hits:
        return "none"
    relevances = [hit.relevance for hit in hits if hit.relevance is not None]
    if not relevances:
        return "unknown"
    best = max(relevances)
    return "good" if best >= GOOD_RELEVANCE else "weak" if best >= WEAK_RELEVANCE else "none"
