"""A stage without a model: weigh recency and boosts where no reranker blends them in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...core.query import Query
from ...core.values import Hit, Ranking, Stage
from ..blend import blend, restrict
from ..signals import FROM_METADATA, Mix, notes_on_dates, signals_of

METADATA = "metadata"


def weigh_metadata(ranking: Ranking, query: Query, *, mix: Mix, depth: int, name: str = "blend") -> Ranking:
    """Return the ranking with its first `depth` hits ordered by the blend of their scores and metadata.

    `name` is the name of the final scores and ranks in each hit.
    """
    start = query.clock()
    head = ranking.hits[:depth]
    if not head:
        return ranking
    signals = signals_of(head, [], mix)
    from_metadata = {name: signals[name] for name in FROM_METADATA if name in signals}
    new = [note for note in notes_on_dates(head, mix) if note not in ranking.notes]
    ranking = replace(ranking, notes=[*ranking.notes, *new])
    if not from_metadata:
        return ranking
    finals = blend(signals, restrict(mix.weights, signals))
    scored = [
        replace(hit, scores={**hit.scores, **{name: values[place] for name, values in from_metadata.items()}})
        for place, hit in enumerate(head)
    ]
    order = sorted(enumerate(finals), key=lambda pair: (-pair[1], pair[0]))
    report = Stage(
        name=METADATA,
        model="+".join(from_metadata),
        received=len(head),
        returned=len(head),
        milliseconds=1000 * (query.clock() - start),
        kind="rank",
    )
    return reordered(replace(ranking, hits=[*scored, *ranking.hits[depth:]]), order, report=report, name=name)


def reordered(ranking: Ranking, order: Sequence[tuple[int, float]], *, report: Stage, name: str) -> Ranking:
    """Return the ranking with its head in the order of (position, final score) pairs; the tail follows.

    `name` is the name of the final scores and ranks in each hit.
    """
    hits = ranking.hits
    head = [
        _moved(hits[place], rank, score=score, scores={name: score}, ranks={name: rank})
        for rank, (place, score) in enumerate(order, start=1)
    ]
    lowest = min((hit.score for hit in head), default=0.0)
    tail = [
        _moved(hit, rank, score=min(hit.score, lowest), scores={}, ranks={})
        for rank, hit in enumerate(hits[len(order) :], start=len(order) + 1)
    ]
    return replace(ranking, hits=[*head, *tail], stages=[*ranking.stages, report])


def _moved(hit: Hit, rank: int, *, score: float, scores: Mapping[str, float], ranks: Mapping[str, int]) -> Hit:
    return replace(
        hit,
        score=score,
        rank=rank,
        was=hit.was or hit.rank,
        scores={**hit.scores, **scores},
        ranks={**hit.ranks, **ranks},
    )
