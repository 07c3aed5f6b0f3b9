"""Passages of the same text: which of them are equal, and which of the equal ones stands for the others."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from resift.core.values import Passage
from resift.search.equal_passages import different_texts, first_texts, has_copies, meaning_of, select

LONG = "The warranty covers the pump and its bearing for two years from the day of delivery, but not the seal."


def passage(name: str, text: str = LONG, title: str = "", heading: str = "") -> Passage:
    return Passage(name, 0, text=text, title=title, heading=heading, source=f"docs/{name}.txt")


def keys(count: int) -> list[UUID]:
    return [UUID(int=number) for number in range(count)]


def test_long_texts_are_equal_but_for_their_blanks_whatever_stands_above_them() -> None:
    assert meaning_of(passage("a")) == meaning_of(passage("b", LONG.replace(" ", "\n  "), "Title", "Heading"))
    assert meaning_of(passage("a")) != meaning_of(passage("b", LONG + " Or so."))


def test_short_texts_are_equal_only_below_the_same_title_and_heading() -> None:
    assert meaning_of(passage("a", "Yes.", "FAQ", "Is it free?")) == meaning_of(
        passage("b", " Yes. ", "FAQ", "Is it free?")
    )
    assert meaning_of(passage("a", "Yes.", "FAQ", "Is it free?")) != meaning_of(
        passage("b", "Yes.", "FAQ", "Is it up?")
    )
    assert meaning_of(passage("a", "Engineer", "Alice")) != meaning_of(passage("b", "Engineer", "Bob"))


def test_file_name_as_title_makes_no_difference() -> None:
    assert meaning_of(passage("a", "Yes.", "a.txt")) == meaning_of(passage("b", "Yes.", "b.txt"))


def test_best_placed_stands_for_the_others_and_limits_count_only_what_is_kept() -> None:
    first, second, third, other, gone = keys(5)
    passages = {
        first: passage("a"),
        second: passage("b"),
        third: passage("b", "Another text of the second document."),
        other: passage("c"),
    }
    order = [(key, 1.0) for key in (first, second, gone, third, other)]
    found = select(order, passages, per_document=1)
    assert [key for key, _ in found.order] == [first, third]
    assert found.copies == {first: [second, other]}
    assert found.note == "2 passages that repeat the text of a hit: see also_in"
    apart = select(order, passages, per_document=1, collapses=False)
    assert [key for key, _ in apart.order] == [first, second, other]
    assert (apart.copies, apart.note) == ({}, "")


def test_copy_of_what_a_limit_left_out_is_kept() -> None:
    first, second, third = keys(3)
    passages = {first: passage("a", "First text of it."), second: passage("a"), third: passage("c")}
    found = select([(key, 1.0) for key in keys(3)], passages, per_document=1)
    assert [key for key, _ in found.order] == [first, third]


def test_texts_are_counted_once() -> None:
    passages = [passage(name) for name in "abc"]
    passages[2:2] = [passage("d", "Another text."), passage("e", "A third text.")]
    assert (different_texts(passages), has_copies(passages)) == (3, True)
    assert [first_texts(passages, count) for count in (1, 2, 3, 4)] == [1, 3, 4, 5]


@given(st.lists(st.sampled_from([LONG, "Yes.", "No."]), max_size=12))
def test_every_passage_is_kept_or_named_by_an_equal_one(texts: list[str]) -> None:
    passages = {key: passage("d", text) for key, text in zip(keys(len(texts)), texts, strict=True)}
    found = select([(key, 1.0) for key in passages], passages)
    kept = [key for key, _ in found.order]
    assert not has_copies([passages[key] for key in kept])
    assert sorted([*kept, *(each for copies in found.copies.values() for each in copies)]) == list(passages)
    for key, copies in found.copies.items():
        assert {passages[each].text for each in copies} == {passages[key].text}
        assert all(key < each for each in copies)
