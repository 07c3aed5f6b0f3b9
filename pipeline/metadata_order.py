"""The order by metadata, where no reranker that scores weighs it in."""

from collections.abc import Sequence

from ..core.query import Query
from ..core.values import Ranking
from ..rerank.blend import with_shares
from ..rerank.signals import MetadataSignals, Mix
from ..rerank.stages.cascade import PlannedStage
from ..rerank.stages.metadata import weigh_metadata
from ..rerank.stages.score import PlannedScore
from .request import SearchRequest

REORDERED_HITS = 100  # reordered by metadata or diversity if nothing is reranked: the hits of one leg


def weighed(
    ranking: Ranking,
    query: Query,
    *,
    request: SearchRequest,
    metadata: MetadataSignals,
    stages: Sequence[PlannedStage],
) -> Ranking:
    """Return the ranking with metadata weighed in, if no stage that scores will do so.

    Shares in the settings apply to reranked hits; without a reranker only what the request asks for counts.
    """
    is_wanted = bool(metadata.shares if stages else request.recency or request.boost)
    if not is_wanted or any(isinstance(stage, PlannedScore) for stage in stages):
        return ranking
    mix = Mix(with_shares({"fused": 1.0}, metadata.shares), metadata, now=query.now)
    return weigh_metadata(ranking, query, mix=mix, depth=stages[0].depth if stages else REORDERED_HITS)
