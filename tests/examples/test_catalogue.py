"""The parts catalogue is complete, and its questions do not repeat its texts."""

from datetime import date

from resift.core.values import Document
from resift.examples.catalogue import part_questions, parts


def by_id() -> dict[str, Document]:
    return {part.id: part for part in parts()}


def test_parts_are_unique() -> None:
    catalogue = parts()
    assert len(catalogue) >= 28
    assert len(by_id()) == len(catalogue)
    assert len({part.title for part in catalogue}) == len(catalogue)


def test_titles_are_short_and_descriptions_long() -> None:
    for part in parts():
        assert 1 <= len(part.title.split()) <= 5, part.title
        assert 50 <= len(part.text.split()) <= 110, part.title


def test_metadata_is_complete_and_typed() -> None:
    for part in parts():
        assert set(part.metadata) == {"system", "price_eur", "since", "oem"}
        assert part.metadata["price_eur"] > 0
        assert isinstance(part.metadata["oem"], bool)
        assert date.fromisoformat(part.metadata["since"]) < date(2026, 1, 1)


def test_every_question_but_the_last_has_one_right_part() -> None:
    *answered, unanswered = part_questions()
    assert len(answered) == 6
    for question in answered:
        (right,) = question.relevant
        assert right in by_id()
    assert unanswered.relevant == ()


def test_no_part_contains_a_question() -> None:
    for question in part_questions():
        for part in parts():
            assert question.text.lower() not in f"{part.title}\n{part.text}".lower()
