"""The loss of a reranker: of lists, for its own scores and for their sum with retrieval's, and of graded passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from sentence_transformers.cross_encoder import CrossEncoder
from sentence_transformers.util import batch_to_device
from torch import Tensor, nn
from torch.nn import functional

MINI_BATCH = 24  # pairs in one forward pass, of similar length to keep padding small

FUSED_SCALE = 10.0  # the weight of retrieval's score, 0..1, beside the network's own

ANSWER_WEIGHT = 1.2  # of the loss for each passage, beside that of the list

RELEVANCE = (0.5, -9.0)  # slope and intercept at the start, near those of the bundled reranker


class ResidualListwiseLoss(nn.Module):
    """Mean over lists of the cross entropy between targets and softmax of scores, and of that of each graded passage.

    Source: ListNet (Cao et al. 2007), as the mean of two losses: one for the network's scores s alone, and one for
    s + 10 * fused, in which the network only corrects retrieval. The first makes it a reranker in its own right, the
    second one that works well in a blend.

    A softmax compares passages of one list only, and learns nothing from a list that nothing answers. With `answers`,
    the loss of a list with known answers has a second part: the mean binary cross entropy between what is known and
    sigmoid(a * s + b), where a and b are learned. Scores then mean the same for every question.
    """

    def __init__(self, model: CrossEncoder, *, answers: bool = False) -> None:
        super().__init__()
        self.model = model
        # Only where it is used: the optimizer's state in a checkpoint has to fit the parameters.
        self.relevance = nn.Parameter(torch.tensor(RELEVANCE)) if answers else None

    def forward(
        self, inputs: list[list[str] | list[list[str]]], labels: list[Tensor], prompt: None = None, task: None = None
    ) -> Tensor:
        """Return the loss; inputs are queries and lists of passages, labels [passages, 3] targets, fused and answers.

        Answers are 1, 0, or below 0 where nothing is known.
        """
        queries, lists = inputs
        pairs = [(query, each) for query, passages in zip(queries, lists, strict=True) for each in passages]
        scores = torch.split(self._scores(pairs), [len(passages) for passages in lists])
        losses = [self._loss(each, label.to(each.device)) for each, label in zip(scores, labels, strict=True)]
        return torch.stack(losses).mean()

    def _loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        targets, fused, answers = labels.unbind(dim=1)
        loss, known = _list_loss(scores, targets, fused), answers >= 0
        if self.relevance is None or not bool(known.any()):
            return loss
        logits = self.relevance[0] * scores[known] + self.relevance[1]
        return loss + ANSWER_WEIGHT * functional.binary_cross_entropy_with_logits(logits, answers[known])

    def _scores(self, pairs: Sequence[tuple[object, object]]) -> Tensor:
        order = sorted(range(len(pairs)), key=lambda place: len(str(pairs[place][1])))
        parts: list[Tensor] = []
        for start in range(0, len(order), MINI_BATCH):
            batch = [pairs[place] for place in order[start : start + MINI_BATCH]]
            features = batch_to_device(cast(Any, self.model).preprocess(batch), self.model.device)
            parts.append(self.model(features)["scores"].view(-1))
        places = torch.tensor(order, device=parts[0].device)
        return torch.empty_like(torch.cat(parts)).scatter(0, places, torch.cat(parts))


def _list_loss(scores: Tensor, targets: Tensor, fused: Tensor) -> Tensor:
    alone = torch.log_softmax(scores, dim=0)
    corrected = torch.log_softmax(scores + FUSED_SCALE * fused, dim=0)
    return -(targets * (alone + corrected)).sum() / 2
