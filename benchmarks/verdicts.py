"""Fit the verdicts and the relevance of a reranker to graded lists, and measure both on pools that were held out.

    python -m resift.benchmarks.verdicts GRADED [--pools POOL ...] [--reranker FOLDER] [--scores FILE] [--write]

GRADED is a folder with lists.jsonl and corpus.jsonl (evaluation/graded.py). Each pool becomes a collection, which is
asked its questions, and some of another pool's, by the default search. What was found is kept in --samples, from which
models are fitted in a second; --scores is shared with resift.benchmarks.graded. --write puts the models, and the
logistic of relevance, into the reranker's reranker.json.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import exp
from pathlib import Path

import anyio
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter
from rich.table import Table

from resift.benchmarks.graded.__main__ import chosen
from resift.benchmarks.graded.scores import ScoreFile
from resift.benchmarks.quality import ingest_set
from resift.core.text import listed
from resift.core.values import Logistic
from resift.core.verdict import VerdictModel, first_verdict
from resift.evaluation.judged import JudgedSet, sample, select
from resift.evaluation.tuning.calibration import ANSWERED_PER_UNANSWERED, Outcomes, fit_logistic, log_loss, reliability
from resift.evaluation.tuning.verdict_fit import Floats, VerdictFit, fit_verdicts, mask, thresholds
from resift.evaluation.tuning.verdict_samples import Origin, Outcome, VerdictSample, collect_verdict_samples
from resift.evaluation.tuning.verdict_tuner import SCORES_ONLY, WITH_RETRIEVAL
from resift.factories.engine import build_engine
from resift.models.bundled import RERANKER_FOLDER
from resift.models.pair.spec import SPEC_FILE, Calibration, read_spec
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

COMPARED = (
    ("score",),
    ("lead",),
    ("cosine",),
    SCORES_ONLY,
    WITH_RETRIEVAL,
    (*WITH_RETRIEVAL, "cosine_lead"),
    (*WITH_RETRIEVAL, "agreement"),
    (*WITH_RETRIEVAL, "words", "query_words"),
)
"""Evidence that is compared."""
SHORT_WORDS, LONG_WORDS = 60, 120

_SAMPLES = TypeAdapter(list[VerdictSample])


async def collect(
    judged_pools: Sequence[JudgedSet], *, reranker: Path, store: Path, questions: int, scores: Path | None
) -> list[VerdictSample]:
    """Ask every pool its own questions and a few of the next pool's, and return the samples."""
    pools = [drawn(judged, questions) for judged in judged_pools]
    engine = build_engine(load_settings(data_dir=store, reranker=str(reranker)))
    pipeline = engine.services.pipeline
    pipeline = ScoreFile(scores).keep(pipeline) if scores else pipeline
    samples: list[VerdictSample] = []
    try:
        for judged, other in zip(pools, pools[1:] + pools[:1], strict=True):
            await ingest_set(engine, judged)
            own = SearchRequest("", collection=judged.name)
            with progress_bar(f"Searching {judged.name}") as progress:
                samples += await collect_verdict_samples(pipeline, judged, own, only_judged=True, progress=progress)
            foreign = await collect_verdict_samples(pipeline, _foreign(other, judged.name), own)
            samples += [replace(each, origin="another pool") for each in foreign]
    finally:
        await engine.close()
    return samples


def drawn(judged: JudgedSet, questions: int) -> JudgedSet:
    """Return the set with all questions without an answer and `questions` of the others; 0: all."""
    answered = [key for key, grades in judged.grades.items() if any(grades.values())]
    kept = sample(select(judged, answered), questions, seed=1).queries
    return select(judged, [key for key in judged.queries if key in kept or key not in answered])


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
    return _verdict_table(fit.samples, verdicts, "Verdicts on pools held out: good / none (questions)")


def present_table(samples: Sequence[VerdictSample], models: Sequence[VerdictModel]) -> Table:
    """Return the shares of "good" and "none" in each pool, by the models that the reranker has now."""
    verdicts = np.array([first_verdict(models, each.evidence) or "unknown" for each in samples])
    return _verdict_table(samples, verdicts, "Verdicts as they are: good / none (questions)")


