"""Late interaction over the bundled encoder's token vectors (MaxSim): no second model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.errors import QueryUnread
from ..core.query import Query
from ..core.values import Logistic, Passage
from ..models.options import NO_TEMPLATES, InputFormat
from .blend import Weights, with_reranker
from .protocols import QUERY_UNREAD, Scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..models.bundled import BundledModel
    from ..models.lazy import Lazy
    from ..models.text.token_vectors import TokenVectorModel
    from ..models.text.transformer import Transformer
    from ..models.worker_pool import WorkerPool


WEIGHTS = with_reranker(0.2)  # chosen on training questions (benchmarks/README.md): more of it makes SciFact worse

WINDOW_OVERLAP = 32  # tokens that two windows of a long passage share, so that one of them has each sentence whole


class LateInteraction:
    """Scores a passage by the mean, over the query's tokens, of the best cosine with any of the passage's tokens.

    Source: Khattab and Zaharia, "ColBERT", SIGIR 2020, divided by the number of query tokens. A passage longer than the
    model's window is cut into overlapping windows and has the score of its best one.
    """

    def __init__(
        self,
        model: BundledModel,
        transformer: Lazy[Transformer],
        workers: WorkerPool,
        *,
        calibration: Logistic,
        weights: Weights = WEIGHTS,
    ) -> None:
        self.weights = weights
        self._model = model
        self._transformer = transformer
        self._workers = workers
        self._calibration = calibration

    @property
    def name(self) -> str:
        """Return the name of the model."""
        return f"maxsim:{self._model.name}"

    @property
    def fingerprint(self) -> str:
        """Return the name with a hash of the model."""
        return f"maxsim:{self._model.fingerprint}"

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return MaxSim, in -1..1, for each passage.

        Raises:
            QueryUnread: The model does not know the writing of the query.
            ModelError: The model cannot be loaded.
        """
        transformer = await self._transformer.get()
        if transformer.is_unread(query.text):
            raise QueryUnread(QUERY_UNREAD.format(self.name))
        encoded = await self._workers.run(transformer.embed_tokens, query.text)
        contents = [passage.content for passage in passages]

        def best(text: str) -> float:
            windows = transformer.windows(text, window=self._model.window, overlap=WINDOW_OVERLAP)
            return max(max_similarity(encoded.matrix, transformer.embed_tokens(each).matrix) for each in windows)

        values = await self._workers.map(best, contents)
        notes = (
            ("The query is longer than the model's window; only its beginning was read.",) if encoded.truncated else ()
        )
        return Scores(tuple(values), notes)

    def relevance(self, score: float) -> float:
        """Return the calibrated probability that a passage with this score answers its query."""
        return self._calibration.probability(score)


class TokenModel:
    """Scores as `LateInteraction` does, with a fastembed model that was trained for late interaction."""

    def __init__(
        self,
        name: str,
        model: Lazy[TokenVectorModel],
        workers: WorkerPool,
        *,
        weights: Weights,
        form: InputFormat = NO_TEMPLATES,
    ) -> None:
        self.name = name
        self.weights = weights
        self._model = model
        self._workers = workers
        self._form = form

    @property
    def fingerprint(self) -> str:
        """Return the name, which is unique in fastembed, with a hash of the input format."""
        return f"{self.name} {self._form.digest}".rstrip()

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        """Return MaxSim, in -1..1, for the part of each passage that the model reads."""
        model = await self._model.get()
        vectors_of_query = await self._workers.run(
            model.embed_query, self._form.format_query(query.text, query.instruction)
        )
        texts = [self._form.format_passage(passage.content) for passage in passages]
        read = await self._workers.map(model.embed_passage, texts)
        cut = frozenset(place for place, (_, whole) in enumerate(read) if not whole)
        return Scores(tuple(max_similarity(vectors_of_query, vectors) for vectors, _ in read), cut=cut)

    def relevance(self, score: float) -> float:
        """Return the score clipped to 0..1; `resift tune` fits a probability to it."""
        return min(1.0, max(0.0, score))


def max_similarity(query: NDArray[np.float32], passage: NDArray[np.float32]) -> float:
    """Return the mean over query rows of the highest dot product with a passage row; rows have length 1.

    Shapes: query [q, d], passage [p, d]; an empty side gives 0.
    """
    if not len(query) or not len(passage):
        return 0.0
    return float((query @ passage.T).max(axis=1).mean())
