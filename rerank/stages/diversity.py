"""A stage without a model: maximal marginal relevance, which moves down hits that repeat earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...core.query import Query
from ...core.values import Ranking, Stage
from ...core.vectors import AnyVector
from ...search.fusion import scale
from .metadata import reordered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def maximal_marginal_relevance(
    relevance: Sequence[float], vectors: NDArray[np.float32], *, diversity: float
) -> list[tuple[int, float]]:
    """Return the positions of all hits in the order of maximal marginal relevance, each with its value, in 0..1.

    The value is `(1 - diversity) * relevance + diversity * (1 - cosine to the nearest hit chosen before)`; it
    decreases along the order. Of equal values the earlier position comes first. Source: Carbonell and Goldstein,
    "The use of MMR", SIGIR 1998, with lambda = 1 - diversity. Shapes: `vectors`
    [hits, dimension], of length 1, or zero.
    """
    import numpy as np

    similar = np.clip(vectors @ vectors.T, 0.0, 1.0)
    nearest = np.zeros(len(relevance), np.float32)
    own = (1 - diversity) * np.asarray(relevance, np.float64)
    left = np.ones(len(relevance), bool)
    chosen: list[tuple[int, float]] = []
    for _ in relevance:
        values = np.where(left, own + diversity * (1.0 - nearest), -np.inf)
        place = int(np.argmax(values))
        chosen.append((place, float(values[place])))
        left[place] = False
        nearest = np.maximum(nearest, similar[place])
    return chosen


DIVERSITY = "diversity"


def diversify(ranking: Ranking, query: Query, *, vectors: Sequence[AnyVector | None], diversity: float) -> Ranking:
    """Return the ranking with its head ordered by maximal marginal relevance.

    `vectors` are the dense vectors of the head's hits, in order; None for a hit without one. `diversity` is in 0..1.
    """
    import numpy as np

    start = query.clock()
    head = ranking.hits[: len(vectors)]
    if not head:
        return ranking
    size = next((each.shape[0] for each in vectors if isinstance(each, np.ndarray)), 1)
    rows = [each if isinstance(each, np.ndarray) else np.zeros(size, np.float32) for each in vectors]
    order = maximal_marginal_relevance(
        scale([hit.score for hit in head], "min-max"), np.stack(rows[: len(head)]), diversity=diversity
    )
    report = Stage(
        name=DIVERSITY,
        model="MMR",
        received=len(head),
        returned=len(head),
        milliseconds=1000 * (query.clock() - start),
        kind="rank",
    )
    return reordered(ranking, order, report=report, name=DIVERSITY)
