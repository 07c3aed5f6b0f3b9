"""Tables of `resift eval` for the terminal."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from ...evaluation.compare import Change, Comparison
from ...evaluation.judged import MIN_QUESTIONS, describe_left_out
from ...evaluation.report.content import EvaluationReport
from ...evaluation.report.web_page import as_cells, describe, describe_costs, describe_fallbacks, describe_times
from .console import say, show

MAX_QUERY_CHARACTERS = 70


def print_evaluation(report: EvaluationReport) -> None:
    """Print a report."""
    for failure in report.failures:
        say(f"Not ingested: {failure.source}: {failure.reason}", style="yellow")
    say(describe(report))
    left_out = describe_left_out(report, split=report.subject.split)
    for line in [*left_out, *describe_fallbacks(report)]:
        say(line, style="yellow")
    show(_systems_table(report))
    for line in describe_costs(report):
        say(line)
    for baseline in dict.fromkeys(each.against for each in report.comparisons):
        show(_differences_table([each for each in report.comparisons if each.against == baseline]))
    final = report.comparisons[-1]  # the HTML page shows the changes by every system
    for title, changes in (("Helped most", final.most_helped), ("Hurt most", final.most_hurt)):
        if changes:
            show(_changes_table(f"{title} by {final.system}", changes))
    show(_depths_table(report))
    for line in describe_times(report):
        say(line)
    for line in (report.ceiling.prediction, report.sweep.advice):
        say(line, style="bold")


def _systems_table(report: EvaluationReport) -> Table:
    measures = list(report.systems[0].measures)
    table = Table(title=f"Systems; R@{report.ceiling.depth} before reranking: {report.ceiling.recall:.4f}")
    table.add_column("system")
    for heading in [*measures, "p50 ms", "p95 ms", "added p50", "added p95"]:
        table.add_column(heading, justify="right")
    for each in report.systems:
        values = [f"{each.measures[name]:.4f}" for name in measures]
        table.add_row(each.name, *values, *as_cells(each.total), *as_cells(each.added))
    return table


def _differences_table(comparisons: Sequence[Comparison]) -> Table:
    measures = list(comparisons[0].differences)
    decides = all(of.decides for of in comparisons[0].differences.values())
    intervals = "with 95 % intervals" if decides else f"without intervals: these need {MIN_QUESTIONS} questions"
    title = f"Differences from {comparisons[0].against}, {intervals}"
    table = Table("system", *measures, "helped / hurt / tied", title=title)
    for each in comparisons:
        cells = [
            f"{of.mean:+.4f}\n[{of.low:+.3f}, {of.high:+.3f}]" if of.decides else f"{of.mean:+.4f}"
            for of in each.differences.values()
        ]
        counts = f"{each.helped} / {each.hurt} / {each.tied}"
        table.add_row(each.system, *map(escape, cells), counts)
    return table


def _changes_table(title: str, changes: Sequence[Change]) -> Table:
    table = Table("query", "nDCG@10", "first relevant", title=title)
    for each in changes:
        is_short = len(each.query) <= MAX_QUERY_CHARACTERS
        query = each.query if is_short else f"{each.query[:MAX_QUERY_CHARACTERS]}…"
        ranks = " -> ".join(f"#{rank}" if rank else "none" for rank in (each.rank_before, each.rank_after))
        table.add_row(escape(query), f"{each.before:.3f} -> {each.after:.3f}", ranks)
    return table


def _depths_table(report: EvaluationReport) -> Table:
    sweep = report.sweep
    table = Table(title="Reranking depth, in documents")
    for heading in ("depth", "R@depth", "R@5", "nDCG@10", "added p50 ms", "added p95 ms", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for each in sweep.depths:
        values = (each.ceiling, each.recall_at_5, each.ndcg_at_10)
        gains_nothing = sweep.is_plateau and each.depth > sweep.recommended
        mark = "recommended" if each.depth == sweep.recommended else "no more gain" if gains_nothing else ""
        cells = (str(each.depth), *(f"{v:.4f}" for v in values), *as_cells(each.added))
        table.add_row(*cells, mark if sweep.decides else "")
    return table
