"""The report as one HTML page: no scripts, no external resources, light and dark colours."""

from collections.abc import Iterable, Sequence
from html import escape

from ...core.text import agreeing, listed
from ..compare import Change, Comparison
from ..judged import describe_left_out
from ..measures import Difference
from ..sweep import Milliseconds
from ..systems import FINAL, FIRST_STAGE
from .content import EvaluationReport
from .plots import plot_differences, plot_sweep, to_svg

_STYLE = """
:root { color-scheme: light dark; --edge: #8886; --mark: #3a9d5d22 }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
.key { border-left: 3px solid #3a9d5d; padding: .1rem 0 .1rem 1rem } .scroll { overflow-x: auto }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: .3rem 0 }
th, td { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--edge); text-align: right; vertical-align: top }
th:first-child, td:first-child, .text { text-align: left }
tr.mark { background: var(--mark) }
svg { width: 100%; height: auto; font-family: inherit } footer, .note { opacity: .75; font-size: .9em }
"""

_META = """\
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
"""

Row = Sequence[str]


def to_html(report: EvaluationReport) -> str:
    """Return the report as an HTML page."""
    subject = report.subject
    title = f"Resift on {subject.name}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(describe(report))}</p>",
        *(f"<p>{escape(line)}</p>" for line in describe_left_out(report, split=subject.split)),
        f'<div class="key"><p>{escape(report.ceiling.prediction)}</p><p>{escape(report.sweep.advice)}</p></div>',
        "<h2>Systems</h2>",
        _systems(report),
        *(f"<p>{escape(line)}</p>" for line in [*describe_fallbacks(report), *describe_costs(report)]),
        "<h2>Reranking depth, in documents</h2>",
        to_svg(plot_sweep(report.sweep), title="Quality and added milliseconds by depth"),
        _depths(report),
        *(f"<p>{escape(line)}</p>" for line in describe_times(report)),
        "<h2>Query by query</h2>",
        to_svg(plot_differences(report), title=f"Change in nDCG@10 from {FIRST_STAGE} to {FINAL}"),
        *(_comparison(each) for each in report.comparisons),
        f"<footer><p>Resift {escape(subject.version)}, {escape(subject.created)}. Measures by ir-measures. Intervals: "
        f"paired bootstrap over queries, 95 %, seed {subject.seed}.</p></footer>",
    ]
    head = f"{_META}<title>{escape(title)}</title>\n<style>{_STYLE}</style>"
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def describe(report: EvaluationReport) -> str:
    """Return a sentence that says what was evaluated."""
    subject = report.subject
    split = f" ({subject.split})" if subject.split else ""
    early = f" ({FINAL!r} stops early)" if report.target.stops_early else ""
    queries = f"{report.queries:,} {agreeing(report.queries, 'query', 'queries')}"
    return (
        f"{queries}{split} over {subject.documents:,} documents of collection "
        f"{report.target.collection}; reranker {subject.model}, depth {report.target.depth}{early}."
    )


def describe_fallbacks(report: EvaluationReport) -> list[str]:
    """Return a line on the systems in which a stage failed for the same queries, if there are any."""
    return [
        f"{listed(each.systems)}: a stage failed for {len(each.queries):,} of {report.queries:,} queries: "
        f"{listed(each.queries)}. They count in the order that a search gives then, mostly that of the stage before. "
        f"{'The reason' if len(each.queries) == 1 else 'The first reason'}: {each.reason}"
        for each in report.fallbacks
    ]


def describe_costs(report: EvaluationReport) -> list[str]:
    """Return a line on the cost of each system, and of the comparison of depths, that calls a language model."""
    usages = {row.name: row.usage for row in report.systems}
    depths = listed([str(each.depth) for each in report.sweep.depths])
    usages[f"Comparison of the depths {depths}"] = report.sweep_usage
    return [
        f"{name}: {usage.calls:,} language model calls for {report.queries:,} queries, "
        f"{usage.tokens_in:,} input tokens, {usage.tokens_out:,} output tokens."
        for name, usage in usages.items()
        if usage.calls
    ]


