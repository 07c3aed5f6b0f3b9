"""Tables of a run over graded lists, and of two runs side by side."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TypeAlias

from rich.table import Table

from resift.benchmarks.graded.outcomes import MAIN, NDCG_5, NDCG_10, RIGHT_FIRST, GradedOutcome, GradedRun
from resift.evaluation.measures import paired_bootstrap

SEED = 1
SAME = 1e-9  # measures that differ by less are equal

Pairs: TypeAlias = Mapping[str, Sequence[tuple[float, float]]]
"""Values before and after, question by question, by measure."""

GROUPS: Mapping[str, Callable[[GradedOutcome], str]] = {
    "pool": lambda each: each.pool,
    "style": lambda each: each.style or "-",
    "query": lambda each: "negation or exclusion" if each.excludes else "neither",
    "half": lambda each: f"half {each.half}",
    "": lambda each: "all",
}


def system_table(run: GradedRun) -> Table:
    """Return the means of every system, its gain in both halves, and how many questions it helped and hurt."""
    first = run.systems[0]
    title = f"{len(run.outcomes)} questions; {run.left_out} that nothing answers are left out; reranker {run.reranker}"
    table = Table("system", NDCG_5, NDCG_10, RIGHT_FIRST, "helped", "hurt", "half 1", "half 2", title=title)
    for name in run.systems:
        pairs = _pairs(run.outcomes, first, name)
        means = [fmean(after for _, after in pairs[measure]) for measure in (NDCG_5, NDCG_10)]
        right = fmean(after for _, after in pairs[RIGHT_FIRST])
        halves = [_pairs([each for each in run.outcomes if each.half == half], first, name)[MAIN] for half in (1, 2)]
        compared = [*map(str, counts(pairs[MAIN])), *map(_gain, halves)] if name != first else [""] * 4
        table.add_row(name, *(f"{mean:.4f}" for mean in means), f"{right:.1%}", *compared)
    return table


def group_table(run: GradedRun, system: str) -> Table:
    """Return how one system compares with the first by pool, style, words of exclusion, half, and in all."""
    title = f"{system} against {run.systems[0]}"
    return _compared(run.outcomes, title, lambda each: (each.values[run.systems[0]], each.values[system]))


def run_tables(before: GradedRun, after: GradedRun, system: str) -> list[Table]:
    """Return how a system of one run compares with that of another on the questions of both."""
    former = {(each.pool, each.query): each.values[system] for each in before.outcomes}
    both = [each for each in after.outcomes if (each.pool, each.query) in former]
    title = f"{system}: {after.reranker} against {before.reranker}"
    table = _compared(both, title, lambda each: (former[each.pool, each.query], each.values[system]))
    intervals = Table("measure", "difference", "95 % interval", title=f"{len(both)} questions of both runs")
    for measure in (NDCG_5, NDCG_10, RIGHT_FIRST):
        differences = [each.values[system][measure] - former[each.pool, each.query][measure] for each in both]
        found = paired_bootstrap(differences, seed=SEED)
        intervals.add_row(measure, f"{found.mean:+.4f}", f"{found.low:+.4f} to {found.high:+.4f}")
    return [table, intervals]


def counts(pairs: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """Return how many values rose, and how many fell."""
    differences = [after - before for before, after in pairs]
    return sum(each > SAME for each in differences), sum(each < -SAME for each in differences)


def _compared(
    outcomes: Sequence[GradedOutcome],
    title: str,
    values: Callable[[GradedOutcome], tuple[Mapping[str, float], Mapping[str, float]]],
) -> Table:
    columns = ("questions", "asked", NDCG_5, "", "gain", NDCG_10, "", RIGHT_FIRST, "", "helped", "hurt")
    table = Table(*columns, title=f"{title}: before, after; helped and hurt in {MAIN}")
    for group in GROUPS.values():
        for name in sorted({group(each) for each in outcomes}):
            chosen = [values(each) for each in outcomes if group(each) == name]
            pairs = {measure: [(one[measure], two[measure]) for one, two in chosen] for measure in chosen[0][0]}
            cells = [
                *_means(pairs[NDCG_5]),
                _gain(pairs[NDCG_5]),
                *_means(pairs[NDCG_10]),
                *_means(pairs[RIGHT_FIRST], "{:.0%}"),
            ]
            table.add_row(name, str(len(chosen)), *cells, *map(str, counts(pairs[MAIN])))
        table.add_section()
    return table


def _pairs(outcomes: Sequence[GradedOutcome], before: str, after: str) -> Pairs:
    measures = (NDCG_5, NDCG_10, RIGHT_FIRST)
    return {name: [(each.values[before][name], each.values[after][name]) for each in outcomes] for name in measures}


def _means(pairs: Sequence[tuple[float, float]], form: str = "{:.4f}") -> list[str]:
    return [form.format(fmean(column)) for column in zip(*pairs, strict=True)]


def _gain(pairs: Sequence[tuple[float, float]]) -> str:
    return f"{fmean(after - before for before, after in pairs):+.4f}" if pairs else "-"
