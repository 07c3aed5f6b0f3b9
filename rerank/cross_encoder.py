"""Rerank with a cross-encoder: a model that reads query and passage together."""

from collections.abc import Sequence
from itertools import chain

from ..core.concurrency import batched
from ..core.errors import QueryUnread
from ..core.query import Query
from ..core.values import Passage
from ..models.lazy import Lazy
from ..models.pair.loading import CrossEncoderModel
from ..models.pair.scorer import PairScore, PairScorer
from ..models.worker_pool import WorkerPool
from .blend import Weights
from .protocols import QUERY_UNREAD, Scores

CUT_QUERY = "The query is longer than the reranker reads; only its beginning was read."

CUT_INSTRUCTED = "The query or the instruction is longer than the reranker reads; only the beginning was read."


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
        """Return the name and a hash of the model's files; the name alone if they are not on this machine."""
        return f"{self.model.name} {self.model.digest}".rstrip()

    @property
    def weights(self) -> Weights:
        """Return the default share of each signal in the final score."""
        return self.model.weights

    async def load(self) -> None:
        """Load the model, so that the first query does not wait for it.

        Raises:
            ModelError: The model cannot be loaded.
        """
        await self._scorer.get()

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return the logit of each passage.

        Raises:
            QueryUnread: The model does not know the writing of the query.
            ModelError: The model cannot be loaded or run.
        """
        scorer = await self._scorer.get()
        if scorer.tokenizer.is_unread(query.text):
            raise QueryUnread(QUERY_UNREAD.format(self.name))
        fitted = scorer.tokenizer.fit_query(query.text, query.instruction)
        # Longest first: threads finish together, and a batch holds texts of similar length.
        order = sorted(range(len(passages)), key=lambda place: -len(passages[place].content))
        batches = [[passages[place].content for place in batch] for batch in batched(order, scorer.batch)]
        scored = await self._workers.map(lambda batch: scorer.score(fitted.pieces[0], batch), batches)
        by_place: dict[int, PairScore] = dict(zip(order, chain.from_iterable(scored), strict=True))
        values = tuple(by_place[place].value for place in range(len(passages)))
        cut = frozenset(place for place, score in by_place.items() if not score.complete)
        note = CUT_INSTRUCTED if query.instruction else CUT_QUERY
        return Scores(values, () if fitted.complete else (note,), cut=cut)

    def relevance(self, score: float) -> float:
        """Return the calibrated probability, or the logistic of the logit for a model without a calibration.

        The logistic is right for models trained with binary cross-entropy.
        """
        return self.model.calibration.probability(score)
