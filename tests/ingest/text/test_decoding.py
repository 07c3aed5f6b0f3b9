"""From bytes to text."""

from hypothesis import given
from hypothesis import strategies as st

from resift.ingest.text.decoding import decode, normalise


def test_lone_surrogate_is_replaced_and_a_pair_joined() -> None:
    assert normalise("a\ud800b\ud83d\ude00\0") == "a\ufffdb😀\ufffd"


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\ufeff")))
def test_text_comes_back_from_every_encoding_with_one_kind_of_line_end(text: str) -> None:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert decode(text.encode(encoding), "a.txt") == plain
