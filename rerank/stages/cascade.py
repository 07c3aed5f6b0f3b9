"""A reranker that a request names: stages that run in order, each over the head of the one before."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from ..protocols import Scorer
from .budget import Pace
from .order import OrderStage, PlannedOrder
from .score import PlannedScore, ScoreStage

RerankStage: TypeAlias = ScoreStage | OrderStage
PlannedStage: TypeAlias = PlannedScore | PlannedOrder


@dataclass(frozen=True, slots=True)
class Cascade:
    """One or more stages; slower models run later and read fewer passages."""

    stages: tuple[RerankStage, ...]

    @property
    def model(self) -> str:
        """Return the names of the models, in order."""
        return " > ".join(stage.model for stage in self.stages)

    @property
    def scorer(self) -> Scorer | None:
        """Return the scorer of the first stage, which is blended with retrieval; None if that stage only orders."""
        first = self.stages[0]
        return first.scorer if isinstance(first, ScoreStage) else None

    @property
    def takes_instructions(self) -> bool:
        """Return whether any stage follows an instruction."""
        return any(stage.takes_instructions for stage in self.stages)

    @property
    def stops_early(self) -> bool:
        """Return whether any stage may read less than its depth."""
        return any(isinstance(stage, ScoreStage) and stage.slice_size > 0 for stage in self.stages)

    def wrapped(self, wrap: Callable[[Scorer], Scorer]) -> "Cascade":
        """Return the cascade with its scorers wrapped."""
        return Cascade(
            tuple(
                replace(each, scorer=wrap(each.scorer), pace=Pace()) if isinstance(each, ScoreStage) else each
                for each in self.stages
            )
        )
