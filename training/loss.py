"""The loss of a reranker: listwise, for its own scores and for their sum with retrieval's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from sentence_transformers.cross_encoder import CrossEncoder
from sentence_transformers.util import batch_to_device
from torch import Tensor, nn

MINI_BATCH = 24  # pairs in one forward pass, of similar length to keep padding small

FUSED_SCALE = 10.0  # the weight of retrieval's score, 0..1, beside the network's own


class ResidualListwiseLoss(nn.Module):
    """Mean over lists of the cross entropy between targets and softmax of scores.

    Source: ListNet (Cao et al. 2007), as the mean of two losses: one for the network's scores s alone, and one for
    s + 10 * fused, in which the network only corrects retrieval. The first makes it a reranker in its own right, the
    second one that works well in a blend.
    """

    def __init__(self, model: CrossEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, inputs: list[list[str] | list[list[str]]], labels: list[Tensor], prompt: None = None, task: None = None
    ) -> Tensor:
        """Return the loss; inputs are queries and lists of passages, labels [passages, 2] targets and fused scores."""
        queries, lists = inputs
        pairs = [(query, each) for query, passages in zip(queries, lists, strict=True) for each in passages]
        scores = torch.split(self._scores(pairs), [len(passages) for passages in lists])
        losses = [_list_loss(each, label.to(each.device)) for each, label in zip(scores, labels, strict=True)]
        return torch.stack(losses).mean()

    def _scores(self, pairs: Sequence[tuple[object, object]]) -> Tensor:
        order = sorted(range(len(pairs)), key=lambda place: len(str(pairs[place][1])))
        parts: list[Tensor] = []
        for start in range(0, len(order), MINI_BATCH):
            batch = [pairs[place] for place in order[start : start + MINI_BATCH]]
            features = batch_to_device(cast(Any, self.model).preprocess(batch), self.model.device)
            parts.append(self.model(features)["scores"].view(-1))
        places = torch.tensor(order, device=parts[0].device)
        return torch.empty_like(torch.cat(parts)).scatter(0, places, torch.cat(parts))


def _list_loss(scores: Tensor, labels: Tensor) -> Tensor:
    targets, fused = labels[:, 0], labels[:, 1]
    alone = torch.log_softmax(scores, dim=0)
    corrected = torch.log_softmax(scores + FUSED_SCALE * fused, dim=0)
    return -(targets * (alone + corrected)).sum() / 2
