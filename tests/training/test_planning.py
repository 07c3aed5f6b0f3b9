"""A run's plan: what is refused before hours are spent, and which run may go on where another was begun."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput
from resift.tests.models.rerankers import write_own
from resift.tests.training.tiny import write_graded, write_set
from resift.training.planning import (
    PLAN_FILE,
    Recipe,
    TrainingPlan,
    check_plan,
    check_retrieval,
    learned_before,
    start_or_resume,
)
from resift.training.sets import LabelledSet


@pytest.fixture
def plan(tmp_path: Path) -> TrainingPlan:
    base = tmp_path / "base"
    base.mkdir()
    config = {"model_type": "bert", "hidden_act": "gelu", "max_position_embeddings": 128, "num_hidden_layers": 2}
    (base / "config.json").write_text(json.dumps(config))
    data = write_set(tmp_path / "things")
    return TrainingPlan(data={LabelledSet(data): 1.0}, out=tmp_path / "out", base=str(base), window=64)


def test_whole_plan_is_accepted_and_changes_nothing(plan: TrainingPlan, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    check_plan(plan)
    assert sorted(tmp_path.rglob("*")) == before


def test_folder_without_a_judged_set_is_named(plan: TrainingPlan, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--data: there is no folder nowhere"):
        check_plan(replace(plan, data={LabelledSet(Path("nowhere")): 1}))
    with pytest.raises(InvalidInput, match=r"--dev: there is no folder nowhere.*corpus\.jsonl"):
        check_plan(replace(plan, dev=[LabelledSet(Path("nowhere"))]))
    (tmp_path / "things" / "queries.jsonl").unlink()
    with pytest.raises(InvalidInput, match=r"things has no queries\.jsonl"):
        check_plan(plan)


def test_missing_split_is_told_with_those_that_exist(plan: TrainingPlan) -> None:
    with pytest.raises(InvalidInput, match=r"no split 'test'\. Its splits: train"):
        check_plan(replace(plan, split="test"))


def test_development_set_that_is_trained_on_is_refused(plan: TrainingPlan, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="must not be used both"):
        check_plan(replace(plan, dev=list(plan.data)))
    with pytest.raises(InvalidInput, match="have the same name"):
        check_plan(replace(plan, dev=[LabelledSet(write_set(tmp_path / "other" / "things"))]))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "roberta"}, "type 'roberta'"),
        ({"model_type": "bert", "hidden_act": "relu"}, "'bert' with the activation 'relu'"),
        ({"model_type": "bert", "max_position_embeddings": 32}, "--window 64 is more than --base .* has: 32"),
        ({"model_type": "bert", "num_hidden_layers": 1}, "--layers 2 is more than --base .* has: 1"),
        (None, "cannot be read"),
    ],
)
def test_base_that_cannot_be_trained_is_refused(plan: TrainingPlan, config: object, message: str) -> None:
    (Path(plan.base) / "config.json").write_text(json.dumps(config) if config else "{")
    with pytest.raises(InvalidInput, match=message):
        check_plan(replace(plan, layers=2))


def test_same_plan_may_go_on(plan: TrainingPlan, tmp_path: Path) -> None:
    start_or_resume(plan)
    kept = (plan.work / PLAN_FILE).read_bytes()
    start_or_resume(plan)
    moved = (tmp_path / "things").rename(tmp_path / "elsewhere-things").parent / "elsewhere-things"
    (tmp_path / "new").mkdir()
    start_or_resume(replace(plan, data={LabelledSet(moved.rename(tmp_path / "new" / "things")): 1.0}))
    assert (plan.work / PLAN_FILE).read_bytes() == kept


def test_other_plan_is_refused_and_says_what_differs(plan: TrainingPlan, tmp_path: Path) -> None:
    start_or_resume(plan)
    with pytest.raises(InvalidInput, match=r"\(window was 64, is 32\).*Choose another --out, or delete .*work"):
        start_or_resume(replace(plan, window=32))
    with pytest.raises(InvalidInput, match="steps was 1500, is 3000"):
        start_or_resume(replace(plan, recipe=Recipe(steps=3000)))
    with (tmp_path / "things" / "queries.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(InvalidInput, match=r"\(data\)"):
        start_or_resume(plan)


def test_plan_is_stored_under_the_keys_of_the_first_version(plan: TrainingPlan) -> None:
    start_or_resume(plan)
    stored = json.loads((plan.work / PLAN_FILE).read_bytes())
    assert set(stored) == {
        *("data", "dev", "base", "split", "window", "layers", "questions", "unlabelled", "teacher", "distilled"),
        *("steps", "batch", "training_window", "learning_rate", "head_learning_rate", "evaluate_every"),
        *("patience", "seed"),
    }


def test_folders_in_another_order_are_another_plan(plan: TrainingPlan, tmp_path: Path) -> None:
    first, second = LabelledSet(tmp_path / "things"), LabelledSet(write_set(tmp_path / "others"))
    start_or_resume(replace(plan, data={first: 1.0, second: 1.0}))
    with pytest.raises(InvalidInput, match=r"\(data\)"):
        start_or_resume(replace(plan, data={second: 1.0, first: 1.0}))


def test_options_of_later_versions_are_stored_where_they_are_used(plan: TrainingPlan) -> None:
    start_or_resume(replace(plan, recipe=Recipe(frozen_layers=1)))
    assert json.loads((plan.work / PLAN_FILE).read_bytes())["frozen_layers"] == 1
    with pytest.raises(InvalidInput, match="frozen_layers"):
        start_or_resume(plan)


def test_pools_are_part_of_the_plan_and_their_lists_too(plan: TrainingPlan, tmp_path: Path) -> None:
    graded = write_graded(tmp_path / "graded")
    plan = replace(plan, data={LabelledSet(graded, "home"): 2.0}, dev=[LabelledSet(graded, "outdoors")])
    check_plan(plan)
    start_or_resume(plan)
    start_or_resume(plan)
    with pytest.raises(InvalidInput, match=r"\(data, dev\)"):
        start_or_resume(replace(plan, data={LabelledSet(graded, "outdoors"): 2.0}, dev=[LabelledSet(graded, "home")]))
    with (graded / "lists.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(InvalidInput, match=r"\(data, dev\)"):
        start_or_resume(plan)


def test_average_needs_questions_to_measure_with_and_no_data(plan: TrainingPlan, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Give --data to train a reranker, or --average"):
        check_plan(replace(plan, data={}))
    with pytest.raises(InvalidInput, match="Give --data to train a reranker, or --average"):
        check_plan(replace(plan, average={tmp_path: 1.0}))
    with pytest.raises(InvalidInput, match="--average needs --dev"):
        check_plan(replace(plan, data={}, average={tmp_path: 1.0}))
    with pytest.raises(InvalidInput, match=r"--average: .* holds no weights\..*work/checkpoints"):
        check_plan(replace(plan, data={}, average={tmp_path: 1.0}, dev=list(plan.data)))


def test_reranker_that_no_run_left_is_not_written_over(plan: TrainingPlan) -> None:
    plan.out.mkdir()
    (plan.out / "reranker.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"already holds a reranker.*reranker\.json"):
        start_or_resume(plan)
    assert not plan.work.exists()


@pytest.mark.parametrize("name", ["README.md", "model.onnx", "tokenizer.json"])
def test_files_of_another_origin_are_not_written_over(plan: TrainingPlan, name: str) -> None:
    plan.out.mkdir()
    (plan.out / name).write_text("mine")
    with pytest.raises(InvalidInput, match=rf"out has a {name} of its own, which would be lost"):
        start_or_resume(plan)
    assert (plan.out / name).read_text() == "mine"
    assert not plan.work.exists()


def test_run_that_was_killed_while_it_wrote_its_files_goes_on(plan: TrainingPlan) -> None:
    start_or_resume(plan)
    (plan.out / "model.onnx").touch()
    start_or_resume(plan)
    with pytest.raises(InvalidInput, match=r"delete .*work, .*model\.onnx to start again"):
        start_or_resume(replace(plan, window=32))


def test_file_in_the_place_of_the_folder_is_refused(plan: TrainingPlan) -> None:
    plan.out.write_text("mine")
    with pytest.raises(InvalidInput, match=r"--out: the folder .*out/work cannot be written: .* Choose a new folder"):
        start_or_resume(plan)


def test_two_sets_that_would_share_a_file_are_refused(plan: TrainingPlan, tmp_path: Path) -> None:
    first, second = tmp_path / "a-home", tmp_path / "a"
    pool = LabelledSet(write_graded(first), "home")
    write_graded(second)
    lists = (second / "lists.jsonl").read_text().replace('"home"', '"home-home"')
    (second / "lists.jsonl").write_text(lists)
    with pytest.raises(InvalidInput, match=r"of .*a-home:home and of .*a:home-home would go to one file, a-home-home"):
        check_plan(replace(plan, data={pool: 1.0, LabelledSet(second, "home-home"): 1.0}))


def test_more_frozen_layers_than_are_kept_are_refused(plan: TrainingPlan) -> None:
    check_plan(replace(plan, layers=1, recipe=Recipe(frozen_layers=1)))
    with pytest.raises(InvalidInput, match="--freeze 2 is more than --layers 1"):
        check_plan(replace(plan, layers=1, recipe=Recipe(frozen_layers=2)))


def test_run_goes_on_with_the_teacher_of_its_beginning_wherever_that_lies(plan: TrainingPlan, tmp_path: Path) -> None:
    teacher = write_own(tmp_path / "teacher")
    plan = replace(plan, teacher=str(teacher))
    start_or_resume(plan)
    start_or_resume(replace(plan, teacher=f"{tmp_path}/../{tmp_path.name}/teacher"))
    spec = json.loads((teacher / "reranker.json").read_text())
    (teacher / "reranker.json").write_text(json.dumps({**spec, "sha256": {**spec["sha256"], "model.onnx": "0" * 64}}))
    with pytest.raises(InvalidInput, match=r"teacher_model was tiny-overlap@\w+, is tiny-overlap@000000000000"):
        start_or_resume(plan)


def test_run_with_a_teacher_that_an_older_version_began_goes_on(plan: TrainingPlan, tmp_path: Path) -> None:
    plan = replace(plan, teacher=str(write_own(tmp_path / "teacher")))
    start_or_resume(plan)
    stored = json.loads((plan.work / PLAN_FILE).read_bytes())
    del stored["teacher_model"]
    (plan.work / PLAN_FILE).write_text(json.dumps(stored))
    start_or_resume(plan)
    with pytest.raises(InvalidInput, match="teacher was "):
        start_or_resume(replace(plan, teacher=str(write_own(tmp_path / "other"))))


def test_run_does_not_go_on_with_candidates_of_another_encoder(plan: TrainingPlan) -> None:
    start_or_resume(plan)
    check_retrieval(plan, {"encoder": "a@1", "fusion": "convex"})
    check_retrieval(plan, {"encoder": "a@1", "fusion": "convex"})
    with pytest.raises(InvalidInput, match=r"other settings of search \(encoder was a@1, is b@2\).*delete .*work"):
        check_retrieval(plan, {"encoder": "b@2", "fusion": "convex"})
    start_or_resume(plan)


def test_member_of_an_average_that_learned_from_the_development_set_is_found(
    plan: TrainingPlan, tmp_path: Path
) -> None:
    start_or_resume(plan)
    other = LabelledSet(write_set(tmp_path / "others", "dev"), split="dev")
    with (tmp_path / "others" / "queries.jsonl").open("a") as file:
        file.write("\n")
    mean = replace(plan, data={}, average={plan.out: 1.0}, dev=[*plan.data, other], out=tmp_path / "mean")
    assert learned_before(mean) == [(plan.out, next(iter(plan.data)))]


@pytest.mark.parametrize(("folder", "name"), [("mine", "mine"), ("my first one", "my-first-one"), ("äß", "äß")])
def test_reranker_is_called_like_its_folder(plan: TrainingPlan, tmp_path: Path, folder: str, name: str) -> None:
    assert replace(plan, out=tmp_path / folder).name == name
