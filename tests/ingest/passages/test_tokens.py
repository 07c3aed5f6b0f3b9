"""Counting tokens, and dividing words that are longer than a passage."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from resift.ingest.passages.tokens import CHARS_PER_TOKEN, TokenCounter

FAMILY = "👩‍👩‍👧‍👦"
ACCENTED = "e\u0301"
PIECES = st.sampled_from(["a", "retrieval", "漢字", FAMILY, ACCENTED, "👍🏽", ".", "/", "=", "0" * 30])
LONG_WORDS = st.lists(PIECES, min_size=1, max_size=80).map("".join)
ANY_WORDS = st.text(st.characters(exclude_categories=("Cs", "Zs", "Cc")), min_size=1, max_size=300)


@pytest.fixture(scope="module")
def counter(tokenizer: Tokenizer) -> TokenCounter:
    return TokenCounter(tokenizer)


@settings(deadline=None)
@given(before=st.text(max_size=5), word=st.one_of(LONG_WORDS, ANY_WORDS), max_tokens=st.integers(1, 30))
def test_parts_follow_each_other_and_make_up_the_word(
    counter: TokenCounter, before: str, word: str, max_tokens: int
) -> None:
    span = len(before), len(before) + len(word)
    parts = counter.split_word(before + word + " end", span, max_tokens)
    assert (parts[0][0], parts[-1][1]) == span
    assert all(start < end for start, end in parts)
    assert all(one[1] == other[0] for one, other in pairwise(parts))
    assert all(end - start <= max_tokens * CHARS_PER_TOKEN for start, end in parts)


@settings(deadline=None)
@given(word=LONG_WORDS, max_tokens=st.integers(10, 30))
def test_characters_of_several_code_points_stay_whole(counter: TokenCounter, word: str, max_tokens: int) -> None:
    parts = [word[start:end] for start, end in counter.split_word(word, (0, len(word)), max_tokens)]
    for character in (FAMILY, ACCENTED, "👍🏽"):
        assert sum(part.count(character) for part in parts) == word.count(character)


def test_word_that_fits_is_one_part(counter: TokenCounter) -> None:
    assert counter.split_word("abc def", (4, 7), 1) == [(4, 7)]


def test_address_is_divided_after_its_punctuation(counter: TokenCounter) -> None:
    address = "https://example.org/" + "/".join(f"folder{number}" for number in range(40))
    parts = [address[start:end] for start, end in counter.split_word(address, (0, len(address)), 20)]
    assert len(parts) > 3
    assert all(not (one[-1].isalnum() and other[0].isalnum()) for one, other in pairwise(parts))


@pytest.mark.timeout(60)
def test_word_of_a_million_characters_does_not_hang(counter: TokenCounter) -> None:
    word = "x1" * 500_000
    parts = counter.split_word(word, (0, len(word)), 200)
    assert "".join(word[start:end] for start, end in parts) == word
