"""Run an ONNX cross-encoder one pair at a time, so that no score depends on its neighbours."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from ...core.errors import ModelError
from ..session import Session
from .scorer import Pair, PairScore, PairTokenizer

READABLE = ("input_ids", "attention_mask", "token_type_ids")

OUTPUTS = ("score", "logits")  # ours, and that of exporters; else whatever the graph gives first


class OnnxPairScorer:
    """A session and its tokenizer. Every method may be called from several threads at once."""

    batch = 1

    def __init__(self, session: Session, tokenizer: PairTokenizer) -> None:
        self.tokenizer = tokenizer
        self._session = session
        self._output = next((name for name in OUTPUTS if name in session.outputs), session.outputs[0])

    @classmethod
    def checked(cls, session: Session, tokenizer: PairTokenizer) -> Self:
        """Return a scorer that was tried on a pair.

        Raises:
            ModelError: the graph reads or gives other things than a cross-encoder does.
        """
        if unknown := set(session.inputs) - set(READABLE):
            names = ", ".join(sorted(unknown))
            raise ModelError(f"The model asks for {names}; a cross-encoder asks for {', '.join(READABLE)} at most.")
        scorer = cls(session, tokenizer)
        scorer.score("query", ["passage"])
        return scorer

    def score(self, query: str, passages: Sequence[str]) -> list[PairScore]:
        """Return the logit of each passage.

        Raises:
            ModelError: the model could not be run, or gives several labels.
        """
        return [self._best(query, passage) for passage in passages]

    def _best(self, query: str, passage: str) -> PairScore:
        pairs, whole = self.tokenizer.pairs(query, passage)
        return PairScore(max(map(self._logit, pairs)), whole)

    def _logit(self, pair: Pair) -> float:
        given = {"input_ids": pair.ids, "attention_mask": np.ones_like(pair.ids), "token_type_ids": pair.types}
        asked = {name: given[name] for name in self._session.inputs}
        logits = self._session.run([self._output], asked)[0]
        if logits.size != 1:
            raise ModelError(
                f"The model gives {self._output!r} of shape {list(logits.shape)} for a pair; a reranker gives one "
                "number. Choose a cross-encoder with one label."
            )
        return float(logits.item())
