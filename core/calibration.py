"""From raw scores to probabilities."""

from dataclasses import dataclass
from math import exp


@dataclass(frozen=True, slots=True)
class Logistic:
    """Platt scaling: probability = 1 / (1 + exp(-(slope * score + intercept))) (Platt 1999)."""

    slope: float
    intercept: float

    def probability(self, score: float) -> float:
        """Return the probability, in 0..1, that belongs to a raw score."""
        exponent = self.slope * score + self.intercept
        return 1 / (1 + exp(-exponent)) if exponent >= 0 else exp(exponent) / (1 + exp(exponent))
