"""Pack atoms into passages: full but even, cut where it hurts least, overlapping only inside a long paragraph."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from math import ceil

from ...core.errors import InvalidInput

Range = tuple[int, int]
"""Indexes of atoms, the end excluded."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """Limits in tokens: of a passage, of what pieces of one paragraph share, and below which sections are joined."""

    max_tokens: int = 200
    overlap_tokens: int = 40
    min_tokens: int = 40

    def __post_init__(self) -> None:
        if (
            self.max_tokens < 1
            or not 0 <= self.overlap_tokens <= self.max_tokens // 2
            or not 0 <= self.min_tokens <= self.max_tokens
        ):
            raise InvalidInput(
                f"Cannot cut with {self}. Give max_tokens of at least 1, overlap_tokens up to half of it "
                "and min_tokens up to all of it."
            )


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage to be: its atoms, and the path of headings it stands under."""

    atoms: Range
    path: tuple[str, ...]


class Packer:
    """Packs the atoms of one document, whose sizes in tokens are `sizes`."""

    def __init__(self, sizes: Sequence[int], chunking: Chunking) -> None:
        self._before = [0, *accumulate(sizes)]
        self._limits = chunking

    def size(self, start: int, end: int) -> int:
        """Return the tokens of the atoms from `start` to `end`."""
        return self._before[end] - self._before[start]

    def section(self, blocks: Sequence[Range]) -> list[Range]:
        """Pack the blocks of one section; a block stays whole when it fits."""
        start, end = blocks[0][0], blocks[-1][1]
        total = self.size(start, end)
        if total <= self._limits.max_tokens:
            return [(start, end)]
        # Even pieces: 220 tokens become 110 and 110, not 200 and a scrap that no question finds.
        target = total / ceil(total / self._limits.max_tokens)
        units = [unit for block in blocks for unit in self._units(block)]
        packed = [units[0]]
        for unit in units[1:]:
            first, last = packed[-1]
            if self.size(first, last) < target and self.size(first, unit[1]) <= self._limits.max_tokens:
                packed[-1] = (first, unit[1])
            else:
                packed.append(unit)
        return packed

    def join(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Join a small piece with its neighbour where both fit, rather with the one it shares more headings with."""
        joined: list[Piece] = []
        for index, piece in enumerate(pieces):
            after = pieces[index + 1] if index + 1 < len(pieces) else None
            if joined and self._joins(joined[-1], piece, after):
                joined[-1] = self._both(joined[-1], piece)
            else:
                joined.append(piece)
        return joined

    def _units(self, block: Range) -> list[Range]:
        """Return a block whole where it fits, else in even pieces that overlap by whole atoms."""
        start, last = block
        total, limits = self.size(start, last), self._limits
        if total <= limits.max_tokens:
            return [block]
        target = total / ceil(total / (limits.max_tokens - limits.overlap_tokens))
        units: list[Range] = []
        lead = start
        while start < last:
            end = start + 1
            while end < last and self.size(start, end) < target and self.size(lead, end + 1) <= limits.max_tokens:
                end += 1
            units.append((lead, end))
            start, lead = end, self._lead(lead, end, last)
        return units

    def _lead(self, previous: int, end: int, last: int) -> int:
        """Return where the piece after `end` begins, with as much of the one before as the overlap allows."""
        lead = end
        while lead - 1 > previous and end < last:
            if (
                self.size(lead - 1, end) > self._limits.overlap_tokens
                or self.size(lead - 1, end + 1) > self._limits.max_tokens
            ):
                break
            lead -= 1
        return lead

    def _fits(self, left: Piece, right: Piece) -> bool:
        return self.size(left.atoms[0], right.atoms[1]) <= self._limits.max_tokens

    def _joins(self, left: Piece, right: Piece, after: Piece | None) -> bool:
        is_left_small = self.size(*left.atoms) < self._limits.min_tokens
        is_right_small = self.size(*right.atoms) < self._limits.min_tokens
        if not self._fits(left, right) or not (is_left_small or is_right_small):
            return False
        if is_left_small or after is None or not self._fits(right, after):
            return True
        return _shared(left, right) >= _shared(right, after)

    def _both(self, left: Piece, right: Piece) -> Piece:
        """Join two pieces under the path of the one that makes up most of the text, else under what they share."""
        sizes = self.size(*left.atoms), self.size(*right.atoms)
        atoms = left.atoms[0], right.atoms[1]
        if max(sizes) >= 3 * min(sizes):
            return Piece(atoms, left.path if sizes[0] > sizes[1] else right.path)
        return Piece(atoms, left.path[: _shared(left, right)])


def _shared(left: Piece, right: Piece) -> int:
    """Return how many headings the paths of two pieces have in common."""
    return sum(1 for _ in takewhile(lambda names: names[0] == names[1], zip(left.path, right.path, strict=False)))
