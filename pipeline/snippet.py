"""The part of a passage that is shown for a query: where most of the query's words are."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

from ..core.text import UNSPACED_RUN, composed
from ..core.values import Passage

SNIPPET_CHARACTERS = 160

MAX_READ = 20_000  # characters: collections that other programs made may hold whole books as passages

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "about and any are can could did does for from had has have how into its not our out should than that the "
        "their them then there these they this those was were what when where which who why will with would you your",
    )
)
"""Words of questions that do not tell where the answer is. Words of one or two letters do not either."""

_LEAST_LETTERS = 3

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})\s*+[\w+#.-]*+\s*")
_RULE = re.compile(r"[\s|:=+*_-]{3,}")  # below the header of a table or a heading, and between sections
_HEADING = re.compile(r"\s*#{1,6}\s+(?P<text>[^\n]*)")
_BLOCK = re.compile(r"\s*(?:[-*+]\s|\d{1,3}[.)]\s|#{1,6}\s|\|)")  # an item, a heading or a row of a table
_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f] )|(?<=[\u3002\uff01\uff1f])(?! )")
_UNSPACED = UNSPACED_RUN.pattern.removesuffix("+")
_WORD = re.compile(rf"{_UNSPACED}+|(?:(?!{_UNSPACED})\w)+")


@dataclass(frozen=True, slots=True)
class _Match:
    """A word of the query in the text."""

    word: str
    start: int
    end: int


def passage_snippet(passage: Passage, query: str, *, most: int = SNIPPET_CHARACTERS) -> str:
    """Return the part of a passage's text that is shown for a query, without its title and headings."""
    return snippet(passage.text, query, headings=[passage.title, *passage.heading.split(" > ")], most=most)


def snippet(text: str, query: str, *, headings: Collection[str] = (), most: int = SNIPPET_CHARACTERS) -> str:
    """Return the sentences of a text with most of the query's words, in one line of about `most` characters.

    Fences, rules of tables and lines that only repeat one of the `headings` are left out. Without a word of the query,
    it is the beginning of the text.
    """
    text = text[:MAX_READ]
    sentences = _sentences(text, {_plain(each) for each in headings}) or [" ".join(text.split())]
    line = "".join(sentences).rstrip()
    if len(line) <= most:
        return line
    starts = [0]
    for sentence in sentences[:-1]:
        starts.append(starts[-1] + len(sentence))
    matches = _matches(line, query)
    start = _best_start(line, starts, matches, most)
    end = _best_end(line, start, starts, matches, most)
    before = "" if start in starts else "… "
    after = "" if end == len(line) else " …" if end in starts else "…"
    return f"{before}{line[start:end].rstrip()}{after}"


def _sentences(text: str, headings: Collection[str]) -> list[str]:
    """Return the sentences of a text, and the rows of its tables, each in one line with the blank that follows it."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        if _FENCE.fullmatch(line) or _RULE.fullmatch(line) or _plain(heading["text"] if heading else line) in headings:
            blocks.append([])
        elif not line.strip() or _BLOCK.match(line):
            blocks.append([_without_bars(line)])
        else:
            blocks[-1].append(line)
    joined = (" ".join(" ".join(block).split()) for block in blocks)
    return [sentence for block in joined if block for sentence in _SENTENCE_END.split(f"{block} ") if sentence]


def _plain(heading: str) -> str:
    return heading.strip(" \t#=").casefold()


def _without_bars(line: str) -> str:
    """Return a row of a table without the bars at its ends; any other line as it is."""
    row = line.strip()
    return row.strip("|") if row.startswith("|") else line


def _matches(line: str, query: str) -> list[_Match]:
    """Return where words of the query are in a line, also with other endings."""
    wanted = {word: _stem(word) for word, _, _ in _words(composed(query)) if word not in STOP_WORDS}
    return [
        _Match(word, start, end)
        for found, start, end in _words(line)
        for word, stem in wanted.items()
        if found == word or (len(stem) >= _LEAST_LETTERS and found.startswith(stem))
    ]


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the words of a text and their places; pairs of letters in scripts without blanks between words."""
    for found in _WORD.finditer(text):
        start, end = found.span()
        if UNSPACED_RUN.match(found[0]):
            for place in range(start, max(end - 1, start + 1)):
                yield text[place : place + 2], place, min(place + 2, end)
        elif len(found[0]) >= _LEAST_LETTERS:
            yield found[0].casefold(), start, end


def _stem(word: str) -> str:
    """Return the beginning that a word has in common with its other forms, such as "ignor" of "ignored"."""
    return word[: max(4, len(word) - 3)]


def _best_start(line: str, sentences: Sequence[int], matches: Sequence[_Match], most: int) -> int:
    """Return where to begin: with the first sentence from which the most is seen, or else within a long one."""
    if not matches:
        return 0
    weights, places = _weights(sentences, matches), [each.start for each in matches]

    def seen(start: int) -> float:
        near = matches[bisect_left(places, start) : bisect_right(places, start + most)]
        return sum(weights[word] for word in {each.word for each in near if each.end <= start + most})

    holding = sorted({sentences[bisect_right(sentences, each) - 1] for each in places})
    best = max(holding, key=lambda start: (seen(start), -start))
    inner = [_start_before(line, each.start, most) for each in matches]
    within = max(inner, key=lambda start: (seen(start), -start))
    start = within if seen(within) > seen(best) else best
    fitting = [each for each in sentences if each <= start and len(line) - each <= most]
    return fitting[0] if fitting else start


def _best_end(line: str, start: int, sentences: Sequence[int], matches: Sequence[_Match], most: int) -> int:
    """Return where to end: with a sentence if that hides no word of the query, or else between words."""
    last = start + most
    if last >= len(line):
        return len(line)
    seen = max((each.end for each in matches if start <= each.start and each.end <= last), default=start)
    whole = [each for each in sentences if max(seen, start + most // 2) <= each <= last]
    blank = line.rfind(" ", start + most // 2, last + 1)
    return whole[-1] if whole else blank if blank > 0 else last


def _start_before(line: str, place: int, most: int) -> int:
    """Return where a word begins some words before a place."""
    return max(line.rfind(" ", 0, max(0, place - most // 4)) + 1, place - most // 2)


def _weights(sentences: Sequence[int], matches: Sequence[_Match]) -> Mapping[str, float]:
    """Return how much each word tells: the less, the more sentences have it."""
    counts = Counter(word for word, _ in {(each.word, bisect_right(sentences, each.start)) for each in matches})
    return {word: log(1 + len(sentences) / count) for word, count in counts.items()}
