"""ONNX cross-encoders, run one pair at a time, so that no score depends on other passages."""

from collections.abc import Sequence
from typing import Self

from ...core.errors import ModelError
from ..onnx_export import INPUTS
from ..session import Session
from .scorer import Pair, PairScore, PairTokenizer

OUTPUTS = ("score", "logits")  # our models', and that of most exporters; else the graph's first output


class OnnxPairScorer:
    """A session and its tokenizer. Its methods may be called from several threads at once."""

    batch = 1

    def __init__(self, session: Session, tokenizer: PairTokenizer) -> None:
        self.tokenizer = tokenizer
        self._session = session
        self._output = next((name for name in OUTPUTS if name in session.outputs), session.outputs[0])

    @classmethod
    def checked(cls, session: Session, tokenizer: PairTokenizer) -> Self:
        """Return a scorer after checking the graph's inputs and scoring one pair.

        Raises:
            ModelError: The graph is not a cross-encoder's.
        """
        if unknown := set(session.inputs) - set(INPUTS):
            raise ModelError(
                f"The model needs the inputs {', '.join(sorted(unknown))}, but a cross-encoder gets only "
                f"{', '.join(INPUTS)}. Choose another export of the model."
            )
        scorer = cls(session, tokenizer)
        scorer.score("query", ["passage"])
        return scorer

    def score(self, query: str, passages: Sequence[str]) -> list[PairScore]:
        """Return the logit of each passage.

        Raises:
            ModelError: The model could not be run, or it returns more than one number.
        """
        return [self._best(query, passage) for passage in passages]

    def _best(self, query: str, passage: str) -> PairScore:
        pairs, complete = self.tokenizer.encode_windows(query, passage)
        return PairScore(max(map(self._logit, pairs)), complete)

    def _logit(self, pair: Pair) -> float:
        import numpy as np

        values = {"input_ids": pair.ids, "attention_mask": np.ones_like(pair.ids), "token_type_ids": pair.types}
        inputs = {name: values[name] for name in self._session.inputs}
        logits = self._session.run([self._output], inputs)[0]
        if logits.size != 1:
            raise ModelError(
                f"The model's output {self._output!r} has the shape {list(logits.shape)} for a pair; a reranker "
                "returns one number. Choose a cross-encoder with one label."
            )
        return float(logits.item())
