"""What an instruction wishes for is done by data where there is any, and only what it wishes for."""

from dataclasses import replace

import pytest

from resift.core.values import EMPTY, Passage
from resift.pipeline.question import Question
from resift.pipeline.wishes import fulfil_by_data
from resift.rerank.signals import NO_METADATA, MetadataSignals, boost
from resift.store.fields import FieldType

FIELDS: dict[str, FieldType] = {"updated": "date", "opened": "date", "lang": "keyword"}
BOOSTED = MetadataSignals(boost={"kind": {"docs": 2.0}})


@pytest.mark.parametrize(
    "instruction",
    ["prefer_recent", "Prefer recent.", "favour the newest version", "latest first", "prioritise up-to-date ones"],
)
def test_wish_for_recent_takes_the_likeliest_date_field(instruction: str) -> None:
    signals, notes = fulfil_by_data(Question("q", instruction=instruction), NO_METADATA, FIELDS)
    assert (signals.recency_field, signals.recency_weight) == ("updated", 0.25)
    assert notes == ["Newer passages gain by the date in 'updated', with a share of 0.25 in the blend."]


@pytest.mark.parametrize(
    ("question", "fields"),
    [
        (Question("q"), FIELDS),
        (Question("q", instruction="recent history of Rome"), FIELDS),
        (Question("q", instruction="prefer recent"), {"opened": "date", "closed": "date"}),
        (Question("q", instruction="prefer recent"), {}),
        (Question("q", instruction="prefer recent", recency={"field": "opened"}), FIELDS),
        (Question("q", instruction="prefer official"), FIELDS),
        (Question("q", instruction="do not prefer recent papers"), FIELDS),
        (Question("q", instruction="don\u2019t favour new ones"), FIELDS),
        (Question("q", instruction="prefer older, not newer"), FIELDS),
        (Question("q", instruction="prefer stable to newest"), FIELDS),
        (Question("q", instruction="favour current-carrying capacity figures"), FIELDS),
        (Question("q", instruction="boost converter: current ripple"), FIELDS),
        (Question("q", instruction="prefer pages that show in full how a new filter is fitted"), FIELDS),
    ],
    ids=lambda value: value.instruction or "none" if isinstance(value, Question) else None,
)
def test_signals_stay_where_nothing_is_wished_or_data_cannot_tell(
    question: Question, fields: dict[str, FieldType]
) -> None:
    assert fulfil_by_data(question, NO_METADATA, fields) == (NO_METADATA, [])


def test_field_and_share_of_the_settings_go_first() -> None:
    settings = MetadataSignals(recency_field="opened", recency_weight=0.4)
    signals, _ = fulfil_by_data(Question("q", instruction="prefer recent"), settings, FIELDS)
    assert signals == settings


def test_wish_for_official_lifts_the_sources_that_are_listed() -> None:
    settings = replace(BOOSTED, official_sources=["docs/", "https://docs.python.org"])
    signals, notes = fulfil_by_data(Question("q", instruction="prefer official"), settings, EMPTY)
    sources = ["docs/setup.md", "https://docs.python.org/3/", "mail/setup.md"]
    assert signals.boost.keys() == {"kind", "source"}
    passages = [Passage(name, 0, "", source=name) for name in sources]
    factors = boost(passages, {"source": signals.boost["source"]})
    assert factors == [1.0, 1.0, 0.5]
    assert notes == ["Official sources gain by the boost of 'kind', 'source', with a share of 0.25 in the blend."]
    assert fulfil_by_data(Question("q"), settings, EMPTY) == (settings, [])


def test_wish_for_official_raises_the_share_of_the_boost() -> None:
    signals, notes = fulfil_by_data(Question("q", instruction="prefer official sources"), BOOSTED, EMPTY)
    assert signals.boost_weight == 0.25
    assert notes == ["Official sources gain by the boost of 'kind', with a share of 0.25 in the blend."]
