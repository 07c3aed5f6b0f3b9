import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.values import Document
from resift.ingest.text.encoded import MARK, encoded_share, shortened
from resift.tests.ingest.harness import ParsingChunker

RANDOM = random.Random(12)
DATA = base64.b64encode(RANDOM.randbytes(3000)).decode()
WRAPPED = base64.encodebytes(RANDOM.randbytes(600)).decode().rstrip("\n").split("\n")


def short(line: str) -> str:
    [result] = shortened([line])
    return result


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"![a](data:image/png;base64,{DATA}) after", f"![a](data:{MARK}) after"),
        (f'<img src="data:image/svg+xml,{"%3Csvg%20x" * 20}">', f'<img src="data:{MARK}">'),
        (f'  "image/png": "{DATA[:76]}\\n{DATA}\\n"', f'  "image/png": "{MARK}"'),
        (f"key = {RANDOM.randbytes(200).hex()};", f"key = {MARK};"),
        (f"{DATA} and {DATA}==", f"{MARK} and {MARK}"),
    ],
)
def test_encoded_runs_become_marks(line: str, expected: str) -> None:
    assert short(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        DATA[:150],
        RANDOM.randbytes(32).hex(),
        "https://example.org/" + "a-long-name-of-a-page/" * 20,
        "ACGT" * 100,
        "VeryLongNameOfAClass" * 20,
        "0" * 500,
        "=" * 500,
        "การค้นหา" * 100,
        "搜索更加可靠" * 100,
        "a" * 5000,
    ],
    ids=lambda line: line[:12],
)
def test_names_links_and_words_are_kept(line: str) -> None:
    assert short(line) == line


@pytest.mark.parametrize("form", ["{}", "    {}", '  "{}",', "# {}", "> {}", '"{}\\n"'])
def test_wrapped_data_becomes_one_mark_and_lines_keep_their_places(form: str) -> None:
    lines = ["before", *(form.format(line) for line in WRAPPED[:-1]), "after"]
    assert list(shortened(lines)) == ["before", MARK, *[""] * (len(WRAPPED) - 2), "after"]


def test_two_lines_of_keys_are_kept() -> None:
    assert list(shortened(WRAPPED[:2])) == WRAPPED[:2]


def test_share_is_that_of_the_characters() -> None:
    assert encoded_share([]) == encoded_share(["word " * 100]) == 0
    assert encoded_share(["word " * 800, DATA]) == pytest.approx(0.5, abs=0.01)


@given(st.lists(st.text(alphabet="aB3+/ \\n=:,data", max_size=300), max_size=10))
def test_lines_stay_as_many(lines: list[str]) -> None:
    assert len(list(shortened(lines))) == len(lines)


def test_image_in_a_document_is_no_passage(chunker: ParsingChunker) -> None:
    text = f"# Wheel\n\nHow it turns.\n\n![a](data:image/png;base64,{DATA})\n\nHow it stops.\n"
    [passage] = chunker.chunk(Document(id="d", title="", text=text, source="a.md"))
    assert passage.text == f"# Wheel\n\nHow it turns.\n\n![a](data:{MARK})\n\nHow it stops."
    assert (passage.start_line, passage.end_line) == (1, 7)
