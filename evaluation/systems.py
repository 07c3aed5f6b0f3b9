"""The systems an evaluation compares. Each is one way to search; each is one row of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..pipeline.plan import DEFAULT_DEPTH
from ..pipeline.request import DEFAULT, NO_RERANKER, SearchRequest

DEPTHS = (10, 20, 30, 50, 100, 200)

MIN_HITS = 10  # the measures look at the first ten


@dataclass(frozen=True, slots=True)
class System:
    """A way to search, and the system it is compared with; first stages are compared with none."""

    name: str
    question: SearchRequest
    against: str = ""


FIRST_STAGE = "hybrid"

RERANKED = "hybrid + rerank"

FINAL = "+ blend"

SYSTEMS = (
    System("dense", SearchRequest("", mode="dense", reranker=NO_RERANKER)),
    System("BM25", SearchRequest("", mode="keyword", reranker=NO_RERANKER)),
    System(FIRST_STAGE, SearchRequest("", reranker=NO_RERANKER)),
    System(RERANKED, SearchRequest("", reranker=DEFAULT, rerank_weight=1.0), against=FIRST_STAGE),
    System(FINAL, SearchRequest("", reranker=DEFAULT), against=FIRST_STAGE),
)

LLM = System("+ LLM", SearchRequest("", reranker="llm"), against=FIRST_STAGE)
"""Also compared if a language model is configured."""

WITH_FEEDBACK = System("+ feedback", SearchRequest("", reranker=DEFAULT), against=FINAL)
"""Also compared if the settings ask for feedback. All other systems search once."""

REPHRASED = System("+ rephrase", SearchRequest("", reranker=DEFAULT), against=FINAL)
"""Also compared if a language model writes phrasings. All other systems search for the query alone."""


@dataclass(frozen=True, slots=True)
class EvaluationTarget:
    """What is evaluated: a collection, searched with a reranker at a depth.

    Judgements are about documents, so each document counts by its best passage.
    """

    collection: str
    reranker: str = DEFAULT
    depth: int = DEFAULT_DEPTH
    """In documents. An ordinary search counts passages, several of which may come from one document."""
    stops_early: bool = False
    """Whether final systems stop reranking when more would change nothing, as a search without a depth does."""


def available_systems(
    rerankers: Sequence[str], *, feedback: bool = False, rephrases: bool = False
) -> tuple[System, ...]:
    """Return the systems that can be compared with these rerankers configured.

    `feedback`: searches look once more for what is like the best passages. `rephrases`: phrasings are written.
    """
    options = ((LLM, LLM.question.reranker in rerankers), (WITH_FEEDBACK, feedback), (REPHRASED, rephrases))
    return (*SYSTEMS, *(system for system, is_available in options if is_available))


def questions_by_system(target: EvaluationTarget, systems: Sequence[System] = SYSTEMS) -> Mapping[str, SearchRequest]:
    """Return the question of each system by its name, without a query."""
    return {system.name: _question(system, target) for system in systems}


def questions_by_depth(target: EvaluationTarget, depths: Sequence[int]) -> Mapping[int, SearchRequest]:
    """Return the final system's question at each depth, the greatest first so that one call scores all passages."""
    final = next(system.question for system in SYSTEMS if system.name == FINAL)
    return {depth: _at_depth(final, target, depth) for depth in sorted(set(depths), reverse=True)}


def _question(system: System, target: EvaluationTarget) -> SearchRequest:
    question = _at_depth(system.question, target, target.depth)
    has_feedback, is_rephrased = system.name == WITH_FEEDBACK.name, system.name == REPHRASED.name
    question = replace(question, feedback=None if has_feedback else 0, rephrase=is_rephrased)
    stops_early = target.stops_early and system.name in (FINAL, LLM.name, WITH_FEEDBACK.name, REPHRASED.name)
    return replace(question, depth=0, limit=MIN_HITS) if stops_early else question


def _at_depth(question: SearchRequest, target: EvaluationTarget, depth: int) -> SearchRequest:
    return replace(
        question,
        collection=target.collection,
        reranker=target.reranker if question.reranker == DEFAULT else question.reranker,
        depth=depth,
        limit=max(MIN_HITS, depth),
        per_document=1,
        rephrase=False,
        feedback=0,
    )
