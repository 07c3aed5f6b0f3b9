"""Find the candidates that a reranker has to order: the hits of Resift's own hybrid search for every question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from ..core.errors import InvalidInput, NotFound
from ..core.values import Document
from ..evaluation.beir import load
from ..evaluation.graded import read_pools
from ..evaluation.judged import sample
from ..ingest.ingestor import Ingestor
from ..ingest.job import Job
from ..ingest.report import Progress
from ..pipeline.reading import read_from
from ..pipeline.request import NO_RERANKER, SearchRequest
from ..pipeline.search import Pipeline
from .mined import Candidate, MinedFile, MinedQuestion
from .planning import TrainingPlan
from .sets import LabelledSet

DEPTH = 64  # documents for a question; deeper ones teach little, since rerankers seldom see them

MIN_WORDS = 4  # of a question cut from a document

MAX_WORDS = 30

MAX_KEYWORDS = 3

MAX_SHORT_WORD_LETTERS = 3  # words up to this length seldom say what a text is about

PROGRESS_EVERY = 50  # questions between two progress reports


async def mine(plan: TrainingPlan, miner: Miner) -> None:
    """Find candidates for every question of every set, continuing where an earlier run stopped.

    Raises:
        InvalidInput: No judgement of a folder belongs to one of its questions.
    """
    for place, each in enumerate((*plan.data, *plan.dev)):
        documents, asked = _read(each, plan, learned_from=each in plan.data)
        await miner.mine(Job(f"set-{place}", documents, total=len(documents)), asked, plan.mined(each))


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question to search for, with the known grades of documents; see `MinedQuestion` for graded ones."""

    query: str
    grades: Mapping[str, int] = field(default_factory=dict[str, int])
    graded: bool = False
    best: Sequence[str] = ()


def _read(
    labelled: LabelledSet, plan: TrainingPlan, *, learned_from: bool
) -> tuple[Sequence[Document], list[LabelledQuestion]]:
    """Return the documents of a set, and its questions."""
    seed = plan.recipe.seed
    if labelled.pool:
        pool = read_pools(labelled.folder)[labelled.pool]
        chosen = sample(pool.judged, plan.questions, seed=seed).queries
        questions = [pool.questions[key] for key in chosen]
        return pool.documents, [
            LabelledQuestion(each.query, each.grades, graded=True, best=each.best) for each in questions
        ]
    judged = load(labelled.folder, labelled.split or plan.split)
    if not judged.queries:
        raise InvalidInput(
            f"{labelled.folder}: the split {judged.split!r} has no judgements of questions in queries.jsonl. "
            "Leave the folder out."
        )
    drawn = sample(judged, plan.questions, seed=seed)
    asked = [LabelledQuestion(text, drawn.grades[key]) for key, text in drawn.queries.items()]
    count = plan.unlabelled if learned_from else 0
    return judged.documents, [*asked, *map(LabelledQuestion, cut_questions(judged.documents, count, seed=seed))]


@dataclass(frozen=True, slots=True)
class Miner:
    """Ingests the documents of sets, and searches for their questions."""

    pipeline: Pipeline
    ingestor: Ingestor
    progress: Progress | None = None

    async def mine(self, job: Job, asked: Sequence[LabelledQuestion], out: Path) -> None:
        """Append the candidates of every question to `out`, after those that an interrupted run has written."""
        file = MinedFile(out)
        done = file.count()
        if done >= len(asked):
            return
        await self.ingestor.ingest(replace(job, progress=self.progress))
        for place in range(done, len(asked)):
            file.append(await self._ask(job.collection, asked[place]))
            if self.progress is not None and place % PROGRESS_EVERY == 0:
                await self.progress(place + 1, len(asked), f"Searched {place + 1:,} of {len(asked):,} questions")

    async def _ask(self, collection: str, asked: LabelledQuestion) -> MinedQuestion:
        request = SearchRequest(
            asked.query,
            collection=collection,
            limit=DEPTH,
            rephrase=False,
            per_document=1,  # so that long documents do not crowd out others
            reranker=NO_RERANKER,
            collapse=False,  # equal passages of two documents are two candidates, each with its own judgement
        )
        page = await self.pipeline.search(request)
        hits = {hit.passage.document_id: hit for hit in page.ranking.hits}
        found = {key: Candidate(hit.passage.content, hit.score, asked.grades.get(key, -1)) for key, hit in hits.items()}
        # Of a graded list every passage is learned from, of other sets only the relevant ones.
        wanted = {key: grade for key, grade in asked.grades.items() if asked.graded or grade > 0}
        found |= await self._fetch(collection, {key: wanted[key] for key in wanted if key not in found})
        places = {key: place for place, key in enumerate(found)}
        best = tuple(places[key] for key in asked.best if key in places)
        return MinedQuestion(asked.query, list(found.values()), graded=asked.graded, best=best)

    async def _fetch(self, collection: str, missed: Mapping[str, int]) -> dict[str, Candidate]:
        """Return the first passages of documents that the search missed, with their grades."""
        if not missed:
            return {}
        opened = await self.pipeline.open(collection)
        fetched: dict[str, Candidate] = {}
        for key, grade in missed.items():
            try:
                extract = await read_from(opened, key, start=0, limit=1)
            except NotFound:  # judged, but not in the corpus
                continue
            fetched[key] = Candidate(extract.passages[0].content, 0.0, grade)
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