def _verdict_table(samples: Sequence[VerdictSample], verdicts: NDArray[np.str_], title: str) -> Table:
    groups = np.array([each.group for each in samples])
    table = Table("pool", *KINDS, title=title)
    for name in (*sorted(set(groups.tolist())), "all"):
        chosen = (groups == name) | (name == "all")
        table.add_row(name, *(_shares(verdicts[mask(samples, *kind) & chosen]) for kind in KINDS.values()))
    return table


def level_table(fit: VerdictFit) -> Table:
    """Return the share of samples at or above each probability, by models fitted to the other pools."""
    table = Table("probability", *KINDS, title="Share at or above a probability, pools held out")
    for level in LEVELS:
        cells = [fit.held_out[mask(fit.samples, *kind)] for kind in KINDS.values()]
        table.add_row(f"{level:g}", *(f"{np.mean(cell >= level):.2f}" if len(cell) else "-" for cell in cells))
    return table


def evidence_table(samples: Sequence[VerdictSample]) -> Table:
    """Return how well kinds of evidence tell right first hits from the others, by models fitted to the other pools."""
    wrong = list(KINDS)[1:]
    table = Table(
        "evidence", *wrong, title="Area under the curve of right first hits against each kind, pools held out"
    )
    known = [each for each in samples if each.evidence.keys() >= {name for names in COMPARED for name in names}]
    for names in COMPARED:
        held_out = fit_verdicts(known, names).held_out
        right = held_out[mask(known, "right")]
        areas = [area(right, held_out[mask(known, *KINDS[kind])]) for kind in wrong]
        table.add_row(", ".join(names), *("-" if each is None else f"{each:.3f}" for each in areas))
    return table


def area(right: Floats, wrong: Floats) -> float | None:
    """Return the share of pairs in which the right one is higher, ties counting half; None without any pair."""
    if not len(right) or not len(wrong):
        return None
    differences = np.sign(np.subtract.outer(right, wrong))
    return 0.5 + float(differences.mean()) / 2


def first_hits(samples: Sequence[VerdictSample], group: Callable[[VerdictSample], str]) -> dict[str, Outcomes]:
    """Return the reranker's scores of first hits and whether they are right, as if every fourth question had no answer.

    Questions asked without their answers make up for those that are missing.
    """
    groups: defaultdict[str, list[VerdictSample]] = defaultdict(list)
    for each in samples:
        if each.origin != "another pool":
            groups[group(each)].append(each)
    return {name: _outcomes(each) for name, each in sorted(groups.items())}


def by_pool(sample: VerdictSample) -> str:
    """Return the pool of a sample."""
    return sample.group


def by_length(sample: VerdictSample) -> str:
    """Return how long the first hit is."""
    words = round(exp(sample.evidence["words"]))
    longer = f"{SHORT_WORDS}-{LONG_WORDS} words" if words <= LONG_WORDS else f"> {LONG_WORDS} words"
    return f"< {SHORT_WORDS} words" if words < SHORT_WORDS else longer


def reliability_table(groups: Mapping[str, Outcomes], present: Logistic) -> Table:
    """Return predicted and actual relevance, by a logistic fitted to the other groups, and losses."""
    title = "Relevance of first hits, each group held out: predicted / actual (questions)"
    table = Table("predicted", *groups, title=title)
    fitted = {
        name: fit_logistic([each for other, each in groups.items() if other != name] or [groups[name]])
        for name in groups
    }
    rows = [{row[0]: row[1:] for row in reliability(fitted[name], each)} for name, each in groups.items()]
    for name in sorted({name for row in rows for name in row}):
        table.add_row(name, *("{:.2f} / {:.2f} ({})".format(*row[name]) if name in row else "-" for row in rows))
    table.add_section()
    table.add_row("loss", *(f"{_loss(fitted[name], each):.3f}" for name, each in groups.items()))
    table.add_row("loss as it is", *(f"{_loss(present, each):.3f}" for each in groups.values()))
    return table


