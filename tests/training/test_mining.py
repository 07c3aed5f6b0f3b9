"""Mining asks Resift's own search, and goes on where it was stopped."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput
from resift.core.values import Document
from resift.factories.engine import Engine
from resift.pipeline.request import SearchRequest
from resift.tests.training.tiny import OUTDOORS, THINGS, write_graded, write_set
from resift.training.mined import Candidate, MinedFile, MinedQuestion
from resift.training.mining import DEPTH, MAX_KEYWORDS, MAX_WORDS, Miner, cut_questions, mine
from resift.training.planning import TrainingPlan
from resift.training.sets import LabelledSet

pytestmark = pytest.mark.anyio


def plan_for(folder: Path, *, questions: int = 10, unlabelled: int = 4) -> TrainingPlan:
    plan = TrainingPlan(
        data={LabelledSet(write_set(folder / "things")): 1.0},
        dev=[LabelledSet(write_set(folder / "others"))],
        out=folder / "out",
        base="",
        questions=questions,
        unlabelled=unlabelled,
    )
    plan.work.mkdir(parents=True)
    return plan


async def mined(engine: Engine, plan: TrainingPlan, name: str) -> list[MinedQuestion]:
    await mine(plan, Miner(engine.services.pipeline, engine.services.ingestor))
    return list(MinedFile(plan.work / f"{name}-train.jsonl").read())


async def test_candidates_are_those_of_hybrid_search_with_their_grades(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path)
    found = await mined(engine, plan, "things")
    assert [each.judged for each in found] == [True] * 10 + [False] * 4
    assert all(len(each.candidates) == min(DEPTH, 3 * len(THINGS)) for each in found)
    first = found[0]
    thing = next(thing for thing in THINGS if thing in first.query)
    assert first.candidates[0].grade == 1
    assert first.candidates[0].text.startswith(thing)
    fused = [each.fused for each in first.candidates]
    assert fused == sorted(fused, reverse=True)
    request = SearchRequest(
        first.query, collection="set-0", limit=DEPTH, per_document=1, reranker="none", collapse=False
    )
    page = await engine.services.pipeline.search(request)
    assert [each.text for each in first.candidates] == [hit.passage.content for hit in page]
    assert fused == pytest.approx([hit.score for hit in page], abs=1e-4)
    assert [len(list(MinedFile(plan.mined(folder)).read())) for folder in plan.dev] == [10]


async def test_stopped_mining_goes_on_with_the_next_question(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path)
    whole = await mined(engine, plan, "things")
    path = plan.work / "things-train.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    kept = json.dumps({"query": "kept as it is", "candidates": []}) + "\n"
    path.write_text("".join([*lines[:5], kept, lines[6][:40]]))
    again = await mined(engine, plan, "things")
    expected = [each.query for each in whole]
    expected[5] = "kept as it is"
    assert [each.query for each in again] == expected
    assert again[6:] == whole[6:]


async def test_relevant_documents_that_search_missed_come_last(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path)
    folder = next(iter(plan.data)).folder
    texts = {f"f{n}": f"The kettle number {n} was first described in {n}." for n in range(DEPTH)}
    filler = "".join(json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items())
    (folder / "corpus.jsonl").write_text(
        (folder / "corpus.jsonl").read_text() + filler + json.dumps({"_id": "hidden", "text": "Quite another matter"})
    )
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "which kettle was first described"}))
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq\thidden\t2\nq\tgone\t1\n")
    only = (await mined(engine, plan, "things"))[0]
    assert len(only.candidates) == DEPTH + 1
    assert only.candidates[-1] == Candidate("Quite another matter", 0.0, 2)


async def test_pool_of_graded_lists_is_searched_and_all_its_grades_are_kept(engine: Engine, tmp_path: Path) -> None:
    graded = write_graded(tmp_path / "graded")
    plan = replace(plan_for(tmp_path), data={LabelledSet(graded, "outdoors"): 1.0}, dev=[])
    await mine(plan, Miner(engine.services.pipeline, engine.services.ingestor))
    found = list(MinedFile(plan.work / "graded-outdoors.jsonl").read())
    assert len(found) == len(OUTDOORS)
    for each in found:
        grades = Counter(candidate.grade for candidate in each.candidates)
        assert grades.pop(-1) >= 3 * (len(OUTDOORS) - 1)  # those of the pool's other lists
        assert grades == {0: 1, 1: 1, 2: 1, 3: 1}
        assert each.graded
        assert [each.candidates[place].grade for place in each.best] == [3, 2]
        assert "gently" in each.candidates[each.best[0]].text


async def test_graded_passages_that_search_missed_are_kept_whatever_their_grade(engine: Engine, tmp_path: Path) -> None:
    graded = write_graded(tmp_path / "graded")
    filler = [{"_id": f"filler-{n}", "text": f"Anchors of kind {n} hold ships."} for n in range(DEPTH)]
    ids = [each["_id"] for each in filler]
    with (graded / "corpus.jsonl").open("a") as corpus, (graded / "lists.jsonl").open("a") as lists:
        corpus.writelines(
            json.dumps(each) + "\n" for each in [*filler, {"_id": "hidden", "text": "Quite another matter"}]
        )
        row = {
            "q": "which anchors hold ships",
            "pool": "sea",
            "passages": [*ids, "hidden"],
            "grades": [1] * DEPTH + [0],
        }
        lists.write(json.dumps(row) + "\n")
    plan = replace(plan_for(tmp_path), data={LabelledSet(graded, "sea"): 1.0}, dev=[])
    await mine(plan, Miner(engine.services.pipeline, engine.services.ingestor))
    [only] = MinedFile(plan.work / "graded-sea.jsonl").read()
    assert sum(each.grade >= 0 for each in only.candidates) == DEPTH + 1
    assert only.candidates[-1] == Candidate("Quite another matter", 0.0, 0)


async def test_equal_passages_of_two_documents_are_two_candidates(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path, questions=1, unlabelled=0)
    folder = next(iter(plan.data)).folder
    texts = {"first": "Kettles whistle.", "copy": "Kettles whistle.", "other": "Ladders lean."}
    (folder / "corpus.jsonl").write_text("".join(json.dumps({"_id": k, "text": t}) + "\n" for k, t in texts.items()))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "do kettles whistle"}))
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq\tfirst\t1\nq\tcopy\t2\n")
    found = [each for each in (await mined(engine, plan, "things"))[0].candidates if each.text == texts["copy"]]
    assert sorted(each.grade for each in found) == [1, 2]
    assert all(each.fused > 0 for each in found)


@pytest.mark.slow
async def test_long_documents_leave_room_for_one_another(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path, questions=1, unlabelled=0)
    folder = next(iter(plan.data)).folder
    long = {
        key: " ".join(f"In year {n} the kettle of house {key} was mended." for n in range(400)) for key in "abcdefghij"
    }
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": k, "text": text}) + "\n" for k, text in long.items())
    )
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "when was the kettle of the house mended"}))
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq\tc\t1\n")
    candidates = (await mined(engine, plan, "things"))[0].candidates
    assert sorted(key for each in candidates for key in long if f"house {key} " in each.text) == sorted(long)


async def test_judgements_of_other_questions_are_refused(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path)
    (next(iter(plan.data)).folder / "qrels" / "train.tsv").write_text(
        "query-id\tcorpus-id\tscore\nnobody\tkettle-care\t1\n"
    )
    with pytest.raises(InvalidInput, match=r"the split .train. has no judgements of questions in queries\.jsonl"):
        await mined(engine, plan, "things")


def test_questions_are_cut_from_titles_sentences_and_words() -> None:
    long = " ".join(f"word{n}" for n in range(50))
    documents = [
        Document(id=str(n), title="A title of five words", text=f"Too short. The sentence number {n} fits. {long}")
        for n in range(40)
    ]
    cut = cut_questions(documents, 30, seed=1)
    assert len(cut) == 30
    assert cut == cut_questions(documents, 30, seed=1) != cut_questions(documents, 30, seed=2)
    assert any(each == "A title of five words" for each in cut)
    assert any(each.startswith("The sentence number") for each in cut)
    assert any(len(each.split()) <= MAX_KEYWORDS for each in cut)
    assert all(1 <= len(each.split()) <= MAX_WORDS for each in cut)
    assert cut_questions([Document(id="x", title="", text="Two words")], 5, seed=1) == []
