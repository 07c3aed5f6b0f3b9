"""Compare variants of a model: how fast they run, and how well two of them agree on an order."""

from collections.abc import Mapping, Sequence
from time import thread_time

import numpy as np

from ..models.session import Session
from .graph.linear import Floats
from .graph.smoothing import Feed

TIMED = 60  # inputs that every variant runs

ROUNDS = 5


def milliseconds(sessions: Mapping[str, Session], feeds: Sequence[Feed], *, output: str) -> dict[str, float]:
    """Return each session's processor time per feed, in one thread: the mean over feeds of the best of five runs.

    The sessions take turns at each feed, so that other load on the machine slows all of them alike.
    """
    best = {name: np.full(len(feeds[:TIMED]), np.inf) for name in sessions}
    for _ in range(ROUNDS):
        for index, feed in enumerate(feeds[:TIMED]):
            for name, session in sessions.items():
                start = thread_time()
                session.run([output], feed)
                best[name][index] = min(best[name][index], (thread_time() - start) * 1000)
    return {name: float(times.mean()) for name, times in best.items()}


def mean_tau(first: Sequence[Floats], second: Sequence[Floats]) -> float:
    """Return the mean, over questions, of Kendall's tau-b between two lists of scores for the same passages."""
    return float(np.mean([_tau(one, other) for one, other in zip(first, second, strict=True)]))


def _tau(one: Floats, other: Floats) -> float:
    """Return tau-b (Kendall 1945): agreement over pairs without ties; 1 if neither order has such a pair."""
    signs = [np.sign(values[:, None] - values) for values in (one, other)]
    untied = float(np.sqrt(np.prod([np.abs(each).sum() for each in signs], dtype=np.float64)))
    return float((signs[0] * signs[1]).sum()) / untied if untied else float(signs[0].any() == signs[1].any())
