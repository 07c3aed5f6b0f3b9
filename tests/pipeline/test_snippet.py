"""The part of a text that is shown for a query."""

import time

from hypothesis import given
from hypothesis import strategies as st

from resift.core.values import Passage
from resift.pipeline.snippet import SNIPPET_CHARACTERS, passage_snippet, snippet

BEGINNING = "Settings are read from the environment. " * 5
ANSWER = "The file of the working directory is ignored because anybody may have put it there."
END = " Values are checked once. " * 5


def test_sentence_with_most_words_of_the_query_comes_first() -> None:
    shown = snippet(BEGINNING + ANSWER + END, "why is the file of the working directory ignored")
    assert shown.startswith(ANSWER)
    assert shown.endswith("…")


def test_other_forms_of_a_word_count_and_question_words_do_not() -> None:
    text = "Why and how these were made is what this page has. " * 4 + "Ignoring files is safer." + END
    assert snippet(text, "why are these files ignored").startswith("Ignoring files is safer.")


def test_word_of_every_sentence_tells_less_than_a_rare_one() -> None:
    text = "The pump is new and the pump is loud. " * 8 + "Its bearing wears out after years." + " A pump pumps." * 20
    assert "bearing" in snippet(text, "pump bearing")


def test_it_ends_with_a_sentence_unless_that_hides_a_word_of_the_query() -> None:
    after = " So are its links. Values that are wrong end the program with a message at the terminal."
    text = BEGINNING + ANSWER + after + END
    assert snippet(text, "working directory ignored") == f"{ANSWER} So are its links. …"
    assert snippet(text, "working directory values").startswith(f"{ANSWER} So are its links. Values that are")
    assert snippet(text, "working directory values").endswith("a message at…")


def test_title_and_headings_of_a_passage_are_left_out() -> None:
    passage = Passage("d", 0, text="# Care\n\n## Pump\n\nIt hums.", title="Care", heading="Care > Pump")
    assert passage_snippet(passage, "pump") == "It hums."


def test_long_sentence_is_shown_around_the_words() -> None:
    shown = snippet("word " * 100 + "the needle of the compass " + "other " * 100, "compass needle")
    assert "the needle of the compass" in shown
    assert shown.startswith("… ")
    assert shown.endswith("…")


def test_without_a_word_of_the_query_it_is_the_beginning() -> None:
    for query in ("", "the", "zebra", "?!"):
        assert snippet(BEGINNING + END, query).startswith("Settings are read")


def test_rules_fences_and_repeated_headings_are_left_out() -> None:
    text = (
        "# Settings\n\nShell\n=====\n\n| name | default |\n|:---|---:|\n| a | 1 |\n\n---\n\n```console\n$ resift\n```\n"
    )
    assert snippet(text, "shell", headings=["Settings", "Shell"]) == "name | default a | 1 $ resift"


def test_other_headings_and_code_stay() -> None:
    assert snippet("# Pump\n\n# hums\nprint(x == 1)", "hums", headings=["Pump"]) == "# hums print(x == 1)"
    assert snippet("# Pump", "pump", headings=["Pump"]) == "# Pump", "a passage of nothing else"


def test_sentences_of_a_script_without_blanks_are_not_parted() -> None:
    for text in ("猫がいます。これは犬です。", "猫がいます。 これは犬です。"):
        assert snippet(f"# 動物\n\n{text}\n", "犬", headings=["動物"]) == text


def test_line_that_almost_is_a_fence_costs_little() -> None:
    line = f"```{' ' * 19_000}!"
    before = time.thread_time()
    assert snippet(line, "pump") == "``` !"
    assert time.thread_time() - before < 0.5, "CPU time grows with the square of the blanks"


def test_script_without_blanks_is_matched_by_pairs_of_letters() -> None:
    text = "今日は天気がとても良いです。" * 20 + "会議室の予約は受付で行います。" + "明日は雨が降るでしょう。" * 20
    assert snippet(text, "会議室を予約する").startswith("会議室の予約は受付で行います。")


@given(text=st.text(max_size=600), query=st.text(max_size=40))
def test_snippet_is_one_short_line_of_the_text(text: str, query: str) -> None:
    shown = snippet(text, query)
    assert len(shown) <= SNIPPET_CHARACTERS + 4
    assert len(shown.splitlines()) <= 1
    assert shown or not text.strip()


@given(
    parts=st.lists(
        st.sampled_from(["pump ", "the hum. ", "# A\n", "|---|\n", "```\n", "会議。", "x" * 90 + " "]), max_size=60
    )
)
def test_words_of_the_query_are_seen_if_the_text_has_them(parts: list[str]) -> None:
    text = "".join(parts)
    assert "pump" in snippet(text, "pump") or "pump" not in text
