"""Lists and targets from graded lists: what a grade is worth, and which passages of a list are learned from."""

from collections.abc import Sequence
from random import Random

from ...evaluation.graded import RELEVANT_GRADE
from ..mined import Candidate, MinedQuestion

GAINS = (0.0, 0.05, 0.35, 1.0)
"""The gain of grades 0 to 3. Steeper than 2^grade - 1, with which five passages that are only on the subject would get
42 % of the target beside one that answers; so they get 20 %."""

STEP = 0.75  # between one passage and the next in the order of the best, down to `STEPS` steps

STEPS = 4

GRADED_PASSAGES = 7  # of a list; with one at random as many as the lists of judged sets have

MAX_ANSWERS = 5  # passages with a grade above 0 in one list


def draw_graded(mined: MinedQuestion, random: Random) -> list[int]:
    """Return places of candidates to learn from: the best grades, and of grade 0 half as retrieval orders them.

    The others of grade 0 are drawn at random, so that the list is not made of hard ones only.
    """
    places = [place for place, each in enumerate(mined.candidates) if each.grade >= 0]
    random.shuffle(places)
    grades = [each.grade for each in mined.candidates]
    answers = sorted((place for place in places if grades[place] > 0), key=lambda place: -grades[place])[:MAX_ANSWERS]
    rest = [place for place in places if grades[place] == 0]
    wanted = min(len(rest), GRADED_PASSAGES - len(answers))
    near = sorted(rest)[: (wanted + 1) // 2]
    return [*answers, *near, *[place for place in rest if place not in near][: wanted - len(near)]]


def draw_sure_negative(mined: MinedQuestion, others: Sequence[MinedQuestion], random: Random) -> Candidate | None:
    """Return a random candidate of another question that is not one of this question, or None if there is none.

    Search did not find it among the first 64 passages, so that it is irrelevant, and easy.
    """
    own = {each.text for each in mined.candidates}
    for other in random.sample(others, min(len(others), 8)):
        drawn = random.choice(other.candidates)
        if drawn.text not in own:
            return Candidate(drawn.text, fused=0.0, grade=0)
    return None


def targets_of(mined: MinedQuestion, places: Sequence[int]) -> list[float]:
    """Return the targets of candidates at these places: their shares in the sum of gains.

    Where nothing answers, they sum to less than 1, and the list counts less: for each passage of grade 1 a seventh of a
    list that has an answer. Passages of grade 1 are still told from those of grade 0.
    """
    gains = [_gain(mined, place) for place in places]
    answered = any(mined.candidates[place].grade >= RELEVANT_GRADE for place in places)
    total = sum(gains) if answered else max(sum(gains), GAINS[RELEVANT_GRADE])
    return [gain / total for gain in gains]


def _gain(mined: MinedQuestion, place: int) -> float:
    grade = mined.candidates[place].grade
    if grade < RELEVANT_GRADE:
        return GAINS[grade]
    rank = mined.best.index(place) if place in mined.best else len(mined.best)
    return GAINS[grade] * STEP ** min(rank, STEPS)
