"""Learn from the hits that agents used, corrected for position bias."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from statistics import fmean

from ...ingest.report import Progress
from ...pipeline.request import SearchRequest
from ...pipeline.search import Pipeline
from ...store.feedback_log import UsedSearch
from ..judged import JudgedSet, as_one_question
from .samples import Sample, collect_samples

POSITION_BIAS = 1.0  # "severe" in Joachims et al.; people in web search are near it, agents are unknown

MAX_HIT_WEIGHT = 10.0  # otherwise a single use at rank 100 would decide alone


def join_repeated_searches(uses: Sequence[UsedSearch]) -> list[UsedSearch]:
    """Return the last search of each question and filter, with what was used in any of its searches.

    Agents ask a question again after an error, or for the next page: that is no further evidence.
    """
    joined: dict[tuple[str, str], UsedSearch] = {}
    for use in uses:
        question = as_one_question(use.searched.query), json.dumps(use.searched.filter, sort_keys=True, default=str)
        earlier = joined.pop(question, None)  # and in again at the end: the order is that of the last searches
        joined[question] = replace(use, used=[*earlier.used, *use.used]) if earlier else use
    return list(joined.values())


async def collect_uses(
    pipeline: Pipeline,
    uses: Sequence[UsedSearch],
    question: SearchRequest,
    *,
    now: datetime,
    position_bias: float = POSITION_BIAS,
    progress: Progress | None = None,
) -> list[Sample]:
    """Return a sample for each question of which hits were used, searched again with its own filter.

    A search whose query the reranker cannot read gives none.
    """
    samples, read = list[Sample](), list[UsedSearch]()
    for done, use in enumerate(uses, start=1):
        searched = use.searched
        judged = JudgedSet("", {searched.search_id: searched.query}, grades={searched.search_id: {}})
        found = await collect_samples(pipeline, judged, replace(question, filter=searched.filter), now=now)
        samples += found
        read += [use] * len(found)
        if progress is not None:
            await progress(done, len(uses), "")
    return weight_by_propensity(samples, read, position_bias=position_bias)


def weight_by_propensity(
    samples: Sequence[Sample], uses: Sequence[UsedSearch], *, position_bias: float
) -> list[Sample]:
    """Return the samples with used hits graded by how unlikely anyone was to look at their rank.

    A hit at rank r is looked at with probability 1 / r^bias, so one use there stands for r^bias: inverse propensity
    scoring (Joachims, Swaminathan and Schnabel, WSDM 2017), clipped and self-normalised. It corrects for the position
    of hits that were shown, and says nothing about those that were not. A document that was used at several ranks
    counts once, at the lowest of them.
    """
    grades = [_weights(use, position_bias) for use in uses]
    totals = [sum(each.values()) for each in grades]
    return [
        replace(sample, grades=each, weight=total / fmean(totals))
        for sample, each, total in zip(samples, grades, totals, strict=True)
    ]


def _weights(use: UsedSearch, position_bias: float) -> dict[str, float]:
    """Return the clipped inverse propensity of each document that was used."""
    by_rank = sorted(use.used, key=lambda each: each.rank)
    return {each.document_id: min(MAX_HIT_WEIGHT, float(each.rank) ** position_bias) for each in by_rank}
