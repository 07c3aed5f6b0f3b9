"""The systems that are compared: each is a way to ask the pipeline, one line of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..pipeline.pipeline import DEFAULT
from ..pipeline.question import DEFAULT_DEPTH, Question

DEPTHS = (10, 20, 30, 50, 100, 200)

SHOWN = 10  # hits that the measures look at; an answer has at least as many


@dataclass(frozen=True, slots=True)
class System:
    """A way to ask, and the system it is compared with query by query: none for a first stage."""

    name: str
    question: Question
    against: str = ""


FIRST_STAGE = "hybrid"

FINAL = "+ blend"

SYSTEMS = (
    System("dense", Question("", mode="dense")),
    System("BM25", Question("", mode="keyword")),
    System(FIRST_STAGE, Question("")),
    System("hybrid + rerank", Question("", reranker=DEFAULT, rerank_weight=1.0), against=FIRST_STAGE),
    System(FINAL, Question("", reranker=DEFAULT), against=FIRST_STAGE),
)

LLM = System("+ LLM", Question("", reranker="llm"), against=FIRST_STAGE)
"""Compared as well where a language model is configured."""


@dataclass(frozen=True, slots=True)
class EvaluationTarget:
    """What all systems are asked alike. Documents are judged, so that each counts by its best passage."""

    collection: str
    reranker: str = DEFAULT
    depth: int = DEFAULT_DEPTH
    """In documents, for `per_document` is 1; the default search counts passages, several of which may be one's."""
    is_usual: bool = False
    """Whether nobody chose the depth, so that the final systems read as the product does: no deeper than pays."""


def systems(rerankers: Sequence[str]) -> tuple[System, ...]:
    """Return the systems that there are with these rerankers."""
    return (*SYSTEMS, LLM) if LLM.question.reranker in rerankers else SYSTEMS


def questions(asked: EvaluationTarget, systems: Sequence[System] = SYSTEMS) -> Mapping[str, Question]:
    """Return the question of each system, without its words, by name."""
    return {system.name: _as_used(system, asked) for system in systems}


def questions_by_depth(asked: EvaluationTarget, depths: Sequence[int]) -> Mapping[int, Question]:
    """Return the question of the final system at each depth; the greatest first, which reads all passages."""
    final = next(system.question for system in SYSTEMS if system.name == FINAL)
    return {depth: _complete(final, replace(asked, depth=depth)) for depth in sorted(set(depths), reverse=True)}


def _as_used(system: System, asked: EvaluationTarget) -> Question:
    complete = _complete(system.question, asked)
    is_final = asked.is_usual and system.name in (FINAL, LLM.name)
    return replace(complete, depth=0, limit=SHOWN) if is_final else complete


def _complete(question: Question, asked: EvaluationTarget) -> Question:
    reranker = asked.reranker if question.reranker == DEFAULT else question.reranker
    limit = max(SHOWN, asked.depth)
    return replace(
        question, collection=asked.collection, reranker=reranker, depth=asked.depth, limit=limit, per_document=1
    )