def as_cells(times: Milliseconds | None) -> tuple[str, str]:
    """Return the median and the 95th percentile for a table."""
    return ("-", "-") if times is None else (f"{times.p50:.1f}", f"{times.p95:.1f}")


def describe_times(report: EvaluationReport) -> list[str]:
    """Return a line on the times that were not measured, if there are any."""
    if all(each.added is not None for each in [*report.systems, *report.sweep.depths]):
        return []
    return [
        "Times shown as - were not measured. Scores of an endpoint came from requests for more passages, of which each "
        "has a fixed cost, or an order of a language model was known from another row. Other times of an endpoint are "
        "those of whole requests."
    ]


def _systems(report: EvaluationReport) -> str:
    measures = list(report.systems[0].measures)
    rows = [
        [
            each.name,
            *(f"{each.measures[name]:.4f}" for name in measures),
            *as_cells(each.total),
            *as_cells(each.added),
        ]
        for each in report.systems
    ]
    return _table(["system", *measures, "p50 ms", "p95 ms", "added p50", "added p95"], rows)


def _depths(report: EvaluationReport) -> str:
    rows = [
        [
            str(each.depth),
            *(f"{value:.4f}" for value in (each.ceiling, each.recall_at_5, each.ndcg_at_10)),
            *as_cells(each.added),
        ]
        for each in report.sweep.depths
    ]
    sweep = report.sweep
    is_shown = sweep.decides and sweep.is_plateau
    shaded = [is_shown and each.depth >= sweep.recommended for each in sweep.depths]
    heading = ["depth", "R@depth", "R@5", "nDCG@10", "added p50 ms", "added p95 ms"]
    return _table(
        heading, rows, caption="Quality no longer rises in the shaded rows" if any(shaded) else "", shaded=shaded
    )


def _comparison(comparison: Comparison) -> str:
    rows = [[name, f"{each.mean:+.4f}", *_interval(each)] for name, each in comparison.differences.items()]
    title = f"{comparison.system} compared with {comparison.against}"
    helped = f"{comparison.helped} {agreeing(comparison.helped, 'query', 'queries')}"
    counts = f"{helped} helped, {comparison.hurt} hurt, {comparison.tied} tied, by nDCG@10."
    return "\n".join(
        [
            f"<h3>{escape(title)}</h3>",
            f"<p>{counts}</p>",
            _table(["measure", "difference", "95 % interval", "excludes 0"], rows),
            _changes("Helped most", comparison.most_helped),
            _changes("Hurt most", comparison.most_hurt),
        ]
    )


def _interval(difference: Difference) -> tuple[str, str]:
    """Return the interval, and whether it excludes 0; neither if there are too few questions."""
    if not difference.decides:
        return "too few questions", "-"
    return f"{difference.low:+.4f} to {difference.high:+.4f}", "yes" if difference.is_significant else "no"


def _changes(caption: str, changes: Sequence[Change]) -> str:
    rows = [
        [each.query, f"{each.before:.3f}", f"{each.after:.3f}", _rank(each.rank_before), _rank(each.rank_after)]
        for each in changes
    ]
    heading = ["query", "nDCG@10 before", "after", "first relevant before", "after"]
    return _table(heading, rows, caption=caption) if rows else ""


def _rank(rank: int) -> str:
    return f"#{rank}" if rank else "none"


def _table(heading: Row, rows: Iterable[Row], *, caption: str = "", shaded: Sequence[bool] = ()) -> str:
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(f"<th>{escape(each)}</th>" for each in heading)
    lines: list[str] = []
    for number, row in enumerate(rows):
        mark = " class=mark" if number < len(shaded) and shaded[number] else ""
        lines.append(f"<tr{mark}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>")
    return f'<div class="scroll"><table>{title}<tr>{head}</tr>\n' + "\n".join(lines) + "\n</table></div>"
