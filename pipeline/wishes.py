"""What an instruction wishes for and data can do: newer passages by their dates, official sources by the boost."""

from collections.abc import Mapping
from dataclasses import replace

from ..rerank.llm.instructions import OFFICIAL, RECENT, wishes_for
from ..rerank.llm.prompt import likeliest_date_field
from ..rerank.signals import BOOSTED_BY_PATH, MOST, MetadataSignals
from ..store.fields import FieldType
from .question import Question

SHARE = 0.25  # of a final score that a wish has at least: a wish weighs more than a habit, and less than relevance


def fulfil_by_data(
    question: Question, signals: MetadataSignals, fields: Mapping[str, FieldType]
) -> tuple[MetadataSignals, list[str]]:
    """Return the signals as the instruction wishes them, and what was done; as they were where data can do nothing.

    What the question asks for in figures is left as it asks.
    """
    notes: list[str] = []
    instruction = question.instruction
    if wishes_for(RECENT, instruction) and not question.recency:
        dates = sorted(name for name, kind in fields.items() if kind == "date")
        if field := signals.recency_field or likeliest_date_field(dates):
            weight = min(1.0 - (signals.boost_weight if signals.boost else 0.0), max(SHARE, signals.recency_weight))
            signals = replace(signals, recency_field=field, recency_weight=weight)
            notes.append(f"Newer passages gain by the date in {field!r}, with a share of {weight:g} in the blend.")
    if wishes_for(OFFICIAL, instruction) and not question.boost and (boost := _with_official(signals)):
        weight = min(1.0 - (signals.recency_weight if signals.recency_field else 0.0), max(SHARE, signals.boost_weight))
        signals = replace(signals, boost=boost, boost_weight=weight)
        names = ", ".join(map(repr, signals.boost))
        notes.append(f"Official sources gain by the boost of {names}, with a share of {weight:g} in the blend.")
    return signals, notes


def _with_official(signals: MetadataSignals) -> Mapping[str, Mapping[str, float]]:
    """Return the boost with the official sources first; without a list of them, as it is."""
    if not signals.official_sources:
        return signals.boost
    named = dict.fromkeys(signals.official_sources, MOST)
    return {**signals.boost, BOOSTED_BY_PATH: {**signals.boost.get(BOOSTED_BY_PATH, {}), **named}}
