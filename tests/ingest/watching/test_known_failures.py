"""What failed is parsed again when it has changed, and not before."""

from collections.abc import Sequence

from resift.ingest.parsing import InlineParser, Part
from resift.ingest.watching.known_failures import KnownFailures


class Counting(InlineParser):
    """Parses, and tells what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def parse(self, source: str, data: bytes | str) -> Sequence[Part]:
        self.asked.append(source)
        return super().parse(source, data)


def test_files_that_fail_or_are_blank_are_parsed_again_only_when_they_change() -> None:
    counting = Counting()
    parser = KnownFailures(counting)
    for name, content in (("broken.md", b"\xff\x00\xfe"), ("blank.md", b" \n")):
        first = parser.parse(name, content)
        assert first[0].problem
        assert parser.parse(name, content) == first
    assert counting.asked == ["broken.md", "blank.md"]
    assert not parser.parse("broken.md", b"words")[0].problem
    assert parser.parse("broken.md", b"\xff\x00\xfe")[0].problem
    assert counting.asked == ["broken.md", "blank.md", "broken.md", "broken.md"]


def test_files_that_can_be_parsed_are_not_kept() -> None:
    counting = Counting()
    parser = KnownFailures(counting)
    assert [parser.parse("a.md", b"words")[0].text for _ in range(2)] == ["words", "words"]
    assert counting.asked == ["a.md", "a.md"]
