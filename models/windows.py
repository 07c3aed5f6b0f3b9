"""Cut a long text into overlapping windows that a model can read whole."""

from collections.abc import Sequence

from ..core.errors import InvalidInput

Offsets = Sequence[tuple[int, int]]
"""Where each token stands in its text: first character, and the one after its last."""

SEARCHED = 0.25  # of a window: how far back a cut goes to find white space; half at most, so that windows move on


def cut(text: str, offsets: Offsets, *, size: int, overlap: int) -> list[str]:
    """Return pieces of `text` of at most `size` tokens each, sharing about `overlap` tokens with the one before.

    Cuts fall on white space where there is any near, else between words, else inside one. A text that fits, an empty
    one too, comes back unchanged.

    Raises:
        InvalidInput: `overlap` is negative or half of `size` or more.
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


def _boundary(text: str, offsets: Offsets, wanted: int, size: int) -> int:
    """Return the best token to cut before, `wanted` or a little earlier."""
    if wanted >= len(offsets):
        return len(offsets)
    candidates = range(wanted, wanted - max(1, int(size * SEARCHED)), -1)
    return max(candidates, key=lambda index: _quality(text, offsets, index))


def _quality(text: str, offsets: Offsets, index: int) -> int:
    before, after = offsets[index - 1][1], offsets[index][0]
    if after != before:  # white space between them, or two tokens of one character
        return 2 if after > before else -1
    return 1 if not (text[before - 1].isalnum() and text[after].isalnum()) else 0
