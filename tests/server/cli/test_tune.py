"""`resift tune` end to end: files and judged questions, through the command line, with the real store and models."""

import json
import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from resift.tests.server.in_process import Outcome, Run

pytestmark = pytest.mark.slow

TOPICS = [
    f"{part} {place}"
    for part in ("pump", "lamp", "valve", "hinge", "fan", "belt")
    for place in ("of the cellar", "in the attic", "on the north roof", "by the gate")
]
AGES_DAYS = (4000, 2500, 30)


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with MaxSim and recency switched on."""
    monkeypatch.setenv("RESIFT_RERANK__DEFAULT", "maxsim")
    monkeypatch.setenv("RESIFT_BLEND__RECENCY_FIELD", "date")
    monkeypatch.setenv("RESIFT_BLEND__RECENCY_WEIGHT", "0.05")
    return run


@pytest.fixture
def notes(tmp_path: Path, run: Run) -> Path:
    """A collection "notes" of three reports on each topic, of which the older say more of the words asked for."""
    folder = tmp_path / "notes"
    folder.mkdir()
    for number, topic in enumerate(TOPICS):
        for place, days in enumerate(AGES_DAYS):
            emphasis = f"Maintenance of the {topic}. " * (len(AGES_DAYS) - place)
            day = datetime.now(UTC).date() - timedelta(days=days)
            text = f"---\ndate: {day}\n---\n\n{emphasis}It was cleaned and its bearing was changed.\n"
            (folder / f"{number}-{days}.md").write_text(text, encoding="utf-8")
    assert run("ingest", str(folder), "--collection", "notes").code == 0
    return folder


def question_list(path: Path, questions: Sequence[tuple[str, Path]]) -> Path:
    lines = [json.dumps({"query": query, "relevant": [str(file)]}) for query, file in questions]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def newest(notes: Path) -> list[tuple[str, Path]]:
    return [(f"maintenance of the {topic}", notes / f"{number}-30.md") for number, topic in enumerate(TOPICS)]


def manifest(notes: Path) -> dict[str, Any]:
    return json.loads((notes.parent / "data" / "collections" / "notes" / "manifest.json").read_text())


def tune(run: Run, data: Path, *options: str) -> Outcome:
    return run("tune", "--data", str(data), "--collection", "notes", *options)


def gain_of(outcome: Outcome) -> tuple[float, float, float]:
    found = re.search(r"Gain on questions held out: (\S+) nDCG@10, 95 % interval (\S+) to (\S+) ", outcome.out)
    assert found is not None, outcome
    mean, low, high = map(float, found.groups())
    return mean, low, high


def first_hit(run: Run, query: str) -> dict[str, Any]:
    answer = json.loads(run("search", query, "--collection", "notes", "--json").out)
    return {"stage": answer["stages"][-1], **answer["hits"][0]}


def test_users_who_want_the_newest_get_it_after_tuning(run: Run, notes: Path) -> None:
    data = question_list(notes.parent / "newest.jsonl", newest(notes))
    query, right = newest(notes)[0]
    before = first_hit(run, query)
    assert before["document_id"] != str(right)

    tried = tune(run, data, "--dry-run")
    assert tried.code == 0, tried.err
    assert "Nothing was written: this was a dry run." in tried.out
    assert not manifest(notes)["tuning"]

    tuned = tune(run, data)
    assert tuned.code == 0, tuned.err
    mean, low, high = gain_of(tuned)
    assert 0.1 < low <= mean <= high
    assert gain_of(tried) == gain_of(tuned)
    assert "Stored with collection 'notes'" in tuned.out
    (kept,) = manifest(notes)["tuning"].values()
    assert sum(kept["weights"].values()) == pytest.approx(1)
    assert kept["weights"]["recency"] > 0.05

    after = first_hit(run, query)
    assert after["document_id"] == str(right)
    assert after["scores"]["recency"] > 0.9
    assert "weights, depth" in after["stage"]["note"]
    assert after["stage"]["note"].endswith("tuned for this collection")
    assert "tuned for maxsim" in run("collections", "notes").out

    assert "notes: removed the tuning for maxsim" in run("tune", "--reset", "--collection", "notes").out
    assert first_hit(run, query) | {"stage": 0} == before | {"stage": 0}
    assert "notes: nothing was tuned" in run("tune", "--reset", "--collection", "notes").out


def test_second_tuning_is_compared_with_the_first_and_writes_nothing(run: Run, notes: Path) -> None:
    data = question_list(notes.parent / "newest.jsonl", newest(notes))
    assert "Stored with collection" in tune(run, data).out
    stored = manifest(notes)["tuning"]
    again = tune(run, data)
    assert again.code == 0, again.err
    assert "Nothing was written: the current settings are already the best that was found." in again.out
    depth = next(iter(stored.values()))["depth"]
    assert re.search(rf"depth, in documents\s+│\s+{depth}\s+│\s+{depth}\s+│", again.out)
    assert manifest(notes)["tuning"] == stored


def test_tuning_outlives_a_further_ingestion(run: Run, notes: Path) -> None:
    tune(run, question_list(notes.parent / "newest.jsonl", newest(notes)))
    kept = manifest(notes)["tuning"]
    (notes / "more.md").write_text("---\nkind: new\n---\nThe ladder was painted.\n", encoding="utf-8")
    assert "1 added" in run("ingest", str(notes), "--collection", "notes").out
    assert kept
    assert manifest(notes)["tuning"] == kept
    assert "kind" in manifest(notes)["fields"]


def test_judgements_by_chance_are_refused(run: Run, notes: Path) -> None:
    files = [notes / f"{number}-{days}.md" for number in range(len(TOPICS)) for days in AGES_DAYS]
    chance = random.Random(7)
    questions = [(query, chance.choice(files)) for query, _ in newest(notes)]
    data = question_list(notes.parent / "chance.jsonl", questions)
    refused = tune(run, data)
    mean, low, _ = gain_of(refused)
    assert low <= 0, (mean, low)
    assert refused.code == 1
    assert "Nothing was written: the gain may be chance" in refused.err
    assert not manifest(notes)["tuning"]
    assert tune(run, data, "--force").code == 0
    assert len(manifest(notes)["tuning"]) == 1


def test_too_few_questions_are_refused_before_any_is_asked(run: Run, notes: Path) -> None:
    gone = [(query, notes / "gone.md") for query, _ in newest(notes)[:5]]
    unwritten = ("", notes / "0-30.md")
    refused = tune(run, question_list(notes.parent / "few.jsonl", [*newest(notes)[5:], *gone, unwritten]), "--force")
    assert refused.code == 1
    assert "1 line without a question was left out." in refused.out
    assert "5 questions left out" in refused.out
    assert "gone.md" in refused.out
    assert "answer only 19 judged questions" in refused.err


def test_folder_in_beir_form_is_read_by_its_training_split(run: Run, notes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "judged"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "x", "text": "not needed"}\n')
    queries = [{"_id": f"q{number}", "text": query} for number, (query, _) in enumerate(newest(notes))]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    rows = [f"q{number}\t{file}\t1" for number, (_, file) in enumerate(newest(notes))]
    (folder / "qrels" / "train.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq0\tx\t1\n")
    tuned = tune(run, folder)
    assert tuned.code == 0, tuned.err
    assert f"({len(TOPICS)} questions)" in tuned.out
    (folder / "queries.jsonl").write_text("\n".join(json.dumps({**each, "text": "the pump"}) for each in queries))
    refused = tune(run, folder)
    assert "23 lines that repeat a question were joined with the first of it." in refused.out
    assert "answer only 1 judged question;" in refused.err


def test_verdicts_are_fitted_to_own_questions_until_reset(run: Run, notes: Path) -> None:
    answered = [
        {"query": query, "relevant": [str(file.with_name(f"{number}-{days}.md")) for days in AGES_DAYS]}
        for number, (query, file) in enumerate(newest(notes))
    ]
    verbs = ("elects", "pays", "drives", "knows")
    unanswered = [{"query": f"who {verb} the mayor", "relevant": list[str]()} for verb in verbs]
    elsewhere = [{"query": "height of the tower", "relevant": ["tower.md"]}]
    data = notes.parent / "verdicts.jsonl"
    data.write_text("\n".join(map(json.dumps, [*answered, *unanswered, *elsewhere])), encoding="utf-8")
    assert tune(run, data, "--verdicts", "--dry-run").out.endswith("Nothing was written: this was a dry run.\n")
    assert not manifest(notes)["verdicts"]
    tuned = tune(run, data, "--verdicts", "--force")
    assert tuned.code == 0, tuned.err
    assert "1 question left out" in tuned.out
    assert "(28 questions)" in tuned.out
    asked_again = re.search(r"(\d+) have no answer: 4 that the file lists without one, and (\d+) of", tuned.out)
    assert asked_again is not None, tuned.out
    assert int(asked_again[1]) - int(asked_again[2]) == 4
    (stored,) = manifest(notes)["verdicts"].values()
    assert stored["questions"] == 28
    assert [set(each["weights"]) <= {"score", "lead"} for each in stored["models"]] == [True]
    assert not manifest(notes)["tuning"], "weights and depth are not verdicts"
    search = ["search", "maintenance of the pump in the attic", "--collection", "notes", "--json"]
    assert json.loads(run(*search).out)["verdict"] == "good"
    assert json.loads(run("search", "who elects the mayor", "--collection", "notes", "--json").out)["verdict"] == "none"
    assert "removed the tuning for maxsim" in run("tune", "--reset", "--collection", "notes").out
    assert not manifest(notes)["verdicts"]


def test_verdicts_need_questions_of_both_kinds(run: Run, notes: Path) -> None:
    data = question_list(notes.parent / "few.jsonl", newest(notes)[:4])
    refused = tune(run, data, "--verdicts")
    assert refused.code == 1
    said = " ".join(refused.err.split())
    assert "4 have no answer: 0 that the file lists without one, and 4 of the others, asked again without" in said
    assert 'list questions without an answer with "relevant": []' in said
    assert run("tune", "--reset", "--verdicts").code == 2


@pytest.mark.parametrize("arguments", [(), ("--reset", "--data", "."), ("--data", "no-such-file")])
def test_wrong_usage_ends_with_two(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("tune", *arguments).code == 2


def test_nothing_can_be_tuned_without_a_reranker(run: Run, notes: Path) -> None:
    refused = tune(run, question_list(notes.parent / "newest.jsonl", newest(notes)), "--reranker", "none")
    assert refused.code == 1
    assert "'none' gives no scores to tune. Name another reranker." in refused.err
