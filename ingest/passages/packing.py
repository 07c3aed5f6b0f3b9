"""Packing text units into chunks: of even size, cut where little is lost, overlapping only inside a long block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from math import ceil
from types import MappingProxyType
from typing import TypeAlias

from ...core.errors import InvalidInput

NOTHING: Mapping[int, int] = MappingProxyType({})

MIN_CODE_SHARE = 0.5  # of the size of an even part: how early one may end for the sake of a better cut

UnitRange: TypeAlias = tuple[int, int]
"""Indexes of text units, the end excluded."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """How documents are cut, in tokens."""

    max_tokens: int = 200
    """Of a passage, without its title and heading."""
    overlap_tokens: int = 40
    """Shared by neighbouring passages of one paragraph, at most."""
    min_tokens: int = 40
    """A smaller section is merged with its neighbour."""

    def __post_init__(self) -> None:
        if (
            self.max_tokens < 1
            or not 0 <= self.overlap_tokens <= self.max_tokens // 2
            or not 0 <= self.min_tokens <= self.max_tokens
        ):
            raise InvalidInput(
                f"Documents cannot be cut with {self}. Set max_tokens to at least 1, overlap_tokens to at most half "
                "of it, and min_tokens to at most all of it."
            )


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text units of a passage, and the path of headings above it."""

    units: UnitRange
    path: tuple[str, ...]


class Packer:
    """Packs the text units of one document; `tokens` are their sizes."""

    def __init__(
        self,
        tokens: Sequence[int],
        chunking: Chunking,
        *,
        headers: Mapping[int, int] = NOTHING,
        penalties: Mapping[int, int] = NOTHING,
    ) -> None:
        self._tokens_before = [0, *accumulate(tokens)]
        self._chunking = chunking
        self._headers = headers
        self._penalties = penalties

    def tokens(self, start: int, end: int) -> int:
        """Return the tokens of the units from `start` to `end` (excluded), without a header."""
        return self._tokens_before[end] - self._tokens_before[start]

    def size(self, start: int, end: int) -> int:
        """Return the tokens of a passage of the units from `start` to `end` (excluded), with the header it repeats."""
        return self.tokens(start, end) + self._headers.get(start, 0)

    def pack_section(self, blocks: Sequence[UnitRange]) -> list[UnitRange]:
        """Return the chunks of one section. A block stays whole when it fits."""
        start, end = blocks[0][0], blocks[-1][1]
        total = self.size(start, end)
        if total <= self._chunking.max_tokens:
            return [(start, end)]
        # Even sizes: 220 tokens become 110 and 110, not 200 and a rest that no question finds.
        target = total / ceil(total / self._chunking.max_tokens)
        first, *others = [part for block in blocks for part in self._split_block(block)]
        packed = [first]
        for part in others:
            begin, last = packed[-1]
            if self.size(begin, last) < target and self.size(begin, part[1]) <= self._chunking.max_tokens:
                packed[-1] = (begin, part[1])
            else:
                packed.append(part)
        return packed

    def merge_small(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        """Return the chunks with small ones merged into the neighbour with which they share more headings."""
        merged: list[Chunk] = []
        for index, chunk in enumerate(chunks):
            after = chunks[index + 1] if index + 1 < len(chunks) else None
            if merged and self._should_merge(merged[-1], chunk, after):
                merged[-1] = self._merge(merged[-1], chunk)
            else:
                merged.append(chunk)
        return merged

    def _split_block(self, block: UnitRange) -> list[UnitRange]:
        """Return a block whole where it fits, else in parts of even size.

        Parts overlap by whole units, unless they repeat a header. Code is cut where it is indented least.
        """
        start, last = block
        total, limits = self.tokens(start, last), self._chunking
        if total <= limits.max_tokens:
            return [block]
        header = self._headers.get(last - 1, 0)
        overlap = 0 if header else limits.overlap_tokens
        target = total / ceil(total / (limits.max_tokens - (header or overlap)))
        parts: list[UnitRange] = []
        begin = start  # of the part, overlap included
        while start < last:
            end = start + 1
            while end < last and self.tokens(start, end) < target and self.size(begin, end + 1) <= limits.max_tokens:
                end += 1
            end = self._least_indented(begin, end, last, least=start + 1)
            parts.append((begin, end))
            start = end
            # Neither a row below its header nor a definition at the left margin needs what is above it.
            begin = end if header or self._penalties.get(end) == 0 else self._overlap_start(begin, end, last)
        return parts

    def _least_indented(self, begin: int, end: int, last: int, *, least: int) -> int:
        """Return where a part that begins at `begin` best ends: near `end`, before the least indented line."""
        if end >= last or end not in self._penalties:
            return end
        near = self.size(begin, end)
        best, limit = end, end + 1
        while limit < last and self.size(begin, limit) <= self._chunking.max_tokens:
            limit += 1
        for place in range(limit - 1, least, -1):
            if self.size(begin, place) < near * MIN_CODE_SHARE:
                break
            distance = abs(self.size(begin, place) - near)
            if (self._penalties[place], distance) < (self._penalties[best], abs(self.size(begin, best) - near)):
                best = place
        return best

    def _overlap_start(self, previous: int, end: int, last: int) -> int:
        """Return where the part after `end` begins when it repeats as much as the overlap allows."""
        begin = end
        while begin - 1 > previous and end < last:
            if (
                self.tokens(begin - 1, end) > self._chunking.overlap_tokens
                or self.tokens(begin - 1, end + 1) > self._chunking.max_tokens
            ):
                break
            begin -= 1
        return begin

    def _should_merge(self, left: Chunk, right: Chunk, after: Chunk | None) -> bool:
        is_left_small = self.size(*left.units) < self._chunking.min_tokens
        is_right_small = self.size(*right.units) < self._chunking.min_tokens
        if not self._can_merge(left, right) or not (is_left_small or is_right_small):
            return False
        if is_left_small or after is None or not self._can_merge(right, after):
            return True
        return _shared_levels(left, right) >= _shared_levels(right, after)

    def _can_merge(self, left: Chunk, right: Chunk) -> bool:
        return self.size(left.units[0], right.units[1]) <= self._chunking.max_tokens

    def _merge(self, left: Chunk, right: Chunk) -> Chunk:
        """Merge under the path of the chunk that makes up most of the text, else under the headings both share."""
        sizes = self.tokens(*left.units), self.tokens(*right.units)
        units = left.units[0], right.units[1]
        if max(sizes) >= 3 * min(sizes):
            return Chunk(units, left.path if sizes[0] > sizes[1] else right.path)
        return Chunk(units, left.path[: _shared_levels(left, right)])


def _shared_levels(left: Chunk, right: Chunk) -> int:
    """Return how many headings the paths of two chunks have in common."""
    pairs = zip(left.path, right.path, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
