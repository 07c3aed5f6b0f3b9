"""Learn from what agents used: each search asked again, its used hits weighed against the bias of their places."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from statistics import fmean

from ...ingest.job import Progress
from ...pipeline.pipeline import Pipeline
from ...pipeline.question import Question
from ...store.feedback_log import Use
from ..judged import Judged
from .samples import Sample, collect

POSITION_BIAS = 1.0  # "severe" in Joachims et al.; that of people in web search is near it, that of agents unknown

MOST_WEIGHT = 10.0  # of one hit: without a bound, a use at rank 100 would decide alone


async def collect_uses(
    pipeline: Pipeline,
    uses: Sequence[Use],
    question: Question,
    *,
    now: datetime,
    position_bias: float = POSITION_BIAS,
    progress: Progress | None = None,
) -> list[Sample]:
    """Return a sample for each search, asked again with its filter."""
    samples: list[Sample] = []
    for done, use in enumerate(uses, start=1):
        searched = use.searched
        judged = Judged("", [], queries={searched.search_id: searched.query}, grades={searched.search_id: {}})
        samples += await collect(pipeline, judged, replace(question, filter=searched.filter), now=now)
        if progress is not None:
            await progress(done, len(uses), "")
    return weigh(samples, uses, position_bias=position_bias)


def weigh(samples: Sequence[Sample], uses: Sequence[Use], *, position_bias: float) -> list[Sample]:
    """Return the samples with the used hits as the right ones, each as heavy as it was unlikely to be looked at.

    A hit is looked at with the probability 1 / rank^bias, so one that was used at that rank stands for rank^bias of
    them: inverse propensity scoring (Joachims, Swaminathan and Schnabel, WSDM 2017), clipped and self-normalised. It
    corrects the bias for places; of what was never shown it can know nothing.
    """
    grades = [
        {each.document_id: min(MOST_WEIGHT, float(each.rank) ** position_bias) for each in use.used} for use in uses
    ]
    totals = [sum(each.values()) for each in grades]
    return [
        replace(sample, grades=each, weight=total / fmean(totals))
        for sample, each, total in zip(samples, grades, totals, strict=True)
    ]