def _outcomes(samples: Sequence[VerdictSample]) -> Outcomes:
    asked = [each for each in samples if each.origin == "asked"]
    answered = sum(each.outcome != "unanswered" for each in asked)
    missing = max(0, answered // ANSWERED_PER_UNANSWERED - (len(asked) - answered))
    removed = [each for each in samples if each.origin == "answers removed"]
    chosen = [*asked, *(removed[:: max(1, len(removed) // missing)][:missing] if missing else [])]
    return np.array([each.evidence["score"] for each in chosen]), mask(chosen, "right").astype(float)


def _loss(calibration: Logistic, outcomes: Outcomes) -> float:
    scores, relevant = outcomes
    return float(log_loss(np.array([calibration.probability(float(each)) for each in scores]), relevant).mean())


def _shares(verdicts: NDArray[np.str_]) -> str:
    if not len(verdicts):
        return "-"
    return f"{np.mean(verdicts == 'good'):.2f} / {np.mean(verdicts == 'none'):.2f} ({len(verdicts)})"


def write(folder: Path, fits: Sequence[VerdictFit], relevance: Logistic) -> None:
    """Put the models and the logistic of relevance into a reranker's description."""
    calibration = Calibration(slope=round(relevance.slope, 4), intercept=round(relevance.intercept, 4))
    changes = {"verdicts": tuple(fit.model for fit in fits), "calibration": calibration}
    spec = read_spec(folder).model_copy(update=changes)
    write_atomically(folder / SPEC_FILE, spec.model_dump_json(indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graded", type=Path, metavar="GRADED")
    parser.add_argument("--reranker", type=Path, default=RERANKER_FOLDER)
    parser.add_argument("--pools", nargs="+", default=[], help="all unless given")
    parser.add_argument("--store", type=Path, default=Path("build/verdicts"))
    parser.add_argument("--samples", type=Path, default=Path("build/verdicts.json"), help="read if it is there")
    parser.add_argument("--scores", type=Path, help="file to keep the reranker's scores in")
    parser.add_argument("--questions", type=int, default=0, help="with an answer, of each pool; 0: all")
    parser.add_argument("--write", action="store_true", help="into the reranker's reranker.json")
    options = parser.parse_args()
    samples = _samples(options)
    if missing := set(options.pools) - {each.group for each in samples}:
        parser.error(f"{options.samples} has no {listed(sorted(missing))}: delete it, or name another --samples file")
    if options.pools:
        samples = [each for each in samples if each.group in options.pools]
    fits = [
        fit_verdicts([each for each in samples if set(names) <= each.evidence.keys()], names)
        for names in (WITH_RETRIEVAL, SCORES_ONLY)
    ]
    for fit in fits:
        print(fit.model)
        show(pool_table(fit))
        show(level_table(fit))
    show(evidence_table(samples))
    spec = read_spec(options.reranker)
    show(present_table(samples, spec.verdicts))
    for group in (by_pool, by_length):
        show(reliability_table(first_hits(samples, group), spec.calibration.logistic))
    relevance = fit_logistic(list(first_hits(samples, by_pool).values()))
    print(f"relevance: {relevance}")
    if options.write:
        write(options.reranker, fits, relevance)


def _samples(options: argparse.Namespace) -> list[VerdictSample]:
    """Return the samples of the file, which is written if it is not there."""
    if not options.samples.is_file():

        async def run() -> list[VerdictSample]:
            return await collect(
                [pool.judged for pool in chosen(options.graded, options.pools)],
                reranker=options.reranker,
                store=options.store,
                questions=options.questions,
                scores=options.scores,
            )

        found = anyio.run(run)
        options.samples.parent.mkdir(parents=True, exist_ok=True)
        options.samples.write_bytes(_SAMPLES.dump_json(found))
    return _SAMPLES.validate_json(options.samples.read_bytes())


if __name__ == "__main__":
    main()
