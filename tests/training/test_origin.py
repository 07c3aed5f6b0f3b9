"""What a card says about a model's data, its teacher, what was held out, and averages."""

from pathlib import Path

from resift.models.bundled import RERANKER_FOLDER
from resift.tests.training.tiny import write_graded
from resift.training.mined import Candidate, MinedQuestion
from resift.training.origin import Averaged, AveragedModel, Trained, TrainingSet
from resift.training.sets import LabelledSet

LISTS = [
    MinedQuestion("q", [Candidate(str(n), 0.5, grade) for n, grade in enumerate(grades)], graded=True)
    for grades in ((3, 0, 0, -1), (1, 0))
]


def run_on(*sets: TrainingSet) -> str:
    """Return what the card says about a run on these sets."""
    return Trained(
        base="tiny",
        window=48,
        sets=sets,
        dev=["graded:outdoors"],
        step=60,
        lists=240,
        options={"--steps": 90},
        teacher="retrieval",
        share=0.2,
        distilled=0.15,
    ).text()


def test_graded_lists_are_counted_by_grade_and_say_who_graded_them(tmp_path: Path) -> None:
    labelled = LabelledSet(write_graded(tmp_path / "graded"), "home")
    text = run_on(TrainingSet.of(labelled, 2.0, LISTS))
    assert "lists of 2 questions" in text
    assert "passages 1 of grade 3, 1 of grade 1, 3 of grade 0" in text.replace("\n", " ")
    assert "graded: graded by a person who read them.\n" in text
    assert "| graded:home | 2 | 2 | none |" in text
    assert "when to stop: graded:outdoors." in text
    assert "judgements" not in text


def test_judged_sets_and_graded_lists_are_told_apart(tmp_path: Path) -> None:
    graded = TrainingSet.of(LabelledSet(tmp_path, "home"), 1.0, LISTS)
    judged = TrainingSet.of(LabelledSet(tmp_path / "things"), 1.0, [MinedQuestion("q", [Candidate("a", 0.5, 1)])])
    assert judged.grades == {}
    text = run_on(graded, judged)
    assert "The targets of judged questions are the judgements, mixed with 20%" in text
    assert "by a judge that its folder does not name" in text
    assert "graded lists" not in run_on(judged)


def test_licences_are_found_under_longer_headings(tmp_path: Path) -> None:
    (tmp_path / "SOURCE.md").write_text("- Origins and licences of the texts: this (MIT); that.\n")
    assert TrainingSet.of(LabelledSet(tmp_path, "home"), 1.0, LISTS).row().endswith("| this (MIT); that. |")


def test_average_lists_its_members_and_what_they_learned_from(tmp_path: Path) -> None:
    run = tmp_path / "run-a"
    (run / "work" / "checkpoints" / "checkpoint-40").mkdir(parents=True)
    (run / "work" / "plan.json").write_text('{"data": {"graded:home": [0.5, "sums"]}, "dev": {"graded:outdoors": ""}}')
    members = [
        AveragedModel.of(run, 0.25),
        AveragedModel.of(run / "work" / "checkpoints" / "checkpoint-40", 0.25),
        AveragedModel.of(RERANKER_FOLDER, 0.5),
    ]
    text = Averaged(members, ["things"]).text()
    assert "| run-a | 0.250 | graded:home=0.5 | graded:outdoors |" in text
    assert "| run-a, checkpoint-40 | 0.250 | graded:home=0.5 | graded:outdoors |" in text
    assert "| resift-reranker-l6 | 0.500 | see its card |  |" in text
    assert "questions of things." in text
