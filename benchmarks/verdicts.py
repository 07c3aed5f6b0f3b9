"""Fit the verdict models of a reranker to graded lists, and count how they judge pools that were held out.

    python -m resift.benchmarks.verdicts GRADED [--reranker FOLDER] [--write]

GRADED is a folder with lists.jsonl and corpus.jsonl (evaluation/graded.py). Each pool becomes a collection, which is
asked its questions, and some of another pool's, by the default search. What was found is kept in --samples, from which
models are fitted in a second. --write puts them into the reranker's reranker.json.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from rich.table import Table

from resift.benchmarks.quality import ingest_set
from resift.evaluation.graded import read_graded
from resift.evaluation.judged import JudgedSet, sample, select
from resift.evaluation.tuning.verdict_fit import VerdictFit, fit_verdicts, mask, thresholds
from resift.evaluation.tuning.verdict_samples import Origin, Outcome, VerdictSample, collect_verdict_samples
from resift.evaluation.tuning.verdict_tuner import SCORES_ONLY, WITH_RETRIEVAL
from resift.factories.engine import build_engine
from resift.models.bundled import RERANKER_FOLDER
from resift.models.pair.spec import SPEC_FILE, read_spec
from resift.pipeline.request import SearchRequest
from resift.server.cli.console import progress_bar, show
from resift.settings.load import load_settings
from resift.training.mined import write_atomically

FOREIGN_QUESTIONS = 12  # questions of another pool that each pool is asked
LEVELS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
KINDS: Mapping[str, tuple[Outcome, Origin]] = {
    "first hit right": ("right", "asked"),
    "first hit wrong": ("wrong", "asked"),
    "no answer": ("unanswered", "asked"),
    "answers removed": ("unanswered", "answers removed"),
    "of another pool": ("unanswered", "another pool"),
}
"""The columns of the tables."""

_SAMPLES = TypeAdapter(list[VerdictSample])


async def collect(folder: Path, *, reranker: Path, store: Path, questions: int) -> list[VerdictSample]:
    """Ask every pool its own questions and a few of the next pool's, and return the samples."""
    pools = {name: drawn(judged, questions) for name, judged in read_graded(folder).items()}
    engine = build_engine(load_settings(data_dir=store, reranker=str(reranker)))
    samples: list[VerdictSample] = []
    try:
        for judged, other in zip(pools.values(), [*pools.values()][1:] + [*pools.values()][:1], strict=True):
            await ingest_set(engine, judged)
            own = SearchRequest("", collection=judged.name)
            with progress_bar(f"Searching {judged.name}") as progress:
                samples += await collect_verdict_samples(
                    engine.services.pipeline, judged, own, only_judged=True, progress=progress
                )
            foreign = await collect_verdict_samples(engine.services.pipeline, _foreign(other, judged.name), own)
            samples += [replace(each, origin="another pool") for each in foreign]
    finally:
        await engine.close()
    return samples


def drawn(judged: JudgedSet, questions: int) -> JudgedSet:
    """Return all questions without an answer, `questions` of the others (0: all), and the passages of their lists."""
    answered = [key for key, grades in judged.grades.items() if any(grades.values())]
    kept = sample(select(judged, answered), questions, seed=1).queries
    chosen = select(judged, [key for key in judged.queries if key in kept or key not in answered])
    listed = {document for grades in chosen.grades.values() for document in grades}
    return replace(chosen, documents=[each for each in judged.documents if each.id in listed])


def _foreign(judged: JudgedSet, pool: str) -> JudgedSet:
    """Return a few questions as questions that a pool about something else does not answer."""
    few = sample(judged, FOREIGN_QUESTIONS, seed=2)
    return replace(few, name=pool, grades={key: {} for key in few.queries})


def pool_table(fit: VerdictFit) -> Table:
    """Return the shares of "good" and "none" in each pool, by models and thresholds fitted to the other pools."""
    groups = np.array([each.group for each in fit.samples])
    verdicts = np.empty(len(groups), dtype="<U4")
    for name in sorted(set(groups.tolist())):
        others = [each for each in fit.samples if each.group != name]
        weak, good = thresholds(others, fit.held_out[groups != name])
        own = fit.held_out[groups == name]
        verdicts[groups == name] = np.where(own >= good, "good", np.where(own < weak, "none", "weak"))
    table = Table("pool", *KINDS, title="Verdicts on pools held out: good / none (questions)")
    for name in (*sorted(set(groups.tolist())), "all"):
        chosen = (groups == name) | (name == "all")
        table.add_row(name, *(_shares(verdicts[mask(fit.samples, *kind) & chosen]) for kind in KINDS.values()))
    return table


def level_table(fit: VerdictFit) -> Table:
    """Return the share of samples at or above each probability, by models fitted to the other pools."""
    table = Table("probability", *KINDS, title="Share at or above a probability, pools held out")
    for level in LEVELS:
        cells = [fit.held_out[mask(fit.samples, *kind)] for kind in KINDS.values()]
        table.add_row(f"{level:g}", *(f"{np.mean(cell >= level):.2f}" if len(cell) else "-" for cell in cells))
    return table


def _shares(verdicts: NDArray[np.str_]) -> str:
    if not len(verdicts):
        return "-"
    return f"{np.mean(verdicts == 'good'):.2f} / {np.mean(verdicts == 'none'):.2f} ({len(verdicts)})"


def write(folder: Path, fits: Sequence[VerdictFit]) -> None:
    """Put the models into a reranker's description."""
    spec = read_spec(folder).model_copy(update={"verdicts": tuple(fit.model for fit in fits)})
    write_atomically(folder / SPEC_FILE, spec.model_dump_json(indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graded", type=Path, metavar="GRADED")
    parser.add_argument("--reranker", type=Path, default=RERANKER_FOLDER)
    parser.add_argument("--store", type=Path, default=Path("build/verdicts"))
    parser.add_argument("--samples", type=Path, default=Path("build/verdicts.json"), help="read if it is there")
    parser.add_argument("--questions", type=int, default=0, help="with an answer, of each pool; 0: all")
    parser.add_argument("--write", action="store_true", help="into the reranker's reranker.json")
    options = parser.parse_args()
    if not options.samples.is_file():

        async def run() -> list[VerdictSample]:
            return await collect(
                options.graded, reranker=options.reranker, store=options.store, questions=options.questions
            )

        found = anyio.run(run)
        options.samples.parent.mkdir(parents=True, exist_ok=True)
        options.samples.write_bytes(_SAMPLES.dump_json(found))
    samples = _SAMPLES.validate_json(options.samples.read_bytes())
    fits = [
        fit_verdicts([each for each in samples if set(names) <= each.evidence.keys()], names)
        for names in (WITH_RETRIEVAL, SCORES_ONLY)
    ]
    for fit in fits:
        print(fit.model)
        show(pool_table(fit))
        show(level_table(fit))
    if options.write:
        write(options.reranker, fits)


if __name__ == "__main__":
    main()
