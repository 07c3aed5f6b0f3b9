"""Find the candidates that a reranker has to order: the hits of Resift's own hybrid search for every question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from ..core.errors import InvalidInput, NotFound
from ..core.values import Document
from ..evaluation.beir import load
from ..evaluation.judged import JudgedSet, sample
from ..ingest.ingestor import Ingestor
from ..ingest.job import Job, Progress
from ..pipeline.reading import read_from
from ..pipeline.request import NO_RERANKER, SearchRequest
from ..pipeline.search import Pipeline
from .mined import Candidate, MinedFile, MinedQuestion
from .planning import TrainingPlan

DEPTH = 64  # documents for a question; deeper ones teach little, since rerankers seldom see them

MIN_WORDS = 4  # of a question cut from a document

MAX_WORDS = 30

MAX_KEYWORDS = 3

MAX_SHORT_WORD_LETTERS = 3  # words up to this length seldom say what a text is about

PROGRESS_EVERY = 50  # questions between two progress reports


async def mine(plan: TrainingPlan, miner: Miner) -> None:
    """Find candidates for every question of every folder, continuing where an earlier run stopped.

    Raises:
        InvalidInput: No judgement of a folder belongs to one of its questions.
    """
    for place, folder in enumerate((*plan.data, *plan.dev)):
        judged = load(folder, plan.split)
        if not judged.queries:
            raise InvalidInput(
                f"{folder}: the split {plan.split!r} has no judgements of questions in queries.jsonl. "
                "Leave the folder out."
            )
        drawn = replace(sample(judged, plan.questions, seed=plan.recipe.seed), name=f"set-{place}")
        unlabelled = plan.unlabelled if folder in plan.data else 0
        await miner.mine(drawn, plan.mined(folder), unlabelled=unlabelled, seed=plan.recipe.seed)


@dataclass(frozen=True, slots=True)
class Miner:
    """Ingests judged sets and searches for their questions."""

    pipeline: Pipeline
    ingestor: Ingestor
    progress: Progress | None = None

    async def mine(self, judged: JudgedSet, out: Path, *, unlabelled: int, seed: int) -> None:
        """Append the candidates of every question to `out`, after those that an interrupted run has written.

        After the judged questions come `unlabelled` ones cut from the documents. The collection has the set's name.
        """
        documents = judged.documents
        asked: list[tuple[str, Mapping[str, int]]] = [
            (text, judged.grades[key]) for key, text in judged.queries.items()
        ]
        asked += [(text, {}) for text in cut_questions(documents, unlabelled, seed=seed)]
        file = MinedFile(out)
        done = file.count()
        if done >= len(asked):
            return
        await self.ingestor.ingest(Job(judged.name, documents, total=len(documents), progress=self.progress))
        for place in range(done, len(asked)):
            query, grades = asked[place]
            file.append(await self._ask(judged.name, query, grades))
            if self.progress is not None and place % PROGRESS_EVERY == 0:
                await self.progress(place + 1, len(asked), f"Searched {place + 1:,} of {len(asked):,} questions")

    async def _ask(self, collection: str, query: str, grades: Mapping[str, int]) -> MinedQuestion:
        request = SearchRequest(
            query,
            collection=collection,
            limit=DEPTH,
            rephrase=False,
            per_document=1,  # so that long documents do not crowd out others
            reranker=NO_RERANKER,
            collapse=False,  # equal passages of two documents are two candidates, each with its own judgement
        )
        page = await self.pipeline.search(request)
        best = {hit.passage.document_id: hit for hit in page.ranking.hits}
        found = [Candidate(hit.passage.content, hit.score, grades.get(key, -1)) for key, hit in best.items()]
        missed = [key for key, grade in grades.items() if grade > 0 and key not in best]
        return MinedQuestion(query, [*found, *await self._fetch(collection, missed, grades)])

    async def _fetch(self, collection: str, missed: Sequence[str], grades: Mapping[str, int]) -> list[Candidate]:
        """Return the first passages of relevant documents that the search missed."""
        if not missed:
            return []
        opened = await self.pipeline.open(collection)
        fetched: list[Candidate] = []
        for key in missed:
            try:
                extract = await read_from(opened, key, start=0, limit=1)
            except NotFound:  # judged, but not in the corpus
                continue
            fetched.append(Candidate(extract.passages[0].content, 0.0, grades[key]))
        return fetched


def cut_questions(documents: Sequence[Document], count: int, *, seed: int) -> list[str]:
    """Return up to `count` questions cut from random documents: a title, a sentence or a few keywords."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    drawn = random.sample(documents, min(count, len(documents)))
    cut = (_question_of(document, random) for document in drawn)
    return [question for question in cut if question]


def _question_of(document: Document, random: Random) -> str:
    title = document.title.split()
    if len(title) >= MIN_WORDS and random.random() < 0.5:
        return " ".join(title[:MAX_WORDS])
    sentences = [part.split() for part in document.text.replace("\n", " ").split(". ")]
    fitting = [words for words in sentences if len(words) >= MIN_WORDS]
    if not fitting:
        return ""
    sentence = random.choice(fitting)[:MAX_WORDS]
    return _keywords(sentence) if random.random() < 0.5 else " ".join(sentence)


def _keywords(sentence: Sequence[str]) -> str:
    """Return the longest words in their order, like a query typed into a search engine."""
    words = list(dict.fromkeys(sentence))  # not a set, whose order differs from process to process
    longest = sorted(words, key=len)[-MAX_KEYWORDS:]
    return " ".join(word for word in words if word in longest and len(word) > MAX_SHORT_WORD_LETTERS)
