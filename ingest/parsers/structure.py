"""What every format is turned into before it is cut: lines, and sections made of blocks of lines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together: indexes from 0, `last` excluded. Verbatim ones are cut at line ends only."""

    first: int
    last: int
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """The lines of a heading, its level from 1, and its text without markup."""

    first: int
    last: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under one path of headings. `opens` says that it holds nothing but headings."""

    path: tuple[str, ...]
    blocks: tuple[Block, ...]
    opens: bool = False


@dataclass(frozen=True, slots=True)
class ParsedText:
    """Lines of text, the line of the original each stands for (from 1), and the sections in order."""

    lines: Sequence[str]
    numbers: Sequence[int]
    sections: tuple[Section, ...]


def normalise(text: str) -> str:
    r"""Return `text` with every newline as \n, and with what no tokenizer or store accepts replaced by U+FFFD."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() and "\0" not in text:
        return text
    # Lone surrogates reach us through JSON escapes and cannot be written as UTF-8; UTF-16 also joins the pairs.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")


def paragraphs(lines: Sequence[str], first: int, last: int, *, verbatim: bool = False) -> Iterator[Block]:
    """Yield the runs of lines without a blank one between the indexes `first` and `last` (excluded)."""
    start = -1
    for index in range(first, last):
        if lines[index].strip():
            start = index if start < 0 else start
        elif start >= 0:
            yield Block(start, index, verbatim)
            start = -1
    if start >= 0:
        yield Block(start, last, verbatim)


def nest(parts: Iterable[Block | Heading]) -> tuple[Section, ...]:
    """Gather blocks under the headings above them, in order."""
    sections: list[Section] = []
    above: list[Heading] = []
    blocks: list[Block] = []
    opens = False
    for part in parts:
        if isinstance(part, Block):
            # A heading is never cut from what follows it directly: alone it answers no question.
            blocks.append(Block(blocks.pop().first, part.last, part.verbatim) if opens else part)
            opens = False
            continue
        if blocks:
            sections.append(Section(_path(above), tuple(blocks), opens))
        above = [*(heading for heading in above if heading.level < part.level), part]
        blocks, opens = [Block(part.first, part.last)], True
    if blocks:
        sections.append(Section(_path(above), tuple(blocks), opens))
    return fold(sections)


def fold(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Put a section that holds nothing but headings on top of the section below it that belongs to it."""
    folded: list[Section] = []
    for section in sections:
        above = folded[-1] if folded else None
        if above and above.opens and section.path[: len(above.path)] == above.path:
            head, *rest = section.blocks
            joined = replace(head, first=above.blocks[0].first)
            folded[-1] = replace(section, blocks=(joined, *rest))
        else:
            folded.append(section)
    return tuple(folded)


def _path(above: Iterable[Heading]) -> tuple[str, ...]:
    return tuple(heading.text for heading in above if heading.text)


def lay_out_prose(text: str) -> ParsedText:
    """Return the paragraphs of `text`, which has only newlines as line ends."""
    lines = text.split("\n")
    blocks = tuple(paragraphs(lines, 0, len(lines)))
    return ParsedText(lines, range(1, len(lines) + 1), (Section((), blocks),) if blocks else ())
