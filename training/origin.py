"""What a model card says about where the weights come from: a run of training, or the mean of several."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from .averaging import trained_on
from .base_model import base_model_name, is_resift_reranker
from .lists.drawing import LIST_SIZE
from .lists.grades import GAINS
from .mined import MinedQuestion
from .sets import LabelledSet

SOURCE_FILE = "SOURCE.md"

GRADED_BY = re.compile(r"\bGrades:\s*(.+?)(?:\.(?:\s|$)|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """A set of judged questions, its weight in the mix, and how many of its questions were used.

    `grades` counts the passages of graded lists by their grade, and is empty for other sets.
    """

    labelled: LabelledSet
    weight: float
    questions: int
    grades: Mapping[int, int]

    @classmethod
    def of(cls, labelled: LabelledSet, weight: float, judged: Sequence[MinedQuestion]) -> TrainingSet:
        """Return the entry of a set and the questions to learn from."""
        grades = Counter(each.grade for mined in judged if mined.graded for each in mined.candidates if each.grade >= 0)
        return cls(labelled, weight, questions=len(judged), grades=grades)

    def row(self) -> str:
        """Return the set's row in the card's table."""
        return f"| {self.labelled.name} | {self.weight:.3g} | {self.questions:,} | {_licence(self.labelled.folder)} |"


@dataclass(frozen=True, slots=True)
class Trained:
    """A run of training: what it learned from, what decided when to stop, and its options."""

    base: str
    window: int
    sets: Sequence[TrainingSet]
    dev: Sequence[str]
    step: int
    lists: int
    options: Mapping[str, object]
    teacher: str
    share: float
    distilled: float

    @property
    def window_note(self) -> str:
        """Return what the card adds to the number of tokens."""
        return f"; trained on the first {self.window} tokens of a pair"

    def text(self) -> str:
        """Return the section as Markdown."""
        graded = [each for each in self.sets if each.grades]
        return TRAINED.format(
            lists=f"{self.lists:,}",
            size=LIST_SIZE,
            judged="" if len(graded) == len(self.sets) else self._judged(),
            graded=_graded(graded) if graded else "",
            dev=", ".join(self.dev) or "some of each set, held out",
            step=f"{self.step:,}",
            options=" ".join(f"{name} {value}" for name, value in self.options.items()),
            data="\n".join(each.row() for each in self.sets),
        )

    def _judged(self) -> str:
        return JUDGED.format(share=f"{self.share:.0%}", teacher=self.teacher, distilled=f"{self.distilled:.0%}")


@dataclass(frozen=True, slots=True)
class AveragedModel:
    """A reranker in an average: its name, its share, and what it was trained on, as far as that is known."""

    name: str
    share: float
    plan: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path, share: float) -> AveragedModel:
        """Return the entry of a folder of the plan."""
        whole = folder.resolve()
        name = base_model_name(folder) if is_resift_reranker(folder) else whole.name
        if whole.parent.name == "checkpoints":
            name = f"{whole.parents[2].name}, {whole.name}"
        return cls(name, share, trained_on(whole))

    def row(self) -> str:
        """Return the member's row in the card's table."""
        data: Mapping[str, tuple[float, str]] = self.plan.get("data", {})
        sets = ", ".join(f"{name}={weight:.3g}" for name, (weight, _) in data.items())
        return f"| {self.name} | {self.share:.3f} | {sets or 'see its card'} | {', '.join(self.plan.get('dev', ()))} |"


@dataclass(frozen=True, slots=True)
class Averaged:
    """The mean of the weights of several rerankers."""

    members: Sequence[AveragedModel]
    dev: Sequence[str]

    @property
    def base(self) -> str:
        """Return what the card names as base."""
        return f"mean of {len(self.members)} rerankers"

    @property
    def window_note(self) -> str:
        """Return what the card adds to the number of tokens."""
        return ""

    def text(self) -> str:
        """Return the section as Markdown."""
        return AVERAGED.format(rows="\n".join(each.row() for each in self.members), dev=", ".join(self.dev))


Origin: TypeAlias = Trained | Averaged


def _graded(sets: Sequence[TrainingSet]) -> str:
    counts = Counter[int]()
    for each in sets:
        counts.update(each.grades)
    folders = dict.fromkeys(each.labelled.folder for each in sets)
    judges = {folder.resolve().name: _graded_by(folder) for folder in folders}
    return GRADED.format(
        questions=f"{sum(each.questions for each in sets):,}",
        gains=", ".join(f"{gain:g}" for gain in GAINS),
        counts=", ".join(f"{counts[grade]:,} of grade {grade}" for grade in sorted(counts, reverse=True)),
        judges="; ".join(f"{name} {judge}" for name, judge in judges.items()),
    )


def _graded_by(folder: Path) -> str:
    """Return what a folder's SOURCE.md says after "Grades:"."""
    source = folder / SOURCE_FILE
    found = GRADED_BY.search(source.read_text(encoding="utf-8")) if source.is_file() else None
    return found[1] if found else "by a judge that its folder does not name"


def _licence(folder: Path) -> str:
    """Return the licence that a folder's SOURCE.md states."""
    source = folder / SOURCE_FILE
    lines = source.read_text(encoding="utf-8").splitlines() if source.is_file() else []
    parts = [line.partition(":") for line in lines]
    stated = [text.strip() for what, _, text in parts if re.fullmatch(r"- (.*\b)?licen[cs]es?\b.*", what.lower())]
    return stated[0] if stated else "not stated"


TRAINED = """\
## Trained on

{lists} lists of {size} passages, mined with Resift's own hybrid search. {judged}{graded}
Development questions, which decided when to stop: {dev}. They chose step {step} of a run with these options:

    {options}

| set | weight | judged questions | licence |
|---|---|---|---|
{data}"""

JUDGED = """\
The targets of judged questions are the judgements, mixed with {share}
of the order of {teacher}; {distilled} of the lists have questions cut from documents and only that order as target.
"""

GRADED = """\
The targets of graded lists are the grades alone, from 0 to 3: shares in the sum of gains ({gains}), lower by a quarter
from one passage to the next in the order of the best. One passage of eight is a random one. A second loss is the cross
entropy of the relevance of each passage (grades 2 and 3). The lists of {questions} questions, with passages {counts},
were graded: {judges}.
"""

AVERAGED = """\
## Averaged from

The weights are the weighted mean of those of other rerankers, which started from one base ("model soups", Wortsman et
al. 2022). Nothing was trained afterwards. The 8-bit model was calibrated on questions of {dev}.

| reranker | share | trained on | stopped by |
|---|---|---|---|
{rows}"""
