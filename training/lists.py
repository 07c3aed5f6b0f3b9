"""What a reranker learns from: a question, a few of its candidates, and which of them are answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .mined import Candidate, Mined, MinedFile

SIZE = 8  # passages of a list

NEAR = 10  # first candidates, from which two thirds of the negatives come; the others come from further down

DEEPEST = 40

FALSE_NEGATIVE = 0.95  # of a positive's fused score: unjudged passages above are likely answers nobody marked

ALWAYS_NEGATIVE = 0.35  # fused score below which nothing is kept back

UNLABELLED_SHARE = 0.15  # of lists, unless the plan says otherwise: questions cut from documents, which nobody judged

MOST_POSITIVES = (1, 1, 2, 3)

HELD_OUT = 0.05  # of a set's judged questions; of a small set more, up to a quarter, for a handful decides nothing

FEWEST_HELD_OUT = 20


@dataclass(frozen=True, slots=True)
class TrainingSource:
    """The mined questions of one judged set."""

    judged: Sequence[Mined]
    unlabelled: Sequence[Mined]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A question and some candidates. `labels` sum to 1, or are none where nobody judged; `fused` is of retrieval."""

    query: str
    passages: list[str]
    labels: list[float]
    fused: list[float]


def read_source(path: Path, *, hold_out: bool, random: Random) -> tuple[TrainingSource, list[Mined]]:
    """Return the questions to learn from and, with `hold_out`, some judged ones that decide when to stop instead."""
    usable = [mined for mined in MinedFile(path).read() if len(mined.candidates) >= SIZE]
    judged = [mined for mined in usable if mined.judged]
    random.shuffle(judged)
    kept = _held_out(len(judged)) if hold_out else 0
    return TrainingSource(judged[kept:], [mined for mined in usable if not mined.judged]), judged[:kept]


def _held_out(judged: int) -> int:
    return min(max(round(HELD_OUT * judged), FEWEST_HELD_OUT), judged // 4)


def draw_lists(
    sources: Sequence[TrainingSource],
    weights: Sequence[float],
    count: int,
    *,
    random: Random,
    unlabelled: float = UNLABELLED_SHARE,
) -> Iterator[Drawn]:
    """Yield `count` lists, of the sources in proportion to their weights.

    unlabelled: share of lists that nobody judged, where a source has such.
    """
    for _ in range(count):
        source = random.choices(sources, weights)[0]
        if source.unlabelled and (not source.judged or random.random() < unlabelled):
            yield _unlabelled(random.choice(source.unlabelled), random)
        else:
            yield _judged(random.choice(source.judged), random)


def _unlabelled(mined: Mined, random: Random) -> Drawn:
    return _drawn(mined.query, random.sample(mined.candidates[: SIZE * 4], SIZE), [])


def _judged(mined: Mined, random: Random) -> Drawn:
    positives = [each for each in mined.candidates if each.grade > 0]
    positives = random.sample(positives, min(len(positives), random.choice(MOST_POSITIVES)))
    bar = max(FALSE_NEGATIVE * max(each.fused for each in positives), ALWAYS_NEGATIVE)
    others = [each for each in mined.candidates[:DEEPEST] if each.grade <= 0]
    negatives = [each for each in others if each.grade == 0 or each.fused < bar]
    wanted = SIZE - len(positives)
    near, far = negatives[:NEAR], negatives[NEAR:]
    drawn = random.sample(near, min(len(near), wanted * 2 // 3))
    drawn += random.sample(far, min(len(far), wanted - len(drawn)))
    drawn += [each for each in near if each not in drawn][: wanted - len(drawn)]
    chosen = [*positives, *drawn]
    return _drawn(mined.query, chosen, [1 / len(positives)] * len(positives) + [0.0] * len(drawn))


def _drawn(query: str, chosen: Sequence[Candidate], labels: list[float]) -> Drawn:
    return Drawn(query, [each.text for each in chosen], labels=labels, fused=[each.fused for each in chosen])
