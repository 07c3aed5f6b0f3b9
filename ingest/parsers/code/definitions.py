"""Definitions in source code, and the sections that they and the lines between them make up."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...text.structure import Section, paragraphs

WORD = re.compile(r"\w")

_CLOSING = re.compile(r"[\s})\];,]*(?:end)?[\s})\];,]*")
"""A line that only ends what began above."""

MAX_DEPTH = 20  # of definitions inside definitions


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, a class or another thing with a name: its lines (from 0, `last` excluded), comments included."""

    path: tuple[str, ...]
    """Its name, after those of what it stands in and is not a member of."""
    first: int
    last: int
    members: "Sequence[Definition]" = ()
    """What is defined inside it and is cut on its own."""
    is_bare: bool = False
    """Whether what stands above its first member says nothing alone, such as the line of a class without fields."""


def sections_of(definitions: Sequence[Definition], lines: Sequence[str]) -> list[Section]:
    """Return a section for each definition, and one for each run of lines between them."""
    sections: list[Section] = []
    for section in _sections(definitions, (), lines, (0, len(lines))):
        if sections and all(_CLOSING.fullmatch(lines[index]) for index in _indexes(section)):
            *blocks, last = sections[-1].blocks
            whole = replace(last, last=section.blocks[-1].last)
            sections[-1] = replace(sections[-1], blocks=(*blocks, whole))
        else:
            sections.append(section)
    return sections


def _indexes(section: Section) -> Iterator[int]:
    return (index for block in section.blocks for index in range(block.first, block.last))


def _sections(
    definitions: Sequence[Definition], path: tuple[str, ...], lines: Sequence[str], span: tuple[int, int]
) -> Iterator[Section]:
    """Yield the sections of the lines of a span; lines between the definitions belong to `path` itself."""
    done, end = span
    for each in definitions:
        first = min(max(each.first, done), end)
        last = min(max(each.last, first), end)
        yield from _section(path, lines, (done, first))
        yield from _definition(each, (*path, *each.path), lines, (first, last))
        done = last
    yield from _section(path, lines, (done, end))


def _definition(
    definition: Definition, path: tuple[str, ...], lines: Sequence[str], span: tuple[int, int]
) -> Iterator[Section]:
    """Yield a section, or one for each member and one for what stands above them."""
    first, last = span
    if not definition.members or len(path) > MAX_DEPTH:
        yield from _section(path, lines, span, is_heading_only=definition.is_bare)
        return
    opening = min(max(definition.members[0].first, first), last)
    yield from _section(path, lines, (first, opening), is_heading_only=definition.is_bare)
    yield from _sections(definition.members, path, lines, (opening, last))


def _section(
    path: tuple[str, ...], lines: Sequence[str], span: tuple[int, int], *, is_heading_only: bool = False
) -> Iterator[Section]:
    if blocks := tuple(paragraphs(lines, *span, verbatim=True)):
        yield Section(path, blocks, is_heading_only)
