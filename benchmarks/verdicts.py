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
from pydantic import TypeAdapter
from rich.table import Table

from resift.benchmarks.quality import ingest_set
from resift.evaluation.graded import read_graded
from resift.evaluation.judged import JudgedSet, sample
from resift.evaluation.tuning.verdict_fit import Floats, VerdictFit, fit_verdicts, mask
from resift.evaluation.tuning.verdict_samples import Origin, Outcome, VerdictSample, collect_verdict_samples
from resift.evaluation.tuning.verdict_tuner import SCORES_ONLY, WITH_RETRIEVAL
from resift.factories.engine import build_engine
from resift.models.bundled import RERANKER_FOLDER
from resift.models.pair.spec import SPEC_FILE, read_spec
from resift.pipeline.request import SearchRequest
from resift.server.cli.console import progress_bar, show
from resift.settings.load import load_settings
from resift.training.mined import write_atomically

STRANGERS = 15  # questions of another pool that each pool is asked
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
    pools = {name: sample(judged, questions, seed=1) for name, judged in read_graded(folder).items()}
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
            strangers = await collect_verdict_samples(engine.services.pipeline, _strangers(other, judged.name), own)
            samples += [replace(each, origin="another pool") for each in strangers]
    finally:
        await engine.close()
    return samples


def _strangers(judged: JudgedSet, pool: str) -> JudgedSet:
    """Return a few questions as questions that a pool about something else does not answer."""
    drawn = sample(judged, STRANGERS, seed=2)
    return replace(drawn, name=pool, grades={key: {} for key in drawn.queries})


def pool_table(fit: VerdictFit) -> Table:
    """Return the shares of "good" and "none" in each pool, by models fitted to the other pools."""
    table = Table("pool", *KINDS, title="Verdicts on pools held out: good / none (questions)")
    for name in (*sorted({each.group for each in fit.samples}), "all"):
        chosen = np.array([name in ("all", each.group) for each in fit.samples])
        cells = [fit.held_out[mask(fit.samples, *kind) & chosen] for kind in KINDS.values()]
        table.add_row(name, *(_shares(cell, fit.model.good, fit.model.weak) for cell in cells))
    return table


def level_table(fit: VerdictFit) -> Table:
    """Return the share of samples at or above each probability, by models fitted to the other pools."""
    table = Table("probability", *KINDS, title="Share at or above a probability, pools held out")
    for level in LEVELS:
        cells = [fit.held_out[mask(fit.samples, *kind)] for kind in KINDS.values()]
        table.add_row(f"{level:g}", *(f"{np.mean(cell >= level):.2f}" if len(cell) else "-" for cell in cells))
    return table


def _shares(probabilities: Floats, good: float, weak: float) -> str:
    if not len(probabilities):
        return "-"
    return f"{np.mean(probabilities >= good):.2f} / {np.mean(probabilities < weak):.2f} ({len(probabilities)})"


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
    parser.add_argument("--questions", type=int, default=0, help="of each pool; 0: all")
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
