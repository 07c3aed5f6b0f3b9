"""The lists that a reranker learns from: a question, a few of its candidates, and which of them are relevant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from ...evaluation.graded import RELEVANT_GRADE
from ..mined import Candidate, MinedFile, MinedQuestion
from .grades import draw_graded, draw_sure_negative, targets_of

LIST_SIZE = 8  # passages of a list

NEAR_CANDIDATES = 10  # the first candidates: two thirds of the negatives come from them, the rest from lower ranks

MAX_CANDIDATES = 40

UNJUDGED_CEILING = 0.95  # of the best positive's fused score: unjudged passages above it are probably relevant

SAFE_NEGATIVE = 0.35  # unjudged passages with a lower fused score always count as negatives

UNLABELLED_SHARE = 0.15  # the default share of lists without judgements, whose questions are cut from documents

POSITIVES_PER_LIST = (1, 1, 2, 3)  # one of these at random, at most

HELD_OUT_SHARE = 0.05  # of a set's judged questions; of a small set up to a quarter, since a few decide nothing

MIN_HELD_OUT = 20


@dataclass(frozen=True, slots=True)
class TrainingSource:
    """The mined questions of one judged set."""

    judged: Sequence[MinedQuestion]
    unlabelled: Sequence[MinedQuestion]


@dataclass(frozen=True, slots=True)
class CandidateList:
    """A question and some candidates. `labels` sum to 1, or are empty if nothing was judged; `fused` is retrieval's.

    `answers` says for the passages of a graded list whether each answers the question; otherwise it is empty.
    """

    query: str
    passages: list[str]
    labels: list[float]
    fused: list[float]
    answers: list[bool] = field(default_factory=list[bool])


def read_source(path: Path, *, hold_out: bool, random: Random) -> tuple[TrainingSource, list[MinedQuestion]]:
    """Return the questions to learn from and, with `hold_out`, judged questions kept aside to decide when to stop."""
    usable = [mined for mined in MinedFile(path).read() if mined.graded or len(mined.candidates) >= LIST_SIZE]
    judged = [mined for mined in usable if mined.graded or mined.judged]
    random.shuffle(judged)
    kept = _held_out(len(judged)) if hold_out else 0
    return TrainingSource(judged[kept:], [mined for mined in usable if not mined.graded and not mined.judged]), judged[
        :kept
    ]


def _held_out(judged: int) -> int:
    return min(max(round(HELD_OUT_SHARE * judged), MIN_HELD_OUT), judged // 4)


def draw_lists(
    sources: Sequence[TrainingSource],
    weights: Sequence[float],
    count: int,
    *,
    random: Random,
    unlabelled: float = UNLABELLED_SHARE,
) -> Iterator[CandidateList]:
    """Yield `count` lists, from the sources in proportion to their weights.

    `unlabelled` is the share of lists without judgements, for sources that have such questions.
    """
    for _ in range(count):
        source = random.choices(sources, weights)[0]
        if source.unlabelled and (not source.judged or random.random() < unlabelled):
            yield _unlabelled(random.choice(source.unlabelled), random)
        else:
            mined = random.choice(source.judged)
            yield _graded(mined, source.judged, random) if mined.graded else _judged(mined, random)


def _unlabelled(mined: MinedQuestion, random: Random) -> CandidateList:
    return _drawn(mined.query, random.sample(mined.candidates[: LIST_SIZE * 4], LIST_SIZE), [])


def _graded(mined: MinedQuestion, others: Sequence[MinedQuestion], random: Random) -> CandidateList:
    places = draw_graded(mined, random)
    chosen, labels = [mined.candidates[place] for place in places], targets_of(mined, places)
    sure = draw_sure_negative(mined, others, random)
    if sure is not None:
        chosen, labels = [*chosen, sure], [*labels, 0.0]
    return replace(_drawn(mined.query, chosen, labels), answers=[each.grade >= RELEVANT_GRADE for each in chosen])


def _judged(mined: MinedQuestion, random: Random) -> CandidateList:
    positives = [each for each in mined.candidates if each.grade > 0]
    positives = random.sample(positives, min(len(positives), random.choice(POSITIVES_PER_LIST)))
    ceiling = max(UNJUDGED_CEILING * max(each.fused for each in positives), SAFE_NEGATIVE)
    others = [each for each in mined.candidates[:MAX_CANDIDATES] if each.grade <= 0]
    negatives = [each for each in others if each.grade == 0 or each.fused < ceiling]
    wanted = LIST_SIZE - len(positives)
    near, far = negatives[:NEAR_CANDIDATES], negatives[NEAR_CANDIDATES:]
    drawn = random.sample(near, min(len(near), wanted * 2 // 3))
    drawn += random.sample(far, min(len(far), wanted - len(drawn)))
    drawn += [each for each in near if each not in drawn][: wanted - len(drawn)]
    chosen = [*positives, *drawn]
    return _drawn(mined.query, chosen, [1 / len(positives)] * len(positives) + [0.0] * len(drawn))


def _drawn(query: str, chosen: Sequence[Candidate], labels: list[float]) -> CandidateList:
    return CandidateList(query, [each.text for each in chosen], labels=labels, fused=[each.fused for each in chosen])
