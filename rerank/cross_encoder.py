"""Rerank with a cross-encoder: a model that reads query and passage together."""

from collections.abc import Sequence
from itertools import chain
from math import isfinite

from ..core.errors import ModelError
from ..core.values import Passage
from ..models.lazy import Lazy
from ..models.pair.loading import CrossEncoderModel
from ..models.pair.scorer import PairScore, PairScorer
from ..models.worker_pool import WorkerPool
from .blend import Weights
from .protocols import Scores

CUT_QUERY = "The query is longer than the reranker reads; only its beginning was read."

CUT_INSTRUCTED = "Query or instruction are longer than the reranker reads; only their beginnings were read."


class CrossEncoder:
    """Scores each passage by the logit of its best window."""

    def __init__(self, model: CrossEncoderModel, workers: WorkerPool) -> None:
        self.model = model
        self._scorer: Lazy[PairScorer] = Lazy(model.open)
        self._workers = workers

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return self.model.name

    @property
    def fingerprint(self) -> str:
        """Return the name with a hash of the model, where its files are here."""
        return f"{self.model.name} {self.model.digest}".rstrip()

    @property
    def weights(self) -> Weights:
        """Return the shares in the final score that suit it."""
        return self.model.weights

    async def load(self) -> None:
        """Load the model, so that the first question need not wait for it.

        Raises:
            ModelError: it cannot be loaded.
        """
        await self._scorer.get()

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        """Return the logit of each passage."""
        scorer = await self._scorer.get()
        asked = scorer.tokenizer.fit_query(query, instruction)
        # Longest first, so that threads end together and what shares a batch is of one length.
        order = sorted(range(len(passages)), key=lambda place: -len(passages[place].content))
        groups = [[passages[place].content for place in group] for group in _groups(order, scorer.batch)]
        scored = await self._workers.map(lambda group: scorer.score(asked.pieces[0], group), groups)
        by_place: dict[int, PairScore] = dict(zip(order, chain.from_iterable(scored), strict=True))
        values = tuple(by_place[place].value for place in range(len(passages)))
        if not all(map(isfinite, values)):
            raise ModelError(f"The reranker {self.name!r} gave a score that is no number. Its weights are damaged.")
        cut = frozenset(place for place, score in by_place.items() if not score.complete)
        note = CUT_INSTRUCTED if instruction else CUT_QUERY
        return Scores(values, () if asked.complete else (note,), cut=cut)

    def relevance(self, score: float) -> float:
        """Return the calibrated probability; for a model without a calibration, the logistic of its logit.

        That is what the logit of a model trained with binary cross-entropy means.
        """
        return self.model.calibration.probability(score)


def _groups(places: Sequence[int], size: int) -> list[Sequence[int]]:
    return [places[start : start + size] for start in range(0, len(places), size)]
