"""Whatever a model says becomes an order of what was asked, and prose becomes none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.rerank.llm.reply import read_order

LABELS = ["D1", "D2", "D3", "D4"]

SCRAPS = st.sampled_from(
    (
        *(
            "D1",
            "D2",
            "[D3]",
            "D99",
            "A",
            " > ",
            "\n",
            '{"ranking": [',
            '"D4"',
            '"',
            ",",
            "]",
            "}",
            "[",
            "{",
            "```json\n",
        ),
        *("```\n", "<think>", "</think>", "the 3 best of 8", "[12]", "\u200b", "\ud83d", "null", "1e999", "é", "NaN"),
    )
)


@given(st.one_of(st.text(), st.lists(SCRAPS).map("".join)), st.integers(1, 20))
def test_any_reply_whatever_yields_a_permutation(text: str, n: int) -> None:
    reading = read_order(text, [f"D{place + 1}" for place in range(n)])
    assert sorted(reading.places) == list(range(n))
    assert 0 <= reading.named <= n


@pytest.mark.parametrize(
    "text",
    [
        '{"ranking": ["D3", "D1", "D4", "D2"]}',
        'Here it is:\n```json\n{"ranking": ["D3", "D1", "D4", "D2"]}\n```\nHope that helps!',
        '<think>D1 > D2, or {"ranking": ["D1", "D2", "D3", "D4"]}?</think>{"ranking": ["D3", "D1", "D4", "D2"]}',
        'thinking without a beginning</think>\n["D3", "D1", "D4", "D2"]',
        '{"order": ["[D3]", "d1", " D4", "D2 "], "reason": "see [12]"}',
        'First {"ranking": ["D1"]}, no: {"ranking": ["D3", "D1", "D4", "D2"]}',
        "D1 > D2 > D3 > D4 was my first thought.\nD3 > D1 > D4 > D2\n",
        "**[D3] > [D1] > [D4] > [D2]**",
        "D3>D1>D4>D2.",
        '{"ranking": ["D3", "D1", "D4", "D2"]}\nNot relevant at all: ["D2", "D4"]',
        '{"ranking": ["D3", "D1", "D4", "D2"]}\nThey came as ["D1", "D2", "D3", "D4"].',
        '{"ranking": ["D3", "D1", "D4", "D2"]}\nD1 > D2 > D3 > D4',
        'In the form {"ranking": ["D2", "D1"]}:\nD3 > D1 > D4 > D2\nD2',
        'In the form {"ranking": ["D2", "D1"]}: ["D3", "D1", "D4", "D2"]',
        "D3 > D1 >\nD4 > D2",
        '{"ranking": [3, 1, 4, 2]}',
        '{"ranking": ["3", "1", "4", "2"]}',
        '{"ranking": [{"id": "D3"}, {"id": "D1"}, {"id": "D4"}, {"id": "D2"}]}',
        '{"ranking": [{"label": "D3", "score": 9, "rank": 1}, {"label": "D1", "score": 7.5, "rank": 2}, '
        '{"label": "D4", "score": 7, "rank": 3}, {"label": "D2", "score": 0, "rank": 4}]}',
        '{"ranking": "D3 > D1 > D4 > D2"}',
        '{"ranking": "D3, D1, D4, D2"}',
        "Here it is:\n**D3, D1, D4, D2.**",
        "D3\nD1\n\nD4\nD2",
        "Best first:\n- D3\n- D1\n- D4\n- D2\n",
        "1. **D3**\n2. D1\n3. D4\n4. D2",
        "1. D3: answers it.\n2. D1 - in part.\n3. D4: hardly.\n4. D2: no.",
    ],
)
def test_order_is_found_whatever_stands_around_it(text: str) -> None:
    reading = read_order(text, LABELS)
    assert reading.places == (2, 0, 3, 1)
    assert reading.is_usable
    assert not reading.is_repaired


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The 3 best of 8 are 3, 1 and 2.",
        "I would say D3 > D1 > D4 > D2, all in all.",
        "3 > 1 > 4 > 2",
        "[3, 1, 4, 2]",
        '{"scores": [3, 1, 4, 2]}',
        '{"ranking": [2, 0, 3, 1]}',
        '{"ranking": [3, 3, 4, 2]}',
        '{"ranking": [90, 80, 4, 2]}',
        '{"ranking": [true, 1, 4, 2]}',
        '{"ranking": [{"id": "D1", "rank": 3}, {"id": "D2", "rank": 1}, {"id": "D3", "rank": 2}]}',
        '{"ranking": [{"id": "D1", "score": 0.1}, {"id": "D2", "score": 0.9}]}',
        '{"ranking": [{"id": "D3", "before": "D1"}, {"id": "D4", "before": "D2"}]}',
        '{"reasons": [{"label": "D3", "reason": "it answers"}, {"label": "D1", "reason": "in part"}]}',
        "The best are D3 and D1.\nIrrelevant:\n- D2\n- D4",
        "Relevant:\nD3, D1\nIrrelevant:\nD2, D4",
        "1. D1: about cats\n2. D2: about dogs\n3. D3: about both\n4. D4: about none",
        "D3: good\nD1: good\nD4: bad\nD2: bad",
        '{"ranking": ["D21", "D22", "D23", "D24"]}',
        '{"ranking": ["D3", "D1", "D4", "D',
        '<think>Let me see. {"ranking": ["D3", "D1", "D4", "D2"]}',
        "I cannot help with that.",
        "[" * 50_000,
        "<think>" * 14_000,
        '{"a": ["D1", "D2", "D3", "D4"], "b": ["D4", "D3", "D2", "D1"]}',
    ],
)
def test_prose_and_wreckage_are_no_order(text: str) -> None:
    reading = read_order(text, LABELS)
    assert not reading.is_usable
    assert reading.places == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("named", "places", "usable"),
    [
        (["D3", "D3", "D1", "D3", "D4", "D2"], (2, 0, 3, 1), True),
        (["D3", "D9", "D1", "Dx"], (2, 0, 1, 3), True),
        (["D4"], (3, 0, 1, 2), False),
    ],
    ids=["duplicates", "unknown and missing", "too few"],
)
def test_first_mention_wins_and_the_missing_keep_their_order(
    named: list[str], places: tuple[int, ...], usable: bool
) -> None:
    reading = read_order(json.dumps({"ranking": named}), LABELS)
    assert (reading.places, reading.is_usable, reading.is_repaired) == (places, usable, True)


def test_list_of_what_is_irrelevant_does_not_stand_for_an_order_that_is_too_short() -> None:
    assert not read_order('{"ranking": ["D3"]}\nIrrelevant: ["D1", "D2", "D4"]', LABELS).is_usable
    partly = read_order('{"ranking": ["D3", "D1"]}\nIrrelevant: ["D2", "D4"]', LABELS)
    assert (partly.places, partly.named, partly.is_repaired) == ((2, 0, 1, 3), 2, True)
    bare = read_order('["D3", "D1", "D4"]', LABELS)
    assert (bare.places, bare.named) == ((2, 0, 3, 1), 3)


MOST = '["D3","D1","D2","D5","D4","D6"]'

GIVEN = '["D1","D2","D3","D4","D5","D6","D7","D8"]'


@pytest.mark.parametrize(
    "text",
    [
        f"The best passage:\n\n**D3**\n\n{MOST}",
        f"{MOST}\n\n**D3**",
        f"D3 > D1\n{MOST}",
        f'The best: {{"ranking": ["D3"]}}\nAll in all: {MOST}',
        f'They came as {GIVEN}.\n{{"ranking": {MOST}}}',
        f'{{"ranking": {MOST}}}\nThey came as {GIVEN}.',
        f'{{"ranking": {MOST}}}\nD1 > D2 > D3 > D4 > D5 > D6 > D7 > D8',
        f'At first:\nD8 > D7 > D6 > D5 > D4 > D3 > D2 > D1\n{{"ranking": {MOST}}}',
        "D6 > D5 > D4 > D3 > D2 > D1\nNo:\nD3 > D1 > D2 > D5 > D4 > D6",
        "D3 > D1 > D2 > D5 > D4 > D6\nIn short:\nD3 > D1",
        'D3 > D1 > D2 > D5 > D4 > D6\nIrrelevant: ["D7", "D8"]',
        f"{MOST}\nIrrelevant, from bad to worse:\nD7 > D8",
    ],
)
def test_order_is_what_names_most_passages_and_a_ranking_comes_first(text: str) -> None:
    reading = read_order(text, [f"D{place}" for place in range(1, 9)])
    assert (reading.places, reading.named) == ((2, 0, 1, 4, 3, 5, 6, 7), 6)


def test_line_with_one_label_counts_if_there_is_nothing_else() -> None:
    alone = read_order("The best:\n**D2**", ["D1", "D2"])
    assert (alone.places, alone.is_usable) == ((1, 0), True)
    assert not read_order('D3 > D1\nIrrelevant: ["D2", "D4", "D5", "D6"]', [*LABELS, "D5", "D6"]).is_usable
