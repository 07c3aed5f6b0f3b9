"""Compare orders on graded lists: by default, by hybrid search alone, by the cross-encoder alone.

    python -m resift.benchmarks.graded GRADED [--pools POOL ...] [--scores FILE] [--json FILE] [--compare FILE]

GRADED is a folder with lists.jsonl and corpus.jsonl (evaluation/graded.py). Each pool becomes a collection, which stays
in --store, and is asked its questions. Only passages that were graded for a question count, in the order of the system;
those that it does not find among the first 50 come last. Questions that no passage answers are left out. --json keeps
what each question got, and --compare shows what a second reranker changed. With --scores, a pair of question and
passage is read once only: a run that was interrupted goes on, and one with another blend is quick.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from resift.benchmarks.graded.outcomes import (
    GradedOutcome,
    GradedRun,
    answered,
    condensed,
    perfect,
    read_run,
    values_of,
    write_run,
)
from resift.benchmarks.graded.scores import ScoreFile
from resift.benchmarks.graded.tables import group_table, run_tables, system_table
from resift.benchmarks.quality import ingest_set
from resift.core.errors import NotFound
from resift.core.text import listed
from resift.evaluation.graded import GradedPool, GradedQuestion, read_pools
from resift.evaluation.run import rank
from resift.factories.engine import Engine, build_engine
from resift.models.bundled import RERANKER_FOLDER
from resift.pipeline.request import DEFAULT, NO_RERANKER, SearchRequest
from resift.pipeline.search import Pipeline
from resift.server.cli.console import progress_bar, show
from resift.settings.load import load_settings

FOUND = 50  # hits of a system that are looked at: what a search reranks
SEEN = 10  # graded passages that the measures look at
HYBRID, BY_DEFAULT, PERFECT = "hybrid", "default", "perfect order of the hits"
SYSTEMS: Mapping[str, SearchRequest] = {
    HYBRID: SearchRequest("", reranker=NO_RERANKER, limit=FOUND),
    BY_DEFAULT: SearchRequest("", reranker=DEFAULT),
    "feedback 1": SearchRequest("", reranker=DEFAULT, feedback=1),
    "feedback 2": SearchRequest("", reranker=DEFAULT, feedback=2),
    "all read": SearchRequest("", reranker=DEFAULT, depth=FOUND, limit=FOUND),
    "reranker alone": SearchRequest("", reranker=DEFAULT, depth=FOUND, limit=FOUND, rerank_weight=1.0),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of which pools."""

    pools: Sequence[GradedPool]
    systems: Mapping[str, SearchRequest]
    questions: int = 0
    """With an answer, of each pool; 0: all."""


async def measure(engine: Engine, plan: Plan, *, reranker: str, scores: Path | None) -> GradedRun:
    """Return the outcomes of every system on every pool."""
    pipeline = engine.services.pipeline
    pipeline = ScoreFile(scores).keep(pipeline) if scores else pipeline
    outcomes: list[GradedOutcome] = []
    for pool in plan.pools:
        await ingest_set(engine, pool.judged)
        chosen = answered(pool, plan.questions)
        with progress_bar(f"Searching {pool.name}") as progress:
            for done, question in enumerate(chosen, start=1):
                outcomes.append(await outcome(pipeline, pool.name, question, systems=plan.systems))
                await progress(done, len(chosen), "")
    left_out = sum(not each.is_answered for pool in plan.pools for each in pool.questions.values())
    return GradedRun(reranker=reranker, systems=(*plan.systems, PERFECT), outcomes=outcomes, left_out=left_out)


async def outcome(
    pipeline: Pipeline, pool: str, question: GradedQuestion, *, systems: Mapping[str, SearchRequest]
) -> GradedOutcome:
    """Return the measures of each system's order, and of the best order of what any of them found."""
    found: dict[str, list[str]] = {}
    for name, asked in systems.items():
        request = replace(asked, collection=pool, query=question.query)
        found[name] = await order(pipeline, request, question.grades)
    orders = {name: condensed(each, question.grades) for name, each in found.items()}
    orders[PERFECT] = perfect((document for each in found.values() for document in each), question.grades)
    return GradedOutcome(query=question.query, pool=pool, style=question.style, values=values_of(question, orders))


async def order(pipeline: Pipeline, question: SearchRequest, graded: Mapping[str, int]) -> list[str]:
    """Return the documents of the first hits, page by page, until as many graded ones are among them as are measured.

    A larger page would be reranked otherwise than that of a caller who gives no limit.
    """
    documents: list[str] = []
    for offset in range(0, FOUND, question.limit):
        hits = (await rank(pipeline, replace(question, offset=offset))).hits
        documents += [hit.passage.document_id for hit in hits]
        if len(hits) < question.limit or len(graded.keys() & set(documents)) >= min(SEEN, len(graded)):
            break
    return documents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graded", type=Path, metavar="GRADED")
    parser.add_argument("--reranker", type=Path, default=RERANKER_FOLDER)
    parser.add_argument("--pools", nargs="+", default=[], help="all unless given")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=[BY_DEFAULT], help="to compare with hybrid")
    parser.add_argument(
        "--rerank-weight", type=float, nargs="+", default=[], help="of further systems, by default none"
    )
    parser.add_argument("--questions", type=int, default=0, help="with an answer, of each pool; 0: all")
    parser.add_argument("--store", type=Path, default=Path("build/graded"))
    parser.add_argument("--threads", type=int, default=0, help="as the setting; 0: as many as it finds")
    parser.add_argument("--scores", type=Path, help="file to keep the reranker's scores in")
    parser.add_argument("--json", type=Path, help="file to keep the outcome of every question in")
    parser.add_argument("--compare", type=Path, help="file of another run to compare the default search with")
    options = parser.parse_args()
    names = dict.fromkeys((HYBRID, BY_DEFAULT, *options.systems))
    weighed = {f"weight {each:g}": replace(SYSTEMS[BY_DEFAULT], rerank_weight=each) for each in options.rerank_weight}
    systems = {**{name: SYSTEMS[name] for name in names}, **weighed}
    plan = Plan(chosen(options.graded, options.pools), systems, questions=options.questions)

    async def run() -> GradedRun:
        given = {"threads": options.threads} if options.threads else {}
        settings = load_settings(data_dir=options.store, reranker=str(options.reranker), **given)
        engine = build_engine(settings)
        try:
            return await measure(engine, plan, reranker=str(options.reranker), scores=options.scores)
        finally:
            await engine.close()

    found = anyio.run(run)
    if options.json:
        write_run(options.json, found)
    show(system_table(found))
    for name in found.systems[1:-1]:
        show(group_table(found, name))
    for table in run_tables(read_run(options.compare), found, BY_DEFAULT) if options.compare else ():
        show(table)


def chosen(folder: Path, names: Sequence[str]) -> list[GradedPool]:
    """Return the pools of these names; all without any.

    Raises:
        NotFound: There is no such pool.
    """
    pools = read_pools(folder)
    if unknown := sorted(set(names) - pools.keys()):
        raise NotFound(f"There is no pool {unknown[0]!r}. Pools: {listed(pools)}.")
    return [pools[name] for name in names or pools]


if __name__ == "__main__":
    main()
