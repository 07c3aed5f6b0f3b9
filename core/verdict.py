"""How a verdict is reached: a logistic model of whether the first hit answers the question, and two thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .values import Logistic

Verdict: TypeAlias = Literal["good", "weak", "none", "unknown"]

Evidence: TypeAlias = Mapping[str, float]
"""What is known of a ranking, by name; pipeline/evidence.py says what each is."""

EVIDENCE = ("score", "lead", "words", "query_words", "cosine", "cosine_lead", "agreement")


@dataclass(frozen=True, slots=True)
class VerdictModel:
    """The probability that the first hit answers, as the logistic of a weighted sum of evidence."""

    weights: Mapping[str, float]
    """By the name of the evidence, all of which has to be known."""
    intercept: float
    good: float
    """The verdict is "good" from this probability on."""
    weak: float
    """The verdict is "weak" from this probability on, and "none" below."""

    def __post_init__(self) -> None:
        if not self.weights:
            raise ValueError("a verdict needs evidence: weights is empty")
        if unknown := sorted(self.weights.keys() - set(EVIDENCE)):
            raise ValueError(f"unknown evidence {unknown[0]!r}; known: {', '.join(EVIDENCE)}")
        if not 0 <= self.weak <= self.good <= 1:
            raise ValueError(f"thresholds must rise in 0..1; got weak {self.weak:g}, good {self.good:g}")

    def logit(self, evidence: Evidence) -> float:
        """Return the weighted sum of the evidence."""
        return self.intercept + sum(weight * evidence[name] for name, weight in self.weights.items())

    def probability(self, evidence: Evidence) -> float:
        """Return the probability, in 0..1, that the first hit answers."""
        return Logistic(1.0, 0.0).probability(self.logit(evidence))

    def applies_to(self, evidence: Evidence) -> bool:
        """Return whether all evidence that counts is known."""
        return self.weights.keys() <= evidence.keys()

    def verdict(self, evidence: Evidence) -> Verdict:
        """Return the verdict on the hits that gave the evidence."""
        probability = self.probability(evidence)
        return "good" if probability >= self.good else "weak" if probability >= self.weak else "none"


def first_verdict(models: Sequence[VerdictModel], evidence: Evidence) -> Verdict | None:
    """Return the verdict of the first model whose evidence is known; None if there is no such model."""
    model = next((each for each in models if each.applies_to(evidence)), None)
    return model.verdict(evidence) if model else None
