"""Plots of a report: SVG in the text colour of the page around it, or PNG."""

import re
from collections.abc import Sequence
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from ..sweep import DepthSweep
from ..systems import FINAL, FIRST_STAGE
from .content import EvaluationReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure


INK = "#123456"  # placeholder for the text colour of the page, currentColor in SVG

BLUE, ORANGE, GREEN, RED = "#3b82c4", "#d9822b", "#3a9d5d", "#d2504b"  # legible on white and on near-black

DPI = 150


def plot_sweep(sweep: DepthSweep, *, ink: str = INK) -> "Figure":
    """Return quality above and added milliseconds below, by depth.

    If there are enough questions to decide, the recommended depth is marked, and depths that gain nothing are shaded.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    axes: Any = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    quality, time = axes
    depths = [each.depth for each in sweep.depths]
    quality.plot(depths, [each.ceiling for each in sweep.depths], ":", color=ink, label="R@depth (ceiling)")
    quality.plot(depths, [each.recall_at_5 for each in sweep.depths], "o-", color=BLUE, label="R@5")
    quality.plot(depths, [each.ndcg_at_10 for each in sweep.depths], "s-", color=ORANGE, label="nDCG@10")
    quality.set_ylabel("quality")
    added = [(each.depth, each.added) for each in sweep.depths if each.added is not None]
    measured = [depth for depth, _ in added]
    time.plot(measured, [each.p50 for _, each in added], "o-", color=GREEN, label="p50")
    time.plot(measured, [each.p95 for _, each in added], "o--", color=RED, label="p95")
    time.set_ylabel("added milliseconds")
    time.set_ylim(bottom=0)
    time.set_xlabel("documents reranked")
    for each in (quality, time):
        each.set_xticks(depths)
        if sweep.decides:
            each.axvline(sweep.recommended, color=ink, linewidth=0.8, linestyle="--", label="recommended")
        if sweep.decides and sweep.is_plateau:
            each.axvspan(sweep.recommended, depths[-1], color=GREEN, alpha=0.12, label="no more gain")
        _style(each, ink)
    return figure


def plot_differences(report: EvaluationReport) -> "Figure":
    """Return the change in nDCG@10 of each query under the final system, largest gain first."""
    from matplotlib.figure import Figure

    before, after = report.by_query[FIRST_STAGE], report.by_query[FINAL]
    changes = sorted((after[key] - before[key] for key in after), reverse=True)
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    axes: Any = figure.subplots()
    axes.bar(range(len(changes)), changes, width=1.0, color=[GREEN if each > 0 else RED for each in changes])
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("queries, largest gain first")
    axes.set_ylabel("change in nDCG@10")
    _style(axes, INK, legend=False)
    return figure


def to_svg(figure: "Figure", *, title: str) -> str:
    """Return an `<svg>` element in the text colour of the page; `title` is its label for screen readers."""
    import matplotlib as mpl

    written = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # Text stays text, in the font of the page. The salt makes ids, and so the output, reproducible.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": title}):  # pyright: ignore[reportUnknownMemberType]
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)  # pyright: ignore[reportUnknownMemberType]
    element = written.getvalue()[written.getvalue().index("<svg") :].replace(INK, "currentColor")
    element = re.sub(r'(<svg [^>]*?)width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg [^>]*?)height="[^"]*"', rf'\1role="img" aria-label="{title}"', element, count=1)
    return element.strip()


def to_png(figure: "Figure") -> bytes:
    """Return the figure on a white background."""
    written = BytesIO()
    figure.savefig(written, format="png", dpi=DPI, facecolor="white")  # pyright: ignore[reportUnknownMemberType]
    return written.getvalue()


def _style(axes: Any, ink: str, *, legend: bool = True) -> None:
    axes.patch.set_alpha(0)
    axes.tick_params(colors=ink, labelsize=9)
    axes.yaxis.label.set_color(ink)
    axes.xaxis.label.set_color(ink)
    axes.grid(visible=True, color=ink, alpha=0.15, linewidth=0.6)
    hidden: Sequence[str] = ("top", "right")
    for side, spine in axes.spines.items():
        spine.set_visible(side not in hidden)
        spine.set_color(ink)
    if legend:
        axes.legend(frameon=False, labelcolor=ink, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
