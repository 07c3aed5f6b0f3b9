"""Cut a long text into overlapping windows, each short enough for a model."""

from collections.abc import Sequence

from ..core.errors import InvalidInput

Offsets = Sequence[tuple[int, int]]
"""Each token's place in its text: its first character, and the one after its last."""

SEARCHED_SHARE = 0.25  # of a window: how far to look back for white space; below half, so that every window advances


def cut_windows(text: str, offsets: Offsets, *, size: int, overlap: int) -> list[str]:
    """Return pieces of `text` of at most `size` tokens, each sharing about `overlap` tokens with the one before.

    Cuts fall on white space if there is any nearby, else between words, else inside a word. A text that fits comes back
    unchanged, even an empty one.

    Raises:
        InvalidInput: `overlap` is negative, or at least half of `size`.
    """
    if not 0 <= overlap < size / 2:
        raise InvalidInput(
            f"An overlap of {overlap} tokens does not fit windows of {size}. Use less than half of that."
        )
    if len(offsets) <= size:
        return [text]
    pieces: list[str] = []
    start = 0
    while True:
        end = _boundary(text, offsets, start + size, size)
        pieces.append(text[offsets[start][0] : offsets[end - 1][1]])
        if end == len(offsets):
            return pieces
        start = max(_boundary(text, offsets, end - overlap, size), start + 1)


def _boundary(text: str, offsets: Offsets, target: int, size: int) -> int:
    """Return the best token to cut before: `target`, or one a little before it."""
    if target >= len(offsets):
        return len(offsets)
    candidates = range(target, target - max(1, int(size * SEARCHED_SHARE)), -1)
    return max(candidates, key=lambda index: _quality(text, offsets, index))


def _quality(text: str, offsets: Offsets, index: int) -> int:
    before, after = offsets[index - 1][1], offsets[index][0]
    if after != before:  # white space between the tokens, or two tokens of one character
        return 2 if after > before else -1
    return 1 if not (text[before - 1].isalnum() and text[after].isalnum()) else 0
