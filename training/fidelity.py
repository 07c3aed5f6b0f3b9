"""Measure how near a quantised encoder stays to the exact one, and how fast a model runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from ..models.session import Session
from .graph.linear import Floats
from .graph.smoothing import Feed

TIMED = 60  # inputs that every variant runs in turn, several times over

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What a variant costs and keeps: cosine to the exact model's vector, bytes of its file, milliseconds per text."""

    mean_cosine: float
    worst_cosine: float
    size_bytes: int
    milliseconds: float


def sentence_vectors(session: Session, texts: Sequence[NDArray[np.int64]]) -> Floats:
    """Return the unit vectors [texts, dimension] of token ids [1, tokens], run one at a time."""
    return np.concatenate([session.run(["sentence_embedding"], {"input_ids": ids})[0] for ids in texts])


def milliseconds(sessions: Mapping[str, Session], feeds: Sequence[Feed], *, output: str) -> dict[str, float]:
    """Return each session's processor time per feed, on its one thread: the mean over feeds of the best of five runs.

    The sessions take turns feed by feed, so that whatever else the machine does slows them all alike.
    """
    best = {name: np.full(len(feeds[:TIMED]), np.inf) for name in sessions}
    for _ in range(ROUNDS):
        for index, feed in enumerate(feeds[:TIMED]):
            for name, session in sessions.items():
                start = thread_time()
                session.run([output], feed)
                best[name][index] = min(best[name][index], (thread_time() - start) * 1000)
    return {name: float(times.mean()) for name, times in best.items()}
