"""A judged set small enough to read: eight notes on bicycles, six questions, the last with many answers."""

import json
from pathlib import Path

import pytest

from resift.evaluation.beir import load
from resift.evaluation.corpus import ingest_documents
from resift.evaluation.judged import JudgedSet
from resift.factories.engine import Engine

NOTES = {
    "chain": "A chain stretches with use. Measure it every thousand kilometres, and replace it in time.",
    "brakes": "Hydraulic brakes need no adjusting. When the lever comes close to the bar, bleed them.",
    "tyres": "Inflate tyres to the pressure printed on the side wall. Soft tyres puncture easily and roll slowly.",
    "lights": "A dynamo lamp needs no battery. When it flickers, check the contact.",
    "saddle": "The saddle is high enough when the leg is almost straight at the lowest point of the pedal.",
    "gears": "When the gears skip, turn the barrel adjuster by a quarter and shift again until they run quietly.",
    "lock": "Lock the frame and the rear wheel to something that cannot be lifted. A thief cuts a cable.",
    "rain": "Mudguards keep the water of the road off. Oil the chain after a ride in the rain, or it will rust.",
}
QUESTIONS = {
    "q1": ("when should the chain be renewed?", {"chain": 2, "rain": 1}),
    "q2": ("lamp flickers", {"lights": 1}),
    "q3": ("how high should I sit?", {"saddle": 1}),
    "q4": ("protect the bicycle from theft", {"lock": 1}),
    "q5": ("<b>what</b> do I do about soft & slow tyres?", {"tyres": 1}),
    "q6": ("which parts wear out?", {"chain": 2, "brakes": 1, "tyres": 1, "gears": 1, "rain": 1}),
}


def write_set(folder: Path, *splits: str) -> Path:
    (folder / "qrels").mkdir(parents=True)
    corpus = [json.dumps({"_id": key, "title": key.title(), "text": text}) for key, text in NOTES.items()]
    (folder / "corpus.jsonl").write_text("\n".join(corpus) + "\n")
    queries = [json.dumps({"_id": key, "text": text}) for key, (text, _) in QUESTIONS.items()]
    (folder / "queries.jsonl").write_text("\n".join(queries) + "\n")
    rows = [f"{key}\t{each}\t{grade}" for key, (_, grades) in QUESTIONS.items() for each, grade in grades.items()]
    for split in splits:
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n")
    return folder


@pytest.fixture(scope="module")
def bicycles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in BEIR form with the split "test"."""
    return write_set(tmp_path_factory.mktemp("sets") / "bicycles", "test")


@pytest.fixture(scope="module")
def judged(bicycles: Path) -> JudgedSet:
    return load(bicycles, "test")


@pytest.fixture(scope="module")
async def corpus(engine: Engine, judged: JudgedSet) -> None:
    """The documents of the set, ingested into a collection of their own."""
    await fill(engine, judged)


async def fill(engine: Engine, judged: JudgedSet) -> None:
    """Ingest the documents of a set."""
    services = engine.services
    report = await ingest_documents(
        judged, pipeline=services.pipeline, ingestor=services.ingestor, remover=services.remover
    )
    assert not report.failures
