"""Heads of hits, and models that reorder them and keep what they were asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from resift.core.errors import ModelError
from resift.core.query import Query
from resift.core.values import Hit, Passage, Ranking, Stage
from resift.rerank.blend import Weights, with_reranker
from resift.rerank.protocols import Ordering, Scores
from resift.rerank.signals import Mix
from resift.rerank.stages.cascade import PlannedStage
from resift.rerank.stages.score import PlannedScore, ScoreStage

ALONE = Mix({"rerank": 1.0})


@dataclass
class ByLength:
    """A scorer that prefers longer texts, or shorter ones."""

    name: str = "by-length"
    sign: int = 1
    fingerprint = "a model of a test"
    weights: Weights = field(default_factory=lambda: with_reranker(0.5))
    asked: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        self.asked.append((query.text, query.instruction, len(passages)))
        await anyio.lowlevel.checkpoint()
        return Scores(tuple(float(self.sign * len(each.text)) for each in passages))

    def relevance(self, score: float) -> float:
        return abs(score) / 100


class Broken(ByLength):
    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        raise ModelError("The endpoint answered 503. Try again later.")


@dataclass
class Reverses:
    """An orderer that turns its head upside down, or gives the places it was made with."""

    places: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()
    degraded: bool = False
    note: str = ""
    hangs: bool = False
    name: str = "reverses"
    asked: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])

    async def order(self, query: Query, hits: Sequence[Hit]) -> Ordering:
        self.asked.append((query.text, query.instruction, len(hits)))
        if self.hangs:
            await anyio.sleep_forever()
        places = tuple(reversed(range(len(hits)))) if self.places is None else self.places
        return Ordering(places, notes=self.notes, degraded=self.degraded, note=self.note)


def ranking(count: int) -> Ranking:
    """Hits d0, d1, ... whose texts grow with their places."""
    hits = [
        Hit(Passage(f"d{n}", 0, text="x" * (n + 1)), 1 / (n + 1), rank=n + 1, scores={}, ranks={"fused": n + 1})
        for n in range(count)
    ]
    return Ranking(hits, [Stage("search", "dense", received=count, returned=count, milliseconds=1.0)])


def scored(scorer: ByLength, depth: int, *, name: str = "rerank", mix: Mix = ALONE) -> PlannedScore:
    return PlannedScore(ScoreStage(name, scorer), depth, mix=mix, name=name)


async def run(before: Ranking, *stages: PlannedStage, query: Query | None = None) -> Ranking:
    """Return the ranking after the stages, one after the other."""
    after, asked = before, query or Query("q")
    for stage in stages:
        after = await stage.run(after, asked)
    return after


def order(ranked: Ranking) -> list[int]:
    return [int(hit.passage.document_id[1:]) for hit in ranked.hits]
